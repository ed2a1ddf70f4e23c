-- All usage in one shape. `kind` says why a record exists; it never leaves this house.
create table usage (
    kind varchar,
    service varchar,
    direction varchar,
    identifier varchar,
    other_number varchar,
    start_epoch bigint,
    duration_seconds bigint,
    volume_bytes bigint,
    serving_network varchar,
    file_date date,
    tie bigint
);

-- Three of five calls go to one of five favourite numbers.
insert into usage
with called as (
    select
        *,
        band = 'international' as is_foreign,
        case
            when tie % 5 < 3 then pick(40000, 'favourite', n * 5 + tie % 5, tie % 2)
            else pick(40000, 'number', n, tie)
        end as number_id,
    from voice_calls
)

select
    'voice',
    'voice',
    'outgoing',
    subscribers.identifier,
    coalesce(foreign_numbers.other_number, national_numbers.other_number),
    called.start_epoch,
    called.duration_seconds,
    0,
    '26299',
    null,
    called.tie,
from called
join subscribers
    on called.n = subscribers.n
left join foreign_numbers
    on called.is_foreign and called.number_id % 5000 = foreign_numbers.number_id
left join national_numbers
    on not called.is_foreign and called.number_id = national_numbers.number_id;
