{{
    config(
        materialized='incremental',
        incremental_strategy='replace_runs',
        on_schema_change='fail'
    )
}}

with

passes as (

    select pass_id from {{ ref('int_passes__in_scope') }}

),

accounts as (

    select
        pass_id,
        billing_account_id,
        period_start,
        period_end
    from {{ ref('int_accounts__in_scope') }}

),

allowances as (

    select * from {{ ref('int_allowances__layered') }}

),

stack_draws as (

    select
        pass_id,
        billing_account_id,
        usage_period_start,
        allowance_stack_id,
        sum(drawn_units) as drawn_units,
        sum(free_units) as free_units
    from {{ ref('int_allowance_draws__by_event') }}
    group by pass_id, billing_account_id, usage_period_start, allowance_stack_id

),

-- A subscription that moved draws in the accounts one after the other, and in each account in one
-- period after the other.
stretches as (

    select
        *,
        (sum(drawn_units) over in_order) - drawn_units as from_quantity,
        sum(drawn_units) over in_order as to_quantity
    from stack_draws
    window in_order as (
        partition by pass_id, allowance_stack_id
        order by billing_account_id, usage_period_start
        rows between unbounded preceding and current row
    )

),

-- An allowance gives what of its own stretch lies in the stretch drawn from its stack.
drawn as (

    select
        stretches.pass_id,
        stretches.billing_account_id,
        stretches.usage_period_start,
        allowances.allowance_grant_id,
        least(stretches.to_quantity, allowances.to_quantity)
        - greatest(stretches.from_quantity, allowances.from_quantity) as drawn_quantity,
        case
            when allowances.draw_increment > 1 then stretches.free_units
            else
                least(stretches.to_quantity, allowances.to_quantity)
                - greatest(stretches.from_quantity, allowances.from_quantity)
        end as free_quantity
    from stretches
    inner join allowances
        on
            stretches.allowance_stack_id = allowances.allowance_stack_id
            and stretches.from_quantity < allowances.to_quantity
            and stretches.to_quantity > allowances.from_quantity

),

-- What goes on after the pass is told also when nothing was drawn: the next run begins with it.
going_on as (

    select
        accounts.pass_id,
        accounts.billing_account_id,
        accounts.period_start as usage_period_start,
        allowances.allowance_grant_id,
        cast(0 as bigint) as drawn_quantity,
        cast(0 as bigint) as free_quantity
    from allowances
    inner join accounts
        on
            allowances.billing_account_id = accounts.billing_account_id
            and allowances.granted_from < accounts.period_end
            and allowances.usable_to > accounts.period_end
    where allowances.is_lasting

),

united as (

    select * from drawn
    union all
    select * from going_on

),

drawn_of_periods as (

    select
        united.pass_id,
        united.billing_account_id,
        united.usage_period_start,
        united.allowance_grant_id,
        sum(united.drawn_quantity) as drawn_quantity,
        sum(united.free_quantity) as free_quantity
    from united
    group by
        united.pass_id,
        united.billing_account_id,
        united.usage_period_start,
        united.allowance_grant_id

),

described as (

    select
        drawn_of_periods.pass_id,
        drawn_of_periods.billing_account_id,
        allowances.pool_id,
        allowances.allowance_scope_id,
        allowances.allowance_id,
        allowances.quantity as granted_quantity,
        drawn_of_periods.drawn_quantity,
        drawn_of_periods.free_quantity,
        allowances.quantity
        - allowances.drawn_before_quantity
        - sum(drawn_of_periods.drawn_quantity) over (
            partition by
                drawn_of_periods.pass_id,
                drawn_of_periods.billing_account_id,
                drawn_of_periods.allowance_grant_id
        ) as closing_quantity,
        allowances.granted_from,
        allowances.usable_to,
        drawn_of_periods.usage_period_start
    from drawn_of_periods
    inner join allowances
        on drawn_of_periods.allowance_grant_id = allowances.allowance_grant_id
    union all
    -- D-210: with what is drawn again, what was drawn before is taken back.
    select
        reopened.pass_id,
        reopened.billing_account_id,
        reopened.pool_id,
        reopened.allowance_scope_id,
        reopened.allowance_id,
        reopened.granted_quantity,
        -reopened.drawn_quantity as drawn_quantity,
        -reopened.free_quantity as free_quantity,
        cast(null as bigint) as closing_quantity,
        reopened.granted_from,
        reopened.usable_to,
        reopened.usage_period_start
    from {{ ref('int_allowance_draws__reopened') }} as reopened

),

summed as (

    select
        described.pass_id,
        described.billing_account_id,
        described.pool_id,
        max(described.allowance_scope_id) as allowance_scope_id,
        described.allowance_id,
        max(described.granted_quantity) as granted_quantity,
        cast(sum(described.drawn_quantity) as bigint) as drawn_quantity,
        cast(sum(described.free_quantity) as bigint) as free_quantity,
        cast(
            coalesce(max(described.closing_quantity), max(described.granted_quantity)) as bigint
        ) as closing_quantity,
        described.granted_from,
        max(described.usable_to) as usable_to,
        described.usage_period_start
    from described
    inner join passes on described.pass_id = passes.pass_id
    group by
        described.pass_id,
        described.billing_account_id,
        described.pool_id,
        described.allowance_id,
        described.granted_from,
        described.usage_period_start

)

select * from summed
