{{ config(materialized='table') }}

with

totals as (

    select
        event_id,
        file_id,
        record_number,
        landing_sequence,
        session_id,
        identifier,
        concat_ws('|', service, direction, other_number, rating_group) as counted_for,
        duration_seconds,
        volume_bytes,
        quantity,
        started_at,
        {{ add_seconds('started_at', 'duration_seconds') }} as ended_at
    from {{ ref('stg_landing__usage') }}
    where is_session_total and coalesce(record_type, 'usage') = 'usage'

),

-- What the records of the same name that landed before had told. Landing is immutable, so neither
-- this nor what follows from it ever changes.
compared as (

    select
        totals.*,
        max(totals.ended_at) over earlier as earlier_ended_at,
        max(totals.volume_bytes) over earlier as earlier_volume_bytes
    from totals
    window
        earlier as (
            partition by totals.session_id, totals.identifier, totals.counted_for
            order by totals.landing_sequence, totals.record_number
            rows between unbounded preceding and 1 preceding
        )

),

-- D-221: a name that is used again is another session. One that has lasted began after all that was
-- told had ended; of one whose length nobody says the counter has begun anew.
sessions as (

    select
        compared.*,
        sum(
            case
                when
                    compared.duration_seconds > 0
                    and compared.started_at
                    > {{ add_seconds('compared.earlier_ended_at', 60) }} then 1
                when
                    compared.duration_seconds = 0
                    and compared.started_at > compared.earlier_ended_at
                    and compared.volume_bytes < compared.earlier_volume_bytes then 1
                else 0
            end
        ) over (
            partition by compared.session_id, compared.identifier, compared.counted_for
            order by compared.landing_sequence, compared.record_number
            rows between unbounded preceding and current row
        ) as session_number
    from compared

),

told as (

    select
        sessions.*,
        min(sessions.started_at) over earlier as told_from,
        max(sessions.ended_at) over earlier as told_until,
        coalesce(max(sessions.volume_bytes) over earlier, 0) as told_volume_bytes,
        coalesce(max(sessions.quantity) over earlier, 0) as told_quantity
    from sessions
    window
        earlier as (
            partition by
                sessions.session_id,
                sessions.identifier,
                sessions.counted_for,
                sessions.session_number
            order by sessions.landing_sequence, sessions.record_number
            rows between unbounded preceding and 1 preceding
        )

),

-- What a record adds begins where what was told before it ended; a part of a call that lies before
-- all that was told adds the whole of it.
placed as (

    select
        told.*,
        case
            when told.told_until is null or told.ended_at <= told.told_from then told.started_at
            else greatest(told.started_at, told.told_until)
        end as added_from
    from told

),

added as (

    select
        event_id,
        file_id,
        record_number,
        session_id,
        cast(
            greatest(0, {{ seconds_between('added_from', 'ended_at') }}) as bigint
        ) as duration_seconds,
        cast(greatest(0, volume_bytes - told_volume_bytes) as bigint) as volume_bytes,
        cast(
            case when quantity is not null then greatest(0, quantity - told_quantity) end as bigint
        ) as quantity,
        told_until is not null
        and ended_at <= added_from
        and volume_bytes <= told_volume_bytes
        and coalesce(quantity, 0) <= told_quantity as is_told_before,
        added_from as started_at
    from placed

)

select * from added
