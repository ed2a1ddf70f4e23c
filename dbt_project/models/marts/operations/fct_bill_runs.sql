with

passes as (

    select * from {{ ref('stg_ledger__passes') }}

),

bill_runs as (

    select * from {{ ref('stg_ledger__bill_runs') }}

),

transitions as (

    select
        pass_id,
        max_by(pass_state, ledger_sequence) as pass_state,
        max_by(commit_hash, ledger_sequence) as commit_hash,
        max_by(project_hash, ledger_sequence) as project_hash,
        max(landing_watermark) as landing_watermark,
        min(recorded_at) as opened_at,
        max(recorded_at) as last_changed_at
    from {{ ref('stg_ledger__pass_transitions') }}
    group by pass_id

),

closures as (

    select
        bill_run_id,
        max(recorded_at) as closed_at
    from {{ ref('stg_ledger__run_closures') }}
    group by bill_run_id

),

accounts as (

    select
        pass_id,
        cast(count(distinct billing_account_id) as bigint) as account_count
    from {{ ref('stg_ledger__pass_accounts') }}
    group by pass_id

),

invoices as (

    select
        pass_id,
        cast(count(*) as bigint) as invoice_count,
        max(currency_code) as currency_code,
        cast(sum(net_amount) as decimal(18, 4)) as net_amount,
        cast(sum(tax_amount) as decimal(18, 4)) as tax_amount,
        cast(sum(total_amount) as decimal(18, 4)) as total_amount
    from {{ ref('fct_invoices') }}
    where billing_status = 'issued'
    group by pass_id

),

held as (

    select
        pass_id,
        cast(count(distinct billing_account_id) as bigint) as held_account_count
    from {{ ref('fct_review_queue') }}
    where review_status = 'held'
    group by pass_id

)

select
    passes.pass_id,
    passes.bill_run_id,
    bill_runs.legal_entity_id,
    bill_runs.bill_cycle_id,
    passes.pass_kind,
    passes.pass_number,
    transitions.pass_state,
    closures.closed_at is not null as is_closed,
    transitions.commit_hash,
    transitions.project_hash,
    transitions.landing_watermark,
    coalesce(accounts.account_count, cast(0 as bigint)) as account_count,
    coalesce(invoices.invoice_count, cast(0 as bigint)) as invoice_count,
    coalesce(held.held_account_count, cast(0 as bigint)) as held_account_count,
    invoices.currency_code,
    coalesce(invoices.net_amount, cast(0 as decimal(18, 4))) as net_amount,
    coalesce(invoices.tax_amount, cast(0 as decimal(18, 4))) as tax_amount,
    coalesce(invoices.total_amount, cast(0 as decimal(18, 4))) as total_amount,
    bill_runs.bill_date,
    passes.issue_date,
    transitions.opened_at,
    transitions.last_changed_at
from passes
inner join bill_runs on passes.bill_run_id = bill_runs.bill_run_id
left join transitions on passes.pass_id = transitions.pass_id
left join closures on passes.bill_run_id = closures.bill_run_id
left join accounts on passes.pass_id = accounts.pass_id
left join invoices on passes.pass_id = invoices.pass_id
left join held on passes.pass_id = held.pass_id
