{{ config(materialized='table') }}

with

in_scope as (

    select pass_id from {{ ref('stg_control__passes_in_scope') }}

),

passes as (

    select
        pass_id,
        bill_run_id,
        pass_kind,
        pass_number,
        issue_date
    from {{ ref('stg_ledger__passes') }}

),

bill_runs as (

    select
        bill_run_id,
        legal_entity_id,
        bill_cycle_id,
        bill_date
    from {{ ref('stg_ledger__bill_runs') }}

),

cycles as (

    select * from {{ ref('int_bill_cycles__current') }}

),

periods as (

    select * from {{ ref('int_bill_periods__aligned') }}

),

legal_entities as (

    select
        legal_entity_id,
        time_zone,
        tax_jurisdiction,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('legal_entities') }}

),

policy as (

    select
        legal_entity_id,
        go_live_date,
        payment_term_days,
        late_usage,
        tax_rounding,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('billing_policy') }}

),

files as (

    select landing_sequence
    from {{ ref('stg_landing__files') }}
    where file_status = 'accepted' and entity in ({{ crm_entities() }})

),

-- The cut-off of a pass: what had landed when it last collected.
watermarks as (

    select
        pass_id,
        landing_watermark
    from {{ ref('stg_ledger__pass_transitions') }}
    where landing_watermark is not null
    qualify row_number() over (partition by pass_id order by ledger_sequence desc) = 1

),

-- Of what others say of customers, accounts and plans, the pass knows what had landed by then.
crm_files as (

    select
        watermarks.pass_id,
        coalesce(max(files.landing_sequence), 0) as crm_sequence
    from watermarks
    inner join in_scope on watermarks.pass_id = in_scope.pass_id
    left join files on watermarks.landing_watermark >= files.landing_sequence
    group by watermarks.pass_id

),

-- D-042: a bill date may be any day. What is charged in advance ends with the aligned period that
-- contains it; the usage period is the one that it ends, or is a part of.
described as (

    select
        passes.pass_id,
        passes.bill_run_id,
        passes.pass_kind,
        bill_runs.legal_entity_id,
        bill_runs.bill_cycle_id,
        legal_entities.time_zone,
        legal_entities.tax_jurisdiction,
        passes.pass_number,
        cycles.interval_months,
        cycles.interval_weeks,
        cycles.anchor_day,
        policy.payment_term_days,
        policy.late_usage,
        policy.tax_rounding,
        watermarks.landing_watermark,
        crm_files.crm_sequence,
        bill_runs.bill_date,
        passes.issue_date,
        policy.go_live_date,
        past_periods.period_start,
        bill_runs.bill_date as period_end,
        next_periods.period_end as next_bill_date
    from in_scope
    inner join passes on in_scope.pass_id = passes.pass_id
    inner join bill_runs on passes.bill_run_id = bill_runs.bill_run_id
    inner join watermarks on passes.pass_id = watermarks.pass_id
    inner join crm_files on passes.pass_id = crm_files.pass_id
    inner join cycles
        on
            bill_runs.legal_entity_id = cycles.legal_entity_id
            and bill_runs.bill_cycle_id = cycles.bill_cycle_id
    inner join periods as past_periods
        on
            bill_runs.legal_entity_id = past_periods.legal_entity_id
            and bill_runs.bill_cycle_id = past_periods.bill_cycle_id
            and past_periods.period_start < bill_runs.bill_date
            and past_periods.period_end >= bill_runs.bill_date
    inner join periods as next_periods
        on
            bill_runs.legal_entity_id = next_periods.legal_entity_id
            and bill_runs.bill_cycle_id = next_periods.bill_cycle_id
            and next_periods.period_start <= bill_runs.bill_date
            and next_periods.period_end > bill_runs.bill_date
    inner join legal_entities
        on
            bill_runs.legal_entity_id = legal_entities.legal_entity_id
            and bill_runs.bill_date >= legal_entities.valid_from
            and bill_runs.bill_date < legal_entities.valid_to
    inner join policy
        on
            bill_runs.legal_entity_id = policy.legal_entity_id
            and bill_runs.bill_date >= policy.valid_from
            and bill_runs.bill_date < policy.valid_to

)

select * from described
