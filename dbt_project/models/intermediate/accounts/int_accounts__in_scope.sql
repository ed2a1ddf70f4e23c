{{ config(materialized='table') }}

with

passes as (

    select * from {{ ref('int_passes__in_scope') }}

),

assigned as (

    select
        pass_id,
        billing_account_id
    from {{ ref('stg_ledger__pass_accounts') }}
    where is_current

),

versions as (

    select * from {{ ref('stg_landing__billing_accounts') }}

),

cycles as (

    select
        legal_entity_id,
        bill_cycle_id
    from {{ ref('int_bill_cycles__current') }}

),

known as (

    select
        passes.pass_id,
        passes.bill_date,
        versions.billing_account_id,
        versions.customer_id,
        versions.legal_entity_id,
        versions.bill_cycle_id,
        versions.currency_code,
        versions.time_zone,
        versions.language,
        versions.delivery_channel,
        versions.sales_region,
        versions.tax_jurisdiction,
        versions.parent_account_id,
        versions.valid_from,
        first_value(versions.opened_date) over newest_first as opened_date,
        first_value(versions.closed_date) over newest_first as closed_date
    from passes
    inner join assigned on passes.pass_id = assigned.pass_id
    inner join versions
        on
            assigned.billing_account_id = versions.billing_account_id
            and versions.landing_sequence <= passes.landing_watermark
            and coalesce(versions.superseded_sequence, passes.landing_watermark + 1)
            > passes.landing_watermark
    window
        newest_first as (
            partition by passes.pass_id, versions.billing_account_id
            order by versions.valid_from desc
        )

),

-- D-041: an account as it is on the bill date, by what had landed at the pass's cut-off. One that
-- only begins to apply later is read as it begins.
accounts as (

    select * from known
    qualify
        row_number() over (
            partition by pass_id, billing_account_id
            order by
                case when valid_from <= bill_date then 0 else 1 end,
                case
                    when valid_from <= bill_date
                        then {{ days_between('valid_from', 'bill_date') }}
                    else {{ days_between('bill_date', 'valid_from') }}
                end
        ) = 1

),

-- D-080: paid by the topmost account above it, up to three levels, that the same pass bills; an
-- account above which there is none, or only a circle, pays for itself.
payers as (

    select
        accounts.pass_id,
        accounts.billing_account_id,
        case
            when parents.billing_account_id is null then accounts.billing_account_id
            when grandparents.billing_account_id is null then parents.billing_account_id
            when topmost.billing_account_id is null then grandparents.billing_account_id
            when beyond.billing_account_id is null then topmost.billing_account_id
            else accounts.billing_account_id
        end as payer_account_id
    from accounts
    left join accounts as parents
        on
            accounts.pass_id = parents.pass_id
            and accounts.parent_account_id = parents.billing_account_id
    left join accounts as grandparents
        on
            parents.pass_id = grandparents.pass_id
            and parents.parent_account_id = grandparents.billing_account_id
    left join accounts as topmost
        on
            grandparents.pass_id = topmost.pass_id
            and grandparents.parent_account_id = topmost.billing_account_id
    left join accounts as beyond
        on
            topmost.pass_id = beyond.pass_id
            and topmost.parent_account_id = beyond.billing_account_id

),

in_scope as (

    select
        passes.pass_id,
        passes.bill_run_id,
        passes.pass_kind,
        passes.legal_entity_id,
        passes.bill_cycle_id,
        assigned.billing_account_id,
        payers.payer_account_id,
        accounts.customer_id,
        payer_accounts.customer_id as payer_customer_id,
        payer_accounts.currency_code,
        accounts.time_zone,
        accounts.language,
        accounts.delivery_channel,
        accounts.sales_region,
        coalesce(accounts.tax_jurisdiction, passes.tax_jurisdiction) as tax_jurisdiction,
        payer_accounts.legal_entity_id as stated_legal_entity_id,
        payer_accounts.bill_cycle_id as stated_bill_cycle_id,
        cycles.bill_cycle_id is not null as is_cycle_known,
        passes.interval_months,
        passes.interval_weeks,
        passes.anchor_day,
        passes.payment_term_days,
        passes.late_usage,
        passes.tax_rounding,
        passes.landing_watermark,
        passes.crm_sequence,
        passes.bill_date,
        passes.issue_date,
        passes.go_live_date,
        passes.period_start,
        passes.period_end,
        passes.next_bill_date,
        accounts.opened_date,
        accounts.closed_date
    from passes
    inner join assigned on passes.pass_id = assigned.pass_id
    inner join accounts
        on
            passes.pass_id = accounts.pass_id
            and assigned.billing_account_id = accounts.billing_account_id
    inner join payers
        on
            accounts.pass_id = payers.pass_id
            and accounts.billing_account_id = payers.billing_account_id
    inner join accounts as payer_accounts
        on
            payers.pass_id = payer_accounts.pass_id
            and payers.payer_account_id = payer_accounts.billing_account_id
    left join cycles
        on
            payer_accounts.legal_entity_id = cycles.legal_entity_id
            and payer_accounts.bill_cycle_id = cycles.bill_cycle_id

)

select * from in_scope
