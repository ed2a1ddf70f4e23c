{{ config(materialized='table') }}

with

accounts as (

    select * from {{ ref('stg_landing__billing_accounts') }}
    where superseded_sequence is null

),

cycles as (

    select
        legal_entity_id,
        bill_cycle_id
    from {{ ref('int_bill_cycles__current') }}

),

fallback as (

    select
        legal_entity_id,
        bill_cycle_id
    from cycles
    order by legal_entity_id, bill_cycle_id
    limit 1

),

-- Of a row whose cycle nobody bills, the cycle known before it counts: `known_rows` is the number
-- of the last row with one.
checked as (

    select
        accounts.*,
        cycles.bill_cycle_id is not null as is_cycle_known,
        count(cycles.bill_cycle_id) over (
            partition by accounts.billing_account_id
            order by accounts.valid_from
            rows between unbounded preceding and current row
        ) as known_rows
    from accounts
    left join cycles
        on
            accounts.legal_entity_id = cycles.legal_entity_id
            and accounts.bill_cycle_id = cycles.bill_cycle_id

),

-- D-040: without any, the first cycle of all, in which a suspicion holds the account.
dated as (

    select
        checked.billing_account_id,
        checked.customer_id,
        case
            when checked.known_rows = 0 then fallback.legal_entity_id
            else first_value(checked.legal_entity_id) over since_known
        end as legal_entity_id,
        case
            when checked.known_rows = 0 then fallback.bill_cycle_id
            else first_value(checked.bill_cycle_id) over since_known
        end as bill_cycle_id,
        checked.is_cycle_known,
        checked.currency_code,
        checked.time_zone,
        checked.language,
        checked.delivery_channel,
        checked.sales_region,
        checked.parent_account_id,
        first_value(checked.opened_date) over newest_first as opened_date,
        first_value(checked.closed_date) over newest_first as closed_date,
        checked.file_id,
        checked.record_number,
        case
            when lag(checked.valid_from) over in_order is null then cast('1900-01-01' as date)
            else checked.valid_from
        end as valid_from,
        coalesce(lead(checked.valid_from) over in_order, cast('9999-12-31' as date)) as valid_to
    from checked
    cross join fallback
    window
        in_order as (partition by checked.billing_account_id order by checked.valid_from),
        since_known as (
            partition by checked.billing_account_id, checked.known_rows
            order by checked.valid_from
        ),
        newest_first as (
            partition by checked.billing_account_id
            order by checked.valid_from desc
        )

),

own as (

    select
        dated.*,
        dated.billing_account_id as payer_account_id,
        dated.parent_account_id as next_account_id
    from dated

),
{{ paid_by_parents(3) }}

select * from paid_3
