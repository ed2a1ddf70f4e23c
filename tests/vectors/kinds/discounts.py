"""Kinds of discounts.jsonl."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from world import Subscriber, World

from kinds.proration import LINES, add_opening_charge, add_plan
from kinds.reductions import (
    add_cap,
    add_discount,
    add_minimum,
    add_use_before,
    charge_once,
)
from kinds.types import Check, Plan, Row

CENT = Decimal("0.01")
# What invoices say of an account, and of each of its one-off charges, by the names of the vectors.
FIGURES = {
    "net": "select sum(net_amount) from intermediate.int_invoice_lines__rounded"
    " where billing_account_id = $account",
    "fees_total": "select sum(net_amount) from intermediate.int_invoice_lines__rounded"
    " where billing_account_id = $account and charge_type = 'one_off'",
    "tax_total": "select sum(tax_amount) from intermediate.int_invoice_taxes__computed"
    " where billing_account_id = $account",
    "total": "select total_amount from intermediate.int_invoices__totalled"
    " where billing_account_id = $account",
    "coupons_total": "select -sum(net_amount) from intermediate.int_invoice_lines__rounded"
    " where billing_account_id = $account and charge_type = 'coupon'",
    "discount": "select -sum(net_amount) from intermediate.int_invoice_lines__rounded"
    " where billing_account_id = $account and charge_type in ('discount', 'cap')",
    "pct_discount": "select -sum(net_amount) from intermediate.int_invoice_lines__rounded"
    " where billing_account_id = $account and charge_type = 'discount'",
    "cap_discount": "select -sum(net_amount) from intermediate.int_invoice_lines__rounded"
    " where billing_account_id = $account and charge_type = 'cap'",
    "true_up": "select sum(net_amount) from intermediate.int_invoice_lines__rounded"
    " where billing_account_id = $account and charge_type = 'minimum'",
}
PER_FEE = """
    select
        lines.net_amount + coalesce(reduced.amount, 0) as net_amount,
        -coalesce(reduced.amount, 0) as coupon_amount,
        round((lines.net_amount + coalesce(reduced.amount, 0)) * lines.tax_rate, 2) as tax_amount
    from intermediate.int_invoice_lines__rounded as lines
    left join (
        select reduced_charge_id, sum(rounded_amount) as amount
        from intermediate.int_charge_reductions__combined
        group by reduced_charge_id
    ) as reduced
        on lines.invoice_line_id = reduced.reduced_charge_id
    where lines.billing_account_id = ? and lines.charge_type = 'one_off'
    order by lines.source_id
"""
PER_FEE_COLUMNS = {"per_fee_net": 0, "per_fee_coupon": 1, "per_fee_tax": 2}


def repair_cap(row: Row, name: str, world: World) -> Check:
    """A credit of unused time, of a charge that was credited in part before."""
    billed, unused = (Decimal(row["inputs"][one]) for one in ("billed", "prorated_unused"))
    starts, ends, leaves = _period_with_unused(billed, unused)
    add_plan(name, world, "in_advance", "days", billed, row["currency"])
    subscriber = world.subscriber(
        name,
        name,
        cycle_id=world.cycle(),
        currency=row["currency"],
        activated=str(starts),
        terminated=str(leaves),
    )
    credited = Decimal(row["inputs"]["adjusted"])
    add_opening_charge(world, subscriber, name, billed, credited, row["currency"], starts, ends)
    world.bill(subscriber, leaves)
    expected = Decimal(row["expected"]["repair"])

    def check(built: World) -> str:
        found = [amount for _, _, amount in built.query(LINES, subscriber.subscription_id)]
        return "" if found == [expected] else f"{found}, expected {expected}"

    return check


def _period_with_unused(billed: Decimal, unused: Decimal) -> tuple[date, date, date]:
    """Return a month and the day from which so much of its price is unused, to the cent."""
    for month in range(1, 13):
        starts = date(2024, month, 1)
        days = monthrange(2024, month)[1]
        ends = starts + timedelta(days=days)
        for left in range(1, days + 1):
            if (billed * left / days).quantize(CENT, ROUND_HALF_UP) == unused:
                return starts, ends, ends - timedelta(days=left)
    raise NotImplementedError(f"no month of which {unused} of {billed} is unused")


def invoice(row: Row, name: str, world: World) -> Check:
    """One-off charges with their taxes, reduced by coupons in order."""
    inputs, currency = row["inputs"], row["currency"]
    fees = _fees(inputs)
    place = _place(world, name, fees)
    subscriber = _subscriber(world, name, currency, tax_jurisdiction=place)
    for number, fee in enumerate(fees):
        charge_once(
            world,
            subscriber,
            f"{name}-{number:02d}",
            fee["amount"],
            currency,
            charge_code=f"{name}-{fee['id']}",
            tax_category=_category(fee["rates"]),
        )
    for number, coupon in enumerate(inputs.get("coupons", ())):
        _redeem(world, subscriber, f"{name}-{number:02d}", coupon, name, currency)
    world.bill(subscriber)
    return _says(subscriber, row["expected"])


def _fees(inputs: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the fees of a vector, each with its amount and the rates of its taxes."""
    common = _rates(inputs)
    given = inputs.get("fees") or [
        {"amount": amount} for amount in inputs.get("amounts") or [inputs["amount"]]
    ]
    return [
        {
            "id": str(fee.get("id", number)),
            "amount": fee["amount"],
            "rates": _rates(fee) or common or ("0",),
        }
        for number, fee in enumerate(
            fee if isinstance(fee, Mapping) else {"amount": fee} for fee in given
        )
    ]


