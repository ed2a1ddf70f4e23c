with

passes as (

    select
        pass_id,
        bill_date
    from {{ ref('int_passes__in_scope') }}

),

rules as (

    select
        rule_id,
        threshold,
        minimum_amount,
        minimum_history,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('review_rules') }}
    where is_active

),

in_scope as (

    select
        passes.pass_id,
        rules.rule_id,
        rules.threshold,
        rules.minimum_amount,
        rules.minimum_history
    from passes
    inner join rules on passes.bill_date >= rules.valid_from and passes.bill_date < rules.valid_to

)

select * from in_scope
