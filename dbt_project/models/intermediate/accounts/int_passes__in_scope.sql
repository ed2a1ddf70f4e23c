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

    select
        legal_entity_id,
        bill_cycle_id,
        interval_months,
        anchor_day,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('bill_cycles') }}

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
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('billing_policy') }}

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
        cycles.anchor_day,
        policy.payment_term_days,
        watermarks.landing_watermark,
        bill_runs.bill_date,
        passes.issue_date,
        policy.go_live_date,
        {{ anchor_date(
            first_of_month('bill_runs.bill_date', '-cycles.interval_months'), 'cycles.anchor_day'
        ) }}
            as period_start,
        bill_runs.bill_date as period_end,
        {{ anchor_date(
            first_of_month('bill_runs.bill_date', 'cycles.interval_months'), 'cycles.anchor_day'
        ) }}
            as next_bill_date
    from in_scope
    inner join passes on in_scope.pass_id = passes.pass_id
    inner join bill_runs on passes.bill_run_id = bill_runs.bill_run_id
    inner join watermarks on passes.pass_id = watermarks.pass_id
    inner join cycles
        on
            bill_runs.legal_entity_id = cycles.legal_entity_id
            and bill_runs.bill_cycle_id = cycles.bill_cycle_id
            and bill_runs.bill_date >= cycles.valid_from
            and bill_runs.bill_date < cycles.valid_to
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
