{{
    config(
        materialized='incremental',
        incremental_strategy='replace_runs',
        on_schema_change='fail'
    )
}}

with

passes as (

    select pass_id from {{ ref('int_passes__in_scope') }}

),

found as (

    select * from {{ ref('int_anomalies__usage_spike') }}
    union all
    select * from {{ ref('int_anomalies__zero_usage') }}
    union all
    select * from {{ ref('int_anomalies__plan_mismatch') }}
    union all
    select * from {{ ref('int_anomalies__unknown_plan') }}
    union all
    select * from {{ ref('int_anomalies__total_negative') }}
    union all
    select * from {{ ref('int_anomalies__total_very_large') }}
    union all
    select * from {{ ref('int_anomalies__total_does_not_add_up') }}
    union all
    select * from {{ ref('int_anomalies__tax_missing') }}
    union all
    select * from {{ ref('int_anomalies__held_by_person') }}
    union all
    select * from {{ ref('int_anomalies__buyer_incomplete') }}
    union all
    select * from {{ ref('int_anomalies__unknown_cycle') }}
    union all
    select * from {{ ref('int_anomalies__unknown_agreement') }}
    union all
    select * from {{ ref('int_anomalies__foreign_currency') }}
    union all
    select * from {{ ref('int_anomalies__incomplete_usage') }}

),

-- One row per account and rule: what two subscriptions of an account show is told together.
combined as (

    select
        concat_ws('/', found.pass_id, found.billing_account_id, found.rule_id) as review_item_id,
        found.pass_id,
        found.billing_account_id,
        found.rule_id,
        {{ ordered_string_agg('found.seen') }} as seen,
        max(found.expected) as expected,
        cast(sum(found.amount_at_stake) as decimal(18, 4)) as amount_at_stake
    from found
    inner join passes on found.pass_id = passes.pass_id
    group by found.pass_id, found.billing_account_id, found.rule_id

)

select * from combined
