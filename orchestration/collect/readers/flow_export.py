"""Flow exports: NetFlow v5, v9 and IPFIX, out of a capture (pcap) or one message after the other.

The messages are decoded by `netflume`. A flow's fields are those that the exporter sent, under the
names of netflume, and what is made of them:

- `flow_id`: exporter, domain, export time, sequence and place in the message;
- `started_ms` (epoch milliseconds) and `lasted_seconds`;
- `volume_bytes`: its octets, both ways where the flow is one of two (RFC 5103), times the rate at
  which the exporter samples;
- `subscriber_addr`: the side that is the subscriber's: the source of what comes in at an interface
  (`direction` 0), the destination of what goes out (1), else the one side that is a private
  address; then `uplink_bytes` and `downlink_bytes` too;
- `user_name`: who the exporter says it is (element 371).

What an exporter counts on in its sequence numbers tells how many were lost on the way.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

from netflume import Decoder, TemplateLearned, flow_duration, flow_timestamp

from orchestration.collect.readers.records import (
    BrokenRecord,
    FileFacts,
    Item,
    NativeRecord,
    Reader,
    ReaderOptions,
    RefusedFile,
)

FORMAT: Final = "flow_export"
USER_NAME: Final = "ie371"
REVERSE_OCTETS: Final = "e29305.1"
_V5, _V9, _IPFIX = 5, 9, 10
_HEADERS: Final = {_V5: 24, _V9: 20, _IPFIX: 16}
_V5_RECORD: Final = 48
_TEMPLATES: Final = {_V9: (0, 1), _IPFIX: (2, 3)}
_FIRST_DATA_SET: Final = 256
_LONGEST: Final = 1 << 16
_PCAP: Final = {
    b"\xd4\xc3\xb2\xa1": "<",
    b"\xa1\xb2\xc3\xd4": ">",
    b"\x4d\x3c\xb2\xa1": "<",
    b"\xa1\xb2\x3c\x4d": ">",
}
_PCAP_HEADER, _PACKET_HEADER = 24, 16
# How long the header of the link is, and what it says that the rest is: Ethernet, raw, Linux' own.
_LINKS: Final = {1: 14, 101: 0, 113: 16}
_IPV4, _IPV6, _UDP = 4, 6, 17
_SHARED: Final = ip_network("100.64.0.0/10")


class Datagram(NamedTuple):
    """One message of an exporter (empty: the file does not say whose), or why it is none."""

    position: int
    exporter: str
    content: bytes
    rule: str = ""
    reason: str = ""


def read(path: Path, _options: ReaderOptions) -> Iterator[Item]:
    """Yield a record per flow, and what the exporter's sequence numbers say was lost.

    A message that cannot be decoded is one broken record, as is one with data whose template is
    nowhere in the file, or whose end is missing, behind the flows that it has.
    """
    decoder = Decoder()
    decoder.templates = _templates_of(path)
    number = lost = 0
    exporters: set[str] = set()
    opened_at: datetime | None = None
    for datagram in _datagrams(path):
        before = decoder.stats["deferred"], decoder.stats["truncated"]
        message = None
        if not datagram.rule:
            message = decoder.decode(datagram.content, datagram.exporter)
        if message is None:
            number += 1
            reason = datagram.reason or _why(decoder)
            rule = datagram.rule or "undecodable"
            yield BrokenRecord(number, datagram.position, rule, reason, datagram.content)
            continue
        lost += message.gap
        if len(exporters) < 2:
            exporters.add(datagram.exporter)
        opened_at = opened_at or _instant(message.header.get("unix_secs"))
        for index, flow in enumerate(message.flows, 1):
            number += 1
            fields = _fields(flow, message.header, message.sampling_rate, index)
            yield NativeRecord(number, datagram.position, fields, datagram.content)
        deferred, truncated = decoder.stats["deferred"], decoder.stats["truncated"]
        for rule, reason, is_so in (
            ("no_template", "it has data whose template is not in the file", deferred > before[0]),
            ("cut_off", "it ends before what it declares", truncated > before[1]),
        ):
            if is_so:
                number += 1
                yield BrokenRecord(number, datagram.position, rule, reason, datagram.content)
        decoder.take_events()
    node = next(iter(exporters)) if len(exporters) == 1 else None
    yield FileFacts(
        node_id=node or None,
        lost_records=lost,
        lost_records_are="at_least" if lost else "exact",
        opened_at=opened_at,
    )


def _why(decoder: Decoder) -> str:
    said = [str(getattr(event, "detail", "")) for event in decoder.take_events()]
    return said[-1] if said else "no message of NetFlow or IPFIX"


def _instant(seconds: int | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None) if seconds else None


def _fields(
    flow: Mapping[str, Any], header: Mapping[str, Any], rate: int, index: int
) -> dict[str, str]:
    exporter, domain = header.get("exporter") or "", header.get("domain")
    exported = header.get("unix_secs") or 0
    fields = {name: str(value) for name, value in flow.items() if value not in (None, "")}
    parts = (exporter, domain, exported, header.get("sequence"), index)
    fields["flow_id"] = "-".join(str(part) for part in parts if part not in (None, ""))
    if exporter:
        fields["exporter"] = exporter
    # The export time stands for the clock that a start of long ago is told from.
    fields["started_ms"] = str(round(flow_timestamp(flow, header, now=exported) * 1_000))
    lasted = flow_duration(flow)
    if lasted is not None:
        fields["lasted_seconds"] = f"{lasted:.3f}"
    if USER_NAME in fields:
        fields["user_name"] = _text(fields[USER_NAME])
    fields["sampling_rate"] = str(rate)
    forth = flow.get("octets", flow.get("octets_total"))
    if forth is None:
        return fields
    back = _number(flow.get(REVERSE_OCTETS))
    forth, back = int(forth) * rate, back * rate
    fields["volume_bytes"] = str(forth + back)
    is_source = _subscriber_is_source(flow)
    if is_source is not None:
        up, down = (forth, back) if is_source else (back, forth)
        fields["uplink_bytes"], fields["downlink_bytes"] = str(up), str(down)
        for name, side in (
            ("subscriber_addr", "src_addr" if is_source else "dst_addr"),
            ("other_addr", "dst_addr" if is_source else "src_addr"),
        ):
            if side in fields:
                fields[name] = fields[side]
    return fields


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _text(value: str) -> str:
    """Return a name that netflume, which does not know its element, gives as hex digits."""
    try:
        return bytes.fromhex(value).decode("utf-8", "backslashreplace").strip("\0 ")
    except ValueError:
        return value


def _subscriber_is_source(flow: Mapping[str, Any]) -> bool | None:
    direction = flow.get("direction")
    if direction in (0, 1):
        return bool(direction == 0)
    is_source = _is_inside(flow.get("src_addr"))
    return is_source if is_source != _is_inside(flow.get("dst_addr")) else None


@lru_cache(maxsize=65_536)
def _is_inside(address: object) -> bool:
    """Return whether an address is private, or one of those behind a carrier's own NAT."""
    try:
        found = ip_address(str(address))
    except ValueError:
        return False
    return found.is_private or (found.version == _IPV4 and found in _SHARED)


