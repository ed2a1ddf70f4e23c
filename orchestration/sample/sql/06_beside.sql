-- Everything beside the voice oracle: how many records per subscriber, of one sort each.
create table beside_totals as
with speakers as (
    select * from subscribers where is_active and not is_silent
),

planted as (
    select * from speakers where not getvariable('is_follow_up')
),

-- MB that the plan and its option include, and how much of them is used
allowances as (
    select
        n,
        case plan_id when 'flat_s' then 1024 when 'flat_l' then 10240 else 3072 end
        + if(has_data_option, 5120, 0) as included,
        case
            when part in ('new', 'newcomer', 'plan_change', 'termination', 'unknown_plan')
                then included * (5 + pick(10, 'data', n, 0)) // 100
            when not has_roaming_option and part = 'none' and pick(16, 'over', n, 0) = 0
                then included + 100 + pick(800, 'data', n, 0)
            else included * (10 + pick(65, 'data', n, 0)) // 100
        end as megabytes,
    from speakers
)

select n, 'sms_national' as kind, 4 + pick(14, 'sms', n, 0) as record_count, 0 as megabytes
from speakers
union all
select n, 'sms_international', pick(4, 'sms abroad', n, 0), 0
from speakers
union all
select n, 'data_national', 5 + pick(14, 'sessions', n, 0), megabytes
from allowances
union all
select n, 'roaming', 1 + pick(4, 'roaming', n, 0), 0
from speakers
where has_roaming_option and part = 'none'
union all
select n, 'roaming_eu', 12, 0
from planted
where part = 'roaming_without_option'
union all
select n, 'sms_spike', 2000, 0
from planted
where part = 'usage_spike' and part_number in (1, 2)
union all
select n, 'data_spike', 60, 22 * 1024
from planted
where part = 'usage_spike' and part_number in (3, 4)
union all
select n, 'data_world', 40, 350
from planted
where part = 'usage_spike' and part_number = 5
union all
select n, 'data_world', 30, 2500
from planted
where part = 'very_large_total'
union all
select n, 'incoming_voice', 1, 0
from speakers
where pick(10, 'incoming voice', n, 0) < 6
union all
select n, 'incoming_sms', 1, 0
from speakers
where pick(10, 'incoming sms', n, 0) < 2
union all
-- a little usage of the month before, delivered now; in a follow-up that of one account
select n, 'late_sms', 1, 0
from planted
where part = 'none' and (n = 8 or pick(100, 'late', n, 0) < 3)
union all
select min(n), 'late_sms', 25, 0
from speakers
where getvariable('is_follow_up') and part = 'none'
having count(*) > 0
union all
select cast(-i as integer), 'unknown_number', 1, 0
from range(1, greatest(10, (select count(*) from base_rows) // 25) + 1) as numbers (i);

-- When a subscriber may use anything, as a stretch of the line of all windows.
create table active_lines as
select
    subscribers.n,
    min(window_lines.line_from) as line_from,
    max(window_lines.line_to) as line_to,
from subscribers
join window_lines
    on
        window_lines.band = 'international'
        and window_lines.local_date >= subscribers.usage_from_date
        and window_lines.local_date < subscribers.usage_to_date
group by subscribers.n
union all
select
    beside_totals.n,
    0,
    (select max(line_to) from window_lines where band = 'international'),
from beside_totals
where beside_totals.n < 0;

create table beside_items as
with items as (
    select n, kind, megabytes, unnest(range(record_count)) as item from beside_totals
),

drawn as (
    select
        *,
        draw('record', n * 100000 + item, kind) as tie,
        100 + pick(1000, kind, n, item) as weight,
    from items
),

shared as (
    select
        *,
        cast(sum(weight) over (partition by n, kind order by item) as bigint) as weight_to,
        cast(sum(weight) over (partition by n, kind) as bigint) as weight_total,
    from drawn
)

select
    shared.n,
    shared.kind,
    shared.tie,
    case shared.kind
        when 'unknown_number' then if(shared.tie % 2 = 0, 'voice', 'sms')
        when 'roaming' then ['voice', 'voice', 'sms', 'data'][1 + shared.tie % 4]
        when 'roaming_eu' then ['voice', 'voice', 'sms', 'data'][1 + shared.tie % 4]
        when 'incoming_voice' then 'voice'
        when 'incoming_sms' then 'sms'
        when 'late_sms' then 'sms'
        else split_part(shared.kind, '_', 1)
    end as service,
    case
        when shared.kind = 'data_world' then '310410'
        when shared.kind = 'roaming_eu' or (shared.kind = 'roaming' and shared.tie // 4 % 10 < 7)
            then ['20801', '21401', '22201', '26006'][1 + shared.tie // 64 % 4]
        when shared.kind = 'roaming' then ['23410', '310410'][1 + shared.tie // 64 % 2]
        else '26299'
    end as serving_network,
    cast(shared.megabytes * 1048576 * shared.weight_to // shared.weight_total as bigint)
    - cast(
        shared.megabytes * 1048576 * (shared.weight_to - shared.weight) // shared.weight_total
        as bigint
    ) as shared_bytes,
    active_lines.line_from
    + shared.tie // 4096 % (active_lines.line_to - active_lines.line_from)
        as line_point,
from shared
join active_lines
    on shared.n = active_lines.n;

insert into usage
with windowed as (
    select
        beside_items.*,
        windows.start_epoch,
        windows.end_epoch,
    from beside_items
    asof join (
        select line_from, window_id from window_lines where band = 'international'
    ) as lines
        on beside_items.line_point >= lines.line_from
    join windows
        on lines.window_id = windows.window_id
)

select
    case
        when windowed.kind = 'late_sms' then 'late'
        when windowed.kind = 'unknown_number' then 'unknown_number'
        when windowed.kind in ('incoming_voice', 'incoming_sms') then 'incoming'
        when windowed.serving_network <> '26299' then 'roaming'
        else windowed.service
    end as kind,
    windowed.service,
    if(starts_with(windowed.kind, 'incoming'), 'incoming', 'outgoing') as direction,
    -- nobody ever holds a number of this block
    coalesce(
        subscribers.identifier,
        '491519' || lpad(cast(-windowed.n * 3571 % 10000000 as varchar), 7, '0')
    ) as identifier,
    case
        when windowed.service = 'data' then null
        when windowed.kind in ('sms_international', 'sms_spike') then foreign_numbers.other_number
        else national_numbers.other_number
    end as other_number,
    case
        when windowed.kind = 'late_sms'
            then
                local_epoch(cast(getvariable('month') as timestamp))
                - 1 - windowed.tie // 4096 % 432000
        -- an hour's distance from the end of the window: nothing here crosses it either
        else
            windowed.start_epoch
            + pick(windowed.end_epoch - windowed.start_epoch - 3600, 'start', windowed.n, windowed.tie)
    end as start_epoch,
    case windowed.service
        when 'voice' then 6 + pick(295, 'length', windowed.n, windowed.tie)
        when 'data' then 30 + pick(3500, 'length', windowed.n, windowed.tie)
        else 0
    end as duration_seconds,
    case
        when windowed.service <> 'data' then 0
        when windowed.shared_bytes > 0 then windowed.shared_bytes
        when windowed.serving_network in ('23410', '310410')
            then 524288 + pick(4194304, 'volume', windowed.n, windowed.tie)
        else 1048576 + pick(20971520, 'volume', windowed.n, windowed.tie)
    end as volume_bytes,
    windowed.serving_network,
    case
        when windowed.kind = 'late_sms'
            then getvariable('month') + cast(1 + pick(3, 'arrives', windowed.n, 0) as integer)
    end as file_date,
    windowed.tie,
from windowed
left join subscribers
    on windowed.n = subscribers.n
left join national_numbers
    on windowed.tie // 256 % 40000 = national_numbers.number_id
left join foreign_numbers
    on windowed.tie // 256 % 5000 = foreign_numbers.number_id;
