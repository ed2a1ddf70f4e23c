with

billed as (

    select * from {{ ref('stg_issued__billed_usage') }}

),

reversals as (

    select
        event_id,
        max(issue_sequence) as issue_sequence
    from billed
    where is_reversal
    group by event_id

),

-- An event that was computed again stands as the last pass billed it.
standing as (

    select billed.*
    from billed
    left join reversals on billed.event_id = reversals.event_id
    where
        not billed.is_reversal
        and (
            reversals.event_id is null
            or billed.issue_sequence >= reversals.issue_sequence
        )

)

select * from standing
