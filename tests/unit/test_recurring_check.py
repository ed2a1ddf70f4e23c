"""What `tollhouse check` says of recurring charges, their phases, contracts and bill cycles."""

# ruff: noqa: E501 - a table of cases reads best with one case to a line

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from test_tariff_check import append, edit, found, values

SEEDS = Path(__file__).parents[2] / "seeds"
RECURRING, PHASES = "tariff/recurring_charges.csv", "tariff/price_phases.csv"
TERMS, CYCLES = "tariff/contract_terms.csv", "policy/bill_cycles.csv"
PHASE = "PP-0001,flat_m,plan_fee,plan,0,6,4.990000,EUR,2026-01-01,"


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    """A copy of the house's seeds, to be broken."""
    return Path(shutil.copytree(SEEDS, tmp_path / "seeds"))


@pytest.mark.parametrize(
    ("file", "row", "changed", "expected"),
    [
        (RECURRING, "RC-0002,", {"proration": "hours"}, "allowed: proration 'hours' is none of days, "),
        (RECURRING, "RC-0002,", {"alignment": "birthday"}, "allowed: alignment 'birthday' is none of cycle, "),
        (RECURRING, "RC-0002,", {"alignment": "renewal"}, "charge_without_interval: recurring_charge_id 'RC-0002': its own alignment needs interval_months or interval_weeks"),
        (RECURRING, "RC-0002,", {"interval_months": "1", "interval_weeks": "4"}, "charge_without_interval: recurring_charge_id 'RC-0002': one interval: interval_months or interval_weeks"),
        (RECURRING, "RC-0002,", {"interval_months": "0"}, "positive: interval_months is 0, must be above 0"),
        (RECURRING, "RC-0002,", {"interval_months": "61"}, "charge_without_interval: recurring_charge_id 'RC-0002': an interval is at most five years"),
        (RECURRING, "RC-0002,", {"trial_days": "-1"}, "negative: trial_days is -1, must not be negative"),
        (CYCLES, "nordwind,monthly_1,", {"interval_months": ""}, "cycle_without_interval: bill_cycle_id 'monthly_1': a cycle has one interval: interval_months or interval_weeks"),
        (CYCLES, "nordwind,monthly_1,", {"interval_weeks": "1"}, "cycle_without_interval: bill_cycle_id 'monthly_1': a cycle has one interval: interval_months or interval_weeks"),
        (CYCLES, "nordwind,monthly_1,", {"interval_months": "", "interval_weeks": "1", "anchor_day": "8"}, "cycle_without_interval: bill_cycle_id 'monthly_1': a cycle counts weeks: anchor_day is a weekday, 1 (Monday) to 7"),
        (CYCLES, "nordwind,monthly_1,", {"anchor_day": "32"}, "cycle_without_interval: bill_cycle_id 'monthly_1': a cycle has an anchor_day of 1 to 31"),
        (CYCLES, "nordwind,monthly_1,", {"anchor_month": "13"}, "cycle_without_interval: bill_cycle_id 'monthly_1': a cycle has an anchor_month of 1 to 12"),
    ],
)  # fmt: skip
def test_a_recurring_charge_or_cycle_that_nobody_can_bill_is_named(
    seeds: Path, file: str, row: str, changed: dict[str, str], expected: str
) -> None:
    line = edit(seeds, file, row, values(seeds, file, row, **changed))
    problems = [one for one in found(seeds) if one.startswith(f"seeds/{file}:{line}: {expected}")]
    assert len(problems) == 1, found(seeds)


def test_intervals_at_their_limits_are_sound(seeds: Path) -> None:
    changed = {"interval_months": "60", "alignment": "renewal", "trial_days": "0"}
    edit(seeds, RECURRING, "RC-0002,", values(seeds, RECURRING, "RC-0002,", **changed))
    weekly = {"interval_months": "", "interval_weeks": "260", "anchor_day": "7"}
    edit(
        seeds,
        CYCLES,
        "nordwind,monthly_31,",
        values(seeds, CYCLES, "nordwind,monthly_31,", **weekly),
    )
    assert found(seeds) == []


def test_phases_that_follow_each_other_are_sound_and_overlapping_ones_are_not(seeds: Path) -> None:
    append(seeds, PHASES, PHASE)
    line = append(seeds, PHASES, PHASE.replace("PP-0001", "PP-0002").replace(",0,6,", ",6,,"))
    assert found(seeds) == []
    edit(seeds, PHASES, "PP-0002,", PHASE.replace("PP-0001", "PP-0002").replace(",0,6,", ",5,,"))
    assert found(seeds) == [
        f"seeds/{PHASES}:{line}: phases_overlap: plan_id 'flat_m', charge_code 'plan_fee':"
        f" month 5 is in the phase of line {line - 1} too"
    ]
    edit(seeds, PHASES, "PP-0002,", PHASE.replace("PP-0001", "PP-0002").replace(",0,6,", ",6,6,"))
    assert found(seeds) == [
        f"seeds/{PHASES}:{line}: phases_overlap: to_month 6 is not after from_month 6"
    ]


def test_a_fee_for_leaving_needs_a_rule_and_its_name_on_the_invoice(seeds: Path) -> None:
    row = "two_years,Two years,Zwei Jahre,24,per_remaining_month,10.000000,EUR,S,2026-01-01,"
    line = append(seeds, TERMS, row)
    assert found(seeds) == []
    edit(seeds, TERMS, "two_years,", row.replace("per_remaining_month", "half"))
    assert found(seeds)[0].startswith(f"seeds/{TERMS}:{line}: allowed: fee_rule 'half' is none of ")
    edit(seeds, TERMS, "two_years,", row)
    codes = seeds / "tariff/charge_codes.csv"
    codes.write_text(codes.read_text().replace("early_termination,", "leaving,"))
    assert found(seeds) == [
        f"seeds/{TERMS}:{line}: rule_without_charge_code: there is no charge code early_termination"
        " of type one_off for it to stand on the invoice under"
    ]
