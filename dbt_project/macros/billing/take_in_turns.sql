{#-
    CTEs for reductions that take turns on the same charges, each on what the ones before left.
    in: `left_0` (pass_id, charge_id, minor_units, left_amount in whole minor units), `candidates`
    (charge_id, turn, rule_id, holder_id, aligned_period_start, discount_percent, limit_amount; one
    a charge and turn), the number of turns, and `to_take`: what a rule takes off the `whole_amount`
    of its charges.
    out: `turn_<turns>`, a row per charge with every turn's rule, and what was taken and left after
    it. A rule takes no more than is left, in whole minor units, from its charges in proportion to
    what they have: the differences of rounded running shares, so that the parts add up to it.
    All turns stand in one row, so that each reads the one before and nothing else.
-#}
{% macro take_in_turns(turns, to_take) -%}
{%- set of_turn = [
    'rule_id', 'holder_id', 'aligned_period_start', 'discount_percent', 'limit_amount'
] %}

in_turns as (

    select
        charge_id
        {%- for turn in range(1, turns + 1) %}
        {%- for column in of_turn %},
        max(case turn when {{ turn }} then {{ column }} end) as {{ column }}_{{ turn }}
        {%- endfor %}
        {%- endfor %}
    from candidates
    group by charge_id

),

turn_0 as (

    select
        left_0.pass_id,
        left_0.minor_units,
        left_0.left_amount as left_amount_0,
        in_turns.*
    from left_0
    inner join in_turns on left_0.charge_id = in_turns.charge_id

),
{%- for turn in range(1, turns + 1) %}
{%- set holder -%}
    pass_id, rule_id_{{ turn }}, holder_id_{{ turn }}, aligned_period_start_{{ turn }}
{%- endset %}

measured_{{ turn }} as (

    select
        turn_{{ turn - 1 }}.*,
        left_amount_{{ turn - 1 }} as base_amount_{{ turn }},
        cast(sum(left_amount_{{ turn - 1 }}) over together as decimal(18, 4))
            as whole_amount_{{ turn }},
        cast(sum(left_amount_{{ turn - 1 }}) over so_far as decimal(18, 4))
            as so_far_amount_{{ turn }}
    from turn_{{ turn - 1 }}
    window
        together as (partition by {{ holder }}),
        so_far as (
            partition by {{ holder }}
            order by charge_id
            rows between unbounded preceding and current row
        )

),

limited_{{ turn }} as (

    select
        measured_{{ turn }}.*,
        least(
            whole_amount_{{ turn }},
            {{ to_take
                | replace('whole_amount', 'whole_amount_' ~ turn)
                | replace('discount_percent', 'discount_percent_' ~ turn)
                | replace('limit_amount', 'limit_amount_' ~ turn) }}
        ) as to_take_amount_{{ turn }}
    from measured_{{ turn }}

),

shared_{{ turn }} as (

    select
        limited_{{ turn }}.*,
        {{ part_of(
            'to_take_amount_' ~ turn, 'so_far_amount_' ~ turn,
            'nullif(whole_amount_' ~ turn ~ ', 0)'
        ) }}
            as share_amount_{{ turn }},
        {{ part_of(
            'to_take_amount_' ~ turn,
            '(so_far_amount_' ~ turn ~ ' - base_amount_' ~ turn ~ ')',
            'nullif(whole_amount_' ~ turn ~ ', 0)'
        ) }}
            as share_before_amount_{{ turn }}
    from limited_{{ turn }}

),

taken_{{ turn }} as (

    select
        shared_{{ turn }}.*,
        case
            when
                rule_id_{{ turn }} is null
                or to_take_amount_{{ turn }} <= 0
                or whole_amount_{{ turn }} <= 0
                then cast(0 as decimal(18, 4))
            else cast(
                {{ round_money('share_amount_' ~ turn, 'minor_units') }}
                - {{ round_money('share_before_amount_' ~ turn, 'minor_units') }} as decimal(18, 4)
            )
        end as taken_amount_{{ turn }}
    from shared_{{ turn }}

),

turn_{{ turn }} as (

    select
        taken_{{ turn }}.*,
        cast(base_amount_{{ turn }} - taken_amount_{{ turn }} as decimal(18, 4))
            as left_amount_{{ turn }}
    from taken_{{ turn }}

){% if not loop.last %},{% endif %}
{%- endfor %}
{%- endmacro %}

{#- in: the number of turns; out: the query of what each rule took off each of its charges. -#}
{% macro taken_in_turns(turns) -%}
    {%- set columns = [
        'rule_id', 'holder_id', 'aligned_period_start', 'base_amount', 'taken_amount'
    ] -%}
    select
        turn_{{ turns }}.pass_id,
        turn_{{ turns }}.charge_id
        {%- for column in columns %},
        case turns.number
            {%- for turn in range(1, turns + 1) %}
            when {{ turn }} then turn_{{ turns }}.{{ column }}_{{ turn }}
            {%- endfor %}
        end as {{ column }}
        {%- endfor %}
    from turn_{{ turns }}
    cross join {{ numbers(turns) }} as turns
    where
        case turns.number
            {%- for turn in range(1, turns + 1) %}
            when {{ turn }} then turn_{{ turns }}.rule_id_{{ turn }}
            {%- endfor %}
        end is not null
{%- endmacro %}
