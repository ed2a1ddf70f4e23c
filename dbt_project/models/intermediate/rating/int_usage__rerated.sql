with

usage as (

    select * from {{ ref('stg_issued__billed_usage') }}

),

rerated_events as (

    select distinct event_id from usage
    where is_reversal

),

rerated as (

    select
        usage.pass_id,
        usage.event_id,
        max(case when usage.is_reversal then 1 else 0 end) = 1 as is_correction,
        cast(sum(case when usage.is_reversal then 0 else usage.measured_units end) as bigint)
            as measured_units,
        cast(sum(usage.rated_amount) as decimal(18, 6)) as rated_amount
    from usage
    inner join rerated_events on usage.event_id = rerated_events.event_id
    group by usage.pass_id, usage.event_id

)

select * from rerated
