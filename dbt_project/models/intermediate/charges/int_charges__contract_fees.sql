with

accounts as (

    select
        pass_id,
        billing_account_id,
        crm_sequence,
        bill_date,
        coalesce(closed_date, cast('9999-12-31' as date)) as closed_date
    from {{ ref('int_accounts__in_scope') }}

),

subscriptions as (

    select
        crm_sequence,
        subscription_id,
        billing_account_id,
        coalesce(terminated_date, cast('9999-12-31' as date)) as terminated_date,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('int_subscriptions__known') }}

),

contracts as (

    select * from {{ ref('stg_landing__subscription_contracts') }}

),

contract_terms as (

    select
        contract_term_id,
        term_months,
        fee_rule,
        fee_amount,
        currency_code,
        tax_category,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('contract_terms') }}

),

issued as (

    select
        source_id as contract_id,
        cast(sum(amount) as decimal(18, 6)) as charged_amount,
        max(currency_code) as currency_code,
        max(tax_category) as tax_category
    from {{ ref('stg_issued__charges') }}
    where charge_code = 'early_termination'
    group by source_id

),

-- The row of the term that was valid when the contract began; whoever pays on the bill date.
agreed as (

    select
        accounts.pass_id,
        accounts.billing_account_id,
        accounts.bill_date,
        contracts.contract_id,
        contracts.subscription_id,
        contracts.started_date,
        coalesce(contracts.cancelled_date, cast('9999-12-31' as date)) as cancelled_date,
        contract_terms.term_months,
        contract_terms.fee_rule,
        contract_terms.fee_amount,
        contract_terms.currency_code,
        contract_terms.tax_category,
        {{ add_months('contracts.started_date', 'contract_terms.term_months') }} as ends_date,
        least(subscriptions.terminated_date, accounts.closed_date) as left_date
    from accounts
    inner join subscriptions
        on
            accounts.billing_account_id = subscriptions.billing_account_id
            and accounts.crm_sequence = subscriptions.crm_sequence
            and accounts.bill_date >= subscriptions.valid_from
            and accounts.bill_date < subscriptions.valid_to
    inner join contracts
        on
            subscriptions.subscription_id = contracts.subscription_id
            and contracts.landing_sequence <= accounts.crm_sequence
            and coalesce(contracts.superseded_sequence, accounts.crm_sequence + 1)
            > accounts.crm_sequence
    inner join contract_terms
        on
            contracts.contract_term_id = contract_terms.contract_term_id
            and contracts.started_date >= contract_terms.valid_from
            and contracts.started_date < contract_terms.valid_to

),

-- Months that remain, a begun one whole: as many as must be taken off the end to reach the day.
counted as (

    select
        *,
        left_date <= bill_date
        and left_date >= started_date
        and left_date < ends_date
        and left_date < cancelled_date as is_left_early,
        {{ months_since_2000('ends_date') }} - {{ months_since_2000('left_date') }} as months_apart
    from agreed

),

measured as (

    select
        *,
        case
            when is_left_early
                then
                    months_apart
                    + case
                        when {{ add_months('ends_date', '-months_apart') }} > left_date then 1
                        else 0
                    end
        end as remaining_months
    from counted

),

priced as (

    select
        *,
        case
            when not is_left_early then cast(0 as decimal(18, 6))
            when fee_rule = 'per_remaining_month'
                then {{ price_units('fee_amount', 'remaining_months', '1') }}
            when fee_rule = 'declining'
                then {{ price_units(
                    'fee_amount', 'least(remaining_months, term_months)', 'term_months'
                ) }}
            else fee_amount
        end as fee
    from measured

),

-- D-046: charged once; taken back when the subscription was not left after all.
due as (

    select
        priced.pass_id,
        priced.billing_account_id,
        priced.subscription_id,
        priced.contract_id,
        case
            when coalesce(issued.charged_amount, 0) = 0 then priced.currency_code
            else issued.currency_code
        end as currency_code,
        case
            when coalesce(issued.charged_amount, 0) = 0 then priced.tax_category
            else issued.tax_category
        end as tax_category,
        priced.remaining_months,
        cast(
            case
                when coalesce(issued.charged_amount, 0) = 0 then priced.fee
                when not priced.is_left_early then -issued.charged_amount
                else 0
            end as decimal(18, 6)
        ) as amount,
        case
            when priced.is_left_early then priced.left_date
            else priced.bill_date
        end as charged_date
    from priced
    left join issued on priced.contract_id = issued.contract_id

)

select * from due
where amount <> 0
