"""A month of usage files with faults put into it: each one is named, and nothing else is."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest
from billing_homes import FIRST_BILL_DATE, PROJECT, Home

from orchestration.passes.completeness import GapError, accept_gaps, read_findings
from orchestration.sample import SampleOptions, make_sample
from orchestration.settings import Settings

pytestmark = pytest.mark.heavy

SUBSCRIBERS = 40
IN_TIME = datetime(2026, 11, 1, 1, 0, tzinfo=UTC)
TOO_LATE = datetime(2026, 12, 2, 1, 0, tzinfo=UTC)


def _project(folder: Path, **changed: dict[str, str]) -> Path:
    """Copy the project with policy seeds changed: file name, old text, new text."""
    project = folder / "project"
    shutil.copytree(
        PROJECT / "dbt_project",
        project / "dbt_project",
        ignore=shutil.ignore_patterns("target", "logs"),
    )
    shutil.copytree(PROJECT / "seeds", project / "seeds")
    for seed, replaced in changed.items():
        path = project / "seeds" / "policy" / f"{seed}.csv"
        text = path.read_text("utf-8")
        for old, new in replaced.items():
            assert old in text
            text = text.replace(old, new)
        path.write_text(text, "utf-8")
    return project


def _usage_file(inbox: Path, node: str, day: int) -> Path:
    return inbox / "usage" / f"usage_{node}_202610{day:02d}_{day:06d}.csv"


Hours = dict[datetime, Fraction]


def _bytes_by_hour(files: Iterable[Path]) -> Hours:
    """Return the bytes of data in files by hour, those of long sessions shared by time."""
    hours: Hours = {}
    seen: set[str] = set()
    for path in files:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row.get("service") == "data"]
        for row in rows:
            if row["record_id"] in seen:
                continue
            seen.add(row["record_id"])
            begins = datetime.fromisoformat(row["started_at"]).astimezone(UTC)
            ends = begins + timedelta(seconds=int(row["duration_seconds"]))
            at = begins
            while at == begins or at < ends:
                hour = at.replace(minute=0, second=0, microsecond=0)
                until = min(ends, hour + timedelta(hours=1))
                share = Fraction(1) if begins == ends else (until - at) / (ends - begins)
                hours[hour] = hours.get(hour, Fraction()) + int(row["volume_bytes"]) * Fraction(
                    share
                )
                at = max(until, hour + timedelta(hours=1))
    return hours


COUNTED_DAYS = (datetime(2026, 10, 5, tzinfo=UTC), datetime(2026, 10, 20, tzinfo=UTC))
HALVED, DOUBLED, LEFT_OUT = (COUNTED_DAYS[0] + timedelta(hours=hour) for hour in (10, 12, 15))


COUNTED = ("period_seconds", "quantity", "other_value", "is_suspect")


def _write_counters(path: Path, hours: Hours) -> None:
    """Write counters of two days in quarters of an hour, three hours of which are put wrong."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            [*("node", "element", "measured_object", "counter", "started_at"), *COUNTED]
        )
        for day in COUNTED_DAYS:
            for hour in (day + timedelta(hours=number) for number in range(24)):
                counted = hours.get(hour, Fraction())
                if hour == LEFT_OUT:
                    continue
                counted = {HALVED: counted / 2, DOUBLED: counted * 2}.get(hour, counted)
                for quarter in range(4):
                    begins = (hour + timedelta(minutes=15 * quarter)).isoformat()
                    quantity = f"{float(counted / 4):.0f}"
                    writer.writerow(
                        ("pgw01", "pgw01", "", "volume_bytes", begins, 900, quantity, "", "false")
                    )


