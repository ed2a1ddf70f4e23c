"""Golden bills: edges that billing systems are known to have got wrong, each computed by hand here.

Every case adds its tariff, its customer and its usage to one operator, which is billed once by the
models that bill customers. Edges of periods, prices, increments, allowances, tiers and credits that
concern one model alone are unit tests of that model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import pytest
from world import Subscriber, World

pytestmark = pytest.mark.heavy

NOVEMBER = date(2026, 11, 1)
Line = tuple[date, date, Decimal]
LINES = """
    select period_start, period_end, net_amount
    from intermediate.int_invoice_lines__rounded
    where subscription_id = ? and charge_type = ?
    order by period_start, period_end, net_amount
"""
Case = Callable[[World, str], None]


@dataclass(frozen=True)
class Edge:
    """A case: `add` puts it into the operator, and what its lines of a charge type must be."""

    add: Case
    charge_type: str
    lines: tuple[tuple[str, str, str], ...]


EDGES: dict[str, Edge] = {}


def edge(charge_type: str, *lines: tuple[str, str, str]) -> Callable[[Case], Case]:
    """Register a case under its name: (from, to, net amount) of each line that it must have."""

    def register(add: Case) -> Case:
        EDGES[add.__name__] = Edge(add, charge_type, lines)
        return add

    return register


OCTOBER = ("2026-10-01", "2026-11-01")


def _priced(world: World, name: str, *prices: tuple[str, str, str | None], **values: object) -> str:
    """Add a plan without usage whose fee has these (amount, valid_from, valid_to)."""
    world.seed("plans", plan_id=name, plan_name=name, time_band_set_id="whole_day")
    for number, (amount, valid_from, valid_to) in enumerate(prices):
        world.seed(
            "recurring_charges",
            recurring_charge_id=f"{name}-{number}",
            plan_id=name,
            charge_code=world.charge_code("plan_fee", "recurring", "months"),
            amount=amount,
            currency_code="EUR",
            valid_from=valid_from,
            valid_to=valid_to,
            **values,
        )
    return name


def _used(world: World, name: str, service: str = "voice", **rate: object) -> Subscriber:
    """Add a plan with one usage rate, and a subscriber who is billed on 1 November."""
    world.plan(name)
    world.seed(
        "usage_rates",
        **{
            "usage_rate_id": name,
            "rate_plan_id": name,
            "service": service,
            "zone_id": "home",
            "charge_code": world.charge_code("usage"),
            "rate_amount": 0,
            "currency_code": "EUR",
            **rate,
        },
    )
    subscriber = world.subscriber(name, name)
    world.bill(subscriber, NOVEMBER)
    return subscriber


def _calls(world: World, subscriber: Subscriber, *seconds: int) -> None:
    for number, duration in enumerate(seconds):
        world.usage(subscriber, f"2026-10-05T12:{number:02}:00Z", duration_seconds=duration)


def _free(world: World, name: str, service: str, quantity: int) -> None:
    world.seed_once(
        "allowance_scopes", f"all-{service}", allowance_scope_id=f"all-{service}", service=service,
        zone_id="*",
    )  # fmt: skip
    world.seed(
        "allowances",
        allowance_id=name,
        plan_id=name,
        allowance_scope_id=f"all-{service}",
        description=name,
        quantity=quantity,
        unit="seconds" if service == "voice" else "bytes",
        priority=1,
    )


def _tiers(world: World, name: str, model: str, *tiers: tuple[int | None, str]) -> Subscriber:
    world.seed(
        "price_tier_sets",
        price_tier_set_id=name,
        description=name,
        pricing_model=model,
        zero_usage="due",
        pass_increment=1,
    )
    for number, (up_to, amount) in enumerate(tiers):
        world.seed(
            "price_tiers",
            price_tier_id=f"{name}-{number}",
            price_tier_set_id=name,
            up_to=up_to,
            rate_amount=amount,
            per_units=1,
            flat_amount=0,
            block_size=1,
        )
    return _used(world, name, "data", price_tier_set_id=name)


# Periods


@edge(
    "recurring",
    ("2026-01-31", "2026-02-28", "31.00"),
    ("2026-02-28", "2026-03-31", "31.00"),
    ("2026-03-31", "2026-04-30", "31.00"),
)
def a_bill_day_of_31_is_the_last_of_february_and_the_31st_again_after_it(
    world: World, name: str
) -> None:
    plan = _priced(world, name, ("31.00", "2000-01-01", None))
    cycle_id = world.cycle(anchor_day=31)
    subscriber = world.subscriber(name, plan, cycle_id=cycle_id, activated="2026-01-31")
    world.bill(subscriber, date(2026, 3, 31))


@edge(
    "recurring",
    ("2026-04-30", "2026-05-31", "31.00"),
    ("2026-05-31", "2026-06-30", "31.00"),
)
def a_start_on_the_last_day_of_a_month_of_30_days_is_a_whole_period(
    world: World, name: str
) -> None:
    plan = _priced(world, name, ("31.00", "2000-01-01", None))
    cycle_id = world.cycle(anchor_day=31)
    subscriber = world.subscriber(name, plan, cycle_id=cycle_id, activated="2026-04-30")
    world.bill(subscriber, date(2026, 5, 31))


@edge("usage", (*OCTOBER, "1.00"))
def the_edge_of_a_period_is_midnight_where_the_account_is(world: World, name: str) -> None:
    subscriber = _used(world, name, "sms", rate_amount=1)
    world.change("billing_accounts", subscriber.account_id, time_zone="Asia/Tokyo")
    # The last second of October in Tokyo, and the first of November.
    world.usage(subscriber, "2026-10-31T14:59:59Z", service="sms")
    world.usage(subscriber, "2026-10-31T15:00:00Z", service="sms")


# Prices that change


@edge(
    "recurring",
    # 10 x 10/31, 20 x 10/31, 30 x 11/31
    ("2026-10-01", "2026-10-11", "3.23"),
    ("2026-10-11", "2026-10-21", "6.45"),
    ("2026-10-21", "2026-11-01", "10.65"),
)
def two_price_changes_in_one_period_split_it_in_three(world: World, name: str) -> None:
    plan = _priced(
        world,
        name,
        ("10.00", "2000-01-01", "2026-10-11"),
        ("20.00", "2026-10-11", "2026-10-21"),
        ("30.00", "2026-10-21", None),
        billing_timing="arrears",
    )
    world.bill(world.subscriber(name, plan, activated="2026-10-01"), NOVEMBER)


# 20 x 21/31
@edge("recurring", ("2026-10-11", "2026-11-01", "13.55"))
def a_price_that_changes_on_the_day_of_the_start_never_applies_in_its_old_form(
    world: World, name: str
) -> None:
    plan = _priced(
        world,
        name,
        ("10.00", "2000-01-01", "2026-10-11"),
        ("20.00", "2026-10-11", None),
        billing_timing="arrears",
    )
    world.bill(world.subscriber(name, plan, activated="2026-10-11"), NOVEMBER)


@edge(
    "recurring",
    # Ten days of the small plan are given back and charged on the large one, 62 x 10/31.
    ("2026-10-11", "2026-10-21", "-10.00"),
    ("2026-10-11", "2026-10-21", "20.00"),
    ("2026-11-01", "2026-12-01", "31.00"),
)
def a_plan_charged_in_advance_and_changed_there_and_back_in_one_period(
    world: World, name: str
) -> None:
    small = _priced(world, name, ("31.00", "2000-01-01", None))
    large = _priced(world, f"{name}-large", ("62.00", "2000-01-01", None))
    subscriber = world.subscriber(name, small, activated="2026-10-01")
    world.change("subscription_plans", subscriber.subscription_id, valid_to="2026-10-11")
    for plan, begins, ends in ((large, "2026-10-11", "2026-10-21"), (small, "2026-10-21", None)):
        world.inbox(
            "subscription_plans",
            subscription_id=subscriber.subscription_id,
            plan_id=plan,
            valid_from=begins,
            valid_to=ends,
        )
    _charged_before(world, subscriber, small, "31.00", "0")
    world.bill(subscriber, NOVEMBER)


def _charged_before(
    world: World, subscriber: Subscriber, plan: str, amount: str, credited: str
) -> None:
    world.inbox(
        "opening_charges",
        opening_charge_id=f"O-{subscriber.subscription_id}",
        subscription_id=subscriber.subscription_id,
        plan_id=plan,
        charge_code="plan_fee",
        amount=amount,
        credited_amount=credited,
        currency_code="EUR",
        tax_category="Z",
        period_start=OCTOBER[0],
        period_end=OCTOBER[1],
    )


@edge("recurring", ("2026-10-02", "2026-11-01", "-0.01"))
def a_credit_is_never_more_than_what_earlier_credits_left(world: World, name: str) -> None:
    plan = _priced(world, name, ("31.00", "2000-01-01", None))
    subscriber = world.subscriber(name, plan, activated="2026-10-01", terminated="2026-10-02")
    _charged_before(world, subscriber, plan, "31.00", "30.99")
    world.bill(subscriber, NOVEMBER)


# Money


# Three at 0.004: each alone would be nothing.
@edge("usage", (*OCTOBER, "0.01"))
def fractions_of_a_cent_are_rounded_once_on_the_line(world: World, name: str) -> None:
    _calls(world, _used(world, name, rate_amount="0.004", per_units=60), 60, 60, 60)


@edge("usage", (*OCTOBER, "0.01"))
def half_a_cent_is_rounded_up(world: World, name: str) -> None:
    _calls(world, _used(world, name, rate_amount="0.001", per_units=60), *[60] * 5)


# Prices that were agreed


# One message at 1.00 on the day before the agreement, two at 0.40 from its first day on.
@edge("usage", (*OCTOBER, "1.80"))
def usage_prices_agreed_with_an_account_apply_from_their_first_day(world: World, name: str) -> None:
    _used(world, f"{name}-agreed", "sms", rate_amount="0.40")
    subscriber = _used(world, name, "sms", rate_amount=1)
    world.inbox(
        "rate_plan_overrides",
        rate_plan_override_id=name,
        billing_account_id=subscriber.account_id,
        plan_id=f"{name}-agreed",
        valid_from="2026-10-05",
    )
    for sent in ("2026-10-04T23:59:59Z", "2026-10-05T00:00:00Z", "2026-10-31T12:00:00Z"):
        world.usage(subscriber, sent, service="sms")


# Increments and connection


# 32 s are 36, 57 s are 60, 75 s are 78: 174 s at 1.00 a minute.
@edge("usage", (*OCTOBER, "2.90"))
def increments_of_30_and_then_6_seconds(world: World, name: str) -> None:
    subscriber = _used(
        world, name, rate_amount=1, per_units=60, initial_increment=30, additional_increment=6
    )
    _calls(world, subscriber, 32, 57, 75)


# 0.15 and 3 begun minutes at 0.01
@edge("usage", (*OCTOBER, "0.18"))
def a_connect_fee_is_added_once_to_the_begun_minutes(world: World, name: str) -> None:
    subscriber = _used(
        world,
        name,
        rate_amount="0.01",
        per_units=60,
        connect_amount="0.15",
        initial_increment=60,
        additional_increment=60,
    )
    _calls(world, subscriber, 121)


@edge("usage", (*OCTOBER, "0.00"))
def a_call_of_no_length_costs_nothing_and_holds_up_no_bill(world: World, name: str) -> None:
    subscriber = _used(world, name, rate_amount=1, connect_amount="0.15", initial_increment=60)
    _calls(world, subscriber, 0)


@edge("usage", (*OCTOBER, "1.00"))
def a_record_that_is_sent_twice_is_charged_once(world: World, name: str) -> None:
    subscriber = _used(world, name, "sms", rate_amount=1)
    for _ in range(2):
        world.usage(subscriber, "2026-10-05T12:00:00Z", service="sms", record_id=f"{name}-record")


# Allowances


# 5 s take 30 of the 60 free seconds, 31 s are 36, of which 30 are free: 6 s at 1.00.
@edge("usage", (*OCTOBER, "6.00"))
def a_short_call_takes_its_increment_of_the_free_minutes(world: World, name: str) -> None:
    subscriber = _used(world, name, rate_amount=1, initial_increment=30, additional_increment=6)
    _free(world, name, "voice", 60)
    _calls(world, subscriber, 5, 31)


@edge("usage", (*OCTOBER, "0.00"))
def free_minutes_stand_on_the_bill_at_nothing(world: World, name: str) -> None:
    subscriber = _used(world, name, rate_amount=1, connect_amount="0.15")
    _free(world, name, "voice", 120)
    _calls(world, subscriber, 60, 60)


# The first event alone is 60 free of 61.
@edge("usage", (*OCTOBER, "1.00"))
def the_last_free_second_is_free_and_the_next_is_not(world: World, name: str) -> None:
    subscriber = _used(world, name, rate_amount=1)
    _free(world, name, "voice", 60)
    _calls(world, subscriber, 61)


# Tiers


@edge("usage", (*OCTOBER, "15.00"))
def fifteen_units_fill_the_first_volume_tier(world: World, name: str) -> None:
    subscriber = _tiers(world, name, "volume", (15, "1.00"), (None, "0.50"))
    world.usage(subscriber, "2026-10-05T12:00:00Z", service="data", volume_bytes=15)


@edge("usage", (*OCTOBER, "8.00"))
def the_sixteenth_unit_prices_all_sixteen_at_the_next_volume_tier(world: World, name: str) -> None:
    subscriber = _tiers(world, name, "volume", (15, "1.00"), (None, "0.50"))
    for number, volume in enumerate((9, 6, 1)):
        world.usage(
            subscriber, f"2026-10-05T12:{number:02}:00Z", service="data", volume_bytes=volume
        )


# 3 above 10 at 2.00, in an event across the edge
@edge("usage", (*OCTOBER, "6.00"))
def only_what_is_over_a_graduated_tier_costs_the_next_price(world: World, name: str) -> None:
    subscriber = _tiers(world, name, "graduated", (10, "0"), (None, "2.00"))
    for number, volume in enumerate((9, 4)):
        world.usage(
            subscriber, f"2026-10-05T12:{number:02}:00Z", service="data", volume_bytes=volume
        )


# What is paid before the bill: a deposit, returned with the final one


def _closed(world: World, name: str, fee: str, deposit: str) -> None:
    """A customer under 24 % tax who left, owes a fee, and has left a deposit."""
    place = {"tax_jurisdiction": "G24", "country_code": "DE", "description": "G24"}
    world.seed_once("tax_jurisdictions", "G24", **place)
    for category, rate in (("S", "0.24"), ("Z", "0"), ("O", "0")):
        world.seed_once(
            "tax_rates",
            f"G24-{category}",
            tax_rate_id=f"G24-{category}",
            jurisdiction="G24",
            tax_type="vat",
            tax_category=category,
            einvoice_category=category,
            rate=rate,
            compound_order=0,
        )
    subscriber = world.subscriber(name, world.plan(name))
    left = {"tax_jurisdiction": "G24", "closed_date": "2026-10-31"}
    world.change("billing_accounts", subscriber.account_id, **left)
    world.inbox(
        "one_off_charges",
        one_off_charge_id=f"F-{name}",
        subscription_id=subscriber.subscription_id,
        description="Fee",
        amount=fee,
        currency_code="EUR",
        charged_date="2026-10-05",
        tax_category="S",
        charge_code=world.charge_code("fee", "one_off"),
    )
    world.inbox(
        "deposits",
        deposit_id=f"D-{name}",
        billing_account_id=subscriber.account_id,
        amount=deposit,
        currency_code="EUR",
        paid_date="2026-01-01",
    )
    world.bill(subscriber, NOVEMBER)


# Fee, deposit; tax and total of the invoice, and the rules that hold it. 14.29 and 14.27 bear
# 3.4296 and 3.4248, so that both taxes are rounded, one up and one down.
PREPAID: dict[str, tuple[str, str, str, str, tuple[str, ...]]] = {
    "what_was_paid_before_to_the_cent_leaves_nothing": ("14.29", "17.72", "3.43", "0.00", ()),
    "a_cent_of_tax_rounded_down_is_not_left_over": ("14.27", "17.69", "3.42", "0.00", ()),
    "what_was_paid_before_is_taken_off_after_tax": ("28.56", "17.72", "6.85", "17.69", ()),
    "more_than_is_due_is_for_a_person_to_pay_back": (
        "10.00", "20.00", "2.40", "-7.60", ("total_negative",),
    ),
}  # fmt: skip


def _recurring_discount(world: World, name: str) -> None:
    """Two discounts and an allowance on one account, to be computed again."""
    subscriber = _used(world, name, rate_amount="0.333333")
    _free(world, name, "voice", 10)
    _calls(world, subscriber, 7, 9)
    world.charge_code("discount", "discount")
    for number, percent in enumerate(("10", "3.33")):
        world.seed(
            "promotions",
            promotion_id=f"{name}-{number}",
            description_en="Discount",
            description_de="Rabatt",
            plan_id=name,
            billing_account_id="*",
            charge_type="usage",
            charge_code="*",
            eligibility="period",
            measured_over="subscription",
            discount_percent=percent,
            minimum_amount=0,
            currency_code="EUR",
            duration_months=0,
            priority=number,
            stacking="stacks",
        )


@pytest.fixture(scope="module")
def billed(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The operator with every case, calculated once."""
    world = World(tmp_path_factory.mktemp("golden"))
    for number, one in enumerate(EDGES.values()):
        one.add(world, f"g{number:02}")
    for number, (fee, deposit, *_) in enumerate(PREPAID.values()):
        _closed(world, f"p{number}", fee, deposit)
    _recurring_discount(world, "discounted")
    failed = [result for result in world.build() if result.has_failed]
    assert not failed, "\n".join(f"{one.unique_id}: {one.message}" for one in failed)
    assert world.rejects() == []
    return world


