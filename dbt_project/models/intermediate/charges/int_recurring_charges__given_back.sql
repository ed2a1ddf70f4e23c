with

given_back as (

    select
        charge_id,
        billing_account_id,
        subscription_id,
        plan_id,
        charge_code,
        corrected_charge_id,
        coalesce(charged_from_local, cast(period_start as timestamp)) as charged_from_local,
        coalesce(charged_to_local, cast(period_end as timestamp)) as charged_to_local
    from {{ ref('stg_issued__charges') }}
    where charge_type = 'recurring' and corrected_charge_id is not null

)

select * from given_back
