-- Tiers that say too little or too much: a set needs tiers while a rate uses it, and its
-- last one is open; what belongs to one pricing model only does nothing in another.
with

boundaries as (

    select
        price_tier_set_id,
        valid_from as version_from
    from price_tiers
    union distinct
    select
        price_tier_set_id,
        valid_to as version_from
    from price_tiers
    where valid_to is not null

),

versions as (

    select
        boundaries.price_tier_set_id,
        boundaries.version_from,
        count(*) as tier_count,
        max(price_tiers.csv_line) as csv_line,
        bool_or(price_tiers.up_to is null) as is_open
    from boundaries
    inner join price_tiers
        on
            boundaries.price_tier_set_id = price_tiers.price_tier_set_id
            and price_tiers.valid_from <= boundaries.version_from
            and open_end(price_tiers.valid_to) > boundaries.version_from
    group by boundaries.price_tier_set_id, boundaries.version_from

),

-- Days from which a rate needs tiers: its first, and those on which tiers end while it runs.
needed as (

    select
        usage_rates.csv_line,
        usage_rates.price_tier_set_id,
        usage_rates.valid_from as on_date
    from usage_rates
    where usage_rates.price_tier_set_id is not null
    union distinct
    select
        usage_rates.csv_line,
        usage_rates.price_tier_set_id,
        price_tiers.valid_to as on_date
    from usage_rates
    inner join price_tiers on usage_rates.price_tier_set_id = price_tiers.price_tier_set_id
    where
        price_tiers.valid_to > usage_rates.valid_from
        and price_tiers.valid_to < open_end(usage_rates.valid_to)

),

uncovered as (

    select
        needed.csv_line,
        needed.price_tier_set_id,
        min(needed.on_date) as first_date
    from needed
    where
        not exists (
            select 1
            from price_tiers
            where
                needed.price_tier_set_id = price_tiers.price_tier_set_id
                and price_tiers.valid_from <= needed.on_date
                and open_end(price_tiers.valid_to) > needed.on_date
        )
    group by needed.csv_line, needed.price_tier_set_id

),

currencies_of_sets as (

    select
        price_tier_set_id,
        max(csv_line) as csv_line
    from usage_rates
    where price_tier_set_id is not null
    group by price_tier_set_id
    having count(distinct currency_code) > 1

),

judged as (

    select
        'price_tiers' as seed,
        csv_line,
        price_tier_set_id,
        format('has no open tier from {} on: leave the last up_to empty', version_from) as reason
    from versions
    where not is_open
    union all
    select
        'usage_rates' as seed,
        csv_line,
        price_tier_set_id,
        format('has no tiers on {}', first_date) as reason
    from uncovered
    union all
    select
        'usage_rates' as seed,
        csv_line,
        price_tier_set_id,
        'is used by rates of several currencies' as reason
    from currencies_of_sets
    union all
    select
        'price_tiers' as seed,
        versions.csv_line,
        versions.price_tier_set_id,
        'is a percentage of each event: it has one tier' as reason
    from versions
    inner join price_tier_sets
        on versions.price_tier_set_id = price_tier_sets.price_tier_set_id
    where price_tier_sets.pricing_model = 'percentage' and versions.tier_count > 1
    union all
    select
        'price_tiers' as seed,
        price_tiers.csv_line,
        price_tiers.price_tier_set_id,
        'is a capacity: its tiers have a flat_amount and no rate_amount' as reason
    from price_tiers
    inner join price_tier_sets
        on price_tiers.price_tier_set_id = price_tier_sets.price_tier_set_id
    where price_tier_sets.pricing_model = 'capacity' and price_tiers.rate_amount <> 0
    union all
    select
        'price_tiers' as seed,
        price_tiers.csv_line,
        price_tiers.price_tier_set_id,
        'is a percentage of each event: its fee is event_amount, not flat_amount' as reason
    from price_tiers
    inner join price_tier_sets
        on price_tiers.price_tier_set_id = price_tier_sets.price_tier_set_id
    where price_tier_sets.pricing_model = 'percentage' and price_tiers.flat_amount <> 0
    union all
    select
        'price_tier_sets' as seed,
        csv_line,
        price_tier_set_id,
        case
            when
                pricing_model <> 'percentage'
                and (
                    free_events is not null
                    or free_units is not null
                    or event_amount is not null
                    or event_minimum_amount is not null
                    or event_maximum_amount is not null
                )
                then format('is {}: what is free or due per event is of percentages', pricing_model)
            when pricing_model in ('percentage', 'capacity') and pass_increment > 1
                then
                    format('is {}: it adds nothing up that pass_increment rounds', pricing_model)
            when pricing_model = 'percentage' and zero_usage = 'due'
                then 'is a percentage of each event: without one nothing is due'
            when event_minimum_amount > event_maximum_amount
                then 'has a minimum above its maximum'
            when
                not exists (
                    select 1
                    from usage_rates
                    where price_tier_sets.price_tier_set_id = usage_rates.price_tier_set_id
                )
                then 'is used by no rate'
        end as reason
    from price_tier_sets

)

select
    seed,
    csv_line,
    format('price_tier_set_id ''{}'' {}', price_tier_set_id, reason) as message
from judged
where reason is not null