def _rates(given: Mapping[str, Any]) -> tuple[str, ...]:
    found = given.get("rates") or given.get("tax_rates") or given.get("taxes")
    if found:
        return tuple(str(one["rate"] if isinstance(one, Mapping) else one) for one in found)
    one = given.get("tax_rate") or given.get("rate")
    return (str(one),) if one is not None else ()


def _category(rates: Sequence[str]) -> str:
    return "T" + "+".join(rates)


def _place(world: World, name: str, fees: Sequence[Mapping[str, Any]]) -> str:
    """Add a place that levies what the vector says, a type of tax for each rate on one fee.

    The operator's own place has a rate of each category too, as the tariff's check wants it.
    """
    world.seed("tax_jurisdictions", tax_jurisdiction=name, country_code="DE", description=name)
    for rates in sorted({fee["rates"] for fee in fees}):
        category = _category(rates)
        for number, rate in enumerate(rates):
            levied = {
                "tax_type": f"tax_{number}",
                "tax_category": category,
                "einvoice_category": "S",
                "rate": Decimal(rate) / 100,
                "compound_order": 0,
            }
            row_id = f"{category}-{number}"
            world.seed("tax_rates", tax_rate_id=f"{name}-{row_id}", jurisdiction=name, **levied)
            world.seed_once(
                "tax_rates", row_id, tax_rate_id=f"DE-{row_id}", jurisdiction="DE", **levied
            )
    return name


def _redeem(
    world: World,
    subscriber: Subscriber,
    redemption_id: str,
    coupon: Mapping[str, Any],
    name: str,
    currency: str,
) -> None:
    world.charge_code("coupon", "coupon")
    frequency = coupon.get("frequency", "once")
    world.seed(
        "coupons",
        coupon_id=redemption_id,
        description_en=redemption_id,
        description_de=redemption_id,
        discount_percent=coupon.get("percentage"),
        discount_amount=coupon.get("fixed"),
        currency_code=currency,
        frequency=frequency,
        invoice_count=coupon.get("frequency_duration", 3) if frequency == "recurring" else None,
    )
    for code in coupon.get("applies_to", ()):
        world.seed(
            "coupon_charge_codes",
            coupon_id=redemption_id,
            charge_code=world.charge_code(f"{name}-{code}", "one_off"),
        )
    world.inbox(
        "coupon_redemptions",
        redemption_id=redemption_id,
        coupon_id=redemption_id,
        billing_account_id=subscriber.account_id,
        redeemed_date="2026-10-01",
    )
    if "already_used" in coupon:
        used = coupon["already_used"]
        add_use_before(world, "coupon", redemption_id, subscriber.account_id, taken=used)


def _subscriber(world: World, name: str, currency: str, **account: str) -> Subscriber:
    world.plan(name, currency=currency)
    subscriber = world.subscriber(name, name, currency=currency)
    if account:
        world.change("billing_accounts", subscriber.account_id, **account)
    return subscriber


def _says(subscriber: Subscriber, expected: Mapping[str, Any]) -> Check:
    """Check figures of the account's invoice and of its one-off charges, in their order."""
    unknown = set(expected) - set(FIGURES) - set(PER_FEE_COLUMNS)
    if unknown:
        raise NotImplementedError(f"expected {', '.join(sorted(unknown))}")

    def check(world: World) -> str:
        problems = []
        per_fee = world.query(PER_FEE, subscriber.account_id)
        for figure, value in expected.items():
            if figure in PER_FEE_COLUMNS:
                found = [abs(line[PER_FEE_COLUMNS[figure]]) for line in per_fee]
                wanted = [Decimal(one) for one in value]
            else:
                found = [_figure(world, figure, subscriber)]
                wanted = [Decimal(value)]
            if found != wanted:
                problems.append(f"{figure} {found}, expected {wanted}")
        return "; ".join(problems)

    return check


def _figure(world: World, figure: str, subscriber: Subscriber) -> Decimal:
    found = world.query(FIGURES[figure].replace("$account", "?"), subscriber.account_id)
    return abs(found[0][0] or Decimal(0)) if found else Decimal(0)


