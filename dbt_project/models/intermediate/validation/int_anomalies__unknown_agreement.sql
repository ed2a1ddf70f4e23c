with

rule as (

    select
        pass_id,
        rule_id
    from {{ ref('int_review_rules__in_scope') }}
    where rule_id = 'unknown_agreement'

),

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
        billing_account_id
    from {{ ref('int_subscriptions__known') }}

),

charges as (

    select distinct
        plan_id,
        charge_code
    from {{ ref('recurring_charges') }}

),

overrides as (

    select * from {{ ref('stg_landing__price_overrides') }}

),

usage_overrides as (

    select
        agreed.*,
        rated_plans.plan_id as priced_plan_id
    from {{ ref('stg_landing__rate_plan_overrides') }} as agreed
    left join {{ ref('plans') }} as rated_plans
        on agreed.plan_id = rated_plans.plan_id and rated_plans.rate_plan_id is not null

),

contracts as (

    select * from {{ ref('stg_landing__subscription_contracts') }}

),

contract_terms as (

    select
        contract_term_id,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('contract_terms') }}

),

-- A price that no recurring charge can ever have.
odd_prices as (

    select distinct
        accounts.pass_id,
        accounts.billing_account_id,
        concat(
            'price ', overrides.price_override_id, ' of charge code ', overrides.charge_code,
            case
                when overrides.plan_id is null then ''
                else concat(' on plan ', overrides.plan_id)
            end
        ) as seen
    from accounts
    left join subscriptions
        on
            accounts.billing_account_id = subscriptions.billing_account_id
            and accounts.crm_sequence = subscriptions.crm_sequence
    inner join overrides
        on
            (
                overrides.billing_account_id = accounts.billing_account_id
                or overrides.subscription_id = subscriptions.subscription_id
            )
            and overrides.valid_from <= accounts.bill_date
            and overrides.landing_sequence <= accounts.crm_sequence
            and coalesce(overrides.superseded_sequence, accounts.crm_sequence + 1)
            > accounts.crm_sequence
    left join charges
        on
            overrides.charge_code = charges.charge_code
            and coalesce(overrides.plan_id, charges.plan_id) = charges.plan_id
    where charges.plan_id is null

),

odd_usage_prices as (

    select distinct
        accounts.pass_id,
        accounts.billing_account_id,
        concat(
            'usage prices ', overrides.rate_plan_override_id, ' of plan ', overrides.plan_id
        ) as seen
    from accounts
    left join subscriptions
        on
            accounts.billing_account_id = subscriptions.billing_account_id
            and accounts.crm_sequence = subscriptions.crm_sequence
    inner join usage_overrides as overrides
        on
            (
                overrides.billing_account_id = accounts.billing_account_id
                or overrides.subscription_id = subscriptions.subscription_id
            )
            and overrides.valid_from <= accounts.bill_date
            and overrides.landing_sequence <= accounts.crm_sequence
            and coalesce(overrides.superseded_sequence, accounts.crm_sequence + 1)
            > accounts.crm_sequence
    where overrides.priced_plan_id is null

),

odd_contracts as (

    select distinct
        accounts.pass_id,
        accounts.billing_account_id,
        concat('contract ', contracts.contract_id, ' of term ', contracts.contract_term_id) as seen
    from accounts
    inner join subscriptions
        on
            accounts.billing_account_id = subscriptions.billing_account_id
            and accounts.crm_sequence = subscriptions.crm_sequence
    inner join contracts
        on
            subscriptions.subscription_id = contracts.subscription_id
            and contracts.landing_sequence <= accounts.crm_sequence
            and coalesce(contracts.superseded_sequence, accounts.crm_sequence + 1)
            > accounts.crm_sequence
    left join contract_terms
        on
            contracts.contract_term_id = contract_terms.contract_term_id
            and contracts.started_date >= contract_terms.valid_from
            and contracts.started_date < contract_terms.valid_to
    where contract_terms.contract_term_id is null

),

odd as (

    select * from odd_prices
    union all
    select * from odd_usage_prices
    union all
    select * from odd_contracts

),

past as (

    select
        billing_account_id,
        max(total_amount) as largest_amount
    from {{ ref('int_bills__past') }}
    group by billing_account_id

),

found as (

    select
        odd.pass_id,
        odd.billing_account_id,
        rule.rule_id,
        odd.seen,
        'a charge, usage prices or a contract term of the tariff' as expected,
        coalesce(past.largest_amount, cast(0 as decimal(18, 4))) as amount_at_stake
    from odd
    inner join rule on odd.pass_id = rule.pass_id
    left join past on odd.billing_account_id = past.billing_account_id

)

select * from found
