{#-
    in: the relation of rated or billed usage, where a column must name it; out: how many events its
    row counts. An event counts with its first segment, and back with the row that takes that back.
-#}
{% macro event_count(relation=none) -%}
    {%- set of = relation ~ '.' if relation else '' -%}
    case
        when {{ of }}segment_number <> 1 then 0
        when {{ of }}is_reversal then -1
        else 1
    end
{%- endmacro %}
