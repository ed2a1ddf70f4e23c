with

tier_sets as (

    select
        price_tier_set_id,
        pricing_model,
        zero_usage
    from {{ ref('price_tier_sets') }}

),

price_tiers as (

    select
        price_tier_id,
        price_tier_set_id,
        up_to,
        rate_amount,
        per_units,
        flat_amount,
        block_size,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('price_tiers') }}

),

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

),

-- Between two boundaries the same rows are in force.
versions as (

    select
        price_tier_set_id,
        version_from,
        lead(version_from) over (partition by price_tier_set_id order by version_from)
            as version_to
    from boundaries

),

numbered as (

    select
        price_tiers.price_tier_id,
        price_tiers.price_tier_set_id,
        tier_sets.pricing_model,
        tier_sets.zero_usage,
        price_tiers.up_to,
        price_tiers.rate_amount,
        price_tiers.per_units,
        price_tiers.flat_amount,
        price_tiers.block_size,
        versions.version_from as valid_from,
        versions.version_to as valid_to,
        row_number() over in_order as tier_number,
        coalesce(lag(price_tiers.up_to) over in_order, 0) as from_units,
        lead(price_tiers.price_tier_id) over in_order is null as is_last
    from price_tiers
    inner join tier_sets on price_tiers.price_tier_set_id = tier_sets.price_tier_set_id
    inner join versions
        on
            price_tiers.price_tier_set_id = versions.price_tier_set_id
            and price_tiers.valid_from <= versions.version_from
            and price_tiers.valid_to >= versions.version_to
    window in_order as (
        partition by price_tiers.price_tier_set_id, versions.version_from
        order by price_tiers.up_to nulls last
    )

),

-- Tiers of their own units begin with the price of those before; where one tier prices all, it
-- counts from the first unit.
bounded as (

    select
        *,
        case when is_last then cast(1000000000000000000 as bigint) else up_to end as to_units,
        case when pricing_model in ('volume', 'capacity') then cast(0 as bigint) else from_units end
            as priced_from_units,
        case
            when is_last or pricing_model in ('volume', 'capacity') then cast(0 as decimal(18, 6))
            else
                flat_amount
                + {{ price_units(
                    'rate_amount', round_up_to('(up_to - from_units)', 'block_size'), 'per_units'
                ) }}
        end as whole_amount
    from numbered

),

cumulated as (

    select
        price_tier_id,
        price_tier_set_id,
        pricing_model,
        cast(tier_number as integer) as tier_number,
        cast(from_units as bigint) as from_units,
        to_units,
        priced_from_units,
        cast((sum(whole_amount) over in_order) - whole_amount as decimal(18, 6)) as start_amount,
        flat_amount,
        case zero_usage
            when 'due' then first_value(flat_amount) over in_order
            else cast(0 as decimal(18, 6))
        end as zero_amount,
        rate_amount,
        per_units,
        block_size,
        valid_from,
        valid_to
    from bounded
    window in_order as (
        partition by price_tier_set_id, valid_from
        order by tier_number
        rows between unbounded preceding and current row
    )

)

select * from cumulated
