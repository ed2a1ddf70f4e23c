with

draws as (

    select
        pool_id,
        allowance_id,
        granted_from,
        granted_quantity,
        drawn_quantity,
        issue_sequence,
        0 as is_granted_as_before
    from {{ ref('stg_issued__allowance_draws') }}
    union all
    select
        pool_id,
        allowance_id,
        granted_from,
        granted_quantity,
        drawn_quantity,
        cast(0 as bigint) as issue_sequence,
        0 as is_granted_as_before
    from {{ ref('stg_landing__opening_allowances') }}
    union all
    -- D-210: what is drawn again was not drawn before.
    select
        pool_id,
        allowance_id,
        granted_from,
        granted_quantity,
        -drawn_quantity as drawn_quantity,
        cast(-1 as bigint) as issue_sequence,
        -- D-213: an order takes the quantities of today.
        case when is_ordered then 0 else 1 end as is_granted_as_before
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
        max(is_granted_as_before) = 1 as is_granted_as_before
    from draws
    group by pool_id, allowance_id, granted_from

)

select * from drawn_before
