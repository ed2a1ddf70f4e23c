{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='event_id',
        on_schema_change='fail'
    )
}}

with

usage as (

    select
        event_id,
        file_id,
        landing_sequence,
        record_number,
        service,
        direction,
        identifier,
        other_number,
        serving_network,
        rating_group,
        recorded_currency_code,
        utc_offset_minutes,
        duration_seconds,
        volume_bytes,
        quantity,
        recorded_amount,
        is_first_segment,
        started_at
    from {{ ref('int_usage__measured') }}

),

duplicates as (

    select
        file_id,
        record_number
    from {{ ref('int_usage__duplicates') }}

),

timeline as (

    select * from {{ ref('int_guiding__timeline') }}

),

guiding_hashes as (

    select distinct
        identifier,
        guiding_hash
    from timeline

),

tariff as (

    select tariff_hash from {{ ref('int_tariff__arrival_hash') }}

),

ported_numbers as (

    select * from {{ ref('int_numbers__ported') }}

),

home_networks as (

    select
        legal_entity_id,
        home_network,
        time_zone,
        {{ to_utc('valid_from', 'time_zone') }} as valid_from,
        {{ to_utc("coalesce(valid_to, cast('9999-12-31' as date))", 'time_zone') }} as valid_to
    from {{ ref('legal_entities') }}

),

time_band_sets as (

    select
        time_band_set_id,
        time_zone_basis,
        crossing
    from {{ ref('time_band_sets') }}

),

time_bands as (

    select * from {{ ref('int_time_bands__by_hour') }}

),

usage_rates as (

    select * from {{ ref('int_usage_rates__by_band') }}

),

rating_groups as (

    select distinct
        rate_plan_id,
        rating_group
    from usage_rates
    where rating_group <> '*'

),

number_zones as (

    select * from {{ ref('int_number_zones__dated') }}

),

destination_prefixes as (

    select
        prefix,
        country_code,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('destination_prefixes') }}

),

zones_by_network as (

    select * from {{ ref('int_zones__by_network') }}

),

zones_by_country as (

    select * from {{ ref('int_zones__by_country') }}

),

networks as (

    select
        mcc_mnc,
        country_code
    from {{ ref('mobile_networks') }}

),

periods as (

    select * from {{ ref('int_bill_periods__by_date') }}

),

-- Billed for good: not ordered to be rated again.
billed as (

    select distinct billed_usage.event_id
    from {{ ref('stg_issued__billed_usage') }} as billed_usage
    left join {{ ref('int_usage__ordered') }} as ordered_usage
        on billed_usage.event_id = ordered_usage.event_id
    where ordered_usage.event_id is null

),

{% if is_incremental() %}
    -- A load does the new files, and the events not yet billed whose guiding, called network or
    -- tariff has changed since they were done.
    stale as (

        select distinct applied.event_id
        from {{ this }} as applied
        cross join tariff
        left join guiding_hashes on applied.identifier = guiding_hashes.identifier
        left join ported_numbers
            on
                applied.direction = 'outgoing'
                and applied.other_number = ported_numbers.number
                and applied.started_at >= ported_numbers.valid_from
                and applied.started_at < ported_numbers.valid_to
        left join billed on applied.event_id = billed.event_id
        where
            billed.event_id is null
            and (
                applied.tariff_hash <> tariff.tariff_hash
                or coalesce(applied.guiding_hash, '') <> coalesce(guiding_hashes.guiding_hash, '')
                or coalesce(applied.called_network, '') <> coalesce(ported_numbers.network, '')
            )

    ),
{% endif %}

arrived as (

    select usage.*
    from usage
    left join duplicates
        on usage.file_id = duplicates.file_id and usage.record_number = duplicates.record_number
    where
        duplicates.file_id is null
        {% if is_incremental() %}
            and (
                usage.file_id not in (select applied.file_id from {{ this }} as applied)
                or usage.event_id in (select stale.event_id from stale)
            )
        {% endif %}

),

-- Every prefix that any table knows. A number is resolved once, to the longest it begins with:
-- all others that it begins with are beginnings of that one.
known_prefixes as (

    select other_prefix as known_prefix from number_zones
    union distinct
    select prefix as known_prefix from destination_prefixes

),

longest as (

    select max(length(known_prefix)) as prefix_length from known_prefixes

),

other_numbers as (

    select distinct substr(arrived.other_number, 1, longest.prefix_length + 1) as beginning
    from arrived
    cross join longest
    where arrived.other_number is not null

),

other_prefixes as (

    select
        other_numbers.beginning,
        max_by(known_prefixes.known_prefix, length(known_prefixes.known_prefix)) as other_prefix
    from other_numbers
    cross join {{ numbers(15) }} as lengths
    inner join known_prefixes
        on substr(other_numbers.beginning, 1, lengths.number) = known_prefixes.known_prefix
    where lengths.number <= length(other_numbers.beginning)
    group by other_numbers.beginning

),

