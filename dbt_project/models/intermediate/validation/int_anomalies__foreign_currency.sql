with

rule as (

    select
        pass_id,
        rule_id
    from {{ ref('int_review_rules__in_scope') }}
    where rule_id = 'foreign_currency'

),

accounts as (

    select
        pass_id,
        billing_account_id,
        currency_code
    from {{ ref('int_accounts__in_scope') }}

),

charges as (

    select
        pass_id,
        billing_account_id,
        priced_currency_code as currency_code,
        cast(sum(priced_amount) as decimal(18, 4)) as amount
    from {{ ref('int_charges__combined') }}
    where exchange_rate is null
    group by pass_id, billing_account_id, priced_currency_code

),

-- D-040, D-076: amounts of two currencies do not add up without a rate on the tax point.
found as (

    select
        accounts.pass_id,
        accounts.billing_account_id,
        rule.rule_id,
        concat('charges in ', charges.currency_code) as seen,
        concat('an exchange rate to ', accounts.currency_code) as expected,
        abs(charges.amount) as amount_at_stake
    from accounts
    inner join charges
        on
            accounts.pass_id = charges.pass_id
            and accounts.billing_account_id = charges.billing_account_id
            and accounts.currency_code <> charges.currency_code
    inner join rule on accounts.pass_id = rule.pass_id

)

select * from found
