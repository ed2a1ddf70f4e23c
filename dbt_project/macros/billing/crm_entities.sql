{#- out: the inbox entities that say who is billed and for what, as a list of literals: a pass sees
    of them what had landed by its cut-off. -#}
{% macro crm_entities() -%}
    'customers', 'billing_accounts', 'subscriptions', 'subscription_plans', 'subscription_statuses',
    'subscription_contracts', 'price_overrides', 'rate_plan_overrides', 'deposits',
    'one_off_charges'
{%- endmacro %}
