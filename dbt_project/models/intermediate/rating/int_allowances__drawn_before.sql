with

draws as (

    select
        pool_id,
        allowance_id,
        granted_from,
        granted_quantity,
        drawn_quantity,
        issue_sequence
    from {{ ref('stg_issued__allowance_draws') }}
    union all
    select
        pool_id,
        allowance_id,
        granted_from,
        granted_quantity,
        drawn_quantity,
        cast(0 as bigint) as issue_sequence
    from {{ ref('stg_landing__opening_allowances') }}
    union all
    -- D-210: what is drawn again was not drawn before.
    select
        pool_id,
        allowance_id,
        granted_from,
        granted_quantity,
        -drawn_quantity as drawn_quantity,
        cast(-1 as bigint) as issue_sequence
    from {{ ref('int_allowance_draws__reopened') }}

),

-- The quantity granted is the one said last; what was drawn adds up.
drawn_before as (

    select
        pool_id,
        allowance_id,
        granted_from,
        max_by(granted_quantity, issue_sequence) as granted_quantity,
        cast(sum(drawn_quantity) as bigint) as drawn_quantity,
        min(issue_sequence) = -1 as is_reopened
    from draws
    group by pool_id, allowance_id, granted_from

)

select * from drawn_before
