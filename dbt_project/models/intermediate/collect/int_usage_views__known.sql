with

landed as (

    select
        coalesce(max(landing_sequence), 0) as landing_watermark,
        max(received_at) as received_at
    from {{ ref('stg_landing__files') }}

),

collected as (

    select max(recorded_at) as collected_at
    from {{ ref('stg_ledger__pass_transitions') }}
    where pass_state = 'collected'

),

-- What each pass in scope knew when it last collected, and what is known by now.
views as (

    select
        pass_id as view_id,
        pass_id,
        pass_kind,
        bill_run_id,
        legal_entity_id,
        landing_watermark,
        period_start,
        period_end
    from {{ ref('int_passes__in_scope') }}
    union all
    select
        'now' as view_id,
        null as pass_id,
        null as pass_kind,
        null as bill_run_id,
        null as legal_entity_id,
        landing_watermark,
        null as period_start,
        null as period_end
    from landed

),

-- D-155: the clock is the last arrival or collecting.
known as (

    select
        views.view_id,
        views.pass_id,
        views.pass_kind,
        views.bill_run_id,
        views.legal_entity_id,
        views.landing_watermark,
        views.period_start,
        views.period_end,
        greatest(landed.received_at, coalesce(collected.collected_at, landed.received_at))
            as known_at
    from views
    cross join landed
    cross join collected

)

select * from known
