with

invoices as (

    select
        invoice_id,
        bill_run_id,
        legal_entity_id,
        currency_code,
        total_amount,
        issue_date
    from {{ ref('fct_invoices') }}
    where billing_status = 'issued'

),

credit_notes as (

    select
        passes.bill_run_id,
        cast(count(*) as decimal(28, 6)) as document_count
    from {{ ref('stg_ledger__documents') }} as documents
    inner join {{ ref('stg_ledger__passes') }} as passes on documents.pass_id = passes.pass_id
    where documents.document_type = 'credit_note'
    group by passes.bill_run_id

),

runs as (

    select
        bill_run_id,
        legal_entity_id,
        cast(count(*) as decimal(28, 6)) as invoice_count
    from invoices
    group by bill_run_id, legal_entity_id

),

-- From the first opening of the run to its last issue, as the ledger recorded them.
worked as (

    select
        passes.bill_run_id,
        cast(
            {{ seconds_between(
                "min(case when transitions.pass_state = 'opened' then transitions.recorded_at end)",
                "max(case when transitions.pass_state = 'issued' then transitions.recorded_at end)"
            ) }} as decimal(28, 6)
        ) as worked_seconds
    from {{ ref('stg_ledger__pass_transitions') }} as transitions
    inner join {{ ref('stg_ledger__passes') }} as passes on transitions.pass_id = passes.pass_id
    where passes.pass_kind = 'main'
    group by passes.bill_run_id

),

held as (

    select
        bill_run_id,
        cast(
            count(distinct case when review_status = 'held' then billing_account_id end)
            as decimal(28, 6)
        )
            as held_count
    from {{ ref('fct_review_queue') }}
    group by bill_run_id

),

deliveries as (

    select
        invoices.bill_run_id,
        cast(count(
            case
                when sent.delivery_state = 'delivered' and sent.delivery_channel <> 'post' then 1
            end
        ) as decimal(28, 6)) as delivered_count,
        cast(count(
            case
                when sent.delivery_state = 'accepted' and sent.delivery_channel <> 'post' then 1
            end
        ) as decimal(28, 6)) as accepted_count,
        cast(count(
            case
                when
                    sent.delivery_state in ('accepted', 'delivered')
                    and sent.delivery_channel = 'post'
                    then 1
            end
        ) as decimal(28, 6)) as posted_count,
        cast(count(distinct case when sent.is_on_time then sent.invoice_id end) as decimal(28, 6))
            as on_time_count
    from {{ ref('fct_deliveries') }} as sent
    inner join invoices on sent.invoice_id = invoices.invoice_id
    group by invoices.bill_run_id

),

receivables as (

    select
        invoices.legal_entity_id,
        receivables_open.open_amount,
        receivables_open.total_amount,
        receivables_open.issue_date,
        receivables_open.due_date,
        receivables_open.last_paid_date
    from {{ ref('fct_receivables') }} as receivables_open
    inner join invoices on receivables_open.invoice_id = invoices.invoice_id

),

-- As of the last day on which anything is known: the last issue or payment, never a wall clock.
as_of as (

    select
        legal_entity_id,
        greatest(max(issue_date), max(coalesce(last_paid_date, issue_date))) as as_of_date
    from receivables
    group by legal_entity_id

),

outstanding as (

    select
        receivables.legal_entity_id,
        max(as_of.as_of_date) as as_of_date,
        cast(sum(receivables.open_amount) as decimal(28, 6)) as open_amount,
        cast(sum(
            case
                when receivables.due_date < as_of.as_of_date then receivables.open_amount
                else 0
            end
        ) as decimal(28, 6)) as overdue_amount,
        cast(sum(case
            when {{ days_between('receivables.issue_date', 'as_of.as_of_date') }} < 90
                then receivables.total_amount
            else 0
        end) as decimal(28, 6)) as billed_amount
    from receivables
    inner join as_of on receivables.legal_entity_id = as_of.legal_entity_id
    group by receivables.legal_entity_id

),

suspended as (

    select cast(count(*) as decimal(28, 6)) as event_count
    from {{ ref('fct_suspended_usage') }}

),

