"""Quotes of a small home against an independent computation from the words of the tariff."""

from __future__ import annotations

import csv
import io
import random
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from billing_homes import FIRST_BILL_DATE, PROJECT, Home

from orchestration.lib.seeds import TariffError
from orchestration.quote.running import Quotes, run_quote
from orchestration.quote.showing import COLUMNS, as_csv
from orchestration.quote.world import QuoteError
from orchestration.settings import Settings

pytestmark = pytest.mark.heavy

BERLIN = ZoneInfo("Europe/Berlin")
HOME, ABROAD = "26299", "33123456789"
MEGABYTE, GIGABYTE = 2**20, 2**30


@dataclass(frozen=True)
class Event:
    """One record of a subscription."""

    subscription: str
    service: str
    number: str
    started: datetime
    amount: int


# Account, subscription, plan, options, activated.
SUBSCRIPTIONS = (
    ("A1", "S1", "flat_m", ("option_international",), "2026-09-15"),
    ("A2", "S2", "flat_s", (), "2024-01-01"),
    ("A2", "S3", "flat_l", ("option_data_5gb", "option_voicemail"), "2025-06-01"),
    ("A3", "S4", "flat_l", (), "2025-06-01"),
    # A plan that the tariff does not know, as the CRM may send it.
    ("A4", "S5", "flat_gone", (), "2025-06-01"),
)
# Fees agreed with an account, or for one subscription: account, subscription, plan, fee.
AGREED = (("A2", "", "flat_s", "1.99"), ("", "S1", "flat_l", "15.00"))


