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
        cast(usage.started_local as date) as started_on
    from {{ ref('int_usage__unbilled') }} as usage
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

{#- Layer after layer, each over what the layers before left. Going through one allowance at a time,
    in time order, gives what going through the events one at a time would: an allowance sees each
    event after those that come before it have taken theirs. -#}
{% for layer in range(1, layer_count + 1) %}
    matched_{{ layer }} as (

        select * from matched
        where layer = {{ layer }}

    ),

    {% if layer > 1 %}
        -- Joined from the layer's own rows, of which there are mostly none.
        left_before_{{ layer }} as (

            select
                matched_{{ layer }}.pass_id,
                matched_{{ layer }}.event_id,
                matched_{{ layer }}.segment_number,
                sum(drawn.free_units) as free_units
            from matched_{{ layer }}
            inner join drawn_to_{{ layer - 1 }} as drawn
                on
                    matched_{{ layer }}.pass_id = drawn.pass_id
                    and matched_{{ layer }}.event_id = drawn.event_id
                    and matched_{{ layer }}.segment_number = drawn.segment_number
            group by
                matched_{{ layer }}.pass_id,
                matched_{{ layer }}.event_id,
                matched_{{ layer }}.segment_number

        ),
    {% endif %}

    needing_{{ layer }} as (

        select
            matched_{{ layer }}.*,
            {% if layer == 1 %}
                matched_{{ layer }}.units as needed_units
            {% else %}
                matched_{{ layer }}.units - coalesce(left_before.free_units, 0) as needed_units
            {% endif %}
        from matched_{{ layer }}
        {% if layer > 1 %}
            left join left_before_{{ layer }} as left_before
                on
                    matched_{{ layer }}.pass_id = left_before.pass_id
                    and matched_{{ layer }}.event_id = left_before.event_id
                    and matched_{{ layer }}.segment_number = left_before.segment_number
        {% endif %}

    ),

    wanting_{{ layer }} as (

        select
            *,
            {{ round_up_to('needed_units', 'draw_increment') }} as wanted_units
        from needing_{{ layer }}

    ),

    cumulated_{{ layer }} as (

        select
            *,
            cast(sum(wanted_units) over (
                partition by pass_id, allowance_stack_id
                order by started_at, event_id, segment_number
                rows between unbounded preceding and current row
            ) as bigint) as cumulated_units
        from wanting_{{ layer }}

    ),

    taken_{{ layer }} as (

        select
            *,
            {{ drawn_units('cumulated_units', 'wanted_units', 'available_units') }} as drawn_units
        from cumulated_{{ layer }}

    ),

    drawn_{{ layer }} as (

        select
            pass_id,
            event_id,
            segment_number,
            billing_account_id,
            allowance_stack_id,
            allowance_scope_id,
            layer,
            drawn_units,
            -- A correction gives back no more than it takes off.
            case
                when needed_units < 0 then greatest(needed_units, drawn_units)
                else least(needed_units, drawn_units)
            end as free_units
        from taken_{{ layer }}
        where drawn_units <> 0

    ),

    drawn_to_{{ layer }} as (

        {% if layer > 1 %}
            select * from drawn_to_{{ layer - 1 }}
            union all
        {% endif %}
        select * from drawn_{{ layer }}

    ),
{% endfor %}

by_event as (

    select
        pass_id,
        event_id,
        segment_number,
        billing_account_id,
        allowance_stack_id,
        allowance_scope_id,
        cast(layer as integer) as layer,
        cast(drawn_units as bigint) as drawn_units,
        cast(free_units as bigint) as free_units
    from drawn_to_{{ layer_count }}

)

select * from by_event
