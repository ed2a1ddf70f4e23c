"""Tariff rows that limit what charges cost: shared by kinds of discounts and of pricing."""

from __future__ import annotations

from world import Subscriber, World

PERIOD_START = "2026-10-01"
NAMED = {"plan_id": "*", "billing_account_id": "*", "charge_type": "*", "charge_code": "*"}


def add_discount(world: World, name: str, percent: str, currency: str, **named: str) -> str:
    """Add a percentage discount on charges of an account or plan."""
    world.charge_code("discount", "discount")
    world.seed(
        "promotions",
        **{
            **NAMED,
            **named,
            "promotion_id": f"{name}-discount",
            "description_en": name,
            "description_de": name,
            "eligibility": "period",
            "measured_over": "subscription",
            "discount_percent": percent,
            "minimum_amount": 0,
            "currency_code": currency,
            "duration_months": 0,
            "priority": 1,
            "stacking": "stacks",
        },
    )
    return f"{name}-discount"


def add_cap(world: World, name: str, most: str, currency: str, **named: str) -> str:
    """Add the most that charges cost a period."""
    world.charge_code("cap", "cap")
    world.seed(
        "charge_caps",
        **{
            **NAMED,
            **named,
            "charge_cap_id": f"{name}-cap",
            "description_en": name,
            "description_de": name,
            "measured_over": "account",
            "maximum_amount": most,
            "currency_code": currency,
            "priority": 1,
        },
    )
    return f"{name}-cap"


def add_minimum(
    world: World, name: str, least: str, currency: str, valid_from: str, **named: str
) -> str:
    """Add the least that charges cost a period, prorated by the days held."""
    world.charge_code("minimum", "minimum")
    world.seed(
        "commitments",
        **{
            **NAMED,
            "tax_category": "Z",
            **named,
            "commitment_id": f"{name}-minimum",
            "description_en": name,
            "description_de": name,
            "measured_over": "account",
            "minimum_amount": least,
            "currency_code": currency,
            "proration": "days",
            "valid_from": valid_from,
        },
    )
    return f"{name}-minimum"


def add_use_before(
    world: World,
    rule_type: str,
    rule_id: str,
    account_id: str,
    *,
    measured: object = 0,
    taken: object = 0,
    period_start: str = PERIOD_START,
) -> None:
    """Say what a rule measured and took of the period, or a coupon ever, on earlier invoices."""
    world.inbox(
        "opening_rule_use",
        rule_type=rule_type,
        rule_id=rule_id,
        billing_account_id=account_id,
        period_start=period_start,
        measured_amount=measured,
        taken_amount=taken,
        invoice_count=0,
    )


def charge_once(
    world: World,
    subscriber: Subscriber,
    charge_id: str,
    amount: object,
    currency: str,
    *,
    charge_code: str = "one_off",
    tax_category: str = "Z",
    on: str = "2026-10-15",
) -> None:
    """Charge a subscription something once."""
    world.inbox(
        "one_off_charges",
        one_off_charge_id=charge_id,
        subscription_id=subscriber.subscription_id,
        description=charge_id,
        amount=amount,
        currency_code=currency,
        charged_date=on,
        tax_category=tax_category,
        charge_code=world.charge_code(charge_code, "one_off"),
    )
