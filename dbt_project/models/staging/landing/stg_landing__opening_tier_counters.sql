with

opening_tier_counters as (

    select * from {{ read_files('landing', 'opening_tier_counters') }}

),

files as (

    select
        file_id,
        landing_sequence
    from {{ ref('stg_landing__files') }}
    where file_status = 'accepted'

),

committed as (

    select
        opening_tier_counters.subscription_id,
        opening_tier_counters.price_tier_set_id,
        opening_tier_counters.period_start as usage_period_start,
        opening_tier_counters.units as counted_units,
        opening_tier_counters.event_count,
        opening_tier_counters.largest_units,
        opening_tier_counters.billed_amount,
        opening_tier_counters.file_id,
        files.landing_sequence,
        opening_tier_counters.record_number
    from opening_tier_counters
    inner join files on opening_tier_counters.file_id = files.file_id

),

-- A later file replaces an earlier one for the same key.
latest as (

    select
        subscription_id,
        price_tier_set_id,
        usage_period_start,
        counted_units,
        event_count,
        largest_units,
        billed_amount,
        file_id,
        landing_sequence,
        record_number
    from committed
    qualify
        row_number() over (
            partition by
                subscription_id,
                price_tier_set_id,
                usage_period_start
            order by landing_sequence desc, record_number desc
        ) = 1

)

select * from latest