own_numbers as (

    select distinct identifier from arrived

),

known_own_prefixes as (

    select distinct own_prefix from number_zones
    where own_prefix <> ''

),

own_prefixes as (

    select
        own_numbers.identifier,
        max_by(known_own_prefixes.own_prefix, length(known_own_prefixes.own_prefix)) as own_prefix
    from own_numbers
    cross join {{ numbers(15) }} as lengths
    inner join known_own_prefixes
        on substr(own_numbers.identifier, 1, lengths.number) = known_own_prefixes.own_prefix
    where lengths.number <= length(own_numbers.identifier)
    group by own_numbers.identifier

),

guided as (

    select
        arrived.*,
        timeline.subscription_id,
        timeline.billing_account_id,
        timeline.legal_entity_id,
        timeline.bill_cycle_id,
        timeline.time_zone,
        timeline.plan_id,
        timeline.rate_plan_id,
        timeline.time_band_set_id,
        guiding_hashes.guiding_hash,
        home_networks.home_network,
        coalesce(ported_numbers.network, '') as called_network,
        coalesce(own_prefixes.own_prefix, '') as own_prefix,
        coalesce(other_prefixes.other_prefix, '') as other_prefix,
        coalesce(arrived.other_number = other_prefixes.other_prefix, false) as is_whole_number,
        arrived.service in ('data', 'content') as is_numberless,
        case coalesce(time_band_sets.time_zone_basis, 'home')
            when 'home' then home_networks.time_zone
            when 'account' then timeline.time_zone
            when 'serving' then cast(arrived.utc_offset_minutes as string)
        end as clock_id,
        case time_band_sets.time_zone_basis
            when 'account' then {{ to_local_time('arrived.started_at', 'timeline.time_zone') }}
            when 'serving'
                then {{ add_seconds('arrived.started_at', 'arrived.utc_offset_minutes * 60') }}
            else {{ to_local_time('arrived.started_at', 'home_networks.time_zone') }}
        end as tariff_time,
        coalesce(time_band_sets.crossing, 'split') = 'split' as is_split
    from arrived
    cross join longest
    left join timeline
        on
            arrived.identifier = timeline.identifier
            and arrived.started_at >= timeline.valid_from
            and arrived.started_at < timeline.valid_to
    left join guiding_hashes on arrived.identifier = guiding_hashes.identifier
    left join home_networks
        on
            timeline.legal_entity_id = home_networks.legal_entity_id
            and arrived.started_at >= home_networks.valid_from
            and arrived.started_at < home_networks.valid_to
    left join time_band_sets on timeline.time_band_set_id = time_band_sets.time_band_set_id
    left join ported_numbers
        on
            arrived.direction = 'outgoing'
            and arrived.other_number = ported_numbers.number
            and arrived.started_at >= ported_numbers.valid_from
            and arrived.started_at < ported_numbers.valid_to
    left join own_prefixes on arrived.identifier = own_prefixes.identifier
    left join other_prefixes
        on substr(arrived.other_number, 1, longest.prefix_length + 1) = other_prefixes.beginning

),

dated as (

    select
        guided.*,
        cast(guided.tariff_time as date) as tariff_date,
        extract(hour from guided.tariff_time) as tariff_hour,
        -- Most clocks are the account's own: a time zone is looked up once, not twice.
        case
            when guided.clock_id = guided.time_zone then guided.tariff_time
            else {{ to_local_time('guided.started_at', 'guided.time_zone') }}
        end as started_local
    from guided

),

-- What decides a zone, once for all events that have it in common.
places as (

    select distinct
        home_network,
        serving_network,
        direction,
        is_numberless,
        own_prefix,
        other_prefix,
        is_whole_number,
        called_network,
        tariff_date
    from dated

),

-- All rows that both numbers begin with; the closest counts.
zones_by_number as (

    select
        places.direction,
        places.serving_network,
        places.own_prefix,
        places.other_prefix,
        places.is_whole_number,
        places.tariff_date,
        max_by(number_zones.zone_id, number_zones.closeness) as zone_id,
        max_by(number_zones.country_code, number_zones.closeness) as country_code
    from places
    cross join {{ numbers(16) }} as own_lengths
    cross join {{ numbers(16) }} as other_lengths
    inner join number_zones
        on
            places.direction = number_zones.direction
            and substr(places.own_prefix, 1, own_lengths.number - 1) = number_zones.own_prefix
            and substr(places.other_prefix, 1, other_lengths.number - 1)
            = number_zones.other_prefix
            and number_zones.serving_network in (places.serving_network, '*')
            and places.tariff_date >= number_zones.valid_from
            and places.tariff_date < number_zones.valid_to
            and (
                not number_zones.is_whole_number
                or (
                    places.is_whole_number
                    and places.other_prefix = number_zones.other_prefix
                )
            )
    where
        not places.is_numberless
        and own_lengths.number - 1 <= length(places.own_prefix)
        and other_lengths.number - 1 <= length(places.other_prefix)
    group by
        places.direction,
        places.serving_network,
        places.own_prefix,
        places.other_prefix,
        places.is_whole_number,
        places.tariff_date

),

