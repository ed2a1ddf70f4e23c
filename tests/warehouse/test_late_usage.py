"""Late usage under both policies, and usage that is ordered to be rated again.

Two legal entities of one operator differ only in `late_usage`. The same customers of both make the
same calls in October and are billed; then the same late records arrive, and in December once more.
All expected amounts are computed by hand here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from billing_homes import Home
from click.testing import CliRunner, Result
from sqlalchemy import select
from world import ENTITY, Subscriber, World

from orchestration.cli import main
from orchestration.ledger.schema import rerating_orders
from orchestration.lib.warehouse import open_warehouse
from orchestration.render.documents import read_invoices
from orchestration.rerating import Order, post_order
from orchestration.review.explain import explain
from orchestration.verify import broken_laws, verify_house

pytestmark = pytest.mark.heavy

NOVEMBER, DECEMBER, JANUARY = date(2026, 11, 1), date(2026, 12, 1), date(2027, 1, 1)
FEBRUARY = date(2027, 2, 1)
OCTOBER = ("2026-10-01", "2026-11-01")
POLICIES = {"residual": ENTITY, "rerate": "anew"}
FAR = "88212345"
Lines = list[tuple[str, str, Decimal]]


class Case:
    """A customer under one policy. Times are of 5 October; calls are of 60 seconds unless said."""

    def __init__(self, world: World, policy: str, name: str) -> None:
        self.world, self.policy, self.name = world, policy, name
        self.subscribers: list[Subscriber] = []

    def subscriber(self, plan: str) -> Subscriber:
        account = self.subscribers[0].account_id if self.subscribers else None
        made = self.world.subscriber(
            f"{self.policy}-{self.name}-{len(self.subscribers)}",
            plan,
            cycle_id=self.world.cycle(legal_entity_id=POLICIES[self.policy]),
            account_id=account,
            activated="2026-10-01",
        )
        self.subscribers.append(made)
        if account is None:
            self.world.change(
                "billing_accounts", made.account_id, legal_entity_id=POLICIES[self.policy]
            )
        return made

    def call(self, at: str, number: str = "4930123456", of: int = 0, seconds: int = 60) -> None:
        started = f"2026-10-05T{at}:00Z"
        self.world.usage(
            self.subscribers[of], started, other_number=number, duration_seconds=seconds
        )

    def call_in(self, month: str) -> None:
        """Call for a free minute on the fifth of a month: a line without usage would be held."""
        for one in self.subscribers:
            self.world.usage(one, f"{month}-05T12:00:00Z", duration_seconds=60)

    def data(self, at: str, volume: int) -> None:
        started = f"2026-10-05T{at}:00Z"
        self.world.usage(self.subscribers[0], started, service="data", volume_bytes=volume)


def _tariff(world: World) -> None:
    """Calls at 1.00 a minute at home and 3.00 far away, data by tiers; plans of 120 s free."""
    (first,) = (row for row in world.rows("billing_policy") if row["legal_entity_id"] == ENTITY)
    world.seed("billing_policy", **{**first, "legal_entity_id": "anew", "late_usage": "rerate"})
    (entity,) = (row for row in world.rows("legal_entities") if row["legal_entity_id"] == ENTITY)
    world.seed("legal_entities", **{**entity, "legal_entity_id": "anew", "document_prefix": "AN"})
    world.seed("zones", zone_id="far", label_en="Far", label_de="Fern")
    world.seed(
        "number_zones",
        number_zone_id="far",
        called_prefix=FAR[:4],
        zone_id="far",
        country_code="DE",
    )
    world.seed("allowance_scopes", allowance_scope_id="calls", service="voice", zone_id="*")
    sets = {"volume": ("volume", None), "leading": ("percentage", 1)}
    for name, (model, free_events) in sets.items():
        world.seed(
            "price_tier_sets",
            price_tier_set_id=name,
            description=name,
            pricing_model=model,
            zero_usage="due" if model == "volume" else "not_due",
            pass_increment=1,
            free_events=free_events,
        )
    for name, tier, up_to, amount in (
        ("volume", 1, 15, "1.00"),
        ("volume", 2, None, "0.50"),
        ("leading", 1, None, "2.00"),
    ):
        world.seed(
            "price_tiers",
            price_tier_id=f"{name}-{tier}",
            price_tier_set_id=name,
            up_to=up_to,
            rate_amount=amount,
            per_units=1,
            flat_amount=0,
            block_size=1,
        )
    for plan, tiers in (("free", "volume"), ("capped", "leading"), ("pooled", "volume")):
        world.plan(plan, price="20.00")
        for zone, amount in (("home", "1.00"), ("far", "3.00")):
            world.seed(
                "usage_rates",
                usage_rate_id=f"{plan}-{zone}",
                rate_plan_id=plan,
                service="voice",
                zone_id=zone,
                charge_code=world.charge_code(zone),
                rate_amount=amount,
                per_units=60,
                currency_code="EUR",
            )
        for zone in ("home", "far"):
            world.seed(
                "usage_rates",
                usage_rate_id=f"{plan}-data-{zone}",
                rate_plan_id=plan,
                service="data",
                zone_id=zone,
                charge_code=world.charge_code("data"),
                rate_amount=0,
                currency_code="EUR",
                price_tier_set_id=tiers,
            )
        world.seed(
            "allowances",
            allowance_id=f"{plan}-calls",
            plan_id=plan,
            allowance_scope_id="calls",
            description=plan,
            quantity=120,
            unit="seconds",
            priority=1,
            is_shared=plan == "pooled",
        )
    world.charge_code("cap", "cap")
    world.seed(
        "charge_caps",
        charge_cap_id="ten",
        description_en="cap",
        description_de="cap",
        plan_id="capped",
        billing_account_id="*",
        charge_type="usage",
        charge_code="far",
        measured_over="subscription",
        maximum_amount="2.00",
        currency_code="EUR",
        priority=1,
    )


CASES: dict[str, tuple[Callable[[Case], None], Callable[[Case], None], Lines, Lines]] = {}


def case(
    october: Callable[[Case], None], residual: Lines, rerate: Lines
) -> Callable[[Callable[[Case], None]], Callable[[Case], None]]:
    """Register what arrives late, with the lines (charge code, subscription, amount) it brings."""

    def register(late: Callable[[Case], None]) -> Callable[[Case], None]:
        CASES[late.__name__] = (october, late, residual, rerate)
        return late

    return register


def _lines(*lines: tuple[str, str] | tuple[str, str, int]) -> Lines:
    return [(str(one[2] if len(one) > 2 else 0), one[0], Decimal(one[1])) for one in lines]


def _two_free(one: Case) -> None:
    """Two free minutes, and a third one at home that costs 1.00."""
    one.subscriber("free")
    one.call("12:00")
    one.call("12:20", FAR)
    one.call("12:40")


# The late minute is free, so that the far one is not: 3.00 instead of 1.00.
@case(_two_free, _lines(("home", "1.00")), _lines(("far", "3.00"), ("home", "0.00")))
def a_late_call_before_the_free_minutes_ran_out_takes_its_own(one: Case) -> None:
    one.call("11:00")


@case(_two_free, _lines(("home", "1.00")), _lines(("home", "1.00")))
def a_late_call_after_the_free_minutes_ran_out_pays_for_itself(one: Case) -> None:
    one.call("12:30")


@case(_two_free, _lines(("home", "1.00")), _lines(("home", "1.00")))
def a_late_call_after_all_others_leaves_them_alone(one: Case) -> None:
    one.call("12:50")


@case(_two_free, [], [])
def nothing_late_brings_nothing(one: Case) -> None:
    """No record."""


# Half of the far minute stays free.
@case(_two_free, _lines(("home", "0.50")), _lines(("far", "1.50"), ("home", "0.00")))
def a_late_call_may_leave_a_part_of_another_free(one: Case) -> None:
    one.call("11:00", seconds=30)


def _pooled(one: Case) -> None:
    """Two lines that share two minutes: the first draws one and the second the other."""
    one.subscriber("pooled")
    one.subscriber("pooled")
    # Each line brings its own 120 s into the pool.
    one.call("12:00", seconds=180)
    one.call("12:20", FAR, of=1)


# The first line's late minute takes what the far minute of the second line had drawn.
@case(_pooled, _lines(("home", "1.00")), _lines(("home", "0.00"), ("far", "3.00", 1)))
def a_late_call_takes_from_all_that_share_the_pool(one: Case) -> None:
    one.call("11:00")


def _fifteen(one: Case) -> None:
    """15 units fill the first volume tier: 15.00."""
    one.subscriber("free")
    one.data("12:00", 9)
    one.data("12:10", 6)


# 20 x 0.50 = 10.00, whatever their order.
@case(_fifteen, _lines(("data", "-5.00")), _lines(("data", "-5.00")))
def a_late_session_that_enters_the_next_volume_tier_reprices_the_whole(one: Case) -> None:
    one.data("11:00", 5)


@case(_fifteen, _lines(("data", "-7.00")), _lines(("data", "-7.00")))
def the_sixteenth_unit_reprices_all_sixteen(one: Case) -> None:
    one.data("12:05", 1)


def _leading(one: Case) -> None:
    """The first session is free whatever its size, the second costs 4 x 2.00."""
    one.subscriber("capped")
    one.data("12:00", 9)
    one.data("12:10", 4)


# The late one is the first now: 9 x 2.00 more.
@case(_leading, _lines(("data", "2.00")), _lines(("data", "18.00")))
def a_late_session_is_the_first_one_when_it_was(one: Case) -> None:
    one.data("11:00", 1)


def _capped(one: Case) -> None:
    """As `_two_free`, where far calls cost 2.00 a period at most."""
    one.subscriber("capped")
    one.call("12:00")
    one.call("12:20", FAR)


# 3.00, of which 1.00 is over the cap.
@case(
    _capped,
    _lines(("home", "1.00")),
    _lines(("cap", "-1.00"), ("far", "3.00"), ("home", "0.00")),
)
def the_difference_counts_against_the_caps_of_its_period(one: Case) -> None:
    one.call("11:00")


class Billed:
    """The operator after its three bill dates."""

    def __init__(self, world: World, home: Home, cases: dict[tuple[str, str], Case]) -> None:
        self.world, self.home, self.cases = world, home, cases

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        return self.world.query(query, *parameters)

    def lines(self, one: Case, bill_date: date) -> Lines:
        """Return a case's lines of October's usage on the invoice of a bill date."""
        rows = self.rows(
            """
            select lines.subscription_id, lines.charge_code, lines.net_amount
            from marts.fct_invoice_lines as lines
            inner join marts.fct_invoices as invoices using (invoice_id)
            where
                lines.billing_account_id = ?
                and invoices.bill_date = ?
                and lines.charge_type <> 'recurring'
                and lines.period_start = date '2026-10-01'
            order by lines.subscription_id, lines.charge_code
            """,
            one.subscribers[0].account_id,
            bill_date,
        )
        return [(str(name)[-1], code, amount) for name, code, amount in rows]


@pytest.fixture(scope="module")
def billed(tmp_path_factory: pytest.TempPathFactory) -> Billed:
    """Every case under both policies: billed in November, late records in, billed in December.

    In January one more late record of one case comes, which falls before all others.
    """
    world = World(tmp_path_factory.mktemp("late"))
    _tariff(world)
    cases = {}
    for policy in POLICIES:
        for number, (name, (october, *_)) in enumerate(CASES.items()):
            cases[policy, name] = Case(world, policy, f"{number:02}")
            october(cases[policy, name])
    home = Home(world.settings)
    world.write()
    home.collect()
    home.calculate(NOVEMBER)
    home.issue(NOVEMBER)
    for (_, name), one in cases.items():
        CASES[name][1](one)
        one.call_in("2026-11")
    world.deliver("late.csv")
    home.collect(datetime(2026, 11, 20, tzinfo=UTC))
    home.calculate(DECEMBER)
    home.issue(DECEMBER)
    for policy in POLICIES:
        cases[policy, FIRST].call("10:00")
    for one in cases.values():
        one.call_in("2026-12")
    world.deliver("later.csv")
    home.collect(datetime(2026, 12, 20, tzinfo=UTC))
    home.calculate(JANUARY)
    home.issue(JANUARY)
    assert world.rejects() == []
    return Billed(world, home, cases)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("name", CASES)
def test_late_usage_is_charged_by_policy(billed: Billed, name: str, policy: str) -> None:
    """The lines of October on the invoice of December, to the cent."""
    _, _, residual, rerate = CASES[name]
    expected = residual if policy == "residual" else rerate
    assert billed.lines(billed.cases[policy, name], DECEMBER) == sorted(expected)


FIRST = "a_late_call_before_the_free_minutes_ran_out_takes_its_own"


@pytest.mark.parametrize("policy", POLICIES)
def test_what_was_computed_again_is_computed_again_when_more_comes(
    billed: Billed, policy: str
) -> None:
    """The call of 10:00 and the late one of 11:00 are free now, and that of 12:00 costs 1.00."""
    for name in CASES:
        expected = _lines(("home", "1.00")) if name == FIRST else []
        assert billed.lines(billed.cases[policy, name], JANUARY) == expected, name


def test_only_groups_of_the_policy_with_usage_after_the_late_one_are_opened_again(
    billed: Billed,
) -> None:
    """Nothing is taken back under `residual`, without late usage, or where it comes last."""
    opened = billed.rows(
        "select distinct billing_account_id from staging.stg_issued__billed_usage where is_reversal"
    )
    alone = {"a_late_call_after_all_others_leaves_them_alone", "nothing_late_brings_nothing"}
    assert {account for (account,) in opened} == {
        one.subscribers[0].account_id
        for (policy, name), one in billed.cases.items()
        if policy == "rerate" and name not in alone
    }


def test_all_that_was_frozen_adds_up_to_what_is_due(billed: Billed) -> None:
    """Of the first case: amounts, free units and draws of all passes, taken together."""
    one = billed.cases["rerate", FIRST]
    billed_usage = billed.rows(
        """
        select charge_code, sum(rated_amount), sum(free_units), sum(units)
        from staging.stg_issued__billed_usage
        where billing_account_id = ? and usage_period_start = date '2026-10-01'
        group by charge_code
        order by charge_code
        """,
        one.subscribers[0].account_id,
    )
    # 10:00 and 11:00 are free; far, 12:00 and 12:40 are not.
    assert billed_usage == [("far", Decimal(3), 0, 60), ("home", Decimal(2), 120, 240)]
    assert billed.rows(
        """
        select sum(drawn_quantity), sum(free_quantity)
        from staging.stg_issued__allowance_draws
        where billing_account_id = ? and usage_period_start = date '2026-10-01'
        """,
        one.subscribers[0].account_id,
    ) == [(120, 120)]
    assert billed.rows(
        "select count(*), sum(rated_amount) from marts.fct_rated_usage"
        " where billing_account_id = ? and usage_status = 'billed'"
        " and usage_period_start = date '2026-10-01'",
        one.subscribers[0].account_id,
    ) == [(5, Decimal(5))]


def test_the_line_is_explained_by_what_was_billed_and_what_is_due(billed: Billed) -> None:
    """From the difference down to the call that lost its free minute, and to its invoice."""
    account = billed.cases["rerate", FIRST].subscribers[0].account_id
    [(october, *_)] = billed.rows(
        "select invoice_number from marts.fct_invoices"
        " where billing_account_id = ? and bill_date = ?",
        account,
        NOVEMBER,
    )
    [(december, line)] = billed.rows(
        """
        select invoices.invoice_number, lines.line_number
        from marts.fct_invoice_lines as lines
        inner join marts.fct_invoices as invoices using (invoice_id)
        where
            invoices.billing_account_id = ? and invoices.bill_date = ? and lines.charge_code = 'far'
        """,
        account,
        DECEMBER,
    )
    [explained] = explain(billed.home.settings, f"{december}/{line}").lines
    text = "\n".join(explained.arithmetic)
    assert f"less what invoice {october} and those after it billed" in text
    assert "taken back: -60 s measured, -60 in increments, -60 free, 0 charged" in text
    assert "3.000000 + 0.000000 = 3.000000" in text
    assert [one.rated_amount for one in explained.records] == [Decimal(0), Decimal(3)]


def test_the_document_names_the_corrected_invoice_and_shows_what_changed(billed: Billed) -> None:
    """Each invoice itemises what it charged: the old one at the old amounts, also afterwards."""
    account = billed.cases["rerate", FIRST].subscribers[0].account_id
    invoices = {}
    with open_warehouse(billed.home.settings) as warehouse:
        for bill_date, invoice_id, number in warehouse.execute(
            "select bill_date, invoice_id, invoice_number from marts.fct_invoices"
            " where billing_account_id = ?",
            [account],
        ).fetchall():
            [invoices[bill_date]] = read_invoices(warehouse, [invoice_id])
            assert invoices[bill_date].number == number
    itemised = {
        bill_date: [
            (f"{one.started_at:%H:%M}", one.quantity, one.amount)
            for subscription in invoice.subscriptions
            for one in subscription.itemised
            if one.started_at.month == 10
        ]
        for bill_date, invoice in invoices.items()
    }
    assert itemised == {
        NOVEMBER: [
            ("12:00", 60, Decimal(0)), ("12:20", 60, Decimal(0)), ("12:40", 60, Decimal(1)),
        ],
        DECEMBER: [("11:00", 60, Decimal(0)), ("12:20", 60, Decimal(3))],
        JANUARY: [("10:00", 60, Decimal(0)), ("12:00", 60, Decimal(1))],
    }  # fmt: skip
    described = [
        line.description
        for subscription in invoices[DECEMBER].subscriptions
        for line in subscription.lines
        if line.charge_type == "usage" and line.period_start.month == 10
    ]
    named = f"corrects invoice {invoices[NOVEMBER].number}"
    assert sorted(described) == [f"far ({named})", f"home ({named})"]


@pytest.fixture(scope="module")
def ordered(billed: Billed) -> Billed:
    """Afterwards far calls cost 2.00 in the tariff; for the first customer of `rerate` by order."""
    seed = billed.home.settings.seeds / "tariff" / "usage_rates.csv"
    text = seed.read_text(encoding="utf-8")
    assert "free-far,free," in text
    seed.write_text(re.sub(r"(?m)^(free-far,.*,)3\.00(,.*)$", r"\g<1>2.00\2", text))
    for one in billed.cases.values():
        one.call_in("2027-01")
    billed.world.deliver("january.csv")
    billed.home.collect(datetime(2027, 1, 20, tzinfo=UTC))
    return billed


def _rerate(home: Home, *arguments: str) -> Result:
    environment = {
        "TOLLHOUSE_HOME": str(home.settings.home),
        "TOLLHOUSE_PROJECT": str(home.settings.project_root),
    }
    days = ("--from", "2026-10-01", "--to", "2026-11-01")
    return CliRunner(env=environment).invoke(main, ["rerate", *days, *arguments])


HALF = "a_late_call_may_leave_a_part_of_another_free"


def test_rerate_shows_what_an_order_would_change_and_writes_nothing(ordered: Billed) -> None:
    """A far minute of 3.00 would be 1.00 less, half of one 0.50; the free ones stay free.

    An ordered period is computed in time order, also what came late under `residual`: there the
    late minutes at home would have been free, and far ones not.
    """
    shown = _rerate(ordered.home, "--plan", "free", "--zone", "far", "--json")

    assert shown.exit_code == 0, shown.output
    told = json.loads(shown.stdout)
    expected = [
        ("residual", FIRST, "far", "0", "2.00"),
        ("rerate", FIRST, "far", "3.00", "-1.00"),
        ("residual", FIRST, "home", "3.00", "-1.00"),
        ("residual", HALF, "far", "0", "1.00"),
        ("rerate", HALF, "far", "1.50", "-0.50"),
        ("residual", HALF, "home", "1.50", "-0.50"),
    ]
    assert [
        (
            one["subscription_id"],
            one["charge_code"],
            Decimal(one["billed_amount"]),
            Decimal(one["difference_amount"]),
        )
        for one in told["differences"]
    ] == [
        (
            ordered.cases[policy, name].subscribers[0].subscription_id,
            charge_code,
            Decimal(billed_amount),
            Decimal(difference),
        )
        for policy, name, charge_code, billed_amount, difference in expected
    ]
    assert {currency: Decimal(total) for currency, total in told["totals"].items()} == {
        "EUR": Decimal(0)
    }
    assert told["order_id"] is None
    with ordered.home.ledger.read() as connection:
        assert connection.execute(select(rerating_orders)).all() == []


def test_an_order_is_carried_out_once_and_a_change_of_the_tariff_alone_corrects_nobody(
    ordered: Billed,
) -> None:
    """February brings the first customer -1.00 and nobody else anything of October."""
    one = ordered.cases["rerate", FIRST]
    account = one.subscribers[0].account_id
    order = Order(date(2026, 10, 1), date(2026, 11, 1), billing_account_id=account)
    assert post_order(ordered.home.ledger, order, "agreed  at 2.00") == "rerating-0001"
    ordered.home.calculate(FEBRUARY)
    ordered.home.issue(FEBRUARY)

    for key, each in ordered.cases.items():
        expected = _lines(("far", "-1.00")) if key == ("rerate", FIRST) else []
        assert ordered.lines(each, FEBRUARY) == expected, key
    assert ordered.rows(
        "select count(*), sum(rated_amount) from marts.fct_rated_usage"
        " where billing_account_id = ? and usage_status = 'billed'"
        " and usage_period_start = date '2026-10-01'",
        account,
    ) == [(5, Decimal(4))]

    again = _rerate(ordered.home, "--account", account, "--post", "--reason", "once more")
    assert again.exit_code != 0
    assert "costs anything else now: no order written" in again.output


def test_rerate_says_what_it_cannot_do(ordered: Billed) -> None:
    """An account without such usage, no reason, and days that are none."""
    nobody = _rerate(ordered.home, "--account", "A-nobody")
    assert nobody.exit_code != 0
    assert (
        "there is no issued usage from 2026-10-01 up to 2026-11-01 of account A-nobody"
        in nobody.output
    )
    assert "needed with --post" in _rerate(ordered.home, "--post").output
    backwards = _rerate(ordered.home, "--to", "2026-10-01")
    assert "is no day: --to is the first day that is left alone" in backwards.output


def test_the_laws_are_kept(ordered: Billed) -> None:
    """Each record has one fate, nothing is billed twice, and a rebuild gives the same marts."""
    broken = broken_laws(verify_house(ordered.home.settings))
    assert [(one.law, one.what, one.details) for one in broken] == []
