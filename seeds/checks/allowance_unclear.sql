-- An allowance that says what its window cannot mean, or too many of one plan to draw in turn.
with

overlapping as (

    select distinct
        scopes.allowance_scope_id,
        other_scopes.allowance_scope_id as other_scope_id
    from allowance_scopes as scopes
    inner join allowance_scopes as other_scopes
        on
            scopes.service = other_scopes.service
            and (
                scopes.rating_group = other_scopes.rating_group
                or scopes.rating_group = '*'
                or other_scopes.rating_group = '*'
            )
            and (
                scopes.zone_id = other_scopes.zone_id
                or scopes.zone_id = '*'
                or other_scopes.zone_id = '*'
            )
            and (
                scopes.time_band_id = other_scopes.time_band_id
                or scopes.time_band_id = '*'
                or other_scopes.time_band_id = '*'
            )

),

-- Scopes of one plan that overlap this one and are drawn at the same time or before.
before as (

    select
        allowances.csv_line,
        count(distinct earlier.allowance_scope_id) as scope_count
    from allowances
    inner join overlapping on allowances.allowance_scope_id = overlapping.allowance_scope_id
    inner join allowances as earlier
        on
            overlapping.other_scope_id = earlier.allowance_scope_id
            and allowances.plan_id = earlier.plan_id
            and allowances.priority >= earlier.priority
            and earlier.valid_from < open_end(allowances.valid_to)
            and allowances.valid_from < open_end(earlier.valid_to)
    group by allowances.csv_line

),

judged as (

    select
        allowances.csv_line,
        allowances.allowance_id,
        case
            when allowances.quantity < allowances.draw_increment
                then 'can never be drawn: its draw_increment is larger than its quantity'
            when allowances.draw_window <> 'pass' and allowances.validity_days is not null
                then 'has validity_days, but is no pass'
            when allowances.draw_window = 'pass' and allowances.proration <> 'none'
                then 'is a pass, which is granted whole: proration must be none'
            when allowances.draw_window = 'pass' and allowances.rollover_periods > 0
                then 'is a pass, which ends after its validity_days: it does not roll over'
            when allowances.draw_window = 'stay' and allowances.is_shared
                then 'is shared, but stays are of each subscription: use period or pass'
            when allowances.rollover_periods > 12 then 'rolls over more than 12 periods'
            when before.scope_count > 6
                then 'is drawn after more than five other scopes of its plan'
        end as reason
    from allowances
    left join before on allowances.csv_line = before.csv_line

)

select
    'allowances' as seed,
    csv_line,
    format('allowance_id ''{}'' {}', allowance_id, reason) as message
from judged
where reason is not null
