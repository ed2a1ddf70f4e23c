with

files as (

    select landing_sequence
    from {{ ref('stg_landing__files') }}
    where file_status = 'accepted' and entity in ({{ crm_entities() }})

),

passes as (

    select crm_sequence from {{ ref('int_passes__in_scope') }}

),

latest as (

    select coalesce(max(landing_sequence), 0) as crm_sequence
    from files

),

-- The knowledge that something is computed with: of each pass in scope what had landed by its
-- cut-off, and what is known now. The same in a run that nothing landed after.
known as (

    select
        crm_sequence,
        crm_sequence = (select latest.crm_sequence from latest) as is_latest
    from passes
    union distinct
    select
        crm_sequence,
        true as is_latest
    from latest

)

select * from known
