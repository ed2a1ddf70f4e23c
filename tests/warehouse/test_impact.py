"""Impact: a tariff change over a billed home, compared with what it must do, to the cent."""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from billing_homes import FIRST_BILL_DATE, PROJECT, Home
from click.testing import CliRunner
from rich.console import Console

from orchestration.cli import main
from orchestration.impact.queries import SIDE_TABLES
from orchestration.impact.running import ImpactError, ImpactRequest, run_impact
from orchestration.impact.showing import print_impact
from orchestration.impact.sides import SideResult, bill_sides
from orchestration.ledger.store import open_ledger
from orchestration.lib.seeds import TariffError
from orchestration.lib.warehouse import open_warehouse
from orchestration.scratch.as_of import AsOf, NoPassError, find_as_of
from orchestration.scratch.trees import TreeError, working_tree
from orchestration.settings import Settings
from renderers.impact import ImpactReport, render_impact, render_markdown

pytestmark = pytest.mark.heavy

RATES = "seeds/tariff/usage_rates.csv"
CENT = Decimal("0.01")


@pytest.fixture(scope="module")
def home(billed_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A billed home whose project is a git repository of its own, to be edited."""
    folder = tmp_path_factory.mktemp("impact")
    repository = folder / "project"
    for part in ("dbt_project", "seeds"):
        left_out = shutil.ignore_patterns("target", "logs", "__pycache__")
        shutil.copytree(PROJECT / part, repository / part, ignore=left_out)
    _git(repository, "init", "--quiet")
    _commit(repository, "as billed")
    copied = billed_home.copy(folder / "home")
    return Home(replace(copied.settings, project_root=repository))


@pytest.fixture(scope="module")
def state(home: Home) -> dict[str, str]:
    """Every file of the home before the first comparison."""
    return _state(home.settings.home)


@pytest.fixture(scope="module")
def raised(home: Home, state: dict[str, str]) -> ImpactReport:
    """An SMS abroad costs 0.21 instead of 0.19, in the working tree."""
    with _edited(home, RATES, "UR-0008,", "0.190000", "0.210000"):
        return run_impact(home.settings, ImpactRequest(max_percent=Decimal("1.5"), shown=10_000))


def _git(repository: Path, *arguments: str) -> None:
    author = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "-C", str(repository), *author, *arguments], check=True)


def _commit(repository: Path, message: str) -> None:
    _git(repository, "add", "--all")
    _git(repository, "commit", "--quiet", "--allow-empty", "--message", message)


class _edited:
    """Replace text in the one line of a file that begins with `start`, and put it back."""

    def __init__(self, home: Home, file: str, start: str, old: str, new: str) -> None:
        self._path = home.settings.project_root / file
        self._text = self._path.read_text("utf-8")
        lines = self._text.splitlines(keepends=True)
        (index,) = [number for number, line in enumerate(lines) if line.startswith(start)]
        assert old in lines[index]
        lines[index] = lines[index].replace(old, new)
        self._new = "".join(lines)

    def __enter__(self) -> None:
        self._path.write_text(self._new, "utf-8")

    def __exit__(self, *_: object) -> None:
        self._path.write_text(self._text, "utf-8")


def _state(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of what a home holds; scratch builds, locks and logs are not the house."""
    kept = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not name.startswith(("scratch/", "logs/", "writer.lock")):
            kept[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return kept


def _rows(home: Home, query: str) -> list[tuple[Any, ...]]:
    with open_warehouse(home.settings) as warehouse:
        return warehouse.execute(query).fetchall()


def _as_of(settings: Settings) -> AsOf:
    ledger = open_ledger(settings.ledger_url)
    found = find_as_of(settings, ledger)
    ledger.engine.dispose()
    return found


def _tables(result: SideResult) -> dict[str, list[tuple[Any, ...]]]:
    with duckdb.connect(str(result.results), read_only=True) as sql:
        return {
            name: sql.execute(f"select * from {name} order by all").fetchall()
            for name in SIDE_TABLES
        }


def test_a_raised_price_moves_the_accounts_with_that_usage_and_no_other(
    home: Home, raised: ImpactReport
) -> None:
    sent = _rows(
        home,
        """
        select billing_account_id, subscription_id, usage_period_start, count(*)
        from intermediate.int_usage__rated
        where service = 'sms' and zone_id = 'international'
        group by all
        """,
    )
    assert len(sent) > 10
    expected = {}
    for account, subscription, start, count in sent:
        expected[account, subscription, start] = tuple(
            (count * price).quantize(CENT, ROUND_HALF_UP)
            for price in (Decimal("0.19"), Decimal("0.21"))
        )
    (impact,) = raised.currencies
    moved = {
        (mover.billing_account_id, line.subscription_id, line.period_start): (
            line.before_amount,
            line.after_amount,
        )
        for mover in impact.movers
        for line in mover.lines
        if line.charge_code == "sms_international"
    }
    assert moved == expected
    assert {mover.billing_account_id for mover in impact.movers} == {one for one, *_ in expected}
    assert (impact.accounts_up, impact.accounts_down) == (len(impact.movers), 0)


def test_a_bill_moves_by_its_lines_and_their_tax(home: Home, raised: ImpactReport) -> None:
    nets = {
        account: (net, total)
        for account, net, total in _rows(
            home,
            "select billing_account_id, net_amount, total_amount"
            " from intermediate.int_invoices__totalled",
        )
    }
    (impact,) = raised.currencies
    checked = 0
    for mover in impact.movers:
        net, total = nets[mover.billing_account_id]
        assert mover.before_amount == total
        net += sum((line.change for line in mover.lines), Decimal(0))
        assert mover.after_amount == net + (net * Decimal("0.19")).quantize(CENT, ROUND_HALF_UP)
        assert mover.change == mover.after_amount - mover.before_amount
        checked += 1
    assert checked > 10
    changes = sorted(mover.change for mover in impact.movers)
    assert impact.amounts.maximum == changes[-1]
    assert impact.change == sum(changes) == impact.after_amount - impact.before_amount
    for revenue in (impact.by_plan, impact.by_charge_type, impact.by_charge):
        moved = sum((row.change for row in revenue), Decimal(0))
        assert moved == sum(
            (line.change for one in impact.movers for line in one.lines), Decimal(0)
        )


def test_only_the_zone_of_the_price_moves(raised: ImpactReport) -> None:
    (impact,) = raised.currencies
    assert [row.label for row in impact.by_zone if row.change] == ["Abroad"]
    (change,) = raised.seed_changes
    assert str(change.line) == "9"
    assert (change.file, change.row, change.kind) == (RATES, "UR-0008", "changed")
    assert change.text == "rate_amount 0.190000 → 0.210000"


def test_the_gate_names_every_account_beyond_the_limit(raised: ImpactReport) -> None:
    (impact,) = raised.currencies
    beyond = {
        mover.billing_account_id
        for mover in impact.movers
        if mover.change * 100 > Decimal("1.505") * abs(mover.before_amount)
    }
    assert beyond
    assert {one.billing_account_id for one in impact.breaking} >= beyond
    assert all(one.percent is None or one.percent > Decimal("1.5") for one in impact.breaking)
    assert not raised.is_within


def test_page_and_summary_say_the_same_figures(raised: ImpactReport) -> None:
    (impact,) = raised.currencies
    total = f"{impact.after_amount:,.2f}"
    for text in (render_impact(raised), render_markdown(raised)):
        assert total in text
        assert impact.breaking[0].billing_account_id in text
    assert "<script" not in render_impact(raised)


def test_the_house_stays_as_it_was_to_the_byte(
    home: Home, state: dict[str, str], raised: ImpactReport
) -> None:
    assert raised.currencies
    assert _state(home.settings.home) == state


def test_an_edit_that_prices_nothing_moves_nobody(home: Home, raised: ImpactReport) -> None:
    """A model is written otherwise and a label is German: both sides are two git refs."""
    repository = home.settings.project_root
    model = repository / "dbt_project/models/intermediate/charges/int_charges__one_off.sql"
    _commit(repository, "before")
    with _edited(home, "seeds/tariff/charge_codes.csv", "one_off,", "Einmalige", "Eine einmalige"):
        text = model.read_text("utf-8")
        model.write_text(f"-- the same by other words\n{text}", "utf-8")
        _commit(repository, "after")
        report = run_impact(home.settings, ImpactRequest(before="HEAD~1", after="HEAD"))
        model.write_text(text, "utf-8")
    _commit(repository, "as billed")
    (impact,) = report.currencies
    assert impact.accounts_moved == 0
    assert impact.before_amount == impact.after_amount
    assert report.findings == report.outcomes == report.suspended == ()
    assert report.files == ("dbt_project/models/intermediate/charges/int_charges__one_off.sql",)
    assert [change.row for change in report.seed_changes] == ["one_off"]


def test_a_broken_tariff_is_refused_with_file_line_and_rule(home: Home) -> None:
    with (
        _edited(home, RATES, "UR-0008,", ",1,1,", ",0,1,"),
        pytest.raises(TariffError, match=r"seeds/tariff/usage_rates.csv:9: positive: initial_"),
    ):
        run_impact(home.settings, ImpactRequest())


def test_what_cannot_be_compared_is_one_line(home: Home, tmp_path: Path) -> None:
    with pytest.raises(TreeError, match="nonsense is no commit of"):
        run_impact(home.settings, ImpactRequest(before="nonsense"))
    with pytest.raises(TreeError, match="holds no seeds"):
        run_impact(home.settings, ImpactRequest(seeds=tmp_path))
    with pytest.raises(NoPassError, match="no pass of 2030-01-01"):
        run_impact(home.settings, ImpactRequest(bill_date=FIRST_BILL_DATE.replace(2030, 1)))
    outside = replace(home.settings, project_root=tmp_path)
    with pytest.raises(ImpactError, match="not in git: name a folder of seeds"):
        run_impact(outside, ImpactRequest())


def test_the_command_writes_all_it_is_asked_for_and_exits_by_the_gate(
    home: Home, raised: ImpactReport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder with the one seed that differs: the same tariff as above, kept from there."""
    settings = home.settings
    seeds = tmp_path / "proposal"
    seeds.mkdir()
    with _edited(home, RATES, "UR-0008,", "0.190000", "0.210000"):
        shutil.copy(settings.project_root / RATES, seeds)
    monkeypatch.setenv("TOLLHOUSE_PROJECT", str(settings.project_root))
    page, summary = tmp_path / "impact.html", tmp_path / "impact.md"
    arguments = ["--home", str(settings.home), "impact", "--seeds", str(seeds), "--json"]
    arguments += ["--html", str(page), "--markdown", str(summary), "--max-change"]
    within = CliRunner().invoke(main, [*arguments, "10000"])
    assert within.exit_code == 0, within.output
    beyond = CliRunner().invoke(main, [*arguments, "1.5"])
    assert beyond.exit_code == 3
    found = json.loads(beyond.output)
    (impact,) = raised.currencies
    assert found["breaking_count"] == len(impact.breaking)
    assert found["currencies"][0]["change"] == str(impact.change)
    for written in (page, summary):
        said = re.findall(
            r"([0-9]+) bills? moves? by more than 1\.5 %\.", written.read_text("utf-8")
        )
        assert set(said) == {str(len(impact.breaking))}


def test_the_command_shows_tables_without_markup(
    raised: ImpactReport,
) -> None:
    console = Console(width=160, record=True, file=io.StringIO())
    print_impact(replace(raised, before="[bold]main[/bold]"), console)
    shown = console.export_text()
    assert "[bold]main[/bold] -> working tree, bill date 2026-11-01" in shown
    assert re.search(r"\bbills? moves? by more than 1\.5 %\.", shown)


def test_a_pass_billed_again_is_what_it_was_also_when_more_has_landed(home: Home) -> None:
    """What the live warehouse holds of the pass and a scratch build of it are the same rows."""
    settings = home.settings
    as_of = _as_of(settings)
    results = settings.home / "scratch" / "impact" / "results"
    shutil.rmtree(results, ignore_errors=True)
    quiet = lambda *_: None  # noqa: E731
    tree = working_tree(settings)
    (live,) = bill_sides(settings, as_of, {"before": tree}, quiet).values()
    held = _tables(live)
    more = settings.inbox / "usage" / "late.csv"
    first = sorted((settings.inbox / "usage").glob("*.csv"))[0].read_text("utf-8").splitlines()
    late = first[1].split(",")
    late[0] = "late-1"
    more.write_text("\n".join((first[0], ",".join(late))) + "\n", "utf-8")
    shutil.rmtree(results)
    home.collect(datetime(2026, 11, 20, tzinfo=UTC))
    grown = _as_of(settings)
    assert (grown.watermark, grown.sees_all_landing) == (as_of.watermark, False)
    (built,) = bill_sides(settings, grown, {"before": tree}, quiet).values()
    assert (live.origin, built.origin) == ("live", "built")
    assert held == _tables(built)
    documents = _rows(
        home, "select billing_account_id, total_amount from staging.stg_ledger__documents"
    )
    with duckdb.connect(str(built.results), read_only=True) as sql:
        rows = sql.execute(
            "select billing_account_id, total_amount from accounts where outcome = 'issue'"
        ).fetchall()
    assert sorted(rows) == sorted(documents)
