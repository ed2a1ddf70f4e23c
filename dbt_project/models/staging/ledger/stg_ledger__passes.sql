with

passes as (

    select * from {{ read_files('ledger', 'passes') }}

),

-- D-025: the issue date moves until the pass is issued; the last that was set counts.
dated as (

    select
        pass_id,
        max_by(issue_date, sequence) as issue_date
    from {{ read_files('ledger', 'pass_transitions') }}
    where issue_date is not null
    group by pass_id

),

renamed as (

    select
        passes.pass_id,
        passes.bill_run_id,
        passes.pass_kind,
        passes.pass_number,
        coalesce(dated.issue_date, passes.issue_date) as issue_date,
        passes.sequence as ledger_sequence,
        passes.recorded_at
    from passes
    left join dated on passes.pass_id = dated.pass_id

)

select * from renamed
