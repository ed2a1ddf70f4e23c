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

accounts as (

    select
        billing_account_id,
        customer_id,
        currency_code,
        time_zone,
        language,
        delivery_channel,
        sales_region,
        opened_date,
        closed_date
    from {{ ref('int_billing_accounts__current') }}

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
        passes.interval_months,
        passes.anchor_day,
        passes.payment_term_days,
        passes.landing_watermark,
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
    inner join accounts on assigned.billing_account_id = accounts.billing_account_id

)

select * from in_scope
