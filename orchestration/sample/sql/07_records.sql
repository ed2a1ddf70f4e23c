-- The records as the network writes them: a file per node and local day, numbered inside the file.
create table deliveries as
with local as (
    select
        *,
        if(service = 'data', 'pgw01', 'msc01') as node,
        timezone(getvariable('zone'), to_timestamp(start_epoch)) as local_start,
    from usage
),

numbered as (
    select
        kind,
        node,
        coalesce(file_date, cast(local_start as date)) as delivery_date,
        row_number() over (
            partition by node, coalesce(file_date, cast(local_start as date))
            order by start_epoch, tie, identifier, kind
        ) as record_number,
        node || strftime(delivery_date, '-%Y%m%d-')
        || lpad(cast(record_number as varchar), 7, '0') as record_id,
        service,
        direction,
        identifier,
        other_number,
        strftime(local_start, '%Y-%m-%dT%H:%M:%S')
        || offset_text(epoch(local_start) - start_epoch) as started_at,
        duration_seconds,
        volume_bytes,
        serving_network,
    from local
),

-- One record in two hundred is sent once more, one to three days later.
sent as (
    select * from numbered
    union all
    select * replace (
        'duplicate' as kind,
        least(
            delivery_date + cast(1 + pick(3, 'again', record_number, node) as integer),
            last_day(getvariable('month'))
        ) as delivery_date
    )
    from numbered
    where
        delivery_date < last_day(getvariable('month'))
        and pick(200, 'twice', record_number, node || strftime(delivery_date, '%Y%m%d')) = 0
)

select *
from sent
order by node, delivery_date, started_at, record_id;
