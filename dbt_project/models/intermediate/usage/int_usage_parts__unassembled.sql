{{ config(materialized='table') }}

with

parts as (

    select
        usage.event_id,
        usage.file_id,
        usage.record_number,
        usage.landing_sequence,
        usage.session_id,
        usage.identifier,
        usage.session_part,
        coalesce(usage.rating_group, '') as rating_group,
        usage.duration_seconds,
        files.source_id,
        cast(files.received_at as date) as received_on,
        usage.started_at,
        {{ add_seconds('usage.started_at', 'usage.duration_seconds') }} as ended_at
    from {{ ref('stg_landing__usage') }} as usage
    inner join {{ ref('stg_landing__files') }} as files
        on usage.file_id = files.file_id and files.file_status = 'accepted'
    left join {{ ref('int_usage__duplicates') }} as duplicates
        on usage.file_id = duplicates.file_id and usage.record_number = duplicates.record_number
    where usage.session_part is not null and duplicates.file_id is null

),

-- A part comes in one file, with all that it holds.
filed as (

    select
        parts.*,
        first_value(parts.file_id) over (
            partition by parts.session_id, parts.identifier, parts.session_part
            order by parts.landing_sequence, parts.record_number
        ) as first_file_id
    from parts

),

-- Parts follow each other in time: what is told for the time of another part is told twice. Clocks
-- of whole seconds may make them touch.
laid as (

    select
        filed.*,
        max(filed.ended_at) over (
            partition by filed.session_id, filed.identifier, filed.rating_group
            order by filed.started_at, filed.landing_sequence, filed.record_number
            rows between unbounded preceding and 1 preceding
        ) as earlier_ended_at
    from filed
    where filed.file_id = filed.first_file_id and filed.duration_seconds > 0

),

stretches as (

    select
        laid.*,
        sum(
            case
                when {{ add_seconds('laid.started_at', 1) }} < laid.earlier_ended_at then 0
                else 1
            end
        ) over (
            partition by laid.session_id, laid.identifier, laid.rating_group
            order by laid.started_at, laid.landing_sequence, laid.record_number
            rows between unbounded preceding and current row
        ) as stretch_number
    from laid

),

overlapping as (

    select
        event_id,
        session_part,
        first_value(session_part) over (
            partition by session_id, identifier, rating_group, stretch_number
            order by landing_sequence, record_number
        ) as first_part
    from stretches

),

-- The first part that comes behind one that is missing, and all after it, wait. What is missing
-- before the first part that came nobody can know.
numbered as (

    select distinct
        session_id,
        identifier,
        session_part
    from parts

),

followed as (

    select
        numbered.*,
        lag(numbered.session_part) over (
            partition by numbered.session_id, numbered.identifier order by numbered.session_part
        ) as earlier_part
    from numbered

),

gaps as (

    select
        session_id,
        identifier,
        min(session_part) as first_behind
    from followed
    where session_part > earlier_part + 1
    group by session_id, identifier

),

policy as (

    select
        source_id,
        consequence,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('completeness_policy') }}
    where finding = 'missing_part'

),

behind as (

    select
        filed.event_id,
        coalesce(policy.consequence, 'hold') as consequence
    from filed
    inner join gaps
        on
            filed.session_id = gaps.session_id
            and filed.identifier = gaps.identifier
            and filed.session_part >= gaps.first_behind
    left join policy
        on
            policy.source_id in (filed.source_id, '*')
            and filed.received_on >= policy.valid_from
            and filed.received_on < policy.valid_to
    qualify
        row_number() over (
            partition by filed.event_id
            order by case when policy.source_id = '*' then 1 else 0 end
        ) = 1

),

found as (

    select
        event_id,
        1 as reason_rank,
        'part_sent_again' as suspense_reason
    from filed
    where file_id <> first_file_id
    union all
    select
        event_id,
        2 as reason_rank,
        'overlapping_parts' as suspense_reason
    from overlapping
    where session_part <> first_part
    union all
    select
        event_id,
        3 as reason_rank,
        'awaiting_parts' as suspense_reason
    from behind
    where consequence <> 'tell'

),

unassembled as (

    select
        event_id,
        min_by(suspense_reason, reason_rank) as suspense_reason
    from found
    group by event_id

)

select * from unassembled