unbilled as (

    select
        cast(count(*) as decimal(28, 6)) as event_count,
        cast(coalesce(sum(rated_amount), 0) as decimal(28, 6)) as rated_amount
    from {{ ref('fct_rated_usage') }}
    where usage_status <> 'billed'

),

figures as (

    select
        runs.legal_entity_id,
        runs.bill_run_id,
        'billing_accuracy' as kpi_name,
        'share of invoices without a correction' as kpi_meaning,
        'ratio' as unit,
        runs.invoice_count - coalesce(credit_notes.document_count, 0) as numerator,
        runs.invoice_count as denominator
    from runs
    left join credit_notes on runs.bill_run_id = credit_notes.bill_run_id
    union all
    select
        runs.legal_entity_id, runs.bill_run_id, 'held_accounts',
        'accounts held for a person per invoice issued',
        'ratio', coalesce(held.held_count, 0), runs.invoice_count
    from runs
    left join held on runs.bill_run_id = held.bill_run_id
    union all
    select
        runs.legal_entity_id, runs.bill_run_id, 'delivered',
        'delivered by receipt, of invoices issued', 'ratio',
        coalesce(deliveries.delivered_count, 0), runs.invoice_count
    from runs
    left join deliveries on runs.bill_run_id = deliveries.bill_run_id
    union all
    select
        runs.legal_entity_id, runs.bill_run_id, 'accepted',
        'accepted by the mail server without a bounce so far, '
        || 'of invoices issued', 'ratio', coalesce(deliveries.accepted_count, 0), runs.invoice_count
    from runs
    left join deliveries on runs.bill_run_id = deliveries.bill_run_id
    union all
    select
        runs.legal_entity_id, runs.bill_run_id, 'posted', 'handed to the post, of invoices issued',
        'ratio',
        coalesce(deliveries.posted_count, 0), runs.invoice_count
    from runs
    left join deliveries on runs.bill_run_id = deliveries.bill_run_id
    union all
    select
        runs.legal_entity_id, runs.bill_run_id, 'delivery_success',
        'delivered + accepted + posted, of invoices issued',
        'ratio',
        coalesce(
            deliveries.delivered_count + deliveries.accepted_count + deliveries.posted_count, 0
        ),
        runs.invoice_count
    from runs
    left join deliveries on runs.bill_run_id = deliveries.bill_run_id
    union all
    select
        runs.legal_entity_id, runs.bill_run_id, 'on_time_delivery',
        'sent within the days of the policy, of invoices issued', 'ratio',
        coalesce(deliveries.on_time_count, 0), runs.invoice_count
    from runs
    left join deliveries on runs.bill_run_id = deliveries.bill_run_id
    union all
    select
        runs.legal_entity_id, runs.bill_run_id, 'throughput',
        'invoices per hour from opening to issue',
        'per_hour', runs.invoice_count * 3600, worked.worked_seconds
    from runs
    inner join worked on runs.bill_run_id = worked.bill_run_id
    union all
    select
        legal_entity_id, null, 'days_sales_outstanding',
        concat(
            'open receivables / billed in the last 90 days x 90, as of ', cast(as_of_date as string)
        ),
        'days',
        open_amount * 90, billed_amount
    from outstanding
    union all
    select
        legal_entity_id, null, 'overdue_share', 'overdue of open receivables', 'ratio',
        overdue_amount, open_amount
    from outstanding
    union all
    select
        outstanding.legal_entity_id, null, 'suspended_usage', 'events in suspense', 'events',
        suspended.event_count,
        cast(1 as decimal(28, 6))
    from suspended
    cross join outstanding
    union all
    select
        outstanding.legal_entity_id, null, 'unbilled_usage', 'rated and not billed yet, in money',
        'money',
        unbilled.rated_amount, cast(1 as decimal(28, 6))
    from unbilled
    cross join outstanding

)

select
    concat_ws('/', legal_entity_id, coalesce(bill_run_id, 'all'), kpi_name) as kpi_id,
    legal_entity_id,
    bill_run_id,
    kpi_name,
    kpi_meaning,
    unit,
    cast(numerator as decimal(28, 6)) as numerator,
    cast(denominator as decimal(28, 6)) as denominator,
    {{ ratio_of('numerator', 'denominator') }} as kpi_value
from figures
