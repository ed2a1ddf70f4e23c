{#-
    in: a proration policy and two local timestamps with their time zone; out: how much time lies
    between them in the policy's units, bigint: seconds that really pass, days of months that have
    30 (the calendar's days, less what each month passed has over 30), days else; 1 for `none`. It
    adds up: from a to b and from b to c is from a to c.
-#}
{% macro proration_units(proration, from_local, to_local, time_zone) -%}
    cast(
        case {{ proration }}
            when 'none' then 1
            when 'seconds'
                then {{ seconds_between(
                    to_utc(from_local, time_zone), to_utc(to_local, time_zone)
                ) }}
            when 'fixed_30'
                then
                    (extract(year from {{ to_local }}) - extract(year from {{ from_local }})) * 360
                    + (extract(month from {{ to_local }}) - extract(month from {{ from_local }}))
                    * 30
                    + extract(day from {{ to_local }}) - extract(day from {{ from_local }})
            else
                {{ days_between(
                    'cast(' ~ from_local ~ ' as date)', 'cast(' ~ to_local ~ ' as date)'
                ) }}
        end as bigint
    )
{%- endmacro %}
