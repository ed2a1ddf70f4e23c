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

in_scope as (

    select
        passes.pass_id,
        passes.bill_run_id,
        passes.pass_kind,
        passes.legal_entity_id,
        passes.bill_cycle_id,
        assigned.billing_account_id,
        accounts.customer_id,
        accounts.currency_code,
        accounts.time_zone,
        accounts.language,
        accounts.delivery_channel,
        accounts.sales_region,
        passes.tax_jurisdiction,
        accounts.legal_entity_id as stated_legal_entity_id,
        accounts.bill_cycle_id as stated_bill_cycle_id,
        cycles.bill_cycle_id is not null as is_cycle_known,
        passes.interval_months,
        passes.interval_weeks,
        passes.anchor_day,
        passes.payment_term_days,
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
    left join cycles
        on
            accounts.legal_entity_id = cycles.legal_entity_id
            and accounts.bill_cycle_id = cycles.bill_cycle_id

)

select * from in_scope
