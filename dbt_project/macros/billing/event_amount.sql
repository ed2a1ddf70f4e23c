{#-
    in: what the units of a whole event cost (decimal(18,6)) and how many they are (negative for a
    correction), its connect fee, and the relation with its rate's columns; out: what the event
    costs before it is rounded, decimal(18,6): with the connect fee, within minimum and maximum.
    Nothing charged, or not known, costs nothing. A correction mirrors what it corrects.
-#}
{% macro event_amount(amount, units, connect_amount, rate) -%}
    cast(
        case
            when coalesce({{ units }}, 0) = 0 then 0
            else {{ sign_of(units) }} * least(
                greatest(
                    {{ sign_of(units) }} * {{ amount }} + {{ connect_amount }},
                    coalesce({{ rate }}.minimum_amount, -999999999999)
                ),
                case
                    when {{ rate }}.maximum_strategy = 'free' then {{ rate }}.maximum_amount
                    else 999999999999
                end
            )
        end as decimal(18, 6)
    )
{%- endmacro %}

{#-
    in: an amount (decimal(18,6)), a method (up, down, half_up or none) and its decimals (-3 to 6);
    out: the amount rounded away from zero, towards it, or to the nearest, half away from zero, as
    decimal(18,6). On whole millionths, exact below 10^12.
-#}
{% macro round_event(amount, method, decimals) -%}
    {%- set millionths -%}
    cast(cast(abs({{ amount }}) as decimal(28, 6)) * 1000000 as bigint)
    {%- endset -%}
    {%- set step -%}
    (
        case {{ decimals }}
            {% for digits in range(-3, 7) -%}
            when {{ digits }} then {{ 10 ** (6 - digits) }}
            {% endfor -%}
            else 1
        end
    )
    {%- endset -%}
    cast(
        {{ sign_of(amount) }} * cast(
            case {{ method }}
                when 'up'
                    then {{ integer_divide(millionths ~ ' + ' ~ step ~ ' - 1', step) }} * {{ step }}
                when 'down' then {{ integer_divide(millionths, step) }} * {{ step }}
                when 'half_up'
                    then {{ integer_divide('2 * ' ~ millionths ~ ' + ' ~ step, '2 * ' ~ step) }}
                        * {{ step }}
                else {{ millionths }}
            end as decimal(20, 0)
        ) * cast(0.000001 as decimal(6, 6)) as decimal(18, 6)
    )
{%- endmacro %}

{#-
    in: a relation of segments with `segment_number`, `unit_amount`, those of their event
    (`event_unit_amount`, `event_amount`) and the rounding of its rate; out: the amount of a
    segment, decimal(18,6). What the event costs beyond its units stands on its first segment, so
    that the segments add up to the event.
-#}
{% macro segment_amount(segment) -%}
    cast(
        case
            when {{ segment }}.segment_number > 1 then {{ segment }}.unit_amount
            when coalesce({{ segment }}.rounding_method, 'none') = 'none'
                then
                    {{ segment }}.event_amount
                    - ({{ segment }}.event_unit_amount - {{ segment }}.unit_amount)
            else
                {{ round_event(
                    segment ~ '.event_amount', segment ~ '.rounding_method',
                    segment ~ '.rounding_decimals'
                ) }}
                - ({{ segment }}.event_unit_amount - {{ segment }}.unit_amount)
        end as decimal(18, 6)
    )
{%- endmacro %}
