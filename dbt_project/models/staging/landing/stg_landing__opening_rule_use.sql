with

opening_rule_use as (

    select * from {{ read_files('landing', 'opening_rule_use') }}

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
        opening_rule_use.rule_type,
        opening_rule_use.rule_id,
        opening_rule_use.billing_account_id,
        opening_rule_use.subscription_id,
        opening_rule_use.measured_amount,
        opening_rule_use.taken_amount,
        opening_rule_use.invoice_count,
        opening_rule_use.period_start,
        opening_rule_use.file_id,
        files.landing_sequence,
        opening_rule_use.record_number
    from opening_rule_use
    inner join files on opening_rule_use.file_id = files.file_id

),

-- A later file replaces an earlier one for the same key.
latest as (

    select
        rule_type,
        rule_id,
        billing_account_id,
        subscription_id,
        measured_amount,
        taken_amount,
        invoice_count,
        period_start,
        file_id,
        landing_sequence,
        record_number
    from committed
    qualify
        row_number() over (
            partition by
                rule_type,
                rule_id,
                billing_account_id,
                coalesce(subscription_id, ''),
                period_start
            order by landing_sequence desc, record_number desc
        ) = 1

)

select * from latest
