-- Two phases of a charge that apply to the same month, and one that ends before it begins.
with

phases as (

    select
        *,
        coalesce(to_month, 1000000) as before_month,
        open_end(valid_to) as valid_before
    from price_phases

),

overlapping as (

    select
        later.csv_line,
        format(
            'plan_id ''{}'', charge_code ''{}'': month {} is in the phase of line {} too',
            later.plan_id, later.charge_code, later.from_month, min(earlier.csv_line)
        ) as message
    from phases as later
    inner join phases as earlier
        on
            later.plan_id = earlier.plan_id
            and later.charge_code = earlier.charge_code
            and later.csv_line <> earlier.csv_line
            and later.valid_from < earlier.valid_before
            and earlier.valid_from < later.valid_before
            and earlier.from_month <= later.from_month
            and later.from_month < earlier.before_month
            and (earlier.from_month < later.from_month or earlier.csv_line < later.csv_line)
    group by later.csv_line, later.plan_id, later.charge_code, later.from_month

),

reversed as (

    select
        csv_line,
        format('to_month {} is not after from_month {}', to_month, from_month) as message
    from phases
    where to_month <= from_month

),

unsound as (

    select * from overlapping
    union all
    select * from reversed

)

select
    'price_phases' as seed,
    csv_line,
    message
from unsound
