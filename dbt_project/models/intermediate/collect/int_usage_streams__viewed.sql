with

expected_files as (

    select
        expected_file_id,
        source_id,
        node,
        legal_entity_id,
        time_zone,
        interval_minutes,
        deadline_hours,
        starts,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('expected_files') }}

),

files as (

    select
        landing_sequence,
        expected_file_id,
        source_id,
        node,
        file_date,
        file_to
    from {{ ref('int_usage_files__streamed') }}

),

last_billed as (

    select
        legal_entity_id,
        max(bill_date) as bill_date
    from {{ ref('stg_ledger__bill_runs') }}
    group by legal_entity_id
    union all
    select
        '*' as legal_entity_id,
        max(bill_date) as bill_date
    from {{ ref('stg_ledger__bill_runs') }}

),

views as (

    select * from {{ ref('int_usage_views__known') }}

),

known_files as (

    select
        views.view_id,
        files.expected_file_id,
        files.source_id,
        files.node,
        min(files.file_date) as first_file_date,
        max(files.file_to) as last_file_to
    from views
    inner join files on views.landing_watermark >= files.landing_sequence
    group by views.view_id, files.expected_file_id, files.source_id, files.node

),

known_sources as (

    select
        view_id,
        source_id,
        max(last_file_to) as last_file_to
    from known_files
    group by view_id, source_id

),

-- A stream is there from its first file, or from its first day even if none ever came.
streams as (

    select
        view_id,
        expected_file_id,
        node,
        first_file_date
    from known_files
    union all
    select
        views.view_id,
        expected_files.expected_file_id,
        expected_files.node,
        null as first_file_date
    from views
    cross join expected_files
    left join known_files
        on
            views.view_id = known_files.view_id
            and expected_files.expected_file_id = known_files.expected_file_id
    where
        expected_files.starts = 'first_day'
        and expected_files.node <> '*'
        and known_files.view_id is null

),

-- A pass wants all files of its period; one on demand is not kept waiting for what no node of the
-- source has sent yet. By now those are wanted whose deadline has passed or, where
-- there is none, those before the last file of the source; and those of every period billed.
wanted as (

    select
        streams.view_id,
        views.pass_id,
        views.bill_run_id,
        streams.expected_file_id,
        expected_files.source_id,
        streams.node,
        expected_files.legal_entity_id,
        expected_files.time_zone,
        expected_files.interval_minutes,
        expected_files.starts,
        expected_files.deadline_hours,
        views.landing_watermark,
        streams.first_file_date,
        cast(expected_files.valid_from as timestamp) as starts_at,
        cast(expected_files.valid_to as timestamp) as ends_at,
        views.period_start,
        views.period_end,
        case
            when views.pass_kind = 'off_cycle'
                then least(cast(views.period_end as timestamp), known_sources.last_file_to)
            else cast(coalesce(views.period_end, last_billed.bill_date) as timestamp)
        end as billed_before,
        case
            when views.pass_id is not null then null
            when expected_files.deadline_hours is null then known_sources.last_file_to
            else
                {{ add_seconds(
                    to_local_time('views.known_at', 'expected_files.time_zone'),
                    '-1 * expected_files.deadline_hours * 3600'
                ) }}
        end as due_before
    from streams
    inner join views on streams.view_id = views.view_id
    inner join expected_files on streams.expected_file_id = expected_files.expected_file_id
    left join known_sources
        on
            streams.view_id = known_sources.view_id
            and expected_files.source_id = known_sources.source_id
    left join last_billed on expected_files.legal_entity_id = last_billed.legal_entity_id
    where
        views.legal_entity_id is null
        or expected_files.legal_entity_id in (views.legal_entity_id, '*')

),

bounded as (

    select
        view_id,
        pass_id,
        bill_run_id,
        expected_file_id,
        source_id,
        node,
        legal_entity_id,
        time_zone,
        interval_minutes,
        deadline_hours,
        starts,
        landing_watermark,
        first_file_date,
        period_start,
        period_end,
        starts_at,
        least(
            ends_at,
            greatest(
                coalesce(billed_before, due_before, starts_at),
                coalesce(due_before, billed_before, starts_at),
                starts_at
            )
        ) as expected_before
    from wanted

)

select * from bounded
