-- A pass is sold once, while a recurring charge comes for every period that its holding touches.
select
    'recurring_charges' as seed,
    charges.csv_line,
    concat(
        charges.recurring_charge_id, ' is charged whole for every period that ', charges.plan_id,
        ' touches, twice where a pass lies across the end of one: make it 0, and charge the pass',
        ' in one_off_charges'
    ) as message
from recurring_charges as charges
where
    charges.amount > 0
    and charges.proration = 'none'
    and exists (
        select 1
        from allowances
        where
            allowances.plan_id = charges.plan_id
            and allowances.draw_window = 'pass'
            and allowances.valid_from < open_end(charges.valid_to)
            and charges.valid_from < open_end(allowances.valid_to)
    )