def _at(hour: datetime) -> str:
    return f"pgw01 on {hour.astimezone(ZoneInfo('Europe/Berlin')):%Y-%m-%d %H:%M}"


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """October with one fault of each kind; a file may come 31 days after its day."""
    folder = tmp_path_factory.mktemp("faulty")
    project = _project(
        folder,
        # All files came on 1 November, but for one on 2 December, when the month's last is due.
        expected_files={"1440,,first_file": "1440,744,first_file"},
        # The sample's volumes are small, its bands as wide as those of the demo.
        volume_bands={",0.25,4,,5000,": ",0.25,4,,100,"},
        # Two days are controlled by counters.
        counter_bands={
            "data,*,*,data,nordwind,Europe/Berlin,0.9,1.1,1000000000,36,2000-01-01,\n": "".join(
                f"d{day.day},*,pgw*,data,nordwind,Europe/Berlin,0.9,1.1,1,36,"
                f"{day:%Y-%m-%d},{day + timedelta(days=1):%Y-%m-%d}\n"
                for day in COUNTED_DAYS
            )
        },
    )
    home = Home(Settings(home=folder / "home", project_root=project))
    make_sample(home.settings, SampleOptions(subscribers=SUBSCRIBERS))
    inbox = home.settings.inbox
    _write_counters(
        inbox / "counters" / "pgw01.csv",
        _bytes_by_hour(sorted((inbox / "usage").glob("usage_pgw01_*.csv"))),
    )
    late = _usage_file(inbox, "msc01", 1)
    kept = late.rename(folder / late.name)
    _usage_file(inbox, "msc01", 12).unlink()
    _usage_file(inbox, "pgw01", 20).unlink()
    _usage_file(inbox, "pgw01", 31).unlink()
    shutil.copy(_usage_file(inbox, "msc01", 13), _usage_file(inbox, "msc01", 14))
    _usage_file(inbox, "pgw01", 18).write_text("record,kind\n1,x\n")
    _usage_file(inbox, "pgw01", 19).write_bytes(b"")
    # A node that went quiet: the file is there, with the beginning of what it should hold.
    quiet = _usage_file(inbox, "msc01", 29)
    quiet.write_text("".join(quiet.read_text().splitlines(keepends=True)[:20]))
    # A number left out within the month's last day, and one used for two contents.
    header = _usage_file(inbox, "msc01", 30).read_text().splitlines(keepends=True)
    (inbox / "usage" / "usage_msc01_20261031_000033.csv").write_text(header[0])
    home.collect(IN_TIME)
    _usage_file(inbox, "msc01", 30).write_text("".join(header[:-1]))
    shutil.copy(kept, late)
    home.collect(TOO_LATE)
    home.build(
        "resource_type:seed", "+fct_usage_findings", "+fct_usage_files", "+fct_volume_controls"
    )
    yield home
    home.close()


EXPECTED = {
    ("missing_file", "usage_msc01_20261012_000012.csv", "block"),
    ("missing_file", "usage_pgw01_20261020_000020.csv", "block"),
    ("missing_file", "usage_pgw01_20261031_000031.csv", "block"),
    ("missing_number", "usage_msc01_20261031_000032.csv", "block"),
    ("copied_file", "usage_msc01_20261014_000014.csv", "block"),
    ("refused_file", "usage_pgw01_20261018_000018.csv", "block"),
    ("quiet", "msc01 on 2026-10-29", "block"),
    ("no_usage", "usage_pgw01_20261019_000019.csv", "tell"),
    ("no_usage", "usage_msc01_20261031_000033.csv", "tell"),
    ("repeated_number", "usage_msc01_20261030_000030.csv", "tell"),
    ("late_file", "usage_msc01_20261001_000001.csv", "tell"),
    ("late_file", "usage_msc01_20261030_000030.csv", "tell"),
}


def _whole_inbox(settings: Settings) -> Path:
    """Return the inbox of the same month without a fault."""
    whole = Settings(home=settings.home.parent / "whole", project_root=PROJECT)
    if not whole.inbox.exists():
        make_sample(whole, SampleOptions(subscribers=SUBSCRIBERS))
    return whole.inbox


