with

accounts as (

    select
        pass_id,
        billing_account_id,
        bill_date
    from {{ ref('int_accounts__in_scope') }}

),

subscriptions as (

    select
        subscription_id,
        billing_account_id
    from {{ ref('int_subscriptions__dated') }}
    where is_current

),

one_off_charges as (

    select * from {{ ref('stg_landing__one_off_charges') }}

),

issued as (

    select distinct source_id
    from {{ ref('stg_issued__charges') }}
    where charge_type = 'one_off'

),

due as (

    select
        accounts.pass_id,
        accounts.billing_account_id,
        one_off_charges.subscription_id,
        one_off_charges.one_off_charge_id,
        one_off_charges.description,
        one_off_charges.currency_code,
        one_off_charges.tax_category,
        cast(one_off_charges.amount as decimal(18, 6)) as amount,
        one_off_charges.charged_date
    from accounts
    inner join subscriptions on accounts.billing_account_id = subscriptions.billing_account_id
    inner join one_off_charges
        on
            subscriptions.subscription_id = one_off_charges.subscription_id
            and one_off_charges.charged_date < accounts.bill_date
    left join issued on one_off_charges.one_off_charge_id = issued.source_id
    where issued.source_id is null

)

select * from due
