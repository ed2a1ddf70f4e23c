with

number_zones as (

    select
        direction,
        coalesce(calling_prefix, '') as calling_prefix,
        coalesce(called_prefix, '') as called_prefix,
        is_whole_number,
        serving_network,
        zone_id,
        country_code,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('number_zones') }}

),

-- Seen from the subscriber: `own` is the number called from or, when a call comes in, called.
-- The longest calling prefix counts, then the longest called one, then the network's own row.
dated as (

    select
        direction,
        case direction when 'incoming' then called_prefix else calling_prefix end as own_prefix,
        case direction when 'incoming' then calling_prefix else called_prefix end as other_prefix,
        is_whole_number,
        serving_network,
        zone_id,
        country_code,
        length(calling_prefix) * 10000 + length(called_prefix) * 100
        + case when is_whole_number then 10 else 0 end
        + case serving_network when '*' then 0 else 1 end as closeness,
        valid_from,
        valid_to
    from number_zones

)

select * from dated
