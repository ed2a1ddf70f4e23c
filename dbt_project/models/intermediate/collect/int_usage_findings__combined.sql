{{ config(materialized='table') }}

with

streams as (

    select * from {{ ref('int_usage_streams__viewed') }}

),

-- D-232: hours in which the records of a node and its counters do not agree.
compared as (

    select * from {{ ref('int_node_hours__compared') }}
    where verdict in ('lost_volume', 'inflated_volume', 'no_counters')

),

files as (

    select
        streams.view_id,
        streams.period_start,
        streams.period_end,
        streamed.*
    from streams
    inner join {{ ref('int_usage_files__streamed') }} as streamed
        on
            streams.expected_file_id = streamed.expected_file_id
            and streams.node = streamed.node
            and streams.landing_watermark >= streamed.landing_sequence

),

-- A file that cannot be used is mended by another one of its stream for the same time and number.
mended as (

    select distinct
        unusable.view_id,
        unusable.landing_sequence
    from files as unusable
    inner join files as usable
        on
            unusable.view_id = usable.view_id
            and unusable.expected_file_id = usable.expected_file_id
            and unusable.node = usable.node
            and unusable.file_from = usable.file_from
            and coalesce(unusable.sequence_number, -1) = coalesce(usable.sequence_number, -1)
    where
        unusable.file_content in ('refused', 'copy')
        and usable.file_content in ('usage', 'no_usage')

),

measures as (

    select 'charge' as measure
    union all
    select 'tax' as measure
    union all
    select 'discount' as measure

),

-- D-224: what a file's audit states, and what its records add up to, as decimals in texts.
totals as (

    select
        files.view_id,
        files.landing_sequence,
        measures.measure,
        regexp_extract(
            files.audit_totals, concat('"', measures.measure, '": "(-?[0-9.]+)"'), 1
        ) as stated,
        regexp_extract(
            files.audit_totals, concat('"', measures.measure, '_found": "(-?[0-9.]+)"'), 1
        ) as summed
    from files
    cross join measures
    where files.file_status = 'accepted' and files.audit_totals is not null

),

-- The same number for the same day with other content; where nothing counts rounds, on any day.
repeated as (

    select
        files.*,
        lag(files.file_name) over same_number as earlier_file_name
    from files
    where files.file_content = 'usage' and files.sequence_number is not null
    window
        same_number as (
            partition by
                files.view_id,
                files.expected_file_id,
                files.node,
                files.sequence_number,
                files.file_date
            order by files.landing_sequence
        )

),

