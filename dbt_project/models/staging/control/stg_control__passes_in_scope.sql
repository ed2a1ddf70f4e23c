with

passes_in_scope as (

    select * from {{ read_files('control', 'passes_in_scope') }}

),

renamed as (

    select pass_id
    from passes_in_scope

)

select * from renamed
