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
        duration_seconds,
        volume_bytes,
        started_at
    from {{ ref('stg_landing__usage') }}

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

home_networks as (

    select
        legal_entity_id,
        home_network,
        time_zone,
        {{ to_utc('valid_from', 'time_zone') }} as valid_from,
        {{ to_utc("coalesce(valid_to, cast('9999-12-31' as date))", 'time_zone') }} as valid_to
    from {{ ref('legal_entities') }}

),

zones_by_country as (

    select * from {{ ref('int_zones__by_country') }}

),

time_bands as (

    select * from {{ ref('int_time_bands__by_hour') }}

),

-- What a call can run into: the bands of the day it starts on and of the next.
later_bands as (

    select
        legal_entity_id,
        time_band_set_id,
        time_band_id,
        on_date as event_date,
        starts_at,
        ends_at
    from {{ ref('int_time_bands__by_date') }}
    union all
    select
        legal_entity_id,
        time_band_set_id,
        time_band_id,
        cast({{ add_seconds('cast(on_date as timestamp)', '-86400') }} as date) as event_date,
        starts_at,
        ends_at
    from {{ ref('int_time_bands__by_date') }}

),

usage_rates as (

    select * from {{ ref('int_usage_rates__by_band') }}

),

prefixes as (

    select
        prefix,
        country_code,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('destination_prefixes') }}

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

billed as (

    select distinct event_id from {{ ref('stg_issued__billed_usage') }}

),