found as (

    select
        view_id,
        expected_file_id,
        node,
        finding,
        concat_ws(
            '/', finding, expected_file_id, node,
            case
                when finding = 'missing_number' then cast(running_number as string)
                else substr(cast(file_from as string), 1, 16)
            end
        ) as finding_id,
        file_name as subject,
        cast(null as string) as file_id,
        cast(null as string) as measure,
        case
            when file_count = 1 then 'no such file came'
            else concat('no such file came, and ', cast(file_count - 1 as string), ' after it')
        end as seen,
        case finding
            when 'missing_file'
                then concat('a file for ', substr(cast(file_from as string), 1, 16))
            else 'every number once'
        end as expected,
        file_count,
        cast(null as bigint) as seen_quantity,
        cast(null as bigint) as expected_quantity,
        file_from,
        file_to
    from {{ ref('int_usage_files__missing') }}
    union all
    select
        files.view_id,
        files.expected_file_id,
        files.node,
        case files.file_content when 'refused' then 'refused_file' else 'copied_file' end
            as finding,
        concat_ws(
            '/', case files.file_content when 'refused' then 'refused_file' else 'copied_file' end,
            files.expected_file_id, files.node, cast(files.landing_sequence as string)
        ) as finding_id,
        files.file_name as subject,
        files.file_id,
        null as measure,
        coalesce(files.file_reason, '') as seen,
        'a file that can be read, with its own records' as expected,
        1 as file_count,
        null as seen_quantity,
        null as expected_quantity,
        files.file_from,
        files.file_to
    from files
    left join mended
        on
            files.view_id = mended.view_id
            and files.landing_sequence = mended.landing_sequence
    where files.file_content in ('refused', 'copy') and mended.view_id is null
    union all
    select
        view_id,
        expected_file_id,
        node,
        'no_usage' as finding,
        concat_ws(
            '/', 'no_usage', expected_file_id, node, cast(landing_sequence as string)
        ) as finding_id,
        file_name as subject,
        file_id,
        null as measure,
        'the file came without a record' as seen,
        'records, or none: then the node had no usage' as expected,
        0 as file_count,
        0 as seen_quantity,
        null as expected_quantity,
        file_from,
        file_to
    from files
    where file_content = 'no_usage'
    union all
    select
        view_id,
        expected_file_id,
        node,
        'late_file' as finding,
        concat_ws(
            '/', 'late_file', expected_file_id, node, cast(landing_sequence as string)
        ) as finding_id,
        file_name as subject,
        file_id,
        null as measure,
        concat('it came at ', substr(cast(received_at as string), 1, 16), ' UTC') as seen,
        concat('by ', substr(cast(deadline_at as string), 1, 16), ' UTC') as expected,
        0 as file_count,
        null as seen_quantity,
        null as expected_quantity,
        file_from,
        file_to
    from files
    where received_at > deadline_at
    union all
    select
        view_id,
        expected_file_id,
        node,
        'repeated_number' as finding,
        concat_ws(
            '/', 'repeated_number', expected_file_id, node, cast(landing_sequence as string)
        ) as finding_id,
        file_name as subject,
        file_id,
        null as measure,
        concat('other content under the number of ', earlier_file_name) as seen,
        'every number once' as expected,
        0 as file_count,
        null as seen_quantity,
        null as expected_quantity,
        file_from,
        file_to
    from repeated
    where earlier_file_name is not null
    union all
    select
        view_id,
        expected_file_id,
        node,
        'wrong_count' as finding,
        concat_ws(
            '/', 'wrong_count', expected_file_id, node, cast(landing_sequence as string)
        ) as finding_id,
        file_name as subject,
        file_id,
        'records' as measure,
        concat(cast(records_read_count as string), ' records were read') as seen,
        concat('the file says that it holds ', cast(records_declared_count as string)) as expected,
        0 as file_count,
        records_read_count as seen_quantity,
        records_declared_count as expected_quantity,
        file_from,
        file_to
    from files
    where
        file_content in ('usage', 'no_usage')
        and file_status = 'accepted'
        and records_declared_count <> records_read_count
    union all
    select
        files.view_id,
        files.expected_file_id,
        files.node,
        'wrong_totals' as finding,
        concat_ws(
            '/', 'wrong_totals', files.expected_file_id, files.node,
            cast(files.landing_sequence as string), totals.measure
        ) as finding_id,
        files.file_name as subject,
        files.file_id,
        totals.measure,
        concat('its records add up to ', totals.summed) as seen,
        concat('its audit says ', totals.stated) as expected,
        0 as file_count,
        null as seen_quantity,
        null as expected_quantity,
        files.file_from,
        files.file_to
    from files
    inner join totals
        on
            files.view_id = totals.view_id
            and files.landing_sequence = totals.landing_sequence
    where
        try_cast(totals.stated as decimal(38, 12)) <> try_cast(totals.summed as decimal(38, 12))
    union all
    select
        view_id,
        expected_file_id,
        node,
        'lost_records' as finding,
        concat_ws(
            '/', 'lost_records', expected_file_id, node, cast(landing_sequence as string)
        ) as finding_id,
        file_name as subject,
        file_id,
        'records' as measure,
        concat(
            'the sender says that ', cast(records_lost_count as string), ' records were lost'
        ) as seen,
        'none lost' as expected,
        0 as file_count,
        records_lost_count as seen_quantity,
        0 as expected_quantity,
        file_from,
        file_to
    from files
    where file_status = 'accepted' and records_lost_count > 0
    union all
    select
        view_id,
        expected_file_id,
        node,
        finding,
        concat_ws(
            '/', finding, expected_file_id, node,
            substr(cast(starts_at as string), 1, case when span = 'hour' then 16 else 10 end),
            measure
        ) as finding_id,
        concat(
            node, ' on ',
            substr(cast(starts_at as string), 1, case when span = 'hour' then 16 else 10 end)
        ) as subject,
        null as file_id,
        measure,
        concat(cast(quantity as string), ' ', measure) as seen,
        concat(
            'about ', cast(usual_quantity as string), ', the median of ',
            cast(week_count as string), ' weeks'
        ) as expected,
        0 as file_count,
        quantity as seen_quantity,
        usual_quantity as expected_quantity,
        starts_at as file_from,
        {{ add_seconds('starts_at', "case when span = 'hour' then 3600 else 86400 end") }}
            as file_to
    from {{ ref('int_usage_volumes__outside') }}

),