def _of_counters(settings: Settings) -> tuple[set[tuple[str, str, str]], Hours]:
    """Return what counters find: three hours put wrong, and those of the file that is missing."""
    truth = _bytes_by_hour((_whole_inbox(settings) / "usage").glob("usage_pgw01_*.csv"))
    recorded = _bytes_by_hour(
        path
        for path in (settings.inbox / "usage").glob("usage_pgw01_*.csv")
        if path.stat().st_size > 100
    )
    assert all(truth.get(hour) for hour in (HALVED, DOUBLED, LEFT_OUT))
    lost = {
        hour
        for hour, counted in truth.items()
        if hour.date() == COUNTED_DAYS[1].date() and recorded.get(hour, 0) < counted * 9 / 10
    }
    assert lost
    return {
        ("inflated_volume", _at(HALVED), "block"),
        ("lost_volume", _at(DOUBLED), "block"),
        ("no_counters", _at(LEFT_OUT), "tell"),
        *(("lost_volume", _at(hour), "block") for hour in lost),
    }, recorded


def test_each_fault_of_the_month_is_named_and_nothing_else(faulty: Home) -> None:
    found = read_findings(faulty.settings)
    counters, _ = _of_counters(faulty.settings)
    assert sorted((one.finding, one.subject, one.consequence) for one in found) == sorted(
        EXPECTED | counters
    )
    assert {one.finding_status for one in found if one.consequence == "block"} == {"open"}
    assert {one.finding_status for one in found if one.consequence == "tell"} == {"told"}


def test_the_files_say_what_they_are(faulty: Home) -> None:
    with duckdb.connect(str(faulty.settings.warehouse), read_only=True) as warehouse:
        rows = warehouse.execute(
            "select file_name, node, file_content, file_sequence, cast(file_from as date), is_late"
            " from marts.fct_usage_files where entity = 'usage' and expected_file_id is not null"
        ).fetchall()
        # The file of broken records belongs to no stream: nobody waits for it.
        outside = warehouse.execute(
            "select file_name from marts.fct_usage_files"
            " where entity = 'usage' and expected_file_id is null"
        ).fetchall()
    by_name = {row[0]: row[1:] for row in rows}
    first = date(2026, 10, 1)
    assert by_name["usage_msc01_20261001_000001.csv"] == ("msc01", "usage", 1, first, True)
    assert by_name["usage_pgw01_20261001_000001.csv"] == ("pgw01", "usage", 1, first, False)
    assert by_name["usage_pgw01_20261019_000019.csv"][1] == "no_usage"
    assert len(rows) == 2 * 31 - 3 + 2
    assert outside == [("usage_bad01_20261015_000001.csv",)]


def test_both_sides_of_every_controlled_hour_are_in_the_mart(faulty: Home) -> None:
    _, recorded = _of_counters(faulty.settings)
    with duckdb.connect(str(faulty.settings.warehouse), read_only=True) as warehouse:
        rows = warehouse.execute(
            "select hour_at, verdict, recorded_bytes, counted_bytes, difference_bytes,"
            " finding_id is null from marts.fct_volume_controls"
        ).fetchall()
    by_hour = {row[0].replace(tzinfo=UTC): row[1:] for row in rows}
    for hour, (_, bytes_recorded, *_) in by_hour.items():
        assert abs(bytes_recorded - recorded.get(hour, 0)) < 100
    assert {hour.date() for hour in by_hour} == {day.date() for day in COUNTED_DAYS}
    verdict, bytes_recorded, bytes_counted, difference, is_fine = by_hour[HALVED]
    assert (verdict, is_fine) == ("inflated_volume", False)
    assert difference == bytes_recorded - bytes_counted > 0
    assert by_hour[LEFT_OUT][0] == "no_counters"
    fine = [row for hour, row in by_hour.items() if hour.date() == COUNTED_DAYS[0].date()]
    assert sum(row[0] in ("within", "small") for row in fine) == len(fine) - 3


