with

rule as (

    select
        rule_id,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('review_rules') }}
    where rule_id = 'unknown_cycle' and is_active

),

accounts as (

    select
        pass_id,
        billing_account_id,
        bill_date,
        stated_legal_entity_id,
        stated_bill_cycle_id
    from {{ ref('int_accounts__in_scope') }}
    where not is_cycle_known

),

past as (

    select
        billing_account_id,
        max(total_amount) as largest_amount
    from {{ ref('int_bills__past') }}
    group by billing_account_id

),

-- D-040: it is due with the cycle that was known before, and waits there.
found as (

    select
        accounts.pass_id,
        accounts.billing_account_id,
        rule.rule_id,
        concat(
            'bill cycle ', accounts.stated_bill_cycle_id,
            ' of legal entity ', accounts.stated_legal_entity_id
        ) as seen,
        'a bill cycle of the policy' as expected,
        coalesce(past.largest_amount, cast(0 as decimal(18, 4))) as amount_at_stake
    from accounts
    inner join rule on accounts.bill_date >= rule.valid_from and accounts.bill_date < rule.valid_to
    left join past on accounts.billing_account_id = past.billing_account_id

)

select * from found
