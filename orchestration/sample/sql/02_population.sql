-- One row per subscription: who it is, and which part it plays.
create table subscribers as
with size as (
    select count(*) as base_count from base_rows
),

-- Every 50th subscription joins the account before it; those pairs play no other part, and
-- neither do the first six, whose names are test enough.
ranked as (
    select
        base_row,
        row_number() over (
            order by hash(getvariable('seed'), 'part', base_row), base_row
        ) as part_rank,
    from base_rows
    where base_row > 6 and base_row % 50 not in (0, 49)
),

parts as (
    select
        part,
        greatest(1, least(wanted, wanted * base_count // 500)) as part_count,
        sum(part_count) over (order by part_order) as last_rank,
        part_order,
    from size
    cross join (values
        (1, 'usage_spike', 5),
        (2, 'roaming_without_option', 4),
        (3, 'very_large_total', 2),
        (4, 'negative_total', 2),
        (5, 'plan_change', 10),
        (6, 'termination', 5),
        (7, 'new', 30)
    ) as wanted (part_order, part, wanted)
),

cast_parts as (
    select
        base_rows.base_row as n,
        base_rows.base_row,
        coalesce(parts.part, 'none') as part,
        parts.last_rank - ranked.part_rank + 1 as part_number,
        base_rows.area,
        base_rows.has_international_plan,
        base_rows.has_voice_mail_plan,
    from base_rows
    left join ranked
        on base_rows.base_row = ranked.base_row
    left join parts
        on
            ranked.part_rank <= parts.last_rank
            and ranked.part_rank > parts.last_rank - parts.part_count
),

-- Beyond the table's rows, which stay complete: silent subscriptions, an unknown plan, a newcomer.
extras as (
    select
        base_count + n as n,
        case when n = 8 then 1 end as base_row,
        case when n <= 5 then 'zero_usage' when n <= 7 then 'unknown_plan' else 'newcomer' end
            as part,
        n as part_number,
        '415' as area,
        false as has_international_plan,
        false as has_voice_mail_plan,
    from size
    cross join range(1, 9) as numbers (n)
    where n < 8 or getvariable('is_follow_up')
),

people as (
    select * from cast_parts
    union all
    select * from extras
),

dated as (
    select
        *,
        getvariable('first_month') as home_month,
        case
            when part = 'newcomer' then getvariable('month') + 4
            when part = 'new' then home_month + cast(4 + pick(21, 'new', n, 0) as integer)
            else
                date '2020-03-01' + cast(
                    pick(
                        date_diff('day', date '2020-03-01', home_month - interval 8 month),
                        'activated', n, 0
                    ) as integer
                )
        end as activated_date,
        case
            when part = 'termination' then home_month + cast(11 + pick(8, 'ends', n, 0) as integer)
        end as terminated_date,
        case
            when part = 'plan_change'
                then home_month + cast(9 + pick(12, 'change', n, 0) as integer)
        end as plan_change_date,
        case
            when part = 'unknown_plan' then 'flat_xxl'
            when part = 'usage_spike' or pick(100, 'plan', n, 0) < 40 then 'flat_s'
            when pick(100, 'plan', n, 0) < 75 then 'flat_m'
            else 'flat_l'
        end as plan_id,
        part not in ('usage_spike', 'unknown_plan') and pick(4, 'data option', n, 0) = 0
            as has_data_option,
        case
            when part in ('roaming_without_option', 'zero_usage', 'unknown_plan') then false
            when part = 'very_large_total' then true
            when part = 'usage_spike' then part_number = 5
            else pick(100, 'roaming option', n, 0) < 6
        end as has_roaming_option,
    from people
)

select
    cast(n as integer) as n,
    cast(base_row as integer) as base_row,
    part,
    cast(part_number as integer) as part_number,
    area,
    cast(if(n % 50 = 0 and base_row is not null and part <> 'newcomer', n - 1, n) as integer)
        as account_n,
    'S' || lpad(cast(n as varchar), 7, '0') as subscription_id,
    'A' || lpad(cast(account_n as varchar), 7, '0') as billing_account_id,
    'C' || lpad(cast(account_n as varchar), 7, '0') as customer_id,
    -- 7919 and ten million share no factor, so no number comes twice
    '491510' || lpad(cast((n * 7919 + getvariable('seed') * 1009) % 10000000 as varchar), 7, '0')
        as identifier,
    activated_date,
    terminated_date,
    plan_id,
    plan_change_date,
    if(plan_id = 'flat_m', 'flat_l', 'flat_m') as next_plan_id,
    has_international_plan,
    has_voice_mail_plan,
    has_data_option,
    has_roaming_option,
    -- usage keeps a day's distance from activation and termination
    greatest(getvariable('month'), activated_date + 1) as usage_from_date,
    least(
        cast(getvariable('month') + interval 1 month as date),
        coalesce(terminated_date, date '9999-01-01')
    ) as usage_to_date,
    local_epoch(cast(usage_from_date as timestamp)) as usage_from_epoch,
    local_epoch(cast(usage_to_date as timestamp)) as usage_to_epoch,
    not getvariable('is_follow_up') and part = 'zero_usage' as is_silent,
    usage_to_date > usage_from_date as is_active,
from dated
order by n;