def minimum(row: Row, name: str, world: World) -> Check:
    """A commitment over a subscription held for some last days of a period, at its end."""
    inputs, currency = row["inputs"], row["currency"]
    starts, ends = _period_of(int(inputs["period_days"]))
    begins = ends - timedelta(days=int(inputs["days"]))
    months = (ends.year - starts.year) * 12 + ends.month - starts.month
    cycle_id = (
        world.cycle(starts.isoweekday(), None, interval_weeks=1)
        if months == 0 or (ends - starts).days == 7
        else world.cycle(1, months, anchor_month=starts.month)
    )
    fee = Decimal(inputs.get("subscription_fee_full", 0))
    add_plan(name, world, "in_arrears", "days", fee, currency)
    rates = (str(inputs.get("tax_rate", 0)),)
    place = _place(world, name, [{"rates": rates}])
    subscriber = world.subscriber(
        name, name, cycle_id=cycle_id, currency=currency, activated=str(begins)
    )
    world.change("billing_accounts", subscriber.account_id, tax_jurisdiction=place)
    used = inputs.get("usage_fees") or inputs.get("used") or 0
    named = {"plan_id": name}
    if "minimum_full" in inputs:
        named["charge_code"] = f"{name}-used"
    charge_once(
        world,
        subscriber,
        f"{name}-used",
        used,
        currency,
        charge_code=f"{name}-used",
        on=str(begins),
    )
    least = inputs.get("commitment_full") or inputs["minimum_full"]
    add_minimum(world, name, least, currency, str(starts), tax_category=_category(rates), **named)
    world.bill(subscriber, ends)
    expected = {"tax": "tax_total"}
    return _says(
        subscriber, {expected.get(key, key): row["expected"][key] for key in row["expected"]}
    )


def _period_of(days: int) -> tuple[date, date]:
    """Return a period of so many days: a week, or months from the first of one."""
    if days == 7:
        return date(2026, 10, 5), date(2026, 10, 12)
    for year in (2026, 2025, 2024):
        for months in (1, 2, 3, 4, 6, 12):
            for month in range(1, 13):
                starts = date(year, month, 1)
                number = year * 12 + month - 1 + months
                ends = date(number // 12, number % 12 + 1, 1)
                if (ends - starts).days == days:
                    return starts, ends
    raise NotImplementedError(f"a period of {days} days")


def credit_note(row: Row, name: str, world: World) -> Check:
    """A credit: net and tax are rounded, and their sum is the total."""
    inputs = row["inputs"]
    precise = Decimal(inputs["precise_net"]).quantize(Decimal("0.0001"), ROUND_HALF_UP)
    rates = (str(inputs["tax_rate"]),)
    place = _place(world, name, [{"rates": rates}])
    subscriber = _subscriber(world, name, row["currency"], tax_jurisdiction=place)
    charge_once(world, subscriber, name, -precise, row["currency"], tax_category=_category(rates))
    world.bill(subscriber)
    names = {"tax": "tax_total"}
    return _says(subscriber, {names.get(key, key): row["expected"][key] for key in row["expected"]})


def max_spend(row: Row, name: str, world: World) -> Check:
    """A discount by percentage, then the most that the rest and what was billed may cost."""
    inputs, currency = row["inputs"], row["currency"]
    subscriber = _subscriber(world, name, currency)
    amount = inputs.get("line_amount") or inputs.get("amount")
    if amount is None:
        amount = Decimal(inputs["quantity"]) * Decimal(inputs["unit_amount"])
    charge_once(world, subscriber, name, amount, currency)
    percent = inputs.get("discount_pct") or inputs.get("percentage") or inputs.get("pct")
    if percent is not None:
        add_discount(world, name, percent, currency, billing_account_id=subscriber.account_id)
    most = inputs.get("max_spend") or inputs.get("cap")
    if most is not None:
        cap = add_cap(world, name, most, currency, billing_account_id=subscriber.account_id)
        before = inputs.get("previously_billed", 0)
        add_use_before(world, "cap", cap, subscriber.account_id, measured=before)
    world.bill(subscriber)
    return _says(subscriber, {_named(key): value for key, value in row["expected"].items()})


def _named(key: str) -> str:
    """Return the figure that a vector of discounts and caps means."""
    if key == "discount":
        return key
    if key.startswith(("pct", "percent")):
        return "pct_discount"
    if key.startswith(("max", "cap")):
        return "cap_discount"
    return "net" if key in ("net", "amount", "billed", "total") else key


KINDS: dict[str, Plan] = {
    "discounts/coupon_stack": invoice,
    "discounts/invoice": invoice,
    "discounts/tax_single": invoice,
    "discounts/tax_multi": invoice,
    "discounts/min_commitment": minimum,
    "discounts/true_up": minimum,
    "discounts/credit_note": credit_note,
    "discounts/max_spend": max_spend,
    "discounts/pct_then_cap": max_spend,
    "discounts/repair_cap": repair_cap,
}
