with

frozen as (

    select
        charge_id,
        pass_id,
        billing_account_id,
        subscription_id,
        plan_id,
        charge_type,
        charge_code,
        source_id,
        unit,
        currency_code,
        tax_category,
        priced_currency_code,
        event_count,
        quantity,
        free_quantity,
        priced_amount,
        exchange_rate,
        amount,
        period_start,
        period_end,
        charged_through_date,
        corrected_charge_id,
        'issued' as billing_status
    from {{ ref('stg_issued__charges') }}

),

unissued as (

    select * from {{ ref('int_accounts__unissued') }}

),

computed as (

    select
        computed.charge_id,
        computed.pass_id,
        computed.billing_account_id,
        computed.subscription_id,
        computed.plan_id,
        computed.charge_type,
        computed.charge_code,
        computed.source_id,
        computed.unit,
        computed.currency_code,
        computed.tax_category,
        computed.priced_currency_code,
        computed.event_count,
        computed.quantity,
        computed.free_quantity,
        computed.priced_amount,
        computed.exchange_rate,
        computed.amount,
        computed.period_start,
        computed.period_end,
        computed.charged_through_date,
        computed.corrected_charge_id,
        unissued.billing_status
    from {{ ref('int_charges__combined') }} as computed
    inner join unissued
        on
            computed.pass_id = unissued.pass_id
            and computed.billing_account_id = unissued.billing_account_id

),

united as (

    select * from frozen
    union all
    select * from computed

)

select
    charge_id,
    pass_id,
    billing_account_id,
    subscription_id,
    plan_id,
    charge_type,
    charge_code,
    source_id,
    billing_status,
    unit,
    currency_code,
    tax_category,
    priced_currency_code,
    event_count,
    quantity,
    free_quantity,
    priced_amount,
    exchange_rate,
    amount,
    period_start,
    period_end,
    charged_through_date,
    corrected_charge_id
from united
