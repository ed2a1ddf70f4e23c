with

pass_accounts as (

    select * from {{ read_files('ledger', 'pass_accounts') }}

),

-- An account belongs to one pass at a time: the last it was assigned to. Within an earlier pass it
-- counts as carried forward.
ranked as (

    select
        pass_id,
        billing_account_id,
        sequence as ledger_sequence,
        recorded_at,
        row_number() over (
            partition by billing_account_id
            order by sequence desc
        ) = 1 as is_current
    from pass_accounts

)

select * from ranked
