"""Files that should not have come, beside those that should: what each must be told as."""

from __future__ import annotations

from pathlib import Path

HEADER = (
    "record_id,service,direction,identifier,other_number,started_at,duration_seconds,"
    "volume_bytes,serving_network\n"
)
GOOD = "{id},voice,outgoing,4915900000911,4915112345678,2026-10-16T08:00:00Z,60,0,26299\n"
STRANGE_NAME = "a';drop table x;--\"<b>bad & \nline.csv"

# file name: content, then what a reject must say as (line, rule)
REJECTED_RECORDS: dict[str, tuple[str, tuple[int, str]]] = {
    "bad_timestamp.csv": (
        HEADER
        + GOOD.format(id="bad-t1")
        + GOOD.format(id="bad-t2").replace("2026-10-16T08:00:00Z", "2026-10-16 08h"),
        (3, "invalid_started_at"),
    ),
    "negative_duration.csv": (
        HEADER + GOOD.format(id="bad-n1").replace(",60,", ",-60,") + GOOD.format(id="bad-n2"),
        (2, "negative_duration"),
    ),
    "truncated.csv": (
        HEADER + GOOD.format(id="bad-c1") + GOOD.format(id="bad-c2")[:50],
        (3, "cut_off"),
    ),
}
# A call that came before, spelled otherwise; and one whose id came before with other values.
SENT_AGAIN = {
    "sent_again.csv": HEADER
    + GOOD.format(id="bad-t1").replace("08:00:00Z", "10:00:00+02:00")
    + GOOD.format(id="bad-n2").replace(",60,", ",61,")
}
REFUSED_FILES: dict[str, tuple[str, str]] = {
    "wrong_header.csv": (HEADER.replace("duration_seconds", "seconds") + "x\n", "duration_seconds"),
    STRANGE_NAME: ("<script>alert(1)</script>\n", "header"),
}
DIRECTORY = "folder.csv"


def write(inbox: Path) -> None:
    """Put all of them in the inbox of usage."""
    folder = inbox / "usage"
    (folder / DIRECTORY).mkdir(parents=True)
    for name, (content, _) in (REJECTED_RECORDS | REFUSED_FILES).items():  # type: ignore[operator]
        (folder / name).write_text(content, encoding="utf-8")
    for name, content in SENT_AGAIN.items():
        (folder / name).write_text(content, encoding="utf-8")
