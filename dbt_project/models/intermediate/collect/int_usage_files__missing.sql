with

{#- Of one gap so many are named one by one; the last of them stands for all that follow. #}
{%- set named_count = 10000 %}

streams as (

    select
        viewed.view_id,
        viewed.expected_file_id,
        viewed.node,
        viewed.interval_minutes,
        viewed.starts,
        viewed.landing_watermark,
        viewed.period_start,
        viewed.period_end,
        viewed.starts_at,
        viewed.expected_before,
        {{ integer_divide(
            seconds_between('viewed.starts_at', 'viewed.expected_before'),
            'viewed.interval_minutes * 60'
        ) }} as slot_before,
        expected_files.file_name_pattern,
        expected_files.sequence_rule = 'gapless' as is_gapless,
        expected_files.sequence_from,
        expected_files.sequence_to - expected_files.sequence_from + 1 as sequence_count,
        expected_files.starts_with
    from {{ ref('int_usage_streams__viewed') }} as viewed
    inner join {{ ref('expected_files') }} as expected_files
        on viewed.expected_file_id = expected_files.expected_file_id

),

-- Every file that came fills its place, whatever it holds: what cannot be read is told apart.
came as (

    select
        streams.view_id,
        streams.expected_file_id,
        streams.node,
        streams.sequence_count,
        files.landing_sequence,
        files.slot_number,
        files.file_from,
        files.file_to,
        files.sequence_digits,
        case when streams.is_gapless then files.sequence_number end as sequence_number
    from streams
    inner join {{ ref('int_usage_files__streamed') }} as files
        on
            streams.expected_file_id = files.expected_file_id
            and streams.node = files.node
            and streams.landing_watermark >= files.landing_sequence

),

-- D-156: numbers that begin again are counted on. From one file to the next that landed, the nearer
-- way round counts, so that files may land in any order of less than half a round.
stepped as (

    select
        came.*,
        came.sequence_number - lag(came.sequence_number) over (
            partition by came.view_id, came.expected_file_id, came.node
            order by came.landing_sequence
        ) as step
    from came
    where came.sequence_number is not null

),

counted as (

    select
        stepped.*,
        sum(
            case
                when stepped.step is null then stepped.sequence_number
                when 2 * stepped.step > stepped.sequence_count
                    then stepped.step - stepped.sequence_count
                when 2 * stepped.step <= -1 * stepped.sequence_count
                    then stepped.step + stepped.sequence_count
                else stepped.step
            end
        ) over (
            partition by stepped.view_id, stepped.expected_file_id, stepped.node
            order by stepped.landing_sequence
            rows between unbounded preceding and current row
        ) as running_number
    from stepped

),

digits as (

    select
        view_id,
        expected_file_id,
        node,
        min(sequence_digits) as sequence_digits
    from counted
    group by view_id, expected_file_id, node

),

-- Gaps in the calendar, between slots for which a file came and both ends of what is expected.
places as (

    select
        came.view_id,
        came.expected_file_id,
        came.node,
        came.slot_number,
        counted.running_number
    from came
    left join counted
        on came.view_id = counted.view_id and came.landing_sequence = counted.landing_sequence
    where came.slot_number is not null
    union all
    select
        view_id,
        expected_file_id,
        node,
        slot_before as slot_number,
        null as running_number
    from streams
    where interval_minutes is not null
    union all
    select
        view_id,
        expected_file_id,
        node,
        -1 as slot_number,
        null as running_number
    from streams
    where interval_minutes is not null and starts = 'first_day'

),

slots as (

    select
        view_id,
        expected_file_id,
        node,
        slot_number,
        lead(slot_number) over by_slot as next_slot,
        max(max(running_number)) over (
            partition by view_id, expected_file_id, node
            order by slot_number
            rows between unbounded preceding and current row
        ) as number_before,
        min(min(running_number)) over (
            partition by view_id, expected_file_id, node
            order by slot_number
            rows between 1 following and unbounded following
        ) as number_after
    from places
    group by view_id, expected_file_id, node, slot_number
    window by_slot as (partition by view_id, expected_file_id, node order by slot_number)

),

missing_slots as (

    select
        slots.view_id,
        slots.expected_file_id,
        slots.node,
        slots.slot_number + numbers.number as slot_number,
        case
            when slots.number_before + numbers.number < slots.number_after
                then slots.number_before + numbers.number
            when slots.number_after is null then slots.number_before + numbers.number
            when slots.number_before is null
                then slots.number_after - (slots.next_slot - slots.slot_number - numbers.number)
        end as running_number,
        case
            when numbers.number = {{ named_count }}
                then slots.next_slot - slots.slot_number - numbers.number
            else 1
        end as file_count
    from slots
    inner join streams
        on
            slots.view_id = streams.view_id
            and slots.expected_file_id = streams.expected_file_id
            and slots.node = streams.node
    inner join {{ numbers(named_count) }} as numbers
        on
            slots.next_slot > slots.slot_number + numbers.number
            and streams.slot_before > slots.slot_number + numbers.number

),

-- Gaps in the numbers. The number that a stream starts with is expected as if one came before it.
numbered as (

    select
        view_id,
        expected_file_id,
        node,
        running_number,
        min(file_from) as file_from,
        max(file_to) as file_to
    from counted
    group by view_id, expected_file_id, node, running_number
    union all
    select
        view_id,
        expected_file_id,
        node,
        starts_with - 1 as running_number,
        null as file_from,
        null as file_to
    from streams
    where is_gapless and starts_with is not null

),

number_gaps as (

    select
        view_id,
        expected_file_id,
        node,
        running_number,
        file_from,
        lead(running_number) over by_number as next_number,
        lead(file_from) over by_number as next_from,
        lead(file_to) over by_number as next_to
    from numbered
    window by_number as (partition by view_id, expected_file_id, node order by running_number)

),

missing_numbers as (

    select
        number_gaps.view_id,
        number_gaps.expected_file_id,
        number_gaps.node,
        number_gaps.running_number + numbers.number as running_number,
        coalesce(number_gaps.file_from, number_gaps.next_from) as file_from,
        number_gaps.next_to as file_to,
        case
            when numbers.number = {{ named_count }}
                then
                    number_gaps.next_number - number_gaps.running_number - numbers.number
            else 1
        end as file_count
    from number_gaps
    inner join {{ numbers(named_count) }} as numbers
        on number_gaps.next_number > number_gaps.running_number + numbers.number
    left join missing_slots
        on
            number_gaps.view_id = missing_slots.view_id
            and number_gaps.expected_file_id = missing_slots.expected_file_id
            and number_gaps.node = missing_slots.node
            and number_gaps.running_number + numbers.number = missing_slots.running_number
    where missing_slots.view_id is null

),

missing as (

    select
        missing_slots.view_id,
        missing_slots.expected_file_id,
        missing_slots.node,
        'missing_file' as finding,
        missing_slots.running_number,
        missing_slots.file_count,
        {{ add_seconds(
            'streams.starts_at',
            'cast(missing_slots.slot_number * streams.interval_minutes * 60 as bigint)'
        ) }} as file_from,
        {{ add_seconds(
            'streams.starts_at',
            'cast((missing_slots.slot_number + missing_slots.file_count)'
            ~ ' * streams.interval_minutes * 60 as bigint)'
        ) }} as file_to
    from missing_slots
    inner join streams
        on
            missing_slots.view_id = streams.view_id
            and missing_slots.expected_file_id = streams.expected_file_id
            and missing_slots.node = streams.node
    union all
    select
        view_id,
        expected_file_id,
        node,
        'missing_number' as finding,
        running_number,
        file_count,
        file_from,
        file_to
    from missing_numbers

),

spelled as (

    select
        missing.view_id,
        missing.expected_file_id,
        missing.node,
        missing.finding,
        streams.file_name_pattern,
        cast(missing.running_number as bigint) as running_number,
        cast(
            case
                when streams.sequence_count is null then missing.running_number
                else
                    streams.sequence_from + (
                        (missing.running_number - streams.sequence_from) % streams.sequence_count
                        + streams.sequence_count
                    ) % streams.sequence_count
            end as bigint
        ) as sequence_number,
        digits.sequence_digits,
        cast(missing.file_count as bigint) as file_count,
        missing.file_from,
        missing.file_to,
        case
            when
                missing.finding = 'missing_file'
                or cast(missing.file_from as date)
                = cast({{ add_seconds('missing.file_to', '-1') }} as date)
                then replace(substr(cast(missing.file_from as string), 1, 10), '-', '')
            else '*'
        end as date_text,
        case
            when missing.finding = 'missing_file'
                then replace(substr(cast(missing.file_from as string), 12, 5), ':', '')
            else '*'
        end as time_text
    from missing
    inner join streams
        on
            missing.view_id = streams.view_id
            and missing.expected_file_id = streams.expected_file_id
            and missing.node = streams.node
    left join digits
        on
            missing.view_id = digits.view_id
            and missing.expected_file_id = digits.expected_file_id
            and missing.node = digits.node
    -- What a pass does not bill does not hold it.
    where
        streams.period_start is null
        or (
            missing.file_from < cast(streams.period_end as timestamp)
            and missing.file_to > cast(streams.period_start as timestamp)
        )

),

named as (

    select
        view_id,
        expected_file_id,
        node,
        finding,
        replace(
            replace(
                replace(
                    replace(
                        replace(file_name_pattern, '{node}', node), '{date}', date_text
                    ),
                    '{time}', time_text
                ),
                '{sequence}',
                case
                    when sequence_number is null then '*'
                    else
                        lpad(
                            cast(sequence_number as string),
                            cast(
                                greatest(sequence_digits, length(cast(sequence_number as string)))
                                as integer
                            ),
                            '0'
                        )
                end
            ),
            '{any}', '*'
        ) as file_name,
        running_number,
        sequence_number,
        file_count,
        file_from,
        file_to
    from spelled

)

select * from named
