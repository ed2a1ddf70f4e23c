-- Who is billed. A follow-up brings only who is new in it.
create table arrivals as
select *
from subscribers
where (part = 'newcomer') = getvariable('is_follow_up');

create table account_heads as
select
    account_n as n,
    billing_account_id,
    customer_id,
    arg_min(part, n) as part,
    arg_min(area, n) as area,
    min(activated_date) as opened_date,
    pick(100, 'post', account_n, 0) < 8 as is_by_post,
    account_n in (2, 5, 6) or pick(100, 'organisation', account_n, 0) < 7 as is_organisation,
from arrivals
group by all;

create view export_customers as
with named as (
    select
        *,
        [
            'Anna', 'Ben', 'Çiğdem', 'David', 'Elif', 'Finn', 'Grażyna', 'Håkon', 'Ines', 'Jörg',
            'Katharina', 'Liam', 'Maëlle', 'Nils', 'Oğuz', 'Paula', 'Quirin', 'René', 'Søren', 'Thérèse',
            'Ulrike', 'Vojtěch', 'Wiebke', 'Yara'
        ][1 + pick(24, 'first name', n, 0)] as first_name,
        [
            'Ahrens', 'Bäcker', 'Carstensen', 'Dvořák', 'Eßer', 'Fröhlich', 'García', 'Hansen',
            'Iversen', 'Jürgens', 'Kowalski', 'Lüders', 'Møller', 'Nowak', 'Öztürk', 'Petersen',
            'Quast', 'Rößler', 'Schröder', 'Thomsen', 'Uhl', 'Vogt', 'Wulf', 'Yılmaz', 'Zeller'
        ][1 + pick(25, 'last name', n, 0)] as last_name,
        [
            'Bäckerei', 'Fahrradhaus', 'Reederei', 'Tischlerei', 'Gärtnerei', 'Buchhandlung'
        ][1 + pick(6, 'trade', n, 0)] as trade,
        [
            ['20095', 'Hamburg'], ['24103', 'Kiel'], ['28195', 'Bremen'], ['10115', 'Berlin'],
            ['50667', 'Köln'], ['80331', 'München'], ['23552', 'Lübeck'], ['18055', 'Rostock'],
            ['33602', 'Bielefeld'], ['97070', 'Würzburg']
        ][1 + pick(10, 'city', n, 0)] as place,
    from account_heads
)

select
    customer_id,
    if(is_organisation, 'organisation', 'person') as customer_type,
    -- the first six test whoever shows a name: scripts, markup, a formula, quotes
    case n
        when 1 then 'Zoë Ångström-Müller'
        when 2 then 'José <b>&Co</b>'
        when 3 then 'Ελένη Παπαδοπούλου'
        when 4 then 'Łucja Żółkiewska'
        when 5 then '=1+1 Tabellen GmbH'
        when 6 then 'Nordlicht, "Süd" & Söhne KG'
        else if(is_organisation, trade || ' ' || last_name || ' GmbH', first_name || ' ' || last_name)
    end as customer_name,
    if(is_by_post, null, 'customer' || n || if(n % 3 = 0, '@example.net', '@example.org')) as email,
    [
        'Am Deich', 'Brückenweg', 'Fischmarkt', 'Große Straße', 'Kleine Gasse', 'Lindenallee',
        'Möwenstieg', 'Nordring'
    ][1 + pick(8, 'street', n, 0)] || ' ' || (1 + pick(120, 'house', n, 0)) as street,
    place[1] as postal_code,
    place[2] as city,
    'DE' as country_code,
    -- no real German VAT number starts with a zero
    if(is_organisation, 'DE0' || lpad(cast(n as varchar), 8, '0'), null) as vat_number,
    opened_date as valid_from,
from named
order by customer_id;

create view export_billing_accounts as
select
    billing_account_id,
    customer_id,
    'nordwind' as legal_entity_id,
    'monthly_1' as bill_cycle_id,
    'EUR' as currency_code,
    getvariable('zone') as time_zone,
    if(pick(5, 'language', n, 0) = 0, 'en', 'de') as language,
    if(is_by_post, 'post', 'email') as delivery_channel,
    'Region ' || area as sales_region,
    opened_date,
    cast(null as date) as closed_date,
    opened_date as valid_from,
from account_heads
order by billing_account_id;

create view export_subscriptions as
select
    subscription_id,
    billing_account_id,
    activated_date,
    terminated_date,
    activated_date as valid_from,
from arrivals
order by subscription_id;

create table plan_history as
select subscription_id, plan_id, activated_date as valid_from,
    coalesce(plan_change_date, terminated_date) as valid_to, part
from arrivals
union all
select subscription_id, next_plan_id, plan_change_date, terminated_date, part
from arrivals
where plan_change_date is not null
union all
select
    subscription_id,
    unnest(list_filter(
        [
            if(has_international_plan, 'option_international', null),
            if(has_voice_mail_plan, 'option_voicemail', null),
            if(has_roaming_option, 'option_roaming', null),
            if(has_data_option, 'option_data_5gb', null)
        ],
        lambda plan: plan is not null
    )),
    activated_date,
    terminated_date,
    part,
from arrivals;

create view export_subscription_plans as
select subscription_id, plan_id, valid_from, valid_to
from plan_history
order by subscription_id, valid_from, plan_id;

create view export_subscription_identifiers as
select
    subscription_id,
    'msisdn' as identifier_type,
    identifier,
    local_midnight_text(activated_date) as valid_from,
    local_midnight_text(terminated_date) as valid_to,
from arrivals
order by subscription_id;

create view export_one_off_charges as
with charged as (
    select subscription_id, n, 'SIM replacement' as description, 9.90 as amount
    from subscribers
    where
        part = 'none' and is_active
        and (n = 7 or pick(250, 'sim', n, 0) = 0)
    union all
    select subscription_id, n, 'Goodwill credit', -15.00
    from subscribers
    where
        part = 'none' and is_active
        and (n = 11 or pick(1000, 'goodwill', n, 0) = 0)
    union all
    select subscription_id, n, 'Settlement of a claim', -600.00
    from subscribers
    where part = 'negative_total' and not getvariable('is_follow_up')
)

select
    'OC-' || strftime(getvariable('month'), '%Y%m') || '-'
    || lpad(cast(row_number() over (order by n, description) as varchar), 4, '0')
        as one_off_charge_id,
    subscription_id,
    description,
    amount,
    'EUR' as currency_code,
    getvariable('month') + cast(pick(28, 'charged', n, description) as integer) as charged_date,
    'S' as tax_category,
from charged
order by one_off_charge_id;
