{{ config(materialized='table') }}

with

expected_files as (

    select
        expected_file_id,
        source_id,
        node,
        file_name_pattern,
        time_zone,
        interval_minutes,
        deadline_hours,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('expected_files') }}

),

files as (

    select
        file_id,
        entity,
        source_id,
        file_name,
        translate(file_name, '012345678', '999999999') as file_name_shape,
        file_status,
        file_reason,
        node_id,
        landing_sequence,
        file_sequence,
        records_read_count,
        records_declared_count,
        records_lost_count,
        audit_totals,
        duration_seconds,
        volume_bytes,
        coalesce(opened_at, received_at) as opened_at,
        received_at
    from {{ ref('stg_landing__files') }}
    where
        source_id in (select expected_files.source_id from expected_files)
        and not coalesce(is_test, false)

),

-- A regular expression that comes from a column is compiled for each row: it is tried on the few
-- shapes that names take, and where its parts lie in a shape they lie in the name.
shapes as (

    select distinct
        source_id,
        file_name_shape
    from files

),

patterns as (

    select distinct
        source_id,
        file_name_pattern
    from expected_files

),

located as (

    select
        shapes.source_id,
        shapes.file_name_shape,
        patterns.file_name_pattern,
        {{ length_in_shape(
            'shapes.file_name_shape', 'patterns.file_name_pattern', 'node', 'before'
        ) }} as before_node,
        {{ length_in_shape(
            'shapes.file_name_shape', 'patterns.file_name_pattern', 'node', 'itself'
        ) }} as node_length,
        {{ length_in_shape(
            'shapes.file_name_shape', 'patterns.file_name_pattern', 'date', 'before'
        ) }} as before_date,
        {{ length_in_shape(
            'shapes.file_name_shape', 'patterns.file_name_pattern', 'date', 'itself'
        ) }} as date_length,
        {{ length_in_shape(
            'shapes.file_name_shape', 'patterns.file_name_pattern', 'time', 'before'
        ) }} as before_time,
        {{ length_in_shape(
            'shapes.file_name_shape', 'patterns.file_name_pattern', 'time', 'itself'
        ) }} as time_length,
        {{ length_in_shape(
            'shapes.file_name_shape', 'patterns.file_name_pattern', 'sequence', 'before'
        ) }} as before_sequence,
        {{ length_in_shape(
            'shapes.file_name_shape', 'patterns.file_name_pattern', 'sequence', 'itself'
        ) }} as sequence_length,
        {{ length_in_shape(
            'shapes.file_name_shape', 'patterns.file_name_pattern', 'any', 'before'
        ) }} as before_any,
        {{ length_in_shape(
            'shapes.file_name_shape', 'patterns.file_name_pattern', 'any', 'itself'
        ) }} as any_length
    from shapes
    inner join patterns on shapes.source_id = patterns.source_id
    where
        regexp_extract(
            shapes.file_name_shape,
            concat('^', {{ file_name_regex('patterns.file_name_pattern') }}, '$'),
            0
        )
        = shapes.file_name_shape

),

parsed as (

    select
        files.*,
        located.file_name_pattern,
        coalesce(
            substr(files.file_name, located.before_node + 1, located.node_length), ''
        ) as node_text,
        coalesce(
            substr(files.file_name, located.before_date + 1, located.date_length), ''
        ) as date_text,
        coalesce(
            substr(files.file_name, located.before_time + 1, located.time_length), ''
        ) as time_text,
        coalesce(
            substr(files.file_name, located.before_sequence + 1, located.sequence_length), ''
        ) as sequence_text,
        coalesce(
            substr(files.file_name, located.before_any + 1, located.any_length), ''
        ) as any_text
    from files
    inner join located
        on
            files.source_id = located.source_id
            and files.file_name_shape = located.file_name_shape

),

-- Digits of the pattern itself are told apart here: the parts put back make the name.
named as (

    select
        parsed.*,
        try_cast(
            concat(
                substr(parsed.date_text, 1, 4), '-', substr(parsed.date_text, 5, 2), '-',
                substr(parsed.date_text, 7, 2), ' ',
                case when parsed.time_text = '' then '00' else substr(parsed.time_text, 1, 2) end,
                ':',
                case when parsed.time_text = '' then '00' else substr(parsed.time_text, 3, 2) end,
                ':00'
            ) as timestamp
        ) as named_from
    from parsed
    where
        replace(
            replace(
                replace(
                    replace(
                        replace(parsed.file_name_pattern, '{node}', parsed.node_text), '{date}',
                        parsed.date_text
                    ),
                    '{time}', parsed.time_text
                ),
                '{sequence}', parsed.sequence_text
            ),
            '{any}', parsed.any_text
        )
        = parsed.file_name

),

