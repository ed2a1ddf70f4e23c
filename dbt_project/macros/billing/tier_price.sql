{#- in: what was counted in a period and the row of int_price_tiers__cumulated that it lies in (a
    relation of the query); out: the price of the period so far as decimal(18,6). -#}
{% macro tier_price(counted, tier) -%}
    {%- set own_units = '(' ~ counted ~ ' - ' ~ tier ~ '.priced_from_units)' -%}
    case
        when {{ counted }} <= 0 then {{ tier }}.zero_amount
        else
            {{ tier }}.start_amount + {{ tier }}.flat_amount + {{ price_units(
                tier ~ '.rate_amount', round_up_to(own_units, tier ~ '.block_size'),
                tier ~ '.per_units'
            ) }}
    end
{%- endmacro %}

{#- in: a relation with the event's units, its free ones and the bounds of its set, and the row of
    int_price_tiers__cumulated; out: the price of this event alone. Free events cost nothing, the
    others their fee too; a correction takes back the rate alone. -#}
{% macro event_price(event, tier) -%}
    {%- set by_rate = price_units(
        tier ~ '.rate_amount', '(' ~ event ~ '.charged_units - ' ~ event ~ '.event_free_units)',
        tier ~ '.per_units'
    ) -%}
    case
        when {{ event }}.charged_units < 0 then {{ by_rate }}
        when {{ event }}.is_free_event then cast(0 as decimal(18, 6))
        else least(
            greatest(
                {{ by_rate }} + case when {{ event }}.segment_number = 1
                    then coalesce({{ event }}.event_amount, 0) else 0 end,
                coalesce({{ event }}.event_minimum_amount, {{ by_rate }})
            ),
            coalesce(
                {{ event }}.event_maximum_amount, cast(999999999999 as decimal(18, 6))
            )
        )
    end
{%- endmacro %}
