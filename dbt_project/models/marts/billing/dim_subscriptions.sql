select
    subscription_id,
    billing_account_id,
    identifier,
    plan_id,
    plan_name,
    activated_date,
    terminated_date
from {{ ref('int_subscriptions__described') }}
