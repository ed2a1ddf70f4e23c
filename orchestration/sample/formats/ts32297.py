"""Files of 3GPP TS 32.297: a header that says what the file holds, and a header for each record."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final

from orchestration.sample.formats.events import UsageFile, Writer
from orchestration.sample.formats.ts32298 import records_of, tells

# TS 32.297, 6.1.1: the fixed part, then the lengths of filter and private extension.
_HEADER: Final = struct.Struct(">IIBBIIIIB20sBHH")
_RECORD_HEADER: Final = struct.Struct(">HBB")
_RELEASE_15: Final = 0x40
_BER: Final = 0x20
_CLOSED_BY_TIME: Final = 2
_EXACTLY: Final = 128
_FIRST_ADDRESS: Final = IPv4Address("198.51.100.0")


def write(file: UsageFile, path: Path) -> None:
    """Write header and records; the lost-record indicator says how many were lost, exactly."""
    records = list(records_of(file))
    body = b"".join(
        _RECORD_HEADER.pack(len(record), _RELEASE_15, _BER) + record for record in records
    )
    moment = file.day.month << 28 | file.day.day << 23
    node = (_FIRST_ADDRESS + sum(file.node.encode()) % 256).packed
    header = _HEADER.pack(
        *(_HEADER.size + len(body), _HEADER.size, _RELEASE_15, _RELEASE_15, moment, moment),
        *(len(records) + file.declared_beyond, file.sequence, _CLOSED_BY_TIME),
        bytes(10) + b"\xff\xff" + node + bytes(4),
        *(_EXACTLY + file.lost_records if file.lost_records else 0, 0, 0),
    )
    path.write_bytes(header + body)


TS32297 = Writer("ts32297", tells, write)
