{{ config(materialized='table') }}

{%- set layer_count = allowance_layers() %}

with

over_limits as (

    select
        pass_id,
        event_id,
        segment_number,
        over_limit_units
    from {{ ref('int_usage__fair_use') }}
    where over_limit_units <> 0

),

-- What is over a fair use limit draws on nothing.
unbilled as (

    select
        usage.pass_id,
        usage.event_id,
        usage.segment_number,
        usage.subscription_id,
        usage.billing_account_id,
        usage.service,
        coalesce(usage.rating_group, '') as rating_group,
        usage.zone_id,
        usage.time_band_id,
        usage.units - coalesce(over_limits.over_limit_units, 0) as units,
        usage.started_at,
        usage.usage_period_start,
        cast(usage.started_local as date) as started_on
    from {{ ref('int_usage__gathered') }} as usage
    left join over_limits
        on
            usage.pass_id = over_limits.pass_id
            and usage.event_id = over_limits.event_id
            and usage.segment_number = over_limits.segment_number

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

stacks as (

    select
        allowance_stack_id,
        pool_id,
        allowance_scope_id,
        draw_increment,
        is_shared,
        layer,
        granted_from,
        usable_to,
        -- Only whole increments can be drawn.
        draw_increment * {{ integer_divide('sum(available_quantity)', 'draw_increment') }}
            as available_units
    from {{ ref('int_allowances__layered') }}
    group by
        allowance_stack_id,
        pool_id,
        allowance_scope_id,
        draw_increment,
        is_shared,
        layer,
        granted_from,
        usable_to

),

kinds as (

    select distinct
        service,
        rating_group,
        zone_id,
        time_band_id
    from unbilled

),

kind_scopes as (

    select distinct
        kinds.service,
        kinds.rating_group,
        kinds.zone_id,
        kinds.time_band_id,
        scopes.allowance_scope_id
    from kinds
    inner join scopes
        on
            kinds.service = scopes.service
            and (kinds.rating_group = scopes.rating_group or scopes.rating_group = '*')
            and (kinds.zone_id = scopes.zone_id or scopes.zone_id = '*')
            and (kinds.time_band_id = scopes.time_band_id or scopes.time_band_id = '*')

),

scoped as (

    select
        unbilled.*,
        kind_scopes.allowance_scope_id
    from unbilled
    inner join kind_scopes
        on
            unbilled.service = kind_scopes.service
            and unbilled.rating_group = kind_scopes.rating_group
            and unbilled.zone_id = kind_scopes.zone_id
            and unbilled.time_band_id = kind_scopes.time_band_id

),

-- A subscription draws on its own, and on what its account shares.
matched as (

    {% for drawer in ['subscription_id', 'billing_account_id'] %}
        select
            scoped.pass_id,
            scoped.event_id,
            scoped.segment_number,
            scoped.billing_account_id,
            scoped.usage_period_start,
            scoped.units,
            scoped.started_at,
            stacks.allowance_stack_id,
            stacks.allowance_scope_id,
            stacks.layer,
            stacks.draw_increment,
            stacks.available_units
        from scoped
        inner join stacks
            on
                scoped.{{ drawer }} = stacks.pool_id
                and scoped.allowance_scope_id = stacks.allowance_scope_id
                and scoped.started_on >= stacks.granted_from
                and scoped.started_on < stacks.usable_to
        where {% if drawer == 'subscription_id' %}not {% endif %}stacks.is_shared
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

{# Layer after layer, each over what the layers before left. Going through one allowance at a time,
    in time order, gives what going through the events one at a time would: an allowance sees each
    event after those that come before it have taken theirs. The first layer takes most of what is
    drawn; the others only see the events that match one of theirs, a row each that grows. #}
wanting_first as (

    select
        *,
        case when layer = 1 then {{ round_up_to('units', 'draw_increment') }} else 0 end
            as wanted_units
    from matched

),

cumulated_first as (

    select
        *,
        cast(sum(wanted_units) over (
            partition by pass_id, allowance_stack_id
            order by started_at, event_id, segment_number
            rows between unbounded preceding and current row
        ) as bigint) as cumulated_units
    from wanting_first

),

taken_first as (

    select
        *,
        {{ drawn_units('cumulated_units', 'wanted_units', 'available_units') }} as drawn_units
    from cumulated_first

),

first_layer as (

    select
        *,
        {{ free_of_drawn('drawn_units', 'units') }} as free_units
    from taken_first

),

events_1 as (

    select
        pass_id,
        event_id,
        segment_number,
        billing_account_id,
        usage_period_start,
        started_at,
        units,
        {% for layer in range(2, layer_count + 1) %}
            max(case when layer = {{ layer }} then allowance_stack_id end) as stack_{{ layer }},
            max(case when layer = {{ layer }} then allowance_scope_id end) as scope_{{ layer }},
            max(case when layer = {{ layer }} then draw_increment end) as increment_{{ layer }},
            max(case when layer = {{ layer }} then available_units end) as available_{{ layer }},
        {% endfor %}
        sum(free_units) as taken_before_2
    from first_layer
    group by
        pass_id,
        event_id,
        segment_number,
        billing_account_id,
        usage_period_start,
        started_at,
        units
    having max(layer) > 1

),

{% for layer in range(2, layer_count + 1) %}
    wanting_{{ layer }} as (

        select
            *,
            units - taken_before_{{ layer }} as needed_{{ layer }},
            case
                when stack_{{ layer }} is null then 0
                else {{ round_up_to(
                    '(units - taken_before_' ~ layer ~ ')', 'increment_' ~ layer
                ) }}
            end as wanted_{{ layer }}
        from events_{{ layer - 1 }}

    ),

    cumulated_{{ layer }} as (

        select
            *,
            cast(sum(wanted_{{ layer }}) over (
                partition by pass_id, stack_{{ layer }}
                order by started_at, event_id, segment_number
                rows between unbounded preceding and current row
            ) as bigint) as cumulated_{{ layer }}
        from wanting_{{ layer }}

    ),

    taken_{{ layer }} as (

        select
            *,
            case
                when stack_{{ layer }} is null then 0
                else {{ drawn_units(
                    'cumulated_' ~ layer, 'wanted_' ~ layer, 'available_' ~ layer
                ) }}
            end as drawn_{{ layer }}
        from cumulated_{{ layer }}

    ),

    events_{{ layer }} as (

        select
            *,
            taken_before_{{ layer }} + {{ free_of_drawn('drawn_' ~ layer, 'needed_' ~ layer) }}
                as taken_before_{{ layer + 1 }}
        from taken_{{ layer }}

    ),
{% endfor %}

layers as (

    select number + 1 as layer
    from {{ numbers(layer_count - 1) }} as counted

),

other_layers as (

    select
        events.pass_id,
        events.event_id,
        events.segment_number,
        events.billing_account_id,
        events.usage_period_start,
        {% for column in ['stack', 'scope', 'drawn', 'needed'] %}
            case layers.layer
                {% for layer in range(2, layer_count + 1) %}
                    when {{ layer }} then events.{{ column }}_{{ layer }}
                {% endfor %}
            end as {{ column }},
        {% endfor %}
        layers.layer
    from events_{{ layer_count }} as events
    cross join layers

),

drawn as (

    select
        pass_id,
        event_id,
        segment_number,
        billing_account_id,
        usage_period_start,
        allowance_stack_id,
        allowance_scope_id,
        layer,
        drawn_units,
        free_units
    from first_layer
    where drawn_units <> 0
    union all
    select
        pass_id,
        event_id,
        segment_number,
        billing_account_id,
        usage_period_start,
        stack as allowance_stack_id,
        scope as allowance_scope_id,
        layer,
        drawn as drawn_units,
        {{ free_of_drawn('drawn', 'needed') }} as free_units
    from other_layers
    where drawn <> 0

),

by_event as (

    select
        pass_id,
        event_id,
        segment_number,
        billing_account_id,
        usage_period_start,
        allowance_stack_id,
        allowance_scope_id,
        cast(layer as integer) as layer,
        cast(drawn_units as bigint) as drawn_units,
        cast(free_units as bigint) as free_units
    from drawn

)

select * from by_event
