with

rule as (

    select
        pass_id,
        rule_id
    from {{ ref('int_review_rules__in_scope') }}
    where rule_id = 'incomplete_usage'

),

gaps as (

    select
        pass_id,
        finding_id,
        expected_file_id,
        node,
        subject,
        seen,
        file_from,
        file_to
    from {{ ref('int_usage_findings__combined') }}
    where pass_id is not null and consequence = 'hold' and finding_status = 'open'

),

passes as (

    select
        pass_id,
        landing_watermark
    from {{ ref('int_passes__in_scope') }}

),

accounts as (

    select
        pass_id,
        billing_account_id
    from {{ ref('int_accounts__in_scope') }}

),

-- D-157: whose usage is missing nobody can know. Those are held whose usage the stream has brought
-- in the two months before or since; if it has brought none, everybody of the pass.
nearby_files as (

    select distinct
        gaps.pass_id,
        gaps.finding_id,
        streamed.file_id
    from gaps
    inner join passes on gaps.pass_id = passes.pass_id
    inner join {{ ref('int_usage_files__streamed') }} as streamed
        on
            gaps.expected_file_id = streamed.expected_file_id
            and gaps.node = streamed.node
            and passes.landing_watermark >= streamed.landing_sequence
            and streamed.file_content = 'usage'
            and streamed.file_from >= {{ add_seconds('gaps.file_from', '-62 * 86400') }}
    union distinct
    select
        gaps.pass_id,
        gaps.finding_id,
        hours.file_id
    from gaps
    inner join passes on gaps.pass_id = passes.pass_id
    inner join {{ ref('int_node_hours__recorded') }} as hours
        on
            gaps.node = hours.node
            and passes.landing_watermark >= hours.landing_sequence
            and hours.hour_at >= {{ add_seconds('gaps.file_from', '-62 * 86400') }}
    where gaps.expected_file_id is null

),

users as (

    select distinct
        nearby_files.pass_id,
        nearby_files.finding_id,
        arrived.billing_account_id
    from nearby_files
    inner join {{ ref('int_usage__arrived') }} as arrived
        on nearby_files.file_id = arrived.file_id

),

known as (

    select distinct
        pass_id,
        finding_id
    from users

),

affected as (

    select
        accounts.pass_id,
        accounts.billing_account_id,
        gaps.subject,
        gaps.seen
    from accounts
    inner join gaps on accounts.pass_id = gaps.pass_id
    left join known on gaps.pass_id = known.pass_id and gaps.finding_id = known.finding_id
    left join users
        on
            gaps.pass_id = users.pass_id
            and gaps.finding_id = users.finding_id
            and accounts.billing_account_id = users.billing_account_id
    where known.finding_id is null or users.billing_account_id is not null

),

invoices as (

    select
        pass_id,
        billing_account_id,
        total_amount
    from {{ ref('int_invoices__totalled') }}

),

-- One row per account: what is at stake is its bill, however many files are missing.
found as (

    select
        affected.pass_id,
        affected.billing_account_id,
        rule.rule_id,
        {{ ordered_string_agg("concat(affected.subject, ': ', affected.seen)") }} as seen,
        'all usage of the period' as expected,
        max(abs(coalesce(invoices.total_amount, cast(0 as decimal(18, 4))))) as amount_at_stake
    from affected
    inner join rule on affected.pass_id = rule.pass_id
    left join invoices
        on
            affected.pass_id = invoices.pass_id
            and affected.billing_account_id = invoices.billing_account_id
    group by affected.pass_id, affected.billing_account_id, rule.rule_id

)

select * from found
