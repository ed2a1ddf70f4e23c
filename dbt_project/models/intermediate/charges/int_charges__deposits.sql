with

accounts as (

    select
        pass_id,
        billing_account_id,
        crm_sequence,
        closed_date
    from {{ ref('int_accounts__in_scope') }}
    where closed_date <= bill_date

),

deposits as (

    select * from {{ ref('stg_landing__deposits') }}

),

issued as (

    select distinct source_id as deposit_id
    from {{ ref('stg_issued__charges') }}
    where charge_code = 'deposit'

),

-- D-046: with the final bill, on the day the account closed; a deposit bears no tax.
returned as (

    select
        accounts.pass_id,
        accounts.billing_account_id,
        deposits.deposit_id,
        deposits.currency_code,
        'O' as tax_category,
        cast(-deposits.amount as decimal(18, 6)) as amount,
        accounts.closed_date as charged_date
    from accounts
    inner join deposits
        on
            accounts.billing_account_id = deposits.billing_account_id
            and deposits.landing_sequence <= accounts.crm_sequence
            and coalesce(deposits.superseded_sequence, accounts.crm_sequence + 1)
            > accounts.crm_sequence
    left join issued on deposits.deposit_id = issued.deposit_id
    where issued.deposit_id is null

)

select * from returned
