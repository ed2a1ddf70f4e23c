"""Opening passes: which accounts are billed, written to the ledger before anything is computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, func, insert, select

from orchestration.ledger.actor import current_actor
from orchestration.ledger.schema import (
    bill_runs,
    documents,
    pass_accounts,
    passes,
    review_decisions,
    utc_now,
)
from orchestration.ledger.store import Ledger, append_row
from orchestration.lib.errors import TollhouseError
from orchestration.lib.warehouse import open_warehouse
from orchestration.passes.records import BillPass, last_issue_date, read_passes, record_state
from orchestration.settings import Settings


class PassError(TollhouseError):
    """A pass cannot be opened; the text says which earlier one stands in the way."""


@dataclass(frozen=True)
class DueCycle:
    """A legal entity's cycle with a bill date, and the accounts that are due on it."""

    legal_entity_id: str
    bill_cycle_id: str
    account_ids: tuple[str, ...]

    def run_id(self, bill_date: date) -> str:
        return f"{self.legal_entity_id}-{self.bill_cycle_id}-{bill_date.isoformat()}"


# Due: an account of a cycle whose aligned period begins on the bill date, opened before it. A
# closed account too: late usage and unused advance are settled whenever they come, and without any
# it has nothing to bill.
DUE = """
    select periods.legal_entity_id, periods.bill_cycle_id, accounts.billing_account_id
    from intermediate.int_bill_periods__aligned as periods
    inner join intermediate.int_billing_accounts__current as accounts
        on
            accounts.legal_entity_id = periods.legal_entity_id
            and accounts.bill_cycle_id = periods.bill_cycle_id
            and accounts.opened_date < periods.period_start
    where periods.period_start = ?
    order by all
"""


def read_due_cycles(settings: Settings, bill_date: date) -> list[DueCycle]:
    """Return what is due on a bill date, from the warehouse's account models."""
    with open_warehouse(settings) as warehouse:
        rows = warehouse.execute(DUE, [bill_date]).fetchall()
    grouped: dict[tuple[str, str], list[str]] = {}
    for entity, cycle, account in rows:
        grouped.setdefault((entity, cycle), []).append(account)
    return [DueCycle(entity, cycle, tuple(ids)) for (entity, cycle), ids in grouped.items()]


def open_main_passes(
    settings: Settings,
    ledger: Ledger,
    bill_date: date,
    due_cycles: Sequence[DueCycle],
    issue_date: date | None = None,
) -> list[BillPass]:
    """Open the main pass of every cycle due, or take up the one that is not issued yet.

    A held account of an earlier run is taken over: its latest assignment counts. Raises `PassError`
    when an earlier run of the cycle is not issued. Returns the passes still to be issued.
    """
    with ledger.write() as connection:
        known = read_passes(connection)
        for due in due_cycles:
            run_id = due.run_id(bill_date)
            current = next(
                (one for one in known if one.bill_run_id == run_id and one.pass_kind == "main"),
                None,
            )
            if current is None:
                _refuse_out_of_order(known, due, bill_date)
                append_row(
                    connection,
                    bill_runs,
                    bill_run_id=run_id,
                    legal_entity_id=due.legal_entity_id,
                    bill_cycle_id=due.bill_cycle_id,
                    bill_date=bill_date,
                )
                pass_id = _open(connection, settings, due, bill_date, "main", 1, issue_date)
                _assign(connection, pass_id, due.account_ids)
            elif not current.is_issued:
                assigned = _assigned(connection)
                late = [one for one in due.account_ids if assigned.get(one) != current.pass_id]
                _assign(connection, current.pass_id, late)
        return [one for one in read_passes(connection, bill_date) if not one.is_issued]


