-- Expected files that nobody could tell apart or wait for.
with

judged as (

    select
        csv_line,
        expected_file_id,
        case
            when
                regexp_replace(file_name_pattern, '\{(node|date|time|sequence|any)\}', '', 'g')
                not similar to '[A-Za-z0-9_.+-]*'
                then
                    'may have in file_name_pattern letters, digits, _ . + - and the parts'
                    || ' {node} {date} {time} {sequence} {any}'
            when
                regexp_matches(file_name_pattern, '\{node\}.*\{node\}')
                or regexp_matches(file_name_pattern, '\{date\}.*\{date\}')
                or regexp_matches(file_name_pattern, '\{time\}.*\{time\}')
                or regexp_matches(file_name_pattern, '\{sequence\}.*\{sequence\}')
                or regexp_matches(file_name_pattern, '\{any\}.*\{any\}')
                then 'has a part of file_name_pattern twice'
            when
                regexp_matches(
                    file_name_pattern, '\{(node|sequence|any)\}\{(node|sequence|any)\}'
                )
                then 'has in file_name_pattern two parts of any length with nothing between'
            when
                node <> '*'
                and not contains(file_name_pattern, '{node}')
                and source_id not in (select usage_sources.source_id from usage_sources)
                then 'has no {node} in file_name_pattern: any file is of every node, so node is *'
            when interval_minutes is not null and not contains(file_name_pattern, '{date}')
                then 'has no {date} in file_name_pattern, which an interval needs'
            when interval_minutes < 1440 and not contains(file_name_pattern, '{time}')
                then 'has no {time} in file_name_pattern, which an interval below a day needs'
            when 1440 % interval_minutes <> 0 and interval_minutes % 1440 <> 0
                then 'has an interval_minutes that does not divide a day'
            when interval_minutes < 1440 and time_zone <> 'UTC'
                then 'comes within the day: its clock must not change, so time_zone is UTC'
            when
                sequence_rule = 'gapless'
                and not contains(file_name_pattern, '{sequence}')
                and source_id not in (select usage_sources.source_id from usage_sources)
                then 'has no {sequence} in file_name_pattern, which is to be gapless'
            when sequence_rule = 'gapless' and sequence_from is null
                then 'is gapless from no number: give sequence_from'
            when sequence_to <= sequence_from
                then 'has a sequence_to that is not above sequence_from'
            when starts_with < sequence_from or starts_with > sequence_to
                then 'starts with a number that its files never have'
            when starts = 'first_day' and node = '*'
                then 'is expected from its first day, so its node must be named'
        end as reason
    from expected_files

)

select
    'expected_files' as seed,
    csv_line,
    format('expected_file_id ''{}'' {}', expected_file_id, reason) as message
from judged
where reason is not null
