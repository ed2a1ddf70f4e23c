{#- in: what an event draws of an allowance, in whole increments, and the units it still needs; out:
    the units that are free because of it. A correction gives back no more than it takes off. -#}
{% macro free_of_drawn(drawn, needed) -%}
    case
        when {{ needed }} < 0 then greatest({{ needed }}, {{ drawn }})
        else least({{ needed }}, {{ drawn }})
    end
{%- endmacro %}
