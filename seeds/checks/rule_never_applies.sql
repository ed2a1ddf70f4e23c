-- A cap, commitment or fee that no bill can ever show: its charge code is of another charge type, or its
-- plan is not sold while it runs.
with

rules as (

    select
        'charge_caps' as seed,
        csv_line,
        charge_cap_id as rule_id,
        plan_id,
        charge_type,
        charge_code,
        valid_from,
        valid_to
    from charge_caps
    union all
    select
        'commitments' as seed,
        csv_line,
        commitment_id as rule_id,
        plan_id,
        charge_type,
        charge_code,
        valid_from,
        valid_to
    from commitments
    union all
    select
        'fees' as seed,
        csv_line,
        fee_id as rule_id,
        plan_id,
        charge_type,
        charge_code,
        valid_from,
        valid_to
    from fees

),

judged as (

    select
        rules.seed,
        rules.csv_line,
        rules.rule_id,
        case
            when
                exists (
                    select 1
                    from charge_codes
                    where
                        rules.charge_code = charge_codes.charge_code
                        and rules.charge_type not in (charge_codes.charge_type, '*')
                )
                then 'its charge code is of another charge type'
            when
                rules.plan_id <> '*'
                and not exists (
                    select 1
                    from plans
                    where
                        rules.plan_id = plans.plan_id
                        and plans.valid_from < open_end(rules.valid_to)
                        and open_end(plans.valid_to) > rules.valid_from
                )
                then 'its plan is not sold while it runs'
        end as reason
    from rules

)

select
    seed,
    csv_line,
    format('''{}'' can never apply: {}', rule_id, reason) as message
from judged
where reason is not null
