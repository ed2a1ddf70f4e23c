with

findings as (

    select * from {{ ref('int_usage_findings__combined') }}

),

waiting as (

    select
        finding_id,
        {{ ordered_string_agg('pass_id') }} as pass_ids
    from findings
    where pass_id is not null and finding_status = 'open'
    group by finding_id

),

acceptances as (

    select
        finding_id,
        acceptance_reason,
        actor_name,
        recorded_at
    from {{ ref('stg_ledger__gap_acceptances') }}
    qualify row_number() over (partition by finding_id order by ledger_sequence desc) = 1

)

select
    findings.finding_id,
    findings.finding,
    findings.source_id,
    findings.node,
    findings.expected_file_id,
    findings.legal_entity_id,
    findings.subject,
    findings.file_id,
    findings.measure,
    findings.seen,
    findings.expected,
    findings.consequence,
    case
        when findings.consequence = 'tell' then 'told'
        when waiting.finding_id is null and acceptances.finding_id is not null then 'accepted'
        else 'open'
    end as finding_status,
    waiting.pass_ids as waiting_pass_ids,
    acceptances.acceptance_reason,
    acceptances.actor_name as accepted_by,
    findings.missing_file_count,
    findings.seen_quantity,
    findings.expected_quantity,
    findings.file_from,
    findings.file_to,
    acceptances.recorded_at as accepted_at
from findings
left join waiting on findings.finding_id = waiting.finding_id
left join acceptances on findings.finding_id = acceptances.finding_id
where findings.view_id = 'now'
