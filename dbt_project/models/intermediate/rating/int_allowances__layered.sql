{{ config(materialized='table') }}

{#- The windows that int_allowance_draws__by_event draws in. -#}
{%- set layer_count = allowance_layers() -%}

with

granted as (

    select * from {{ ref('int_allowances__granted') }}

),

scopes as (

    select
        allowance_scope_id,
        service,
        rating_group,
        zone_id,
        time_band_id
    from {{ ref('allowance_scopes') }}

),

members as (

    select distinct
        subscription_id,
        billing_account_id
    from {{ ref('int_subscription_cycles__dated') }}

),

overlapping_scopes as (

    select distinct
        scopes.allowance_scope_id,
        other_scopes.allowance_scope_id as other_scope_id
    from scopes
    inner join scopes as other_scopes
        on
            scopes.service = other_scopes.service
            and (
                scopes.rating_group = other_scopes.rating_group
                or scopes.rating_group = '*'
                or other_scopes.rating_group = '*'
            )
            and (
                scopes.zone_id = other_scopes.zone_id
                or scopes.zone_id = '*'
                or other_scopes.zone_id = '*'
            )
            and (
                scopes.time_band_id = other_scopes.time_band_id
                or scopes.time_band_id = '*'
                or other_scopes.time_band_id = '*'
            )

),

-- Of equal priority, what ends first is drawn first.
ordered as (

    select
        *,
        row_number() over (
            order by priority, usable_to, granted_from, allowance_id, pool_id
        ) as draw_order
    from granted

),

-- Two allowances that the same usage could draw on. Those that the very same usage can draw on
-- follow each other as stretches of one cumulated use and need no layer of their own.
pairs as (

    select
        later.allowance_grant_id,
        earlier.allowance_grant_id as earlier_grant_id,
        later.allowance_scope_id,
        earlier.allowance_scope_id as earlier_scope_id,
        case
            when
                later.allowance_scope_id = earlier.allowance_scope_id
                and later.pool_id = earlier.pool_id
                and later.granted_from = earlier.granted_from
                and later.usable_to = earlier.usable_to
                and later.draw_increment = 1
                and earlier.draw_increment = 1
                then 0
            else 1
        end as layers_between
    from ordered as later
    inner join ordered as earlier on later.pool_id = earlier.pool_id
    where
        earlier.draw_order < later.draw_order
        and earlier.granted_from < later.usable_to
        and later.granted_from < earlier.usable_to
    union all
    select
        case
            when own.draw_order > shared.draw_order then own.allowance_grant_id
            else shared.allowance_grant_id
        end as allowance_grant_id,
        case
            when own.draw_order > shared.draw_order then shared.allowance_grant_id
            else own.allowance_grant_id
        end as earlier_grant_id,
        own.allowance_scope_id,
        shared.allowance_scope_id as earlier_scope_id,
        1 as layers_between
    from ordered as shared
    inner join members on shared.pool_id = members.billing_account_id
    inner join ordered as own on members.subscription_id = own.pool_id
    where
        shared.is_shared
        and not own.is_shared
        and own.granted_from < shared.usable_to
        and shared.granted_from < own.usable_to

),

conflicts as (

    select
        pairs.allowance_grant_id,
        pairs.earlier_grant_id,
        pairs.layers_between
    from pairs
    inner join overlapping_scopes
        on
            pairs.allowance_scope_id = overlapping_scopes.allowance_scope_id
            and pairs.earlier_scope_id = overlapping_scopes.other_scope_id

),

-- An allowance's layer comes after those of all that its usage draws on before: the longest way
-- through the conflicts, found in as many rounds as there are layers, and one to see that there
-- are not more.
round_0 as (

    select distinct
        allowance_grant_id,
        1 as layer
    from conflicts

),

{% for round in range(1, layer_count + 1) %}
    round_{{ round }} as (

        select
            conflicts.allowance_grant_id,
            max(coalesce(earlier.layer, 1) + conflicts.layers_between) as layer
        from conflicts
        left join round_{{ round - 1 }} as earlier
            on conflicts.earlier_grant_id = earlier.allowance_grant_id
        group by conflicts.allowance_grant_id

    ),
{% endfor %}

layered as (

    select
        ordered.*,
        coalesce(longest.layer, 1) as layer
    from ordered
    left join round_{{ layer_count }} as longest
        on ordered.allowance_grant_id = longest.allowance_grant_id

),

stacked as (

    select
        allowance_grant_id,
        concat_ws(
            '/',
            pool_id,
            allowance_scope_id,
            cast(granted_from as string),
            cast(usable_to as string),
            case when draw_increment > 1 then allowance_id end,
            cast(layer as string)
        ) as allowance_stack_id,
        pool_id,
        billing_account_id,
        allowance_id,
        allowance_scope_id,
        priority,
        draw_increment,
        is_shared,
        is_lasting,
        cast(layer as integer) as layer,
        draw_order,
        quantity,
        drawn_before_quantity,
        available_quantity,
        granted_from,
        usable_to
    from layered

),

-- In a stack each covers a stretch of what its usage draws in a pass.
stretched as (

    select
        *,
        cast((sum(available_quantity) over in_order) - available_quantity as bigint)
            as from_quantity,
        cast(sum(available_quantity) over in_order as bigint) as to_quantity
    from stacked
    window in_order as (
        partition by allowance_stack_id
        order by draw_order
        rows between unbounded preceding and current row
    )

)

select * from stretched
