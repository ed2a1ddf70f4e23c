"""What quote asks of its scratch warehouse; `scenarios` is there as a table."""

from __future__ import annotations

OUTPUTS = ("int_invoice_lines__rounded", "int_usage__suspended", "int_usage__list_priced")

# One row per subscription and plan, without tax. What a plan costs is the account's whole bill with
# it, less what its other subscriptions cost when this one stays as it is: so a shared allowance
# that a plan brings or takes is in it. A plan that the tariff does not know, or that leaves records
# without a price, has no cost.
COSTS = """
    with lines as (
        select
            scenarios.scenario,
            lines.charge_type,
            lines.net_amount,
            lines.currency_code,
            lines.subscription_id is not distinct from
                scenarios.subscription_id || $suffix || scenarios.scenario as is_own
        from warehouse.intermediate.int_invoice_lines__rounded as lines
        inner join scenarios on lines.billing_account_id = scenarios.scenario_account_id
    ),
    summed as (
        select
            scenario,
            max(currency_code) as currency_code,
            count(distinct currency_code) as currency_count,
            sum(net_amount) as bill_amount,
            coalesce(sum(net_amount) filter (is_own), 0) as own_amount,
            coalesce(sum(net_amount) filter (is_own and charge_type = 'recurring'), 0)
                as recurring_amount,
            coalesce(sum(net_amount) filter (is_own and charge_type = 'usage'), 0) as usage_amount,
            coalesce(
                sum(net_amount) filter (is_own and charge_type not in ('recurring', 'usage')), 0
            ) as other_amount
        from lines
        group by scenario
    ),
    unpriced as (
        select scenarios.scenario, count(distinct suspended.event_id) as record_count
        from warehouse.intermediate.int_usage__suspended as suspended
        inner join warehouse.intermediate.int_usage__list_priced as priced
            on suspended.event_id = priced.event_id
        inner join scenarios on priced.billing_account_id = scenarios.scenario_account_id
        group by scenarios.scenario
    ),
    billed as (
        select
            scenarios.*,
            summed.currency_code,
            coalesce(summed.bill_amount, 0) as bill_amount,
            coalesce(summed.own_amount, 0) as own_amount,
            coalesce(summed.recurring_amount, 0) as recurring_amount,
            coalesce(summed.usage_amount, 0) as usage_amount,
            coalesce(summed.other_amount, 0) as other_amount,
            coalesce(unpriced.record_count, 0) as unpriced_count,
            coalesce(summed.currency_count, 0) > 1 as is_mixed
        from scenarios
        left join summed on scenarios.scenario = summed.scenario
        left join unpriced on scenarios.scenario = unpriced.scenario
    ),
    present as (
        select
            billing_account_id,
            subscription_id,
            bill_amount - own_amount as others_amount,
            currency_code
        from billed
        where plan_id = quoted_plan_id
    )
    select
        billed.billing_account_id,
        billed.subscription_id,
        billed.plan_id as present_plan_id,
        billed.quoted_plan_id as plan_id,
        coalesce(plans.plan_name, billed.quoted_plan_id) as plan_name,
        coalesce(billed.currency_code, present.currency_code, '') as currency_code,
        billed.recurring_amount::decimal(18, 4) as recurring_amount,
        billed.usage_amount::decimal(18, 4) as usage_amount,
        billed.other_amount::decimal(18, 4) as other_amount,
        (billed.bill_amount - present.others_amount - billed.own_amount)::decimal(18, 4)
            as shared_amount,
        case
            when
                billed.unpriced_count = 0 and not billed.is_mixed and plans.plan_id is not null
                then (billed.bill_amount - present.others_amount)::decimal(18, 4)
        end as total_amount,
        billed.unpriced_count
    from billed
    inner join present
        on
            billed.billing_account_id = present.billing_account_id
            and billed.subscription_id = present.subscription_id
    left join plans on billed.quoted_plan_id = plans.plan_id
    order by billed.billing_account_id, billed.subscription_id, total_amount nulls last,
        billed.quoted_plan_id
"""
COMPARED = """
    create table quoted as
    with costs as ({costs}),
    -- On a tie the present plan stays.
    ranked as (
        select
            costs.*,
            row_number() over (
                partition by billing_account_id, subscription_id
                order by
                    total_amount is null, total_amount, plan_id <> present_plan_id, plan_id
            ) = 1 and total_amount is not null as is_cheapest
        from costs
    )
    select * from ranked
"""
QUOTES = """
    select
        billing_account_id,
        subscription_id,
        max(present_plan_id) as present_plan_id,
        max(plan_id) filter (is_cheapest) as cheapest_plan_id,
        max(currency_code) as currency_code,
        max(total_amount) filter (plan_id = present_plan_id) as present_amount,
        max(total_amount) filter (is_cheapest) as cheapest_amount,
        coalesce(present_amount - cheapest_amount, 0)::decimal(18, 4) as saving_amount
    from quoted
    group by billing_account_id, subscription_id
    order by saving_amount desc, billing_account_id, subscription_id
"""
SUMMARY = """
    with quotes as ({quotes})
    select
        currency_code,
        present_plan_id,
        cheapest_plan_id,
        count(*) as subscription_count,
        sum(saving_amount)::decimal(18, 4) as saving_amount
    from quotes
    group by all
    order by currency_code, saving_amount desc, present_plan_id, cheapest_plan_id
"""
