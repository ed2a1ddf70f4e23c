with

accounts as (

    select
        pass_id,
        billing_account_id,
        crm_sequence,
        bill_date
    from {{ ref('int_accounts__in_scope') }}

),

subscriptions as (

    select
        crm_sequence,
        subscription_id,
        billing_account_id,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('int_subscriptions__known') }}

),

one_off_charges as (

    select * from {{ ref('stg_landing__one_off_charges') }}

),

issued as (

    select distinct
        source_id,
        subscription_id
    from {{ ref('stg_issued__charges') }}
    where charge_type = 'one_off'

),

charge_codes as (

    select charge_code
    from {{ ref('charge_codes') }}
    where charge_type = 'one_off'

),

-- Whoever pays for the subscription on the bill date, by what the pass knows.
due as (

    select
        accounts.pass_id,
        accounts.billing_account_id,
        one_off_charges.subscription_id,
        coalesce(charge_codes.charge_code, 'one_off') as charge_code,
        one_off_charges.one_off_charge_id,
        one_off_charges.corrected_charge_id,
        one_off_charges.description,
        one_off_charges.currency_code,
        one_off_charges.tax_category,
        cast(one_off_charges.amount as decimal(18, 6)) as amount,
        one_off_charges.charged_date
    from accounts
    inner join subscriptions
        on
            accounts.billing_account_id = subscriptions.billing_account_id
            and accounts.crm_sequence = subscriptions.crm_sequence
            and accounts.bill_date >= subscriptions.valid_from
            and accounts.bill_date < subscriptions.valid_to
    inner join one_off_charges
        on
            subscriptions.subscription_id = one_off_charges.subscription_id
            and one_off_charges.charged_date < accounts.bill_date
            and one_off_charges.landing_sequence <= accounts.crm_sequence
            and coalesce(one_off_charges.superseded_sequence, accounts.crm_sequence + 1)
            > accounts.crm_sequence
    left join charge_codes on one_off_charges.charge_code = charge_codes.charge_code
    left join issued
        on
            one_off_charges.one_off_charge_id = issued.source_id
            and one_off_charges.subscription_id = issued.subscription_id
    where issued.source_id is null

),

-- Beside what was ordered one by one, what follows from leaving.
united as (

    select * from due
    union all
    select
        pass_id,
        billing_account_id,
        subscription_id,
        'early_termination' as charge_code,
        contract_id as one_off_charge_id,
        cast(null as string) as corrected_charge_id,
        cast(null as string) as description,
        currency_code,
        tax_category,
        amount,
        charged_date
    from {{ ref('int_charges__contract_fees') }}
    union all
    select
        pass_id,
        billing_account_id,
        cast(null as string) as subscription_id,
        'deposit' as charge_code,
        deposit_id as one_off_charge_id,
        cast(null as string) as corrected_charge_id,
        cast(null as string) as description,
        currency_code,
        tax_category,
        amount,
        charged_date
    from {{ ref('int_charges__deposits') }}

)

select * from united