other_numbers_by_date as (

    select distinct
        other_prefix,
        tariff_date
    from places

),

countries_by_number as (

    select
        other_numbers_by_date.other_prefix,
        other_numbers_by_date.tariff_date,
        max_by(
            destination_prefixes.country_code, length(destination_prefixes.prefix)
        ) as country_code
    from other_numbers_by_date
    cross join {{ numbers(15) }} as lengths
    inner join destination_prefixes
        on
            substr(other_numbers_by_date.other_prefix, 1, lengths.number)
            = destination_prefixes.prefix
            and other_numbers_by_date.tariff_date >= destination_prefixes.valid_from
            and other_numbers_by_date.tariff_date < destination_prefixes.valid_to
    where lengths.number <= length(other_numbers_by_date.other_prefix)
    group by other_numbers_by_date.other_prefix, other_numbers_by_date.tariff_date

),

-- At home, and where roaming is rated as at home: by the numbers, else by the country.
reached as (

    select
        places.*,
        places.serving_network <> places.home_network as is_roaming,
        visited.zone_id as visited_zone_id,
        networks.country_code as visited_country_code,
        places.serving_network = places.home_network
        or coalesce(visited.is_home_like, false) as is_at_home,
        zones_by_number.zone_id as number_zone_id,
        case
            when places.is_numberless or places.direction = 'incoming' then home.country_code
            else coalesce(zones_by_number.country_code, countries_by_number.country_code)
        end as zone_country_code
    from places
    left join networks on places.serving_network = networks.mcc_mnc
    left join networks as home on places.home_network = home.mcc_mnc
    left join zones_by_network as visited
        on
            places.serving_network = visited.mcc_mnc
            and visited.zone_role
            = case places.direction when 'incoming' then 'visited_incoming' else 'visited' end
            and places.tariff_date >= visited.valid_from
            and places.tariff_date < visited.valid_to
    left join countries_by_number
        on
            places.other_prefix = countries_by_number.other_prefix
            and places.tariff_date = countries_by_number.tariff_date
    left join zones_by_number
        on
            not places.is_numberless
            and places.direction = zones_by_number.direction
            and places.serving_network = zones_by_number.serving_network
            and places.own_prefix = zones_by_number.own_prefix
            and places.other_prefix = zones_by_number.other_prefix
            and places.is_whole_number = zones_by_number.is_whole_number
            and places.tariff_date = zones_by_number.tariff_date

),

zoned as (

    select
        reached.*,
        case when reached.is_roaming then reached.visited_zone_id end as roaming_zone_id,
        case
            when reached.is_numberless or reached.direction = 'incoming' or not reached.is_at_home
                then reached.visited_country_code
            else reached.zone_country_code
        end as country_code,
        case
            when not reached.is_at_home then reached.visited_zone_id
            when zones_by_network.zone_id is not null then zones_by_network.zone_id
            else coalesce(reached.number_zone_id, zones_by_country.zone_id)
        end as zone_id
    from reached
    left join zones_by_network
        on
            zones_by_network.zone_role = 'called'
            and reached.called_network = zones_by_network.mcc_mnc
            and reached.tariff_date >= zones_by_network.valid_from
            and reached.tariff_date < zones_by_network.valid_to
    left join zones_by_country
        on
            zones_by_country.zone_role
            = case reached.direction when 'incoming' then 'incoming' else 'called' end
            and reached.zone_country_code = zones_by_country.country_code
            and reached.tariff_date >= zones_by_country.valid_from
            and reached.tariff_date < zones_by_country.valid_to

),

located as (

    select
        dated.*,
        zoned.country_code,
        zoned.zone_id,
        zoned.roaming_zone_id,
        zoned.is_at_home,
        case dated.service
            when 'voice' then dated.duration_seconds
            when 'data' then dated.volume_bytes
            when 'content'
                then cast(
                        coalesce({{ sign_of('dated.recorded_amount') }}, 1)
                        * abs(coalesce(dated.quantity, 1))
                        as bigint
                    )
            else coalesce(dated.quantity, 1)
        end as measured_units,
        coalesce(rating_groups.rating_group, '*') as priced_rating_group
    from dated
    left join rating_groups
        on
            dated.rate_plan_id = rating_groups.rate_plan_id
            and dated.rating_group = rating_groups.rating_group
    left join zoned
        on
            dated.home_network = zoned.home_network
            and dated.serving_network = zoned.serving_network
            and dated.direction = zoned.direction
            and dated.is_numberless = zoned.is_numberless
            and dated.own_prefix = zoned.own_prefix
            and dated.other_prefix = zoned.other_prefix
            and dated.is_whole_number = zoned.is_whole_number
            and dated.called_network = zoned.called_network
            and dated.tariff_date = zoned.tariff_date

),

