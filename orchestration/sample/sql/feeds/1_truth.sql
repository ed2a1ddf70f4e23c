-- The truth that every format is written from: one row per record of usage, whoever delivers it.
-- Numbers are of the record alone, and the same when it is sent again. Three records of one
-- subscriber make a session, each a part of another rating group: parts of one never overlap.
create table usage_truth as
select
    kind,
    node as house_node,
    delivery_date,
    record_date,
    record_number,
    node || strftime(record_date, '-%Y%m%d-') || lpad(cast(record_number as varchar), 7, '0')
        as record_id,
    date_diff('day', date '2020-01-01', record_date) % 4000 * 1000000 + record_number
        as event_number,
    date_diff('day', date '2020-01-01', record_date) % 4000 * 1000000
    + min(record_number) over (
        partition by node, record_date, identifier, serving_network, place // 3
    ) as session_number,
    service,
    direction,
    identifier,
    '26299' || right(identifier, 10) as imsi,
    other_number,
    strftime(local_start, '%Y-%m-%dT%H:%M:%S') || offset_text(epoch(local_start) - start_epoch)
        as started_at,
    start_epoch,
    duration_seconds,
    volume_bytes // 7 as volume_uplink_bytes,
    volume_bytes - volume_bytes // 7 as volume_downlink_bytes,
    serving_network,
    partners.partner,
    if(service = 'data', ['10', '20', '30'][1 + place % 3], null) as rating_group,
    timezone(getvariable('zone'), to_timestamp(start_epoch - 3600)) = local_start
        as is_repeated_reading,
    duration_seconds = 0 as has_no_seconds,
from (
    select
        *,
        timezone(getvariable('zone'), to_timestamp(start_epoch)) as local_start,
        dense_rank() over (
            partition by node, record_date, identifier, serving_network order by record_number
        ) - 1 as place,
    from deliveries
) as delivered
left join partners using (serving_network);

-- What decides which feeds could bring a record: feeds of the formats asked for, by their writers.
create table feed_choices (
    service varchar,
    direction varchar,
    serving_network varchar,
    is_repeated_reading boolean,
    has_no_seconds boolean,
    feeds varchar[]
);
