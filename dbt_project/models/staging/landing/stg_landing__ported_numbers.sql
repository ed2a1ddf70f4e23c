with

ported_numbers as (

    select * from {{ read_files('landing', 'ported_numbers') }}

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
        ported_numbers.number,
        ported_numbers.network,
        ported_numbers.ported_at,
        ported_numbers.file_id,
        files.landing_sequence,
        ported_numbers.record_number
    from ported_numbers
    inner join files on ported_numbers.file_id = files.file_id

),

-- A later file replaces an earlier one for the same key.
latest as (

    select
        number,
        network,
        ported_at,
        file_id,
        landing_sequence,
        record_number
    from committed
    qualify
        row_number() over (
            partition by number, ported_at
            order by landing_sequence desc, record_number desc
        ) = 1

)

select * from latest
