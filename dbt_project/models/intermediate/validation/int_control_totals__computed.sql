{{
    config(
        materialized='incremental',
        incremental_strategy='replace_runs',
        on_schema_change='fail'
    )
}}

with

passes as (

    select pass_id from {{ ref('int_passes__in_scope') }}

),

decided as (

    select
        pass_id,
        billing_account_id,
        outcome
    from {{ ref('int_accounts__decided') }}

),

rated as (

    select
        usage_rated.pass_id,
        concat('usage_', decided.outcome) as control_name,
        cast(sum({{ event_count('usage_rated') }}) as bigint) as item_count,
        cast(
            sum(
                case when usage_rated.service = 'voice' then usage_rated.measured_units else 0 end
            ) as bigint
        )
            as duration_seconds,
        cast(
            sum(
                case when usage_rated.service = 'data' then usage_rated.measured_units else 0 end
            ) as bigint
        )
            as volume_bytes,
        cast(sum(usage_rated.rated_amount) as decimal(18, 6)) as amount
    from {{ ref('int_usage__rated') }} as usage_rated
    inner join decided
        on
            usage_rated.pass_id = decided.pass_id
            and usage_rated.billing_account_id = decided.billing_account_id
    group by usage_rated.pass_id, decided.outcome

),

charged as (

    select
        charges.pass_id,
        concat('charges_', decided.outcome) as control_name,
        cast(count(*) as bigint) as item_count,
        cast(0 as bigint) as duration_seconds,
        cast(0 as bigint) as volume_bytes,
        cast(sum(charges.amount) as decimal(18, 6)) as amount
    from {{ ref('int_charges__combined') }} as charges
    inner join decided
        on
            charges.pass_id = decided.pass_id
            and charges.billing_account_id = decided.billing_account_id
    group by charges.pass_id, decided.outcome

),

invoiced as (

    select
        pass_id,
        concat('accounts_', outcome) as control_name,
        cast(count(*) as bigint) as item_count,
        cast(0 as bigint) as duration_seconds,
        cast(0 as bigint) as volume_bytes,
        cast(sum(total_amount) as decimal(18, 6)) as amount
    from {{ ref('int_accounts__decided') }}
    group by pass_id, outcome

),

united as (

    select * from rated
    union all
    select * from charged
    union all
    select * from invoiced

),

computed as (

    select
        united.pass_id,
        united.control_name,
        united.item_count,
        united.duration_seconds,
        united.volume_bytes,
        united.amount
    from united
    inner join passes on united.pass_id = passes.pass_id

)

select * from computed
