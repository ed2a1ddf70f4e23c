{{ config(meta={'dagster': {'ref': {'name': 'int_charges__combined'}}}) }}

-- Until there are exchange rates, a charge in another currency than its account's stops the run.
select charges.charge_id
from {{ ref('int_charges__combined') }} as charges
inner join {{ ref('int_passes__in_scope') }} as passes on charges.pass_id = passes.pass_id
inner join {{ ref('int_billing_accounts__current') }} as accounts
    on charges.billing_account_id = accounts.billing_account_id
where charges.currency_code <> accounts.currency_code
