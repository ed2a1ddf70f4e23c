-- The records as the network writes them: a file per node and local day, numbered inside the file.
create table deliveries as
with dated as (
    select
        *,
        if(service = 'data', 'pgw01', 'msc01') as node,
        coalesce(
            file_date, cast(timezone(getvariable('zone'), to_timestamp(start_epoch)) as date)
        ) as record_date,
    from usage
),

numbered as (
    select
        * exclude (file_date, tie),
        row_number() over (
            partition by node, record_date order by start_epoch, tie, identifier
        ) as record_number,
        record_date as delivery_date,
        'usage' as feed,
    from dated
),

-- One record in two hundred is sent once more, one to three days later.
sent_again as (
    select * replace (
        'duplicate' as kind,
        least(
            record_date + cast(1 + pick(3, node, record_date, record_number) as integer),
            last_day(getvariable('month'))
        ) as delivery_date
    )
    from numbered
    where
        record_date < last_day(getvariable('month'))
        and pick(200, 'again ' || node, record_date, record_number) = 0
)

select * from numbered
union all
select * from sent_again;

drop table usage;

drop table beside_items;

-- Their text, in the column order of a usage file.
create view export_usage as
select
    node || strftime(record_date, '-%Y%m%d-') || lpad(cast(record_number as varchar), 7, '0')
        as record_id,
    service,
    direction,
    identifier,
    other_number,
    strftime(local_start, '%Y-%m-%dT%H:%M:%S') || offset_text(epoch(local_start) - start_epoch)
        as started_at,
    duration_seconds,
    volume_bytes,
    serving_network,
from (
    select
        *,
        timezone(getvariable('zone'), to_timestamp(start_epoch)) as local_start,
    from deliveries
    where
        node = getvariable('node')
        and delivery_date = getvariable('delivery_date')
        and feed = 'usage'
)
order by start_epoch, record_date, record_number;
