{#- out: the inbox entities that say who is billed and for what, as a list of literals: a pass sees
    of them what had landed by its cut-off. -#}
{% macro crm_entities() -%}
    'customers', 'billing_accounts', 'subscriptions', 'subscription_plans', 'one_off_charges'
{%- endmacro %}
