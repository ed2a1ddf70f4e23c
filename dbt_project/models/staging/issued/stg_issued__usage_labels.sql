with

usage_labels as (

    select * from {{ read_files('issued', 'usage_labels') }}

),

committed_files as (

    select
        issue_id,
        ledger_sequence
    from {{ ref('stg_ledger__frozen_files') }}
    where entity = 'usage_labels'

),

-- A frozen file whose hash the ledger never committed does not exist.
committed as (

    select
        usage_labels.pass_id,
        usage_labels.zone_id,
        usage_labels.country_code,
        usage_labels.zone_type,
        usage_labels.zone_label_en,
        usage_labels.zone_label_de,
        usage_labels.country_name,
        usage_labels.country_name_de,
        usage_labels.issue_id,
        committed_files.ledger_sequence as issue_sequence
    from usage_labels
    inner join committed_files on usage_labels.issue_id = committed_files.issue_id

)

select * from committed
