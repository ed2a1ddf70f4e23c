-- Everything is a function of a row's number and a salt. Dates and times are UTC.
create or replace table subscribers as
select
    4915000000000 + number as msisdn,
    cast(1 + hash(number, 1) % 6 as integer) as plan,
    case
        when hash(number, 2) % 20 = 0
            then date '2026-10-01' + cast(1 + hash(number, 3) % 28 as integer)
        else date '2025-01-01'
    end as active_from,
    case
        when hash(number, 4) % 25 = 0
            then date '2026-10-02' + cast(hash(number, 5) % 29 as integer)
        else date '9999-12-31'
    end as active_to,
    case hash(number, 6) % 10 when 0 then 1000 when 1 then 1500 when 2 then 2550 else 0 end
        as promotion_basis_points,
    cast(hash(number, 7) % 8 as integer) as region
from range(getvariable('subscriber_count')) as numbers (number);

-- Copies come last, as re-sent files do; a copy is equal to its event but for its place.
create or replace table usage as
with

numbered as (

    select
        place,
        case
            when place < getvariable('event_count') then place
            else (place - getvariable('event_count')) * 100 + 37
        end as event
    from range(getvariable('event_count') + getvariable('copy_count')) as numbers (place)

),

salted as (

    select
        place,
        event,
        cast(hash(event, 11) >> 2 as bigint) as salt_1,
        cast(hash(event, 12) >> 2 as bigint) as salt_2,
        cast(hash(event, 13) >> 2 as bigint) as salt_3,
        cast(hash(event, 14) >> 2 as bigint) as salt_4
    from numbered

),

mixed as (

    select
        *,
        salt_1 % 100 as mix,
        (salt_1 // 100) % 5 as roaming_mix,
        (salt_2 % 1000000) / 1000000.0 as share
    from salted

),

kinds as (

    select
        *,
        case
            when mix < 35 then 'voice'
            when mix < 50 then 'sms'
            when mix < 95 then 'data'
            when roaming_mix < 2 then 'voice'
            when roaming_mix = 2 then 'sms'
            else 'data'
        end as service,
        mix >= 95 as is_roaming
    from mixed

)

select
    place,
    (event * 2654435761) & 1099511627775 as event_id,
    case
        when salt_3 % 1000 = 0 then 4999000000000 + salt_3 % 100000
        else 4915000000000 + (salt_3 // 1000) % getvariable('subscriber_count')
    end as msisdn,
    timestamp '2026-10-01'
    + to_seconds(((event * 2678400) // getvariable('event_count') + salt_4 % 3600) % 2678400)
        as started_at,
    service,
    case
        when service = 'voice'
            then case when salt_2 % 25 = 0 then 0 else cast(1 + 3 * exp(share * 7) as integer) end
        when service = 'data' then cast(30 + share * 3000 as integer)
        else 0
    end as duration_seconds,
    case
        when service = 'data'
            then cast(1000 * exp(share * 9) as bigint) + cast(1 + 10000 * exp(share * 11) as bigint)
        else 0
    end as volume_bytes,
    case
        when service = 'data' then null
        when salt_3 % 10007 = 0 then '999' || cast(salt_4 % 100000000 as varchar)
        when (salt_4 // 3600) % 10 < 7
            then
                '49' || case when salt_4 % 2 = 0 then '15' else '30' end
                || lpad(cast((salt_2 // 1000000) % 100000000 as varchar), 8, '0')
        else
            foreign_prefixes.digits || lpad(cast((salt_2 // 1000000) % 1000000 as varchar), 6, '0')
    end as dialled,
    case when is_roaming then visited.mcc_mnc else 26201 end as mcc_mnc
from kinds
left join foreign_prefixes
    on
        foreign_prefixes.number = (kinds.salt_2 // 1000) % getvariable('foreign_count')
        and kinds.service <> 'data'
left join visited
    on visited.number = (kinds.salt_4 // 100000) % 200 and kinds.is_roaming
order by place;
