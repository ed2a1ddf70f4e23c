with

opening_allowances as (

    select * from {{ read_files('landing', 'opening_allowances') }}

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
        opening_allowances.pool_id,
        opening_allowances.allowance_id,
        opening_allowances.granted_from,
        opening_allowances.granted_quantity,
        opening_allowances.drawn_quantity,
        opening_allowances.file_id,
        files.landing_sequence,
        opening_allowances.record_number
    from opening_allowances
    inner join files on opening_allowances.file_id = files.file_id

),

-- A later file replaces an earlier one for the same key.
latest as (

    select
        pool_id,
        allowance_id,
        granted_from,
        granted_quantity,
        drawn_quantity,
        file_id,
        landing_sequence,
        record_number
    from committed
    qualify
        row_number() over (
            partition by
                pool_id,
                allowance_id,
                granted_from
            order by landing_sequence desc, record_number desc
        ) = 1

)

select * from latest