def usage() -> list[Event]:
    """Return a month of records: calls at every hour, SMS and data around what plans include."""
    dice = random.Random(11)  # noqa: S311 - a deterministic sample
    october = datetime(2026, 10, 1, tzinfo=BERLIN)
    events = []
    sizes = {
        "S1": (40, 60, 35),
        "S2": (10, 5, 10),
        "S3": (400, 210, 160),
        "S4": (1, 0, 0),
        "S5": (5, 1, 0),
    }
    for subscription, (calls, messages, sessions) in sizes.items():
        for number in range(calls + messages + sessions):
            hours = dice.uniform(0, 30 * 24)
            started = october.astimezone(ZoneInfo("UTC")) + timedelta(hours=hours)
            # At a whole step of six seconds: no step of the increment lies in two bands.
            started = started.replace(second=started.second // 6 * 6, microsecond=0)
            abroad = dice.random() < 0.2
            if number < calls:
                seconds = dice.choice([0, 1, 6, 7, 59, 60, 61, 300, 1800])
                to = ABROAD if abroad else "493012345678"
                events.append(Event(subscription, "voice", to, started, seconds))
            elif number < calls + messages:
                to = ABROAD if abroad else "4915100009999"
                events.append(Event(subscription, "sms", to, started, 1))
            else:
                size = dice.randrange(1, 200) * MEGABYTE + dice.randrange(MEGABYTE)
                events.append(Event(subscription, "data", "", started, size))
    return events


@pytest.fixture(scope="module")
def events() -> list[Event]:
    return usage()


@pytest.fixture(scope="module")
def home(events: list[Event], tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home of three accounts whose October is billed, but not issued."""
    made = Home(Settings(home=tmp_path_factory.mktemp("quote") / "home", project_root=PROJECT))
    _write_inbox(made.settings.inbox, events)
    made.collect()
    made.calculate(FIRST_BILL_DATE)
    made.close()
    return made


@pytest.fixture(scope="module")
def quotes(home: Home) -> Quotes:
    return run_quote(home.settings)


def _write_inbox(inbox: Path, events: list[Event]) -> None:
    files: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    numbers = {one[1]: f"49151000000{index}1" for index, one in enumerate(SUBSCRIPTIONS)}
    for account in sorted({one[0] for one in SUBSCRIPTIONS}):
        files["customers"].append(
            (f"C{account}", "person", "Ada", "a@example.org", "Street 1", "10115", "Berlin", "DE",
             "", "2024-01-01")
        )  # fmt: skip
        files["billing_accounts"].append(
            (account, f"C{account}", "nordwind", "monthly_1", "EUR", "Europe/Berlin", "en",
             "email", "", "2024-01-01", "", "2024-01-01")
        )  # fmt: skip
    for account, subscription, plan, options, activated in SUBSCRIPTIONS:
        files["subscriptions"].append((subscription, account, activated, "", activated))
        for held in (plan, *options):
            files["subscription_plans"].append((subscription, held, activated, ""))
        files["subscription_identifiers"].append(
            (subscription, "msisdn", numbers[subscription], f"{activated}T00:00:00+02:00", "")
        )
    for number, (account, subscription, plan, fee) in enumerate(AGREED):
        files["price_overrides"].append(
            (f"P{number}", account, subscription, plan, "plan_fee", fee, "EUR", "2026-01-01", "")
        )
    for number, event in enumerate(events):
        seconds = event.amount if event.service == "voice" else 0
        size = event.amount if event.service == "data" else 0
        files["usage"].append(
            (str(number), event.service, "outgoing", numbers[event.subscription], event.number,
             event.started.isoformat(), str(seconds), str(size), HOME)
        )  # fmt: skip
    headers = {
        "customers": "customer_id,customer_type,customer_name,email,street,postal_code,city,"
        "country_code,vat_number,valid_from",
        "billing_accounts": "billing_account_id,customer_id,legal_entity_id,bill_cycle_id,"
        "currency_code,time_zone,language,delivery_channel,sales_region,opened_date,closed_date,"
        "valid_from",
        "subscriptions": "subscription_id,billing_account_id,activated_date,terminated_date,"
        "valid_from",
        "subscription_plans": "subscription_id,plan_id,valid_from,valid_to",
        "subscription_identifiers": "subscription_id,identifier_type,identifier,valid_from,"
        "valid_to",
        "price_overrides": "price_override_id,billing_account_id,subscription_id,plan_id,"
        "charge_code,amount,currency_code,valid_from,valid_to",
        "usage": "record_id,service,direction,identifier,other_number,started_at,"
        "duration_seconds,volume_bytes,serving_network",
    }
    for entity, rows in files.items():
        folder = inbox / entity
        folder.mkdir(parents=True)
        lines = [headers[entity], *(",".join(row) for row in rows)]
        (folder / "1.csv").write_text("\n".join(lines) + "\n", "utf-8")


# The tariff in words: seeds/ says the same.
FEES = {"flat_s": "4.99", "flat_m": "9.99", "flat_l": "19.99"}
OPTIONS = {
    "option_international": "3.00", "option_data_5gb": "7.99", "option_voicemail": "1.50",
}  # fmt: skip
DATA = {"flat_s": GIGABYTE, "flat_m": 3 * GIGABYTE, "flat_l": 10 * GIGABYTE}
MESSAGES = {"flat_s": 0, "flat_m": 50, "flat_l": 200}
MINUTE = {"day": "0.17", "evening": "0.085", "night": "0.045", "abroad": "0.27"}


def cent(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


def up(value: int, step: int) -> int:
    return -(-value // step) * step


def spans(event: Event) -> list[tuple[str, int]]:
    """Cut a call at 7, 17 and 22 o'clock; each part is priced in its band."""
    at, left, parts = event.started.astimezone(BERLIN), event.amount, []
    while True:
        hour = at.hour
        band = "day" if 7 <= hour < 17 else "evening" if 17 <= hour < 22 else "night"
        next_hour = {"day": 17, "evening": 22, "night": 7}[band]
        end = at.replace(hour=next_hour, minute=0, second=0)
        if end <= at:
            end += timedelta(days=1)
        room = int(
            (end.astimezone(ZoneInfo("UTC")) - at.astimezone(ZoneInfo("UTC"))).total_seconds()
        )
        taken = min(left, room)
        parts.append((band, taken))
        left -= taken
        if not left:
            return parts
        at = end


def bill(subscription: str, plan: str, events: list[Event]) -> Decimal:
    """Return what October costs a subscription on a plan, without tax."""
    (account, _, _, options, activated) = next(
        one for one in SUBSCRIPTIONS if one[1] == subscription
    )
    lines: dict[str, Decimal] = defaultdict(Decimal)
    agreed = [
        amount
        for whose, number, on, amount in AGREED
        if on == plan and (whose == account or number == subscription)
    ]
    fee = Decimal(agreed[0] if agreed else FEES[plan])
    messages = MESSAGES[plan]
    data = DATA[plan] + (5 * GIGABYTE if "option_data_5gb" in options else 0)
    for event in sorted((one for one in events if one.subscription == subscription),
                        key=lambda one: one.started):  # fmt: skip
        abroad = event.number == ABROAD
        if event.service == "voice":
            for band, seconds in [("abroad", event.amount)] if abroad else spans(event):
                lines[band] += Decimal(up(seconds, 6)) * Decimal(MINUTE[band]) / 60
        elif event.service == "sms":
            free = 0 if abroad else min(messages, 1)
            messages -= free
            price = Decimal("0.19") if abroad else Decimal("0.09")
            lines["sms_abroad" if abroad else "sms"] += (1 - free) * price
        else:
            units = up(event.amount, 10240)
            free = min(data, units)
            data -= free
            cost = Decimal(units - free) * Decimal("0.02") / MEGABYTE
            lines["data"] += cost.quantize(Decimal("0.000001"), ROUND_HALF_UP)
    used = sum(lines.values(), Decimal(0))
    total = sum((cent(amount) for amount in lines.values()), Decimal(0))
    total += fee + sum((Decimal(OPTIONS[one]) for one in options), Decimal(0))
    if plan == "flat_m" and activated >= "2026-01-01":
        total += cent(-fee / 2)
    if plan == "flat_l" and used >= 75:
        total += cent(-used * 5 / 100)
    return total


def test_every_plan_costs_what_an_independent_computation_says(
    quotes: Quotes, events: list[Event]
) -> None:
    found = {
        (plan.subscription_id, plan.plan_id): plan.total_amount
        for quote in quotes.quotes
        for plan in quote.plans
    }
    expected: dict[tuple[str, str], Decimal | None] = {
        (subscription, plan): bill(subscription, plan, events)
        for _, subscription, *_ in SUBSCRIPTIONS
        for plan in FEES
    }
    expected["S5", "flat_gone"] = None
    assert found == expected


def test_the_cheapest_plan_and_the_saving_follow(quotes: Quotes, events: list[Event]) -> None:
    for quote in quotes.quotes:
        costs = {plan: bill(quote.subscription_id, plan, events) for plan in FEES}
        cheapest = min(costs.values())
        assert quote.cheapest_plan_id is not None
        assert costs[quote.cheapest_plan_id] == cheapest == quote.cheapest_amount
        assert quote.present_amount == costs.get(quote.present_plan_id)
        assert quote.saving_amount == (quote.present_amount or cheapest) - cheapest
    savings = [quote.saving_amount for quote in quotes.quotes]
    assert savings == sorted(savings, reverse=True)
    assert savings[0] > 0
    assert sum(one.saving_amount for one in quotes.advice) == sum(savings)
    assert sum(one.subscription_count for one in quotes.advice) == len(SUBSCRIPTIONS)


def test_parts_of_a_cost_add_up(quotes: Quotes) -> None:
    for quote in quotes.quotes:
        for plan in quote.plans:
            parts = plan.recurring_amount + plan.usage_amount + plan.other_amount
            if plan.plan_id in FEES:
                assert parts + plan.shared_amount == plan.total_amount
            assert plan.shared_amount == 0


def test_one_account_is_quoted_as_all_are(home: Home, quotes: Quotes) -> None:
    alone = run_quote(home.settings, account="A2")
    assert {quote.subscription_id for quote in alone.quotes} == {"S2", "S3"}
    assert set(alone.quotes) <= set(quotes.quotes)


def test_csv_has_a_line_per_subscription_and_plan_and_no_formula(quotes: Quotes) -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(quotes))))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == len(SUBSCRIPTIONS) * len(FEES) + 1
    assert sum(row["is_cheapest"] == "true" for row in rows) == len(SUBSCRIPTIONS)
    hostile = quotes.quotes[0].plans[0]
    object.__setattr__(hostile, "billing_account_id", "=1+1")
    first = next(csv.DictReader(io.StringIO(as_csv(quotes))))
    assert first["billing_account_id"] == "'=1+1"


def test_who_cannot_be_quoted_is_told_in_one_line(home: Home, tmp_path: Path) -> None:
    with pytest.raises(QuoteError, match="account A9 has no subscription on a plan"):
        run_quote(home.settings, account="A9")
    plans = (PROJECT / "seeds/tariff/plans.csv").read_text("utf-8")
    (tmp_path / "plans.csv").write_text(plans.replace("flat_m,", "flat_x,"), "utf-8")
    with pytest.raises(TariffError, match="plan_without_price: plan_id 'flat_x'"):
        run_quote(home.settings, seeds=tmp_path)