def open_supplementary_passes(
    settings: Settings, ledger: Ledger, bill_date: date, issue_date: date | None = None
) -> list[BillPass]:
    """Open a supplementary pass for the accounts of a run that were released from review.

    Released: the last decision of the run says so, the account still belongs to an issued pass of
    the run and has no document of it. Returns the passes still to be issued; none when nobody was
    released.
    """
    with ledger.write() as connection:
        known = read_passes(connection, bill_date)
        assigned = _assigned(connection)
        for run_id in sorted({one.bill_run_id for one in known}):
            of_run = [one for one in known if one.bill_run_id == run_id]
            issued_ids = {one.pass_id for one in of_run if one.is_issued}
            released = sorted(
                account
                for account, held_in in _released(connection, issued_ids).items()
                if assigned.get(account) == held_in
                and not _has_document(connection, account, issued_ids)
            )
            if not released:
                continue
            first = of_run[0]
            number = 1 + sum(one.pass_kind == "supplementary" for one in of_run)
            due = DueCycle(first.legal_entity_id, first.bill_cycle_id, tuple(released))
            pass_id = _open(
                connection, settings, due, bill_date, "supplementary", number, issue_date
            )
            _assign(connection, pass_id, released)
        return [one for one in read_passes(connection, bill_date) if not one.is_issued]


def _refuse_out_of_order(known: Sequence[BillPass], due: DueCycle, bill_date: date) -> None:
    for one in known:
        same = (one.legal_entity_id, one.bill_cycle_id) == (due.legal_entity_id, due.bill_cycle_id)
        if same and one.bill_date < bill_date and not one.is_issued:
            raise PassError(
                f"pass {one.pass_id} is not issued yet: finish it with "
                f"`tollhouse run --bill-date {one.bill_date}` before billing {bill_date}"
            )
        if same and one.bill_date > bill_date and one.pass_kind == "main":
            raise PassError(
                f"bill date {bill_date} is earlier than {one.bill_date}, which was already opened"
            )


def _open(
    connection: Connection,
    settings: Settings,
    due: DueCycle,
    bill_date: date,
    kind: str,
    number: int,
    issue_date: date | None,
) -> str:
    pass_id = f"{due.run_id(bill_date)}-{kind}-{number}"
    earliest = max(bill_date, last_issue_date(connection, due.legal_entity_id) or bill_date)
    if issue_date is not None and issue_date < earliest:
        raise PassError(
            f"issue date {issue_date} is before {earliest}: dates never decrease within a series"
        )
    append_row(
        connection,
        passes,
        pass_id=pass_id,
        bill_run_id=due.run_id(bill_date),
        pass_kind=kind,
        pass_number=number,
        issue_date=issue_date or earliest,
    )
    record_state(connection, settings, [pass_id], "opened")
    return pass_id


def _assign(connection: Connection, pass_id: str, account_ids: Sequence[str]) -> None:
    if account_ids:
        moment, actor = utc_now(), current_actor()
        connection.execute(
            insert(pass_accounts),
            [
                {
                    "pass_id": pass_id,
                    "billing_account_id": account_id,
                    "recorded_at": moment,
                    "actor": actor,
                }
                for account_id in account_ids
            ],
        )


def _assigned(connection: Connection) -> dict[str, str]:
    """Return each account's pass: the one it was assigned to last."""
    latest = (
        select(func.max(pass_accounts.c.sequence)).group_by(pass_accounts.c.billing_account_id)
    ).scalar_subquery()
    rows = connection.execute(
        select(pass_accounts.c.billing_account_id, pass_accounts.c.pass_id).where(
            pass_accounts.c.sequence.in_(latest)
        )
    )
    return {row.billing_account_id: row.pass_id for row in rows}


def _released(connection: Connection, pass_ids: set[str]) -> dict[str, str]:
    """Return the pass of each account's last decision in these passes, where it is a release."""
    rows = connection.execute(
        select(
            review_decisions.c.billing_account_id,
            review_decisions.c.pass_id,
            review_decisions.c.decision,
        )
        .where(review_decisions.c.pass_id.in_(pass_ids))
        .order_by(review_decisions.c.sequence)
    )
    last = {row.billing_account_id: row for row in rows}
    return {account: row.pass_id for account, row in last.items() if row.decision == "release"}


def _has_document(connection: Connection, account_id: str, pass_ids: set[str]) -> bool:
    query = select(documents.c.sequence).where(
        documents.c.billing_account_id == account_id, documents.c.pass_id.in_(pass_ids)
    )
    return connection.scalar(query.limit(1)) is not None
