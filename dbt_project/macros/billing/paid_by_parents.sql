{#-
    CTEs that lead accounts to who pays for them, level by level and date by date. in: `dated`
    (accounts by validity, without gaps) and `own` (the same with `payer_account_id`, at first each
    its own, and `next_account_id`, the parent), and the number of levels. out: `paid_<levels>` with
    the payer and the cycle that is adopted from it; a parent that is no account pays for nobody.
-#}
{% macro paid_by_parents(levels) -%}
{%- for level in range(1, levels + 1) %}

paid_{{ level }} as (

    select
        children.billing_account_id,
        children.customer_id,
        coalesce(parents.legal_entity_id, children.legal_entity_id) as legal_entity_id,
        coalesce(parents.bill_cycle_id, children.bill_cycle_id) as bill_cycle_id,
        coalesce(parents.is_cycle_known, children.is_cycle_known) as is_cycle_known,
        children.currency_code,
        children.time_zone,
        children.language,
        children.delivery_channel,
        children.sales_region,
        children.parent_account_id,
        children.opened_date,
        children.closed_date,
        children.file_id,
        children.record_number,
        greatest(children.valid_from, coalesce(parents.valid_from, children.valid_from))
            as valid_from,
        least(children.valid_to, coalesce(parents.valid_to, children.valid_to)) as valid_to,
        coalesce(parents.billing_account_id, children.payer_account_id) as payer_account_id,
        parents.parent_account_id as next_account_id
    from {{ 'own' if level == 1 else 'paid_' ~ (level - 1) }} as children
    left join dated as parents
        on
            children.next_account_id = parents.billing_account_id
            and children.billing_account_id <> parents.billing_account_id
            and parents.valid_from < children.valid_to
            and parents.valid_to > children.valid_from

){% if not loop.last %},{% endif %}
{%- endfor %}
{%- endmacro %}
