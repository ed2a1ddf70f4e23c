with

tax_exemptions as (

    select * from {{ read_files('landing', 'tax_exemptions') }}

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
        tax_exemptions.exemption_id,
        tax_exemptions.customer_id,
        tax_exemptions.tax_jurisdiction,
        tax_exemptions.tax_type,
        tax_exemptions.reason,
        tax_exemptions.valid_from,
        tax_exemptions.valid_to,
        tax_exemptions.file_id,
        files.landing_sequence,
        tax_exemptions.record_number
    from tax_exemptions
    inner join files on tax_exemptions.file_id = files.file_id

),

-- A later file replaces an earlier one for the same key, from its landing on.
versioned as (

    select
        exemption_id,
        customer_id,
        tax_jurisdiction,
        tax_type,
        reason,
        valid_from,
        valid_to,
        file_id,
        landing_sequence,
        record_number,
        lead(landing_sequence) over (
            partition by exemption_id
            order by landing_sequence, record_number
        ) as superseded_sequence
    from committed

)

select * from versioned