def test_what_arrives_clears_its_own_gap(faulty: Home, tmp_path: Path) -> None:
    home = faulty.copy(tmp_path / "home")
    whole = _whole_inbox(faulty.settings)
    counters, _ = _of_counters(faulty.settings)
    for node, day in (("msc01", 12), ("msc01", 14), ("pgw01", 18), ("pgw01", 20)):
        shutil.copy(_usage_file(whole, node, day), _usage_file(home.settings.inbox, node, day))
    home.collect(TOO_LATE)
    home.build("+fct_usage_findings")
    home.close()
    found = {(one.finding, one.subject) for one in read_findings(home.settings)}
    mended = {
        ("missing_file", "usage_msc01_20261012_000012.csv"),
        ("copied_file", "usage_msc01_20261014_000014.csv"),
        ("refused_file", "usage_pgw01_20261018_000018.csv"),
        ("missing_file", "usage_pgw01_20261020_000020.csv"),
    }
    # The hours of that day agree with their counters now, which had been there all the time.
    still = {
        ("inflated_volume", _at(HALVED)),
        ("lost_volume", _at(DOUBLED)),
        ("no_counters", _at(LEFT_OUT)),
    }
    # They came after all, but late.
    late = {("late_file", subject) for _, subject in mended}
    assert {(finding, subject) for finding, subject, _ in counters} > still
    named = {(finding, subject) for finding, subject, _ in EXPECTED}
    assert found == named - mended | late | still


@pytest.fixture(scope="module")
def holding(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A month without one data file, where the policy holds accounts, calculated."""
    folder = tmp_path_factory.mktemp("holding")
    project = _project(folder, completeness_policy={"missing_file,*,block": "missing_file,*,hold"})
    home = Home(Settings(home=folder / "home", project_root=project))
    make_sample(home.settings, SampleOptions(subscribers=SUBSCRIBERS))
    _usage_file(home.settings.inbox, "pgw01", 20).unlink()
    home.collect()
    home.calculate(FIRST_BILL_DATE)
    yield home
    home.close()


def _users_of(inbox: Path, node: str) -> set[str]:
    """Return the accounts with an identifier in a file of the node, read from the inbox alone."""
    used: set[str] = set()
    for path in (inbox / "usage").glob(f"usage_{node}_*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            used |= {row["identifier"] for row in csv.DictReader(file)}
    rows: dict[str, list[dict[str, str]]] = {}
    for entity in ("subscription_identifiers", "subscriptions"):
        (path,) = (inbox / entity).glob("*.csv")
        with path.open(encoding="utf-8", newline="") as file:
            rows[entity] = list(csv.DictReader(file))
    accounts = {row["subscription_id"]: row["billing_account_id"] for row in rows["subscriptions"]}
    return {
        accounts[row["subscription_id"]]
        for row in rows["subscription_identifiers"]
        if row["identifier"] in used
    }


def test_a_policy_of_hold_holds_who_used_the_node_and_issues_the_others(holding: Home) -> None:
    with duckdb.connect(str(holding.settings.warehouse), read_only=True) as warehouse:
        rows = warehouse.execute(
            "select billing_account_id, seen from intermediate.int_anomalies__incomplete_usage"
        ).fetchall()
        accounts = {
            row[0]
            for row in warehouse.execute(
                "select billing_account_id from intermediate.int_accounts__decided"
            ).fetchall()
        }
    held = {account for account, _ in rows}
    assert held == _users_of(holding.settings.inbox, "pgw01") & accounts
    assert held
    assert accounts - held
    assert {seen for _, seen in rows} == {"usage_pgw01_20261020_000020.csv: no such file came"}
    with pytest.raises(GapError, match=r"no pass of 2026-11-01 .* waits for usage_pgw01_20261021"):
        accept_gaps(
            holding.settings,
            holding.ledger,
            FIRST_BILL_DATE,
            ["usage_pgw01_20261020_000020.csv", "usage_pgw01_20261021_000021.csv"],
            "the node was down",
        )
    (summary,) = holding.issue(FIRST_BILL_DATE)
    assert summary.held_count >= len(held)
    assert summary.invoice_count == len(accounts) - summary.held_count - summary.nothing_count
    with pytest.raises(GapError, match="nothing of 2026-11-01 waits for usage"):
        accept_gaps(
            holding.settings, holding.ledger, FIRST_BILL_DATE, [], "too late", accept_all=True
        )