matched as (

    select
        named.*,
        -- What the name does not say the file may say itself.
        case
            when named.file_name_pattern like '%{node}%' then named.node_text
            else coalesce(named.node_id, '')
        end as node,
        case
            when named.file_name_pattern like '%{sequence}%'
                then try_cast(named.sequence_text as bigint)
            else named.file_sequence
        end as sequence_number,
        expected_files.expected_file_id,
        expected_files.node as expected_node,
        expected_files.time_zone,
        expected_files.interval_minutes,
        expected_files.deadline_hours,
        expected_files.valid_from,
        expected_files.valid_to,
        case
            when named.date_text <> '' then named.named_from
            else {{ to_local_time('named.opened_at', 'expected_files.time_zone') }}
        end as file_from
    from named
    inner join expected_files
        on
            named.source_id = expected_files.source_id
            and named.file_name_pattern = expected_files.file_name_pattern
            and expected_files.node in (
                case
                    when named.file_name_pattern like '%{node}%' then named.node_text
                    else coalesce(named.node_id, '')
                end,
                '*'
            )

),

-- A row for the node itself comes before one for any node.
streamed as (

    select
        matched.*,
        {{ integer_divide(
            seconds_between('cast(matched.valid_from as timestamp)', 'matched.file_from'),
            'matched.interval_minutes * 60'
        ) }} as slot_number
    from matched
    where
        cast(matched.file_from as date) >= matched.valid_from
        and cast(matched.file_from as date) < matched.valid_to
    qualify
        row_number() over (
            partition by matched.landing_sequence
            order by
                case when matched.expected_node = '*' then 1 else 0 end,
                matched.expected_file_id
        ) = 1

),

-- What a file brings: usage, or the word that there was none, or nothing that could be read.
firsts as (

    select
        entity,
        file_id,
        case
            when file_status = 'rejected' and substr(file_reason, 1, 11) = 'empty_file:'
                then 'no_usage'
            when file_status = 'rejected' then 'refused'
            when records_read_count = 0 then 'no_usage'
            else 'usage'
        end as file_content
    from {{ ref('stg_landing__files') }}
    where file_status <> 'duplicate'

),

described as (

    select
        streamed.landing_sequence,
        streamed.file_id,
        streamed.expected_file_id,
        streamed.source_id,
        streamed.node,
        streamed.file_name,
        case
            when streamed.file_status = 'duplicate' and firsts.file_content = 'usage' then 'copy'
            else firsts.file_content
        end as file_content,
        streamed.file_status,
        streamed.file_reason,
        streamed.records_read_count,
        streamed.duration_seconds,
        streamed.volume_bytes,
        streamed.records_declared_count,
        streamed.records_lost_count,
        streamed.audit_totals,
        streamed.sequence_number,
        length(streamed.sequence_text) as sequence_digits,
        streamed.slot_number,
        cast(streamed.file_from as date) as file_date,
        coalesce(
            {{ add_seconds(
                'cast(streamed.valid_from as timestamp)',
                'streamed.slot_number * streamed.interval_minutes * 60'
            ) }},
            streamed.file_from
        ) as file_from,
        coalesce(
            {{ add_seconds(
                'cast(streamed.valid_from as timestamp)',
                '(streamed.slot_number + 1) * streamed.interval_minutes * 60'
            ) }},
            cast({{ add_days('cast(streamed.file_from as date)', 1) }} as timestamp)
        ) as file_to,
        streamed.time_zone,
        streamed.deadline_hours,
        streamed.received_at
    from streamed
    inner join firsts
        on streamed.entity = firsts.entity and streamed.file_id = firsts.file_id

),

dated as (

    select
        landing_sequence,
        file_id,
        expected_file_id,
        source_id,
        node,
        file_name,
        file_content,
        file_status,
        file_reason,
        records_read_count,
        records_declared_count,
        records_lost_count,
        audit_totals,
        duration_seconds,
        volume_bytes,
        sequence_number,
        sequence_digits,
        slot_number,
        file_date,
        file_from,
        file_to,
        {{ add_seconds(to_utc('file_to', 'time_zone'), 'deadline_hours * 3600') }} as deadline_at,
        received_at
    from described

)

select * from dated
