-- A finding without a consequence for all sources blocks, which somebody should have said.
with

findings as (

    select unnest([
        'missing_file', 'missing_number', 'refused_file', 'copied_file', 'wrong_count',
        'lost_records', 'repeated_number', 'late_file', 'no_usage', 'quiet', 'loud',
        'lost_volume', 'inflated_volume', 'no_counters', 'missing_part',
        'wrong_totals'
    ]) as finding

)

select
    'completeness_policy' as seed,
    1 as csv_line,
    format('finding ''{}'' has no row without end for source_id *', findings.finding) as message
from findings
where
    exists (select 1 from expected_files)
    and not exists (
        select 1
        from completeness_policy
        where
            findings.finding = completeness_policy.finding
            and completeness_policy.source_id = '*'
            and completeness_policy.valid_to is null
    )
union all
-- It concerns sessions, no run.
select
    'completeness_policy' as seed,
    csv_line,
    'finding ''missing_part'' holds or tells: it cannot block' as message
from completeness_policy
where finding = 'missing_part' and consequence = 'block'
