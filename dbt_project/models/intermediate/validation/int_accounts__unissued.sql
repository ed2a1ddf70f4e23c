with

decided as (

    select
        pass_id,
        billing_account_id,
        outcome
    from {{ ref('int_accounts__decided') }}

),

passes as (

    select pass_id from {{ ref('int_passes__unissued') }}

),

-- The accounts whose rows are still computed: what a mart shows of them waits for review or is a
-- draft. The others come back from their frozen rows.
unissued as (

    select
        decided.pass_id,
        decided.billing_account_id,
        case decided.outcome when 'held' then 'held' else 'draft' end as billing_status
    from decided
    inner join passes on decided.pass_id = passes.pass_id

)

select * from unissued