-- Whose a finding is: of a stream of files, or of a node whose volume is controlled.
told as (

    select
        streams.view_id,
        streams.pass_id,
        streams.bill_run_id,
        streams.source_id,
        streams.legal_entity_id,
        found.expected_file_id,
        found.node,
        found.finding,
        found.finding_id,
        found.subject,
        found.file_id,
        found.measure,
        found.seen,
        found.expected,
        found.file_count,
        found.seen_quantity,
        found.expected_quantity,
        found.file_from,
        found.file_to
    from found
    inner join streams
        on
            found.view_id = streams.view_id
            and found.expected_file_id = streams.expected_file_id
            and found.node = streams.node
    where
        streams.period_start is null
        or (
            found.file_from < cast(streams.period_end as timestamp)
            and found.file_to > cast(streams.period_start as timestamp)
        )
    union all
    select
        view_id,
        pass_id,
        bill_run_id,
        source_id,
        legal_entity_id,
        null as expected_file_id,
        node,
        verdict as finding,
        comparison_id as finding_id,
        concat(node, ' on ', substr(cast(local_hour as string), 1, 16)) as subject,
        null as file_id,
        'bytes' as measure,
        case
            when verdict <> 'no_counters'
                then
                    concat(
                        case when is_recorded then '' else 'no usage: ' end,
                        cast(recorded_bytes as string), ' bytes of ', service, ' were recorded'
                    )
            when is_counted
                then
                    concat(
                        'counters of ', cast(counted_seconds as string), ' of 3600 seconds'
                    )
            else 'no counters came'
        end as seen,
        case
            when verdict = 'no_counters' then 'counters of the whole hour'
            else concat(cast(counted_bytes as string), ', as the node counted')
        end as expected,
        0 as file_count,
        recorded_bytes as seen_quantity,
        case when is_counted then counted_bytes end as expected_quantity,
        local_hour as file_from,
        {{ add_seconds('local_hour', '3600') }} as file_to
    from compared

),

policy as (

    select
        finding,
        source_id,
        consequence,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('completeness_policy') }}

),

-- D-157: what no policy speaks of blocks.
judged as (

    select
        told.*,
        coalesce(policy.consequence, 'block') as consequence
    from told
    left join policy
        on
            told.finding = policy.finding
            and policy.source_id in (told.source_id, '*')
            and cast(told.file_from as date) >= policy.valid_from
            and cast(told.file_from as date) < policy.valid_to
    qualify
        row_number() over (
            partition by told.view_id, told.finding_id
            order by case when policy.source_id = '*' then 1 else 0 end
        ) = 1

),

-- An acceptance holds for the whole bill run; the last one counts.
acceptances as (

    select
        bill_run_id,
        finding_id,
        acceptance_reason,
        actor_name,
        recorded_at
    from {{ ref('stg_ledger__gap_acceptances') }}
    qualify
        row_number() over (
            partition by bill_run_id, finding_id order by ledger_sequence desc
        ) = 1

),

combined as (

    select
        judged.view_id,
        judged.pass_id,
        judged.finding_id,
        judged.finding,
        judged.source_id,
        judged.expected_file_id,
        judged.node,
        judged.legal_entity_id,
        judged.subject,
        judged.file_id,
        judged.measure,
        judged.seen,
        judged.expected,
        judged.consequence,
        case
            when judged.consequence = 'tell' then 'told'
            when acceptances.finding_id is not null then 'accepted'
            else 'open'
        end as finding_status,
        acceptances.acceptance_reason,
        acceptances.actor_name as accepted_by,
        cast(judged.file_count as bigint) as missing_file_count,
        cast(judged.seen_quantity as bigint) as seen_quantity,
        cast(judged.expected_quantity as bigint) as expected_quantity,
        judged.file_from,
        judged.file_to,
        acceptances.recorded_at as accepted_at
    from judged
    left join acceptances
        on
            judged.bill_run_id = acceptances.bill_run_id
            and judged.finding_id = acceptances.finding_id

)

select * from combined
