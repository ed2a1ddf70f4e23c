with

suspended as (

    select * from {{ ref('int_usage__suspended') }}

),

billed as (

    select distinct billed_usage.event_id
    from {{ ref('stg_issued__billed_usage') }} as billed_usage
    inner join suspended on billed_usage.event_id = suspended.event_id

),

segments as (

    select
        event_id,
        file_id,
        record_number,
        subscription_id,
        billing_account_id,
        service,
        direction,
        identifier,
        other_number,
        serving_network,
        duration_seconds,
        volume_bytes,
        started_at
    from {{ ref('int_usage__list_priced') }}
    where segment_number = 1

),

-- D-159: what usage of the kind brought on average, by unit; every usage has a second, a byte or an
-- event to count.
rated as (

    select
        service,
        direction,
        currency_code,
        count(*) as event_count,
        sum(rated_amount) as rated_amount,
        sum(abs(measured_units)) as measured_units
    from {{ ref('fct_rated_usage') }}
    group by service, direction, currency_code

),

main_currency as (

    select max_by(currency_code, event_count) as currency_code
    from (
        select
            currency_code,
            sum(event_count) as event_count
        from rated
        group by currency_code
    ) as currencies

),

accounts as (

    select
        billing_account_id,
        currency_code
    from {{ ref('dim_billing_accounts') }}

),

last_landed as (

    select max(received_at) as received_at
    from {{ ref('stg_landing__files') }}

),

files as (

    select
        file_id,
        received_at
    from {{ ref('stg_landing__files') }}
    where file_status = 'accepted'

)

select
    segments.event_id,
    segments.file_id,
    segments.record_number,
    suspended.suspense_reason,
    segments.subscription_id,
    segments.billing_account_id,
    segments.service,
    segments.direction,
    segments.identifier,
    segments.other_number,
    segments.serving_network,
    segments.duration_seconds,
    segments.volume_bytes,
    segments.started_at,
    files.received_at as first_seen_at,
    cast(
        {{ days_between(
            'cast(files.received_at as date)', 'cast(last_landed.received_at as date)'
        ) }}
        as integer
    ) as suspended_days,
    coalesce(accounts.currency_code, main_currency.currency_code) as currency_code,
    case
        when rated.measured_units > 0
            then
                {{ price_units(
                    'cast(rated.rated_amount as decimal(18, 6))',
                    "case segments.service when 'voice' then segments.duration_seconds"
                    ~ " when 'data' then segments.volume_bytes else 1 end",
                    'cast(rated.measured_units as bigint)'
                ) }}
    end as estimated_amount
from segments
inner join suspended on segments.event_id = suspended.event_id
cross join main_currency
cross join last_landed
left join accounts on segments.billing_account_id = accounts.billing_account_id
left join rated
    on
        segments.service = rated.service
        and segments.direction = rated.direction
        and coalesce(accounts.currency_code, main_currency.currency_code) = rated.currency_code
left join billed on segments.event_id = billed.event_id
inner join files on segments.file_id = files.file_id
where billed.event_id is null