-- The band that an event starts in, of those of the hour, and its price there.
priced as (

    select
        located.*,
        time_bands.time_band_id,
        time_bands.ends_at as band_ends_at,
        usage_rates.usage_rate_id,
        usage_rates.price_basis,
        usage_rates.currency_code,
        usage_rates.initial_increment,
        usage_rates.additional_increment,
        usage_rates.first_step_from
    from located
    left join time_bands
        on
            located.clock_id = time_bands.clock_id
            and located.time_band_set_id = time_bands.time_band_set_id
            and located.tariff_date = time_bands.event_date
            and located.tariff_hour = time_bands.event_hour
            and located.started_at >= time_bands.starts_at
            and located.started_at < time_bands.ends_at
    left join usage_rates
        on
            located.rate_plan_id = usage_rates.rate_plan_id
            and located.service = usage_rates.service
            and located.priced_rating_group = usage_rates.rating_group
            and located.zone_id = usage_rates.zone_id
            and time_bands.time_band_id = usage_rates.time_band_id
            and located.tariff_date >= usage_rates.valid_from
            and located.tariff_date < usage_rates.valid_to

),

-- A call is cut where its band ends, and every event where its price changes on the way.
judged as (

    select
        priced.*,
        (
            priced.service = 'voice'
            and priced.is_split
            and abs(priced.duration_seconds) <= 86400
            and {{ add_seconds('priced.started_at', 'abs(priced.duration_seconds)') }}
            > priced.band_ends_at
        )
        or coalesce(abs(priced.measured_units) > priced.first_step_from, false) as is_cut,
        case
            when priced.service = 'voice' and abs(priced.duration_seconds) > 86400
                then 'implausible_duration'
            when priced.subscription_id is null and priced.guiding_hash is null
                then 'unknown_identifier'
            when priced.subscription_id is null then 'no_active_subscription'
            when priced.rate_plan_id is null then 'unknown_plan'
            when priced.zone_id is null and priced.country_code is null and priced.is_at_home
                then 'unknown_destination'
            when priced.zone_id is null and priced.country_code is null then 'unknown_network'
            when priced.zone_id is null then 'no_zone'
            when priced.time_band_id is null then 'no_time_band'
            when priced.usage_rate_id is null then 'no_rate'
            when priced.price_basis = 'recorded' and priced.recorded_amount is null
                then 'no_amount'
            when
                priced.price_basis = 'recorded'
                and priced.recorded_currency_code <> priced.currency_code
                then 'other_currency'
        end as suspense_reason
    from priced

),

decided as (

    select
        judged.event_id,
        judged.file_id,
        judged.subscription_id,
        judged.billing_account_id,
        judged.legal_entity_id,
        judged.plan_id,
        judged.rate_plan_id,
        judged.time_band_set_id,
        judged.clock_id,
        judged.service,
        judged.direction,
        judged.identifier,
        judged.other_number,
        judged.serving_network,
        nullif(judged.called_network, '') as called_network,
        judged.rating_group,
        judged.priced_rating_group,
        judged.country_code,
        judged.zone_id,
        judged.roaming_zone_id,
        judged.time_band_id,
        judged.usage_rate_id,
        judged.suspense_reason,
        judged.guiding_hash,
        tariff.tariff_hash,
        judged.landing_sequence,
        judged.record_number,
        judged.duration_seconds,
        judged.volume_bytes,
        judged.measured_units,
        cast(
            {{ sign_of('judged.measured_units') }}
            * {{ round_up_units(
                'abs(judged.measured_units)', 'judged.initial_increment',
                'judged.additional_increment', 'coalesce(judged.is_first_segment, true)'
            ) }} as bigint
        ) as units,
        judged.recorded_amount,
        coalesce(judged.is_first_segment, true) as is_first_segment,
        coalesce(judged.is_cut, false) as is_cut,
        judged.started_at,
        judged.started_local,
        judged.tariff_date,
        periods.period_start as usage_period_start,
        periods.period_end as usage_period_end
    from judged
    left join periods
        on
            judged.legal_entity_id = periods.legal_entity_id
            and judged.bill_cycle_id = periods.bill_cycle_id
            and cast(judged.started_local as date) = periods.on_date
    cross join tariff

)

select * from decided
