-- What a rule charges or reduces stands on the invoice under a charge code of its own; so do single
-- charges and deposits returned, which come from CRM and can come at any time.
with

rules as (

    select
        'promotions' as seed,
        csv_line,
        'discount' as charge_code,
        'discount' as charge_type
    from promotions
    union all
    select
        'charge_caps',
        csv_line,
        'cap',
        'cap'
    from charge_caps
    union all
    select
        'commitments',
        csv_line,
        'minimum',
        'minimum'
    from commitments
    union all
    select
        'coupons',
        csv_line,
        'coupon',
        'coupon'
    from coupons
    union all
    select
        'fees',
        csv_line,
        'fee',
        'fee'
    from fees
    union all
    select
        'contract_terms',
        csv_line,
        'early_termination',
        'one_off'
    from contract_terms
    union all
    select
        'charge_codes',
        1,
        'one_off',
        'one_off'
    union all
    select
        'charge_codes',
        1,
        'deposit',
        'one_off'

)

select
    rules.seed,
    rules.csv_line,
    concat(
        'there is no charge code ', rules.charge_code, ' of type ', rules.charge_type,
        ' for it to stand on the invoice under'
    ) as message
from rules
left join charge_codes
    on
        rules.charge_code = charge_codes.charge_code
        and rules.charge_type = charge_codes.charge_type
where charge_codes.charge_code is null
