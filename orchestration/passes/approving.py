"""Approving a pass: a named person says that it may be issued."""

from __future__ import annotations

from orchestration.issue.freezing import read_total
from orchestration.ledger.actor import current_actor
from orchestration.ledger.store import Ledger
from orchestration.passes.opening import PassError
from orchestration.passes.records import read_passes, record_state
from orchestration.settings import Settings


def approve_pass(settings: Settings, ledger: Ledger, pass_id: str) -> str:
    """Record the approval of a validated pass, over its present total; return who gave it.

    When the total changes before the pass is issued, the approval no longer counts. The person is
    the operating system's user, never a typed name. Raises `PassError` when the pass is unknown,
    not validated or issued already.
    """
    total = read_total(settings, pass_id)
    with ledger.write() as connection:
        found = next((one for one in read_passes(connection) if one.pass_id == pass_id), None)
        if found is None:
            raise PassError(f"there is no pass {pass_id}")
        if found.is_issued:
            raise PassError(f"pass {pass_id} is issued already")
        if "validated" not in found.states:
            raise PassError(f"pass {pass_id} is not validated yet: run its bill date first")
        totals = {"total_amount": str(total)}
        record_state(connection, settings, [pass_id], "approved", control_totals=totals)
    return current_actor()
