with

invoices as (

    select
        invoice_id,
        invoice_number,
        pass_id,
        billing_account_id,
        delivery_channel,
        bill_date
    from {{ ref('fct_invoices') }}
    where billing_status = 'issued'

),

rendered as (

    select
        document_id,
        min(recorded_at) as rendered_at
    from {{ ref('stg_ledger__rendered_documents') }}
    group by document_id

),

sent as (

    select
        document_id,
        is_on_time,
        sent_at
    from {{ ref('int_documents__sent') }}

),

attempts as (

    select * from {{ ref('stg_ledger__delivery_attempts') }}

),

outcomes as (

    select * from {{ ref('stg_ledger__delivery_outcomes') }}

),

last_attempts as (

    select
        attempts.document_id,
        attempts.delivery_channel,
        attempts.attempt_number,
        attempts.message_id,
        attempts.recorded_at as attempted_at,
        coalesce(outcomes.delivery_state, 'in_flight') as delivery_state,
        outcomes.outcome_code,
        outcomes.outcome_reason
    from attempts
    left join outcomes on attempts.ledger_sequence = outcomes.attempt_sequence
    qualify
        row_number() over (
            partition by attempts.document_id, attempts.delivery_channel
            order by attempts.ledger_sequence desc, outcomes.ledger_sequence desc
        ) = 1

)

select
    concat_ws(
        '/', invoices.invoice_id,
        coalesce(last_attempts.delivery_channel, invoices.delivery_channel)
    )
        as delivery_id,
    invoices.invoice_id,
    invoices.invoice_number,
    invoices.pass_id,
    invoices.billing_account_id,
    coalesce(last_attempts.delivery_channel, invoices.delivery_channel) as delivery_channel,
    case
        when last_attempts.document_id is not null then last_attempts.delivery_state
        when rendered.document_id is not null then 'pending'
        else 'not_rendered'
    end as delivery_state,
    last_attempts.message_id,
    last_attempts.outcome_code,
    last_attempts.outcome_reason,
    cast(coalesce(last_attempts.attempt_number, 0) as bigint) as attempt_count,
    invoices.bill_date,
    coalesce(sent.is_on_time, false) as is_on_time,
    rendered.rendered_at,
    last_attempts.attempted_at,
    sent.sent_at
from invoices
left join rendered on invoices.invoice_id = rendered.document_id
left join last_attempts on invoices.invoice_id = last_attempts.document_id
left join sent on invoices.invoice_id = sent.document_id
