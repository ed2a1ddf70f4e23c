{#-
    CTEs for reductions that take turns on the same charges, each on what the ones before left.
    in: `left_0` (pass_id, charge_id, minor_units, left_amount in whole minor units), `candidates`
    (charge_id, turn, rule_id, holder_id, aligned_period_start and what `to_take` names), the
    number of turns, and `to_take`: what a rule takes off the `whole_amount` of its charges.
    out: per turn `left_<turn>` with rule, base_amount, taken_amount and left_amount. A rule takes
    no more than is left, in whole minor units, from its charges in proportion to what they have:
    the differences of rounded running shares, so that the parts add up to it.
-#}
{% macro take_in_turns(turns, to_take) -%}
{%- for turn in range(1, turns + 1) %}

measured_{{ turn }} as (

    select
        remaining.pass_id,
        remaining.charge_id,
        remaining.minor_units,
        remaining.left_amount,
        candidates.rule_id,
        candidates.holder_id,
        candidates.aligned_period_start,
        candidates.discount_percent,
        candidates.limit_amount,
        cast(sum(remaining.left_amount) over together as decimal(18, 4)) as whole_amount,
        cast(sum(remaining.left_amount) over so_far as decimal(18, 4)) as so_far_amount
    from left_{{ turn - 1 }} as remaining
    left join candidates
        on remaining.charge_id = candidates.charge_id and candidates.turn = {{ turn }}
    window
        together as (
            partition by
                remaining.pass_id, candidates.rule_id, candidates.holder_id,
                candidates.aligned_period_start
        ),
        so_far as (
            partition by
                remaining.pass_id, candidates.rule_id, candidates.holder_id,
                candidates.aligned_period_start
            order by remaining.charge_id
            rows between unbounded preceding and current row
        )

),

limited_{{ turn }} as (

    select
        measured_{{ turn }}.*,
        least(whole_amount, {{ to_take }}) as to_take_amount
    from measured_{{ turn }}

),

shared_{{ turn }} as (

    select
        limited_{{ turn }}.*,
        {{ part_of('to_take_amount', 'so_far_amount', 'nullif(whole_amount, 0)') }}
            as share_amount,
        {{ part_of(
            'to_take_amount', '(so_far_amount - left_amount)', 'nullif(whole_amount, 0)'
        ) }}
            as share_before_amount
    from limited_{{ turn }}

),

taken_{{ turn }} as (

    select
        shared_{{ turn }}.*,
        case
            when rule_id is null or to_take_amount <= 0 or whole_amount <= 0
                then cast(0 as decimal(18, 4))
            else cast(
                {{ round_money('share_amount', 'minor_units') }}
                - {{ round_money('share_before_amount', 'minor_units') }} as decimal(18, 4)
            )
        end as taken_amount
    from shared_{{ turn }}

),

left_{{ turn }} as (

    select
        pass_id,
        charge_id,
        minor_units,
        rule_id,
        holder_id,
        aligned_period_start,
        left_amount as base_amount,
        taken_amount,
        cast(left_amount - taken_amount as decimal(18, 4)) as left_amount
    from taken_{{ turn }}

){% if not loop.last %},{% endif %}
{%- endfor %}
{%- endmacro %}

{#- in: the number of turns; out: the query of what each rule took off each of its charges. -#}
{% macro taken_in_turns(turns) -%}
{%- for turn in range(1, turns + 1) -%}
    {%- if not loop.first %}
    union all
    {% endif -%}
    select
        pass_id,
        charge_id,
        rule_id,
        holder_id,
        aligned_period_start,
        base_amount,
        taken_amount
    from left_{{ turn }}
    where rule_id is not null
{%- endfor %}
{%- endmacro %}
