{#-
    The one way from units to an amount, before and after allowances.
    in: what the units of a whole event cost (decimal(18,6)) and how many they are (negative for a
    correction), its connect fee, and the relation with its rate's columns; out: what the event
    costs, decimal(18,6): with the connect fee, within the minimum and the maximum, rounded.
    Nothing charged, or not known, costs nothing. A correction mirrors what it corrects.
-#}
{% macro event_amount(amount, units, connect_amount, rate) -%}
    {%- set connected -%}
    ({{ sign_of(units) }} * {{ amount }} + {{ connect_amount }})
    {%- endset -%}
    {%- set at_least -%}
    greatest({{ connected }}, coalesce({{ rate }}.minimum_amount, {{ connected }}))
    {%- endset -%}
    {%- set bounded -%}
    case
        when {{ rate }}.maximum_strategy = 'free'
            then least({{ at_least }}, {{ rate }}.maximum_amount)
        else {{ at_least }}
    end
    {%- endset -%}
    cast(
        case
            when coalesce({{ units }}, 0) = 0 then 0
            when {{ rate }}.rounding_method is null and {{ rate }}.minimum_amount is null
                and {{ rate }}.maximum_strategy is null
                then {{ sign_of(units) }} * {{ connected }}
            else {{ sign_of(units) }}
                * {{ round_event(
                    bounded, rate ~ '.rounding_method', rate ~ '.rounding_decimals'
                ) }}
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
    in: a relation of segments with `segment_number`, `unit_amount`, `connect_amount` and units, one
    of their events that have several (sums `unit_amount` and `units`, null where there is only
    one), and that of their rates; out: the amount of a segment, decimal(18,6). What the event costs
    beyond its units stands on its first segment, so that the segments add up to the event.
-#}
{% macro segment_amount(segment, units, event, rate) -%}
    cast(
        case
            when {{ segment }}.segment_number = 1
                then {{ event_amount(
                    'coalesce(' ~ event ~ '.unit_amount, ' ~ segment ~ '.unit_amount)',
                    'coalesce(' ~ event ~ '.units, ' ~ segment ~ '.' ~ units ~ ')',
                    segment ~ '.connect_amount', rate
                ) }} - coalesce({{ event }}.unit_amount - {{ segment }}.unit_amount, 0)
            else {{ segment }}.unit_amount
        end as decimal(18, 6)
    )
{%- endmacro %}