# Templates


def _templates_of(path: Path) -> Any:
    """Return the templates of a file: data may come before the template that says what it is.

    Up to the first that is another than before: from there on the order counts.
    """
    learner = Decoder(track_sequence=False, track_sampling=False)
    for datagram in _datagrams(path):
        if datagram.rule or not _has_templates(datagram.content):
            continue
        learner.decode(datagram.content, datagram.exporter)
        learned = [one for one in learner.take_events() if isinstance(one, TemplateLearned)]
        if any(one.previous is not None for one in learned):
            fresh = Decoder()
            return fresh.templates
    return learner.templates


def _has_templates(message: bytes) -> bool:
    version = int.from_bytes(message[:2], "big")
    wanted = _TEMPLATES.get(version, ())
    return any(number in wanted for number, _ in _sets(message, _HEADERS.get(version, 0)))


def _sets(message: bytes, at: int) -> Iterator[tuple[int, int]]:
    """Yield the number and end of each set of a message."""
    while at + 4 <= len(message):
        number, length = struct.unpack_from(">HH", message, at)
        if length < 4:
            return
        at += length
        yield number, at


# Messages


def _datagrams(path: Path) -> Iterator[Datagram]:
    with path.open("rb") as stream:
        first = stream.read(_PCAP_HEADER)
        order = _PCAP.get(first[:4])
        if order:
            yield from _captured(stream, first, order)
        elif int.from_bytes(first[:2], "big") in _HEADERS:
            stream.seek(0)
            yield from _joined(stream)
        else:
            raise RefusedFile("not_flows", "neither a capture (pcap) nor NetFlow v5, v9 or IPFIX")


