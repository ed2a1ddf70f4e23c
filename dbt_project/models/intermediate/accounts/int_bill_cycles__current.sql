with

cycles as (

    select * from {{ ref('bill_cycles') }}
    qualify
        row_number() over (partition by legal_entity_id, bill_cycle_id order by valid_from desc) = 1

),

-- Months are counted from January 2010 or the anchor month, weeks from Monday, 4 January 2010; the
-- grids of int_periods__aligned begin in January 2000, 120 months and 3654 days before.
aligned as (

    select
        legal_entity_id,
        bill_cycle_id,
        interval_months,
        interval_weeks,
        anchor_day,
        anchor_month,
        case
            when interval_weeks > 0
                then {{ grid_id(
                    "'week'", 'interval_weeks',
                    'mod(3654 + anchor_day - 1, 7 * interval_weeks)', '1'
                ) }}
            else {{ grid_id(
                "'month'", 'interval_months',
                'mod(120 + coalesce(anchor_month, 1) - 1, interval_months)', 'anchor_day'
            ) }}
        end as grid_id
    from cycles

)

select * from aligned
