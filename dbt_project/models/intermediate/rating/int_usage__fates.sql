with

billed as (

    select
        event_id,
        pass_id,
        'billed' as usage_status,
        free_units,
        charged_units,
        rated_amount,
        segment_number,
        file_id,
        record_number,
        subscription_id,
        billing_account_id,
        plan_id,
        service,
        direction,
        identifier,
        other_number,
        serving_network,
        rating_group,
        country_code,
        zone_id,
        time_band_id,
        charge_code,
        usage_rate_id,
        currency_code,
        duration_seconds,
        volume_bytes,
        measured_units,
        units,
        list_amount,
        started_at,
        started_local,
        usage_period_start
    from {{ ref('int_usage__billed') }}

),

decided as (

    select
        pass_id,
        billing_account_id,
        case billing_status when 'held' then 'held' else 'unbilled' end as usage_status
    from {{ ref('int_accounts__unissued') }}

),

computed as (

    select
        rated.event_id,
        rated.pass_id,
        decided.usage_status,
        rated.free_units,
        rated.charged_units,
        rated.rated_amount,
        rated.segment_number
    from {{ ref('int_usage__rated') }} as rated
    inner join decided
        on
            rated.pass_id = decided.pass_id
            and rated.billing_account_id = decided.billing_account_id

),

held as (

    select
        assigned.billing_account_id,
        assigned.pass_id
    from {{ ref('stg_ledger__pass_accounts') }} as assigned
    inner join {{ ref('stg_issued__unbilled_accounts') }} as unbilled_accounts
        on
            assigned.pass_id = unbilled_accounts.pass_id
            and assigned.billing_account_id = unbilled_accounts.billing_account_id
    where assigned.is_current and unbilled_accounts.outcome = 'held'

),

billed_events as (

    -- An event is billed with all its segments: its first stands for it.
    select event_id from billed
    where segment_number = 1

),

suspended as (

    select event_id from {{ ref('int_usage__suspended') }}

),

list_priced as (

    select list_priced_usage.*
    from {{ ref('int_usage__list_priced') }} as list_priced_usage
    left join suspended on list_priced_usage.event_id = suspended.event_id
    left join billed_events on list_priced_usage.event_id = billed_events.event_id
    where suspended.event_id is null and billed_events.event_id is null

),

-- Not yet billed: as a pass not yet issued computed it, else at list price until one does.
open_usage as (

    select
        list_priced.event_id,
        coalesce(computed.pass_id, held.pass_id) as pass_id,
        coalesce(
            computed.usage_status,
            case when held.pass_id is not null then 'held' else 'unbilled' end
        ) as usage_status,
        coalesce(computed.free_units, 0) as free_units,
        coalesce(computed.charged_units, list_priced.units) as charged_units,
        coalesce(computed.rated_amount, list_priced.list_amount) as rated_amount,
        list_priced.segment_number,
        list_priced.file_id,
        list_priced.record_number,
        list_priced.subscription_id,
        list_priced.billing_account_id,
        list_priced.plan_id,
        list_priced.service,
        list_priced.direction,
        list_priced.identifier,
        list_priced.other_number,
        list_priced.serving_network,
        list_priced.rating_group,
        list_priced.country_code,
        list_priced.zone_id,
        list_priced.time_band_id,
        list_priced.charge_code,
        list_priced.usage_rate_id,
        list_priced.currency_code,
        list_priced.duration_seconds,
        list_priced.volume_bytes,
        list_priced.measured_units,
        list_priced.units,
        list_priced.list_amount,
        list_priced.started_at,
        list_priced.started_local,
        list_priced.usage_period_start
    from list_priced
    left join computed
        on
            list_priced.event_id = computed.event_id
            and list_priced.segment_number = computed.segment_number
    left join held on list_priced.billing_account_id = held.billing_account_id

),

fates as (

    select * from billed
    union all
    select * from open_usage

)

select * from fates
