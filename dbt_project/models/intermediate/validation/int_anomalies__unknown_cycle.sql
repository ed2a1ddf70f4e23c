with

rule as (

    select
        pass_id,
        rule_id
    from {{ ref('int_review_rules__in_scope') }}
    where rule_id = 'unknown_cycle'

),

accounts as (

    select
        pass_id,
        billing_account_id,
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
    inner join rule on accounts.pass_id = rule.pass_id
    left join past on accounts.billing_account_id = past.billing_account_id

)

select * from found