def _joined(stream: BinaryIO) -> Iterator[Datagram]:
    """Yield messages that follow each other: each says how long it is, or its sets do."""
    data, position = b"", 0
    while True:
        data += stream.read(2 * _LONGEST - len(data))
        if not data:
            return
        length = _length(data)
        if length is None or length > len(data):
            reason = "no message begins here" if length is None else "the file ends within it"
            rule = "bad_message" if length is None else "cut_off"
            yield Datagram(position, "", data[:_LONGEST], rule, reason)
            return
        yield Datagram(position, "", data[:length])
        data, position = data[length:], position + length


def _length(data: bytes) -> int | None:
    """Return the length of the message that begins `data`; none if none does."""
    if len(data) < _HEADERS[_IPFIX]:
        return None
    version, told = struct.unpack_from(">HH", data)
    if version == _V5:
        return _HEADERS[_V5] + _V5_RECORD * told if told else None
    if version == _IPFIX:
        return told if told >= _HEADERS[_IPFIX] else None
    if version != _V9:
        return None
    end = _HEADERS[_V9]
    for number, behind in _sets(data[:_LONGEST], end):
        # A set is numbered 0, 1 or from 256 on: 9 is the version of the next message.
        if number > 1 and number < _FIRST_DATA_SET:
            break
        end = behind
    return end


def _captured(stream: BinaryIO, header: bytes, order: str) -> Iterator[Datagram]:
    """Yield the UDP datagrams of a capture with their sender."""
    if len(header) < _PCAP_HEADER:
        raise RefusedFile("cut_off", "the capture ends within its header")
    (link,) = struct.unpack_from(f"{order}I", header, 20)
    if link & 0xFFFF not in _LINKS:
        raise RefusedFile("unknown_link", f"a capture of link type {link}")
    position = _PCAP_HEADER
    while head := stream.read(_PACKET_HEADER):
        length = struct.unpack_from(f"{order}I", head, 8)[0] if len(head) == _PACKET_HEADER else -1
        if not 0 <= length <= 4 * _LONGEST:
            reason = "the frame of a packet is lost here"
            yield Datagram(position, "", head + stream.read(_LONGEST), "bad_packet", reason)
            return
        packet = stream.read(length)
        if len(packet) < length:
            yield Datagram(position, "", packet, "cut_off", "the capture ends within a packet")
            return
        yield _payload(position, packet, _LINKS[link & 0xFFFF])
        position += _PACKET_HEADER + length


def _payload(position: int, packet: bytes, link_length: int) -> Datagram:
    """Return the payload of a UDP packet, whole."""
    network = packet[link_length:]
    # A tag of a virtual network stands before what the packet is.
    while link_length and packet[link_length - 2 : link_length] in (b"\x81\x00", b"\x88\xa8"):
        link_length += 4
        network = packet[link_length:]
    version = network[0] >> 4 if network else 0
    if version == _IPV4 and len(network) >= 20:
        start, protocol = 4 * (network[0] & 15), network[9]
        is_whole = not struct.unpack_from(">H", network, 6)[0] & 0x3FFF
        sender = ".".join(map(str, network[12:16]))
    elif version == _IPV6 and len(network) >= 40:
        start, protocol, is_whole = 40, network[6], True
        groups = struct.unpack_from(">8H", network, 8)
        sender = ":".join(f"{group:x}" for group in groups)
    else:
        return Datagram(position, "", packet, "no_datagram", "no packet of IP")
    if protocol != _UDP or not is_whole or len(network) < start + 8:
        return Datagram(position, "", packet, "no_datagram", "no whole datagram of UDP")
    (length,) = struct.unpack_from(">H", network, start + 4)
    content = network[start + 8 : start + length]
    if len(content) < length - 8 or length < 8:
        return Datagram(position, "", packet, "cut_off", "the packet was not captured whole")
    return Datagram(position, sender, content)


FLOW_EXPORT = Reader(
    FORMAT,
    "NetFlow v5 and v9 and IPFIX: a capture (pcap) of the exporter's datagrams, or its messages one"
    " behind the other (RFC 5655).",
    read,
    lambda _: None,
)