{% if is_incremental() %}
    -- A load does the new files, and the events not yet billed whose guiding or tariff has changed
    -- since they were done.
    stale as (

        select distinct applied.event_id
        from {{ this }} as applied
        cross join tariff
        left join guiding_hashes on applied.identifier = guiding_hashes.identifier
        left join billed on applied.event_id = billed.event_id
        where
            billed.event_id is null
            and (
                applied.tariff_hash <> tariff.tariff_hash
                or coalesce(applied.guiding_hash, '') <> coalesce(guiding_hashes.guiding_hash, '')
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
        {{ to_local_time('arrived.started_at', 'home_networks.time_zone') }} as tariff_time,
        {{ to_local_time('arrived.started_at', 'timeline.time_zone') }} as started_local
    from arrived
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

),

dated as (

    select
        guided.*,
        cast(guided.tariff_time as date) as tariff_date,
        extract(hour from guided.tariff_time) as tariff_hour
    from guided

),

-- Each dialled beginning is resolved once per version of the prefix table, by its longest prefix.
prefix_versions as (

    select
        version_from,
        lead(version_from, 1, cast('9999-12-31' as date)) over (order by version_from) as version_to
    from (
        select valid_from as version_from from prefixes
        union distinct
        select valid_to as version_from from prefixes
    ) as boundaries

),

dialled as (

    select distinct substr(other_number, 1, 8) as dialled_beginning
    from arrived
    where service in ('voice', 'sms') and direction = 'outgoing'

),

candidates as (

    select
        dialled.dialled_beginning,
        substr(dialled.dialled_beginning, 1, lengths.number) as beginning
    from dialled
    cross join {{ numbers(8) }} as lengths

),

destinations as (

    select
        candidates.dialled_beginning,
        prefix_versions.version_from,
        prefix_versions.version_to,
        max_by(prefixes.country_code, length(prefixes.prefix)) as country_code
    from candidates
    inner join prefixes on candidates.beginning = prefixes.prefix
    inner join prefix_versions
        on
            prefixes.valid_from <= prefix_versions.version_from
            and prefixes.valid_to > prefix_versions.version_from
    group by candidates.dialled_beginning, prefix_versions.version_from, prefix_versions.version_to

),

located as (

    select
        dated.*,
        case
            when dated.serving_network <> dated.home_network then networks.country_code
            when dated.service = 'data' or dated.direction = 'incoming' then home.country_code
            else destinations.country_code
        end as country_code,
        case
            when dated.serving_network <> dated.home_network then 'visited'
            else 'called'
        end as zone_role
    from dated
    left join networks on dated.serving_network = networks.mcc_mnc
    left join networks as home on dated.home_network = home.mcc_mnc
    left join destinations
        on
            substr(dated.other_number, 1, 8) = destinations.dialled_beginning
            and dated.tariff_date >= destinations.version_from
            and dated.tariff_date < destinations.version_to

),

zoned as (

    select
        located.*,
        case when located.direction = 'incoming' then 'incoming' else zones_by_country.zone_id end
            as zone_id
    from located
    left join zones_by_country
        on
            located.zone_role = zones_by_country.zone_role
            and located.country_code = zones_by_country.country_code
            and located.tariff_date >= zones_by_country.valid_from
            and located.tariff_date < zones_by_country.valid_to

),

-- The band that an event starts in. An hour of a day has one band or, when one ends inside it, two.
banded as (

    select
        zoned.*,
        time_bands.time_band_id,
        time_bands.ends_at as band_ends_at,
        {{ add_seconds('zoned.started_at', 'zoned.duration_seconds') }} as ended_at
    from zoned
    left join time_bands
        on
            zoned.legal_entity_id = time_bands.legal_entity_id
            and zoned.time_band_set_id = time_bands.time_band_set_id
            and zoned.tariff_date = time_bands.event_date
            and zoned.tariff_hour = time_bands.event_hour
            and zoned.started_at >= time_bands.starts_at
            and zoned.started_at < time_bands.ends_at

),

crossing as (

    select * from banded
    where service = 'voice' and ended_at > band_ends_at and duration_seconds <= 86400

),

-- Voice is cut where a band ends; SMS and data belong to the band they start in.
segmented as (

    select
        {{ all_columns_but('banded', ['band_ends_at', 'ended_at']) }},
        1 as segment_number,
        banded.started_at as segment_started_at,
        case banded.service
            when 'voice'
                then {{ seconds_between(
                    'banded.started_at',
                    'least(banded.ended_at, coalesce(banded.band_ends_at, banded.ended_at))'
                ) }}
            when 'sms' then 1
            else banded.volume_bytes
        end as measured_units
    from banded
    union all
    select
        {{ all_columns_but('crossing', ['time_band_id', 'band_ends_at', 'ended_at']) }},
        later_bands.time_band_id,
        cast(
            1 + row_number() over (
                partition by crossing.event_id
                order by later_bands.starts_at
            ) as integer
        ) as segment_number,
        later_bands.starts_at as segment_started_at,
        {{ seconds_between(
            'later_bands.starts_at', 'least(crossing.ended_at, later_bands.ends_at)'
        ) }}
            as measured_units
    from crossing
    inner join later_bands
        on
            crossing.legal_entity_id = later_bands.legal_entity_id
            and crossing.time_band_set_id = later_bands.time_band_set_id
            and crossing.tariff_date = later_bands.event_date
            and later_bands.starts_at >= crossing.band_ends_at
            and later_bands.starts_at < crossing.ended_at

),

priced as (

    select
        segmented.*,
        usage_rates.usage_rate_id,
        usage_rates.price_tier_set_id,
        usage_rates.charge_code,
        usage_rates.currency_code,
        usage_rates.tax_category,
        usage_rates.rate_amount,
        usage_rates.per_units,
        case
            when segmented.segment_number = 1 then usage_rates.connect_amount
            else cast(0 as decimal(18, 6))
        end as connect_amount,
        cast({{ round_up_units(
            'segmented.measured_units', 'usage_rates.initial_increment',
            'usage_rates.additional_increment',
            'segmented.segment_number = 1'
        ) }} as bigint) as units,
        case
            when segmented.service = 'voice' and segmented.duration_seconds > 86400
                then 'implausible_duration'
            when segmented.subscription_id is null and segmented.guiding_hash is null
                then 'unknown_identifier'
            when segmented.subscription_id is null then 'no_active_subscription'
            when segmented.rate_plan_id is null then 'unknown_plan'
            when segmented.country_code is null and segmented.zone_role = 'visited'
                then 'unknown_network'
            when segmented.country_code is null then 'unknown_destination'
            when segmented.zone_id is null then 'no_zone'
            when segmented.time_band_id is null then 'no_time_band'
            when usage_rates.usage_rate_id is null then 'no_rate'
        end as suspense_reason
    from segmented
    left join usage_rates
        on
            segmented.rate_plan_id = usage_rates.rate_plan_id
            and segmented.service = usage_rates.service
            and segmented.zone_id = usage_rates.zone_id
            and segmented.time_band_id = usage_rates.time_band_id
            and segmented.tariff_date >= usage_rates.valid_from
            and segmented.tariff_date < usage_rates.valid_to

),

list_priced as (

    select
        priced.event_id,
        priced.file_id,
        priced.subscription_id,
        priced.billing_account_id,
        priced.legal_entity_id,
        priced.plan_id,
        priced.service,
        priced.direction,
        priced.identifier,
        priced.other_number,
        priced.serving_network,
        priced.country_code,
        priced.zone_id,
        priced.time_band_id,
        priced.charge_code,
        priced.usage_rate_id,
        priced.price_tier_set_id,
        priced.currency_code,
        priced.tax_category,
        priced.suspense_reason,
        priced.guiding_hash,
        tariff.tariff_hash,
        priced.segment_number,
        priced.landing_sequence,
        priced.record_number,
        priced.duration_seconds,
        priced.volume_bytes,
        priced.measured_units,
        priced.units,
        priced.rate_amount,
        priced.per_units,
        priced.connect_amount,
        {{ price_with_connect(
            'priced.units', 'priced.rate_amount', 'priced.per_units', 'priced.connect_amount'
        ) }} as list_amount,
        priced.started_at,
        priced.segment_started_at,
        priced.started_local,
        priced.tariff_date,
        periods.period_start as usage_period_start,
        periods.period_end as usage_period_end
    from priced
    left join periods
        on
            priced.legal_entity_id = periods.legal_entity_id
            and priced.bill_cycle_id = periods.bill_cycle_id
            and cast(priced.started_local as date) = periods.on_date
    cross join tariff

)

select * from list_priced
