with

counters as (

    select * from {{ read_files('landing', 'counters') }}

),

files as (

    select
        file_id,
        source_id,
        landing_sequence
    from {{ ref('stg_landing__files') }}
    where file_status = 'accepted'

),

committed as (

    select
        files.source_id,
        counters.node,
        counters.element,
        counters.measured_object,
        counters.counter,
        counters.other_value,
        counters.period_seconds,
        counters.quantity,
        counters.is_suspect,
        counters.started_at,
        counters.file_id,
        files.landing_sequence,
        counters.record_number
    from counters
    inner join files on counters.file_id = files.file_id

)

select * from committed
