"""The formats that the sample can write beside the house's own CSV, by name."""

from __future__ import annotations

from collections.abc import Mapping

from orchestration.sample.formats.asterisk import ASTERISK_CSV
from orchestration.sample.formats.chf_json import CHF_JSON
from orchestration.sample.formats.csv_file import CSV
from orchestration.sample.formats.events import Writer
from orchestration.sample.formats.flow_export import FLOW_EXPORT
from orchestration.sample.formats.freeswitch import FREESWITCH_CSV, FREESWITCH_XML
from orchestration.sample.formats.parquet_file import PARQUET
from orchestration.sample.formats.radius_detail import RADIUS_DETAIL
from orchestration.sample.formats.tap3 import TAP3
from orchestration.sample.formats.ts32297 import TS32297
from orchestration.sample.formats.ts32298 import TS32298

_ALL: tuple[Writer, ...] = (
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
)

WRITERS: Mapping[str, Writer] = {writer.format: writer for writer in _ALL}
