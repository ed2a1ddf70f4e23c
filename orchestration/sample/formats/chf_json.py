"""5G charging data in JSON (TS 32.291): a request when a session begins, and one of what was used.

Some containers say what went up and down, some the total, and some both, which is told once.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from orchestration.sample.formats.events import Event, UsageFile, Writer, sessions_of


def tells(event: Event) -> Event | None:
    """Return a data session at home; abroad the partner bills it."""
    if event.service != "data" or not event.is_at_home:
        return None
    return event._replace(record_id=None)


def write(file: UsageFile, path: Path) -> None:
    """Write an array of the requests; a rating group has a container for each part of it."""
    requests = []
    for parts in sessions_of(file.events):
        begun = _begun(file.node, parts[0])
        groups = dict.fromkeys(part.rating_group for part in parts)
        units = [
            {
                "ratingGroup": int(group or 0),
                "usedUnitContainer": [
                    _used(number, part)
                    for number, part in enumerate(parts, 1)
                    if part.rating_group == group
                ],
            }
            for group in groups
        ]
        reported = {**begun, "invocationSequenceNumber": 1, "multipleUnitUsage": units}
        requests += [begun, reported]
    path.write_text(json.dumps(requests, indent=file.sequence % 2 or None), encoding="utf-8")


def _begun(node: str, first: Event) -> dict[str, Any]:
    network = {"mcc": first.serving_network[:3], "mnc": first.serving_network[3:]}
    return {
        "subscriberIdentifier": f"imsi-{first.imsi}",
        "nfConsumerIdentification": {"nFName": node, "nodeFunctionality": "SMF"},
        "invocationSequenceNumber": 0,
        "pDUSessionChargingInformation": {
            "chargingId": first.session_number,
            "userInformation": {"servedGPSI": f"msisdn-{first.identifier}"},
            "pduSessionInformation": {"servingCNPlmnId": network, "dnnId": "internet"},
        },
    }


def _used(number: int, part: Event) -> dict[str, Any]:
    ways = {
        "uplinkVolume": part.volume_uplink_bytes,
        "downlinkVolume": part.volume_downlink_bytes,
    }
    total = {"totalVolume": part.volume_bytes}
    volumes: Sequence[dict[str, int]] = (ways, total, ways | total)
    return {
        "localSequenceNumber": number,
        "time": part.duration_seconds,
        "pDUContainerInformation": {"timeofFirstUsage": part.started_at},
        **volumes[part.event_number % 3],
    }


CHF_JSON = Writer("chf_json", tells, write)
