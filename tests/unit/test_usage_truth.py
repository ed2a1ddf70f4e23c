"""The same truth through every format: the same usage lands, with the guide's own mappings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from usage_home import COLUMNS, RECEIVED, ROOT, landed, make_home, put
from usage_truth import (
    Usage,
    Writer,
    asterisk,
    calls,
    chf_json,
    foreign_csv,
    freeswitch_csv,
    freeswitch_xml,
    house_csv,
    parquet,
    radius_detail,
    sessions,
)

from orchestration.collect.inbox import collect_inbox, describe_rejects
from orchestration.collect.readers.registry import READERS
from orchestration.collect.seed_check import check_usage_sources
from orchestration.settings import Settings

COUNT = 300
FOREIGN = """
usage_sources
foreign,Foreign CSV,csv,Europe/Berlin,,49,00,0,,semicolon,
usage_source_fields
foreign,record_id,id,,,
foreign,service,kind,,,
foreign,direction,way,,,
foreign,identifier,a,,dialled,
foreign,other_number,b,,dialled,
foreign,started_at,begin,,%d.%m.%Y %H:%M:%S,
foreign,duration_seconds,ms,,milliseconds,
foreign,volume_bytes,kb,,kilobytes,
foreign,volume_bytes,rest,,bytes,
foreign,serving_network,,26299,,
usage_source_values
"""
PARQUET = """
usage_sources
columns,Parquet,parquet,,,,,,,,
usage_source_fields
columns,record_id,id,,,
columns,service,kind,,,
columns,direction,way,,,
columns,identifier,a,,,
columns,other_number,b,,,
columns,started_at,begin,,,
columns,duration_seconds,seconds,,,
columns,volume_bytes,bytes,,,
columns,serving_network,,26299,,
usage_source_values
"""
OFFSETLESS = {"parquet"}
SAMPLES: Mapping[str, tuple[Writer, str]] = {
    "csv": (foreign_csv, FOREIGN),
    "parquet": (parquet, PARQUET),
    "asterisk_csv": (asterisk, ""),
    "freeswitch_csv": (freeswitch_csv, ""),
    "freeswitch_xml": (freeswitch_xml, ""),
    "radius_detail": (radius_detail, ""),
    "chf_json": (chf_json, ""),
}
# The formats that carry data sessions and no calls.
OF_SESSIONS = {"radius_detail", "chf_json"}
CASES = [
    *((name, "voice") for name in SAMPLES if name not in OF_SESSIONS),
    *((name, "data") for name in ("csv", "parquet", *sorted(OF_SESSIONS))),
]


def guided(name: str) -> str:
    """Return the mapping that the guide gives for a format, else the one that is set up."""
    text = (ROOT / "docs" / "collecting.md").read_text("utf-8")
    blocks = [
        str(found)
        for found in re.findall(r"```\n(usage_sources\n.*?)```", text, re.DOTALL)
        if f",{name}," in found
    ]
    (block,) = blocks or [_set_up(name)]
    return block


def _set_up(name: str) -> str:
    """Return the rows that the seeds have for the one source of a format."""
    lines = {
        seed: (ROOT / "seeds" / "policy" / f"{seed}.csv").read_text("utf-8").splitlines()
        for seed in COLUMNS
    }
    (source,) = (one.split(",")[0] for one in lines["usage_sources"] if f",{name}," in one)
    own = {
        seed: [one for one in rows if one.startswith(f"{source},")] for seed, rows in lines.items()
    }
    return "\n".join(line for seed, rows in own.items() for line in (seed, *rows))


def home_of(folder: Path, mapping: str) -> tuple[Settings, str]:
    """Return a home whose seeds are a mapping's rows, and its folder of the inbox."""
    settings = make_home(folder, [{"source_id": "none"}], "")
    seed = ""
    rows: dict[str, list[str]] = {name: [",".join(columns)] for name, columns in COLUMNS.items()}
    for line in mapping.strip().splitlines():
        seed = line if line in rows else seed
        if line not in rows:
            rows[seed].append(line)
    for name, lines in rows.items():
        path = settings.seeds / "policy" / f"{name}.csv"
        path.write_text("\n".join(lines) + "\n")
    return settings, rows["usage_sources"][1].partition(",")[0]


SHOWN = (
    "service, direction, identifier, other_number, cast(started_at as varchar),"
    " utc_offset_minutes, duration_seconds, volume_bytes, serving_network"
)


@pytest.mark.parametrize(("name", "service"), CASES)
def test_the_same_truth_in_any_format_is_the_same_usage(
    tmp_path: Path, name: str, service: str
) -> None:
    truth: list[Usage] = calls(COUNT) if service == "voice" else sessions(COUNT)
    writer, mapping = SAMPLES[name]
    house, _ = home_of(tmp_path / "house", FOREIGN)
    house_csv(truth, put(house, "usage", "truth.csv", b""))
    settings, folder = home_of(tmp_path / "native", mapping or guided(name))
    assert check_usage_sources(settings.seeds) == []
    writer(truth, put(settings, folder, "native_1", b""))
    (expected,) = collect_inbox(house, RECEIVED)
    (row,) = collect_inbox(settings, RECEIVED)
    assert describe_rejects(settings) == []
    assert (row.rows_landed, row.records_rejected) == (expected.rows_landed, 0) == (COUNT, 0)
    assert row.records_read == row.records_accepted + row.records_filtered
    assert row.duration_seconds == expected.duration_seconds
    assert row.volume_bytes == expected.volume_bytes
    # Parquet keeps an instant without the offset that it was written with.
    shown = SHOWN.replace("utc_offset_minutes", "null") if name in OFFSETLESS else SHOWN
    assert sorted(landed(settings, shown), key=str) == sorted(landed(house, shown), key=str)
    ids = {one for (one,) in landed(settings, "record_id")}
    if name in ("asterisk_csv", "chf_json"):
        ids = {"-".join(one.split("-")[:2]) for one in ids}
    assert ids == {row.record_id for row in truth}


# What another encoder has to write: test_network_files.py takes the sample's truth through them.
ELSEWHERE = {"ts32297", "ts32298", "tap3"}


def test_every_format_has_its_truth() -> None:
    """A new format comes with its writer here, or with a test of the same truth elsewhere."""
    usage_formats = {name for name, reader in READERS.items() if reader.entity == "usage"}
    assert set(SAMPLES) | ELSEWHERE == usage_formats
