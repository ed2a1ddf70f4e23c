"""The formats that the inbox takes beside the house CSV, by name."""

from __future__ import annotations

from collections.abc import Mapping

from orchestration.collect.readers.records import Reader

_ALL: tuple[Reader, ...] = ()

READERS: Mapping[str, Reader] = {reader.format: reader for reader in _ALL}
