"""The formats that the inbox takes beside the house CSV, by name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from orchestration.collect.readers.asterisk import ASTERISK_CSV
from orchestration.collect.readers.chf_json import CHF_JSON
from orchestration.collect.readers.csv_file import CSV
from orchestration.collect.readers.flow_export import FLOW_EXPORT
from orchestration.collect.readers.freeswitch import FREESWITCH_CSV, FREESWITCH_XML
from orchestration.collect.readers.nrtrde import NRTRDE
from orchestration.collect.readers.omes import OMES
from orchestration.collect.readers.parquet_file import PARQUET
from orchestration.collect.readers.radius_detail import RADIUS_DETAIL
from orchestration.collect.readers.records import Reader, ReaderOptions
from orchestration.collect.readers.tap3 import TAP3
from orchestration.collect.readers.ts32297 import TS32297
from orchestration.collect.readers.ts32298 import TS32298
from orchestration.collect.readers.ts32435 import TS32435

_ALL: tuple[Reader, ...] = (
    CSV,
    PARQUET,
    ASTERISK_CSV,
    FREESWITCH_CSV,
    FREESWITCH_XML,
    RADIUS_DETAIL,
    FLOW_EXPORT,
    TS32297,
    TS32298,
    TAP3,
    CHF_JSON,
    NRTRDE,
    TS32435,
    OMES,
)

READERS: Mapping[str, Reader] = {reader.format: reader for reader in _ALL}


def describe_formats(seeds_dir: Path) -> str:
    """Return the formats of usage sources as Markdown; some have their fields in the seeds."""
    parts = [
        "## Formats of usage sources\n",
        "Files of these formats become usage by a mapping (docs/collecting.md); of counters the"
        " fields are the columns.\n",
        "| format | becomes | what it is | fields |\n|---|---|---|---|",
    ]
    for name, reader in READERS.items():
        fields = reader.fields(ReaderOptions(seeds_dir))
        shown = "those of the file" if fields is None else ", ".join(sorted(fields))
        parts.append(f"| {name} | {reader.entity} | {reader.description} | {shown} |")
    return "\n".join(parts)
