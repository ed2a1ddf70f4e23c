"""Explaining an amount: the row of the pass's commit, and its arithmetic in words."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from orchestration.passes.records import describe_project
from orchestration.review.arithmetic import place_text, record_text
from orchestration.review.explain import ExplainedRecord, record_lines
from orchestration.review.tariff_rows import (
    RECURRING_CHARGES,
    USAGE_RATES,
    Tariff,
    TariffRow,
    tariff_of,
)
from orchestration.review.text import counted
from orchestration.settings import Settings

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def repository(tmp_path: Path) -> Settings:
    """A project in a git repository of its own."""
    root = tmp_path / "project"
    shutil.copytree(PROJECT / "seeds", root / "seeds")
    (root / "dbt_project" / "models").mkdir(parents=True)
    (root / "dbt_project" / "dbt_project.yml").write_text("name: x\n")
    git(root, "init", "--quiet")
    commit(root)
    return Settings(home=tmp_path / "home", project_root=root)


def git(root: Path, *arguments: str) -> None:
    author = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "-C", str(root), *author, *arguments], check=True)


def commit(root: Path) -> None:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "a tariff")


def raise_price(settings: Settings) -> None:
    path = settings.seeds / RECURRING_CHARGES
    lines = path.read_text("utf-8").splitlines()
    lines.insert(1, lines[1].replace("RC-0001,flat_s", "RC-0999,flat_s"))
    path.write_text("\n".join(lines).replace("4.990000", "5.990000") + "\n", "utf-8")


def test_the_row_is_the_one_of_the_commit_that_billed(repository: Settings) -> None:
    billed_at, billed_hash = describe_project(repository)
    with tariff_of(repository, billed_at, billed_hash) as tariff:
        row = tariff.row(RECURRING_CHARGES, "RC-0001")
        assert str(row) == "RC-0001 (seeds/tariff/recurring_charges.csv, line 2)"
    raise_price(repository)
    commit(repository.project_root)
    with tariff_of(repository, billed_at, billed_hash) as tariff:
        assert tariff.is_exact
        row = tariff.row(RECURRING_CHARGES, "RC-0001")
        assert row.values["amount"] == "4.990000"
        assert str(row) == (
            f"RC-0001 (seeds/tariff/recurring_charges.csv, line 2) at commit {str(billed_at)[:12]}"
        )
        assert tariff.row(RECURRING_CHARGES, "RC-0999").line_number is None
    with tariff_of(repository, *describe_project(repository)) as tariff:
        row = tariff.row(RECURRING_CHARGES, "RC-0001")
        assert (row.line_number, row.values["amount"], row.where) == (3, "5.990000", "")


@pytest.mark.parametrize("is_known", [True, False])
def test_a_tariff_that_nobody_committed_is_told_by_todays_rows(
    repository: Settings, is_known: bool
) -> None:
    billed_at, _ = describe_project(repository)
    raise_price(repository)
    with tariff_of(repository, billed_at if is_known else "0" * 40, "another hash") as tariff:
        assert not tariff.is_exact
        assert tariff.row(RECURRING_CHARGES, "RC-0001").values["amount"] == "5.990000"


def tariff(tmp_path: Path, **files: str) -> Tariff:
    folder = tmp_path / "seeds" / "tariff"
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text)
    return Tariff(tmp_path / "seeds")


def rate(**values: str) -> TariffRow:
    known = {"initial_increment": "60", "additional_increment": "30"}
    return TariffRow("UR-1", f"seeds/{USAGE_RATES}", 2, {**known, **values})


def segment(**values: Any) -> dict[str, Any]:
    return {
        "service": "voice",
        "segment_number": 1,
        "segment_started_at": datetime(2026, 10, 1, 15, 0, tzinfo=UTC),
        "allowance_scope_id": None,
        "usage_rate_id": "UR-1",
        "measured_units": 61,
        "units": 90,
        "free_units": 0,
        "charged_units": 90,
        "rate_amount": Decimal("0.12"),
        "per_units": 60,
        "connect_amount": Decimal(0),
        "rated_amount": Decimal("0.18"),
        **values,
    }


def test_a_call_is_increments_price_and_connect_fee(tmp_path: Path) -> None:
    text = record_text(
        segment(connect_amount=Decimal("0.05"), rated_amount=Decimal("0.23")),
        rate(),
        tariff(tmp_path),
    )
    assert text == (
        "61 s in increments of 60/30 = 90; 90 x 0.120000 / 60 + 0.050000 connect fee = 0.230000"
    )


def test_what_is_over_a_fair_use_limit_has_its_price(tmp_path: Path) -> None:
    limits = "fair_use_limit_id,quantity,rate_amount,per_units\nFU-1,60,0.030000,60\n"
    over = segment(over_limit_units=60, fair_use_limit_id="FU-1", rated_amount=Decimal("0.09"))
    text = record_text(over, rate(), tariff(tmp_path, fair_use_limits=limits))
    assert text == (
        "61 s in increments of 60/30 = 90; 30 x 0.120000 / 60 + 60 x 0.030000 / 60 over the fair"
        " use limit FU-1 (seeds/tariff/fair_use_limits.csv, line 2) = 0.090000"
    )
    within = segment(over_limit_units=0, fair_use_limit_id="FU-1")
    assert "fair use" not in record_text(within, rate(), tariff(tmp_path / "x"))


def test_free_units_and_a_later_part_are_said(tmp_path: Path) -> None:
    partly = segment(
        segment_number=2,
        free_units=60,
        charged_units=30,
        allowance_scope_id="national",
        rated_amount=Decimal("0.06"),
    )
    assert record_text(partly, rate(), tariff(tmp_path)) == (
        "part from 15:00:00 UTC: 61 s in increments of 60/30 = 90; "
        "- 60 free (national) = 30; 30 x 0.120000 / 60 = 0.060000"
    )
    wholly = segment(free_units=90, charged_units=0, rated_amount=Decimal(0))
    assert record_text(wholly, rate(), tariff(tmp_path / "x")).endswith(
        "- 90 free (allowances) = 0; nothing to charge = 0.000000"
    )


def test_bounds_and_rounding_are_said_where_they_changed_the_amount(tmp_path: Path) -> None:
    bounded = rate(
        minimum_amount="0.25", maximum_amount="3", rounding_method="up", rounding_decimals="2"
    )
    text = record_text(segment(rated_amount=Decimal("0.25")), bounded, tariff(tmp_path))
    assert text.endswith(
        "90 x 0.120000 / 60; of the whole event at least 0.25, at most 3 (free), "
        "rounded up to 2 decimals = 0.250000"
    )
    untouched = record_text(segment(), bounded, tariff(tmp_path / "x"))
    assert untouched.endswith("90 x 0.120000 / 60 = 0.180000")


def test_steps_of_a_call_come_with_their_lines(tmp_path: Path) -> None:
    steps = (
        "usage_rate_step_id,usage_rate_id,from_units,rate_amount,per_units,increment\n"
        "ST-1,UR-1,0,0.20,60,1\nST-2,UR-2,0,9,60,1\nST-3,UR-1,60,0.10,60,1\n"
    )
    text = record_text(segment(), rate(), tariff(tmp_path, usage_rate_steps=steps))
    assert "(steps of the call: from 0 0.20 per 60, line 2; from 60 0.10 per 60, line 4)" in text


def test_tiers_are_the_price_after_less_the_price_before(tmp_path: Path) -> None:
    tiers = (
        "price_tier_id,price_tier_set_id,up_to,rate_amount,per_units,flat_amount\n"
        "T-1,graduated,100,0.10,1,5.00\nT-2,graduated,,0.05,1,0\n"
    )
    text = record_text(
        segment(
            price_tier_set_id="graduated",
            counted_units_before=80,
            counted_units=170,
            rated_amount=Decimal("5.5"),
        ),
        rate(),
        tariff(tmp_path, price_tiers=tiers),
    )
    assert text.endswith(
        "price of 170 counted in the period - price of 80 before it (tiers graduated: "
        "up to 100 0.10 per 1 + 5.00, line 2; up to no end 0.05 per 1, line 3) = 5.500000"
    )


def test_a_record_says_by_which_zone_country_and_network_it_got_its_rate() -> None:
    tariff = Tariff(PROJECT / "seeds")
    segment = {"zone_id": "roaming_eu", "country_code": "ES", "serving_network": "21401"}
    assert place_text(segment, tariff) == (
        "zone roaming_eu (Roaming in the EU), country ES, network 21401"
    )
    assert place_text({**segment, "zone_id": "gone", "serving_network": None}, tariff) == (
        "zone gone, country ES"
    )


def test_a_count_of_one_is_singular() -> None:
    assert [counted(number, "record") for number in (0, 1, 2, 1000)] == [
        "0 records",
        "1 record",
        "2 records",
        "1,000 records",
    ]


@pytest.mark.parametrize(("direction", "way"), [("incoming", "from"), ("outgoing", "to")])
def test_a_record_is_named_by_its_file_and_its_own_id(direction: str, way: str) -> None:
    record = ExplainedRecord(
        file_name="usage.csv",
        record_number=378,
        record_id="msc01-7",
        started_local="2026-10-01 10:00:00",
        direction=direction,
        other_number="+49160xxx",
        place="zone national",
        arithmetic="60 s = 0.1",
        rated_amount=Decimal("0.1"),
        tariff_row="UR-1 (seeds/tariff/usage_rates.csv, line 2)",
    )
    assert record_lines(record) == [
        f"      2026-10-01 10:00:00 {way} +49160xxx: 60 s = 0.1",
        "        zone national; UR-1 (seeds/tariff/usage_rates.csv, line 2)",
        "        record 378 of usage.csv, record_id msc01-7",
    ]
    assert record_lines(replace(record, record_id="", other_number="")) == [
        "      2026-10-01 10:00:00: 60 s = 0.1",
        "        zone national; UR-1 (seeds/tariff/usage_rates.csv, line 2)",
        "        record 378 of usage.csv",
    ]