@pytest.mark.parametrize("name", EDGES)
def test_golden_bill(billed: World, name: str) -> None:
    one = EDGES[name]
    subscription = f"S-g{list(EDGES).index(name):02}"
    expected = [
        (date.fromisoformat(begins), date.fromisoformat(ends), Decimal(amount))
        for begins, ends, amount in one.lines
    ]
    assert billed.query(LINES, subscription, one.charge_type) == expected


@pytest.mark.parametrize("name", PREPAID)
def test_what_was_paid_before_the_bill(billed: World, name: str) -> None:
    account = f"A-p{list(PREPAID).index(name)}"
    _, _, tax, total, held_by = PREPAID[name]
    query = "select tax_amount, total_amount from intermediate.int_invoices__totalled"
    found = billed.query(f"{query} where billing_account_id = ?", account)
    assert found == [(Decimal(tax), Decimal(total))]
    query = "select rule_id from intermediate.int_anomalies__combined where billing_account_id = ?"
    assert billed.query(query, account) == [(rule,) for rule in held_by]


def test_computing_again_discounts_what_was_discounted_and_no_more(billed: World) -> None:
    tables = ("int_charges__discounts", "int_charges__priced", "int_invoice_lines__rounded")
    queries = [f"select * from intermediate.{table} order by all" for table in tables]
    before = [billed.query(query) for query in queries]
    (discounts,) = billed.query(
        "select count(*) from intermediate.int_charges__discounts"
        " where subscription_id = 'S-discounted'"
    )
    assert discounts == (2,)
    results = billed.build_again("intermediate.rating", "intermediate.charges", "invoicing")
    assert not [result for result in results if result.has_failed]
    assert [billed.query(query) for query in queries] == before
