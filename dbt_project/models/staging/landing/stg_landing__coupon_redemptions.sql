with

coupon_redemptions as (

    select * from {{ read_files('landing', 'coupon_redemptions') }}

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
        coupon_redemptions.redemption_id,
        coupon_redemptions.coupon_id,
        coupon_redemptions.billing_account_id,
        coupon_redemptions.redeemed_date,
        coupon_redemptions.ended_date,
        coupon_redemptions.file_id,
        files.landing_sequence,
        coupon_redemptions.record_number
    from coupon_redemptions
    inner join files on coupon_redemptions.file_id = files.file_id

),

-- A later file replaces an earlier one for the same key, from its landing on.
versioned as (

    select
        redemption_id,
        coupon_id,
        billing_account_id,
        redeemed_date,
        ended_date,
        file_id,
        landing_sequence,
        record_number,
        lead(landing_sequence) over (
            partition by redemption_id
            order by landing_sequence, record_number
        ) as superseded_sequence
    from committed

)

select * from versioned
