-- Until there are exchange rates, a charge in another currency than its account's stops the run.
select charges.charge_id
from {{ ref('fct_charges') }} as charges
inner join {{ ref('dim_billing_accounts') }} as accounts
    on charges.billing_account_id = accounts.billing_account_id
where charges.currency_code <> accounts.currency_code
