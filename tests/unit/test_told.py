"""What a run tells the person who watches: records without a price, documents that did not go."""

from __future__ import annotations

from orchestration.defs.dispatch.assets import unsent_lines
from orchestration.dispatch.outbox import UnsentDelivery
from orchestration.review.text import suspended_text

MISSING = "no channel 'email' is set up"


def unsent(number: int, reason: str = MISSING) -> UnsentDelivery:
    return UnsentDelivery(f"NW-R-2026-{number:06}", "email", "channel", reason)


def test_suspended_records_are_counted_by_reason_and_none_says_nothing() -> None:
    assert suspended_text({}) == ""
    assert suspended_text({"unknown_plan": 56, "no_rate": 1}) == (
        "  57 records suspended: 56 unknown_plan, 1 no_rate"
        " (marts.fct_suspended_usage, once the marts are built)"
    )
    assert suspended_text({"no_rate": 1}).startswith("  1 record suspended: 1 no_rate (")


def test_documents_that_wait_for_one_reason_are_one_line() -> None:
    assert unsent_lines([], "wait") == []
    assert unsent_lines([unsent(1)], "wait") == [f"NW-R-2026-000001: not sent: {MISSING}"]
    refused = UnsentDelivery("NW-R-2026-000009", "email", "550", "a.b@example.org is unknown")
    assert unsent_lines([*map(unsent, range(1, 50)), refused], "wait") == [
        f"49 documents wait: {MISSING} (NW-R-2026-000001 and 48 more)",
        "NW-R-2026-000009: not sent: 550 a***@example.org is unknown",
    ]
    many = [unsent(number, f"reason {number}") for number in range(12)]
    assert unsent_lines(many, "failed")[-1] == "and 2 more reasons"
    assert len(unsent_lines(many, "failed")) == 11
