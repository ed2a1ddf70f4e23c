"""Opening passes: which accounts are billed, written to the ledger before anything is computed.

A main pass bills every account of a cycle due; a supplementary pass those of an issued run that
were released from review; an off-cycle pass the accounts that are named (a bill on demand), or the
closed accounts that would otherwise wait for their cycle (final bills), on any date.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, func, insert, select

from orchestration.ledger.actor import current_actor
from orchestration.ledger.numbers import INVOICE_SERIES, last_issue_date
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
from orchestration.passes.records import BillPass, read_passes, record_state
from orchestration.settings import Settings


class PassError(TollhouseError):
    """A pass cannot be opened; the text says which earlier one stands in the way."""


@dataclass(frozen=True)
class DueCycle:
    """A legal entity's cycle, and those of its accounts that are to be billed on a date."""

    legal_entity_id: str
    bill_cycle_id: str
    account_ids: tuple[str, ...]

    def run_id(self, bill_date: date) -> str:
        return f"{self.legal_entity_id}-{self.bill_cycle_id}-{bill_date.isoformat()}"


# Due: an account that is on the bill date of a cycle whose period begins then, opened before it. A
# closed account too: late usage and unused advance are settled whenever they come, and without any
# it has nothing to bill.
DUE = """
    select periods.legal_entity_id, periods.bill_cycle_id, accounts.billing_account_id
    from intermediate.int_bill_periods__aligned as periods
    inner join intermediate.int_billing_accounts__dated as accounts
        on
            accounts.legal_entity_id = periods.legal_entity_id
            and accounts.bill_cycle_id = periods.bill_cycle_id
            and accounts.opened_date < periods.period_start
            and accounts.valid_from <= periods.period_start
            and accounts.valid_to > periods.period_start
    where periods.period_start = ?
    order by all
"""


# Named: whose bill somebody asks for. An account that opens later has nothing to bill yet.
NAMED = """
    select legal_entity_id, bill_cycle_id, billing_account_id
    from intermediate.int_billing_accounts__dated
    where
        list_contains($accounts, billing_account_id)
        and opened_date < $bill_date
        and valid_from <= $bill_date
        and valid_to > $bill_date
    order by all
"""
# Closed: accounts whose final bill does not wait for their cycle, where the policy says so. Those
# of a cycle due on the date are in its main pass, what closed before go-live is not ours, and what
# another account pays for waits for that one's invoice.
CLOSED = """
    select accounts.legal_entity_id, accounts.bill_cycle_id, accounts.billing_account_id,
        accounts.closed_date
    from intermediate.int_billing_accounts__dated as accounts
    inner join seeds.billing_policy as policy
        on
            accounts.legal_entity_id = policy.legal_entity_id
            and policy.valid_from <= $bill_date
            and coalesce(policy.valid_to, date '9999-12-31') > $bill_date
    left join intermediate.int_bill_periods__aligned as periods
        on
            accounts.legal_entity_id = periods.legal_entity_id
            and accounts.bill_cycle_id = periods.bill_cycle_id
            and periods.period_start = $bill_date
    where
        policy.final_bill = 'at_once'
        and accounts.valid_from <= $bill_date
        and accounts.valid_to > $bill_date
        and accounts.closed_date <= $bill_date
        and accounts.closed_date >= policy.go_live_date
        and accounts.payer_account_id = accounts.billing_account_id
        and periods.period_start is null
    order by all
"""


# Paid: the accounts that stand on another one's invoice.
PAID = """
    select billing_account_id, payer_account_id
    from intermediate.int_billing_accounts__dated
    where
        payer_account_id <> billing_account_id
        and valid_from <= $bill_date
        and valid_to > $bill_date
"""


def read_due_cycles(settings: Settings, bill_date: date) -> list[DueCycle]:
    """Return what is due on a bill date, from the warehouse's account models."""
    with open_warehouse(settings) as warehouse:
        rows = warehouse.execute(DUE, [bill_date]).fetchall()
    return _group(rows)


def read_named_cycles(
    settings: Settings, bill_date: date, account_ids: Sequence[str]
) -> list[DueCycle]:
    """Return the named accounts by cycle; raises `PassError` for one that cannot be billed."""
    if not account_ids:
        raise PassError("an off-cycle run needs the accounts that it bills")
    named = {"accounts": list(account_ids), "bill_date": bill_date}
    with open_warehouse(settings) as warehouse:
        rows = warehouse.execute(NAMED, named).fetchall()
    found = {account for _, _, account in rows}
    if missing := [one for one in account_ids if one not in found]:
        raise PassError(f"no account {', '.join(missing)} was open before {bill_date}")
    return _group(rows)


def read_closed_cycles(settings: Settings, ledger: Ledger, bill_date: date) -> list[DueCycle]:
    """Return the closed accounts whose final bill is due: none of their passes saw them close.

    An account in a pass that is not issued yet waits for it.
    """
    with open_warehouse(settings) as warehouse:
        rows = warehouse.execute(CLOSED, {"bill_date": bill_date}).fetchall()
    if not rows:
        return []
    with ledger.read() as connection:
        by_id = {one.pass_id: one for one in read_passes(connection)}
        assigned = read_assigned(connection)
    due = []
    for entity, cycle, account, closed_date in rows:
        last = by_id.get(assigned.get(account, ""))
        if last is None or (last.is_issued and last.bill_date < closed_date):
            due.append((entity, cycle, account))
    return _group(due)


def _read_payers(settings: Settings, bill_date: date) -> dict[str, str]:
    """Return who pays for each account that does not pay for itself."""
    with open_warehouse(settings) as warehouse:
        return dict(warehouse.execute(PAID, {"bill_date": bill_date}).fetchall())


def _group(rows: Sequence[tuple[str, str, str]]) -> list[DueCycle]:
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

    An account held in an earlier run, or still in an off-cycle pass that is not issued, is taken
    over: its latest assignment counts. One that a later pass bills already stays there. Raises
    `PassError` when an earlier run of the cycle is not issued. Returns the passes still to be
    issued.
    """
    with ledger.write() as connection:
        known = read_passes(connection)
        assigned = read_assigned(connection)
        later = {one.pass_id for one in known if one.bill_date > bill_date}
        for due in due_cycles:
            mine = [one for one in due.account_ids if assigned.get(one) not in later]
            run_id = due.run_id(bill_date)
            current = next(
                (one for one in known if one.bill_run_id == run_id and one.pass_kind == "main"),
                None,
            )
            if current is None:
                _refuse_out_of_order(known, due, bill_date)
                pass_id = _open(connection, settings, known, due, bill_date, "main", issue_date)
                _assign(connection, pass_id, mine)
            elif not current.is_issued:
                late = [one for one in mine if assigned.get(one) != current.pass_id]
                _assign(connection, current.pass_id, late)
        return _read_unissued(connection, bill_date)


def open_off_cycle_passes(
    settings: Settings,
    ledger: Ledger,
    bill_date: date,
    due_cycles: Sequence[DueCycle],
    issue_date: date | None = None,
) -> list[BillPass]:
    """Open an off-cycle pass for given accounts, or take up the one that is not issued yet.

    An account that was in an off-cycle pass of the bill date before is not billed once more: the
    same call again goes on with what it began. Raises `PassError` when an account is in another
    pass that is not issued yet, or was billed up to a later date. Returns the passes still to be
    issued.
    """
    with ledger.write() as connection:
        known = read_passes(connection)
        assigned = read_assigned(connection)
        by_id = {one.pass_id: one for one in known}
        for due in due_cycles:
            run_id = due.run_id(bill_date)
            mine = [
                one for one in known if one.bill_run_id == run_id and one.pass_kind == "off_cycle"
            ]
            begun = _members(connection, {one.pass_id for one in mine})
            fresh = [one for one in due.account_ids if one not in begun]
            for account in fresh:
                _refuse_entangled(account, by_id.get(assigned.get(account, "")), bill_date)
            if not fresh:
                continue
            waiting = next((one.pass_id for one in mine if not one.is_issued), None)
            pass_id = waiting or _open(
                connection, settings, known, due, bill_date, "off_cycle", issue_date
            )
            _assign(connection, pass_id, fresh)
        return _read_unissued(connection, bill_date)


def open_supplementary_passes(
    settings: Settings, ledger: Ledger, bill_date: date, issue_date: date | None = None
) -> list[BillPass]:
    """Open a supplementary pass for the accounts of a run that were released from review.

    Released: the last decision of the run says so, the account still belongs to an issued pass of
    the run, and neither it nor who pays for it has a document of it. The accounts that stand on one
    invoice come along, since they were held together. Returns the passes still to be issued; none
    when nobody was released.
    """
    payers = _read_payers(settings, bill_date)
    with ledger.write() as connection:
        known = read_passes(connection, bill_date)
        assigned = read_assigned(connection)
        for run_id in sorted({one.bill_run_id for one in known}):
            of_run = [one for one in known if one.bill_run_id == run_id]
            issued_ids = {one.pass_id for one in of_run if one.is_issued}
            paying = {
                payers.get(account, account)
                for account, held_in in _released(connection, issued_ids).items()
                if assigned.get(account) == held_in
                and not _has_document(connection, account, issued_ids)
                and not _has_document(connection, payers.get(account, account), issued_ids)
            }
            released = sorted(
                account
                for account, held_in in assigned.items()
                if held_in in issued_ids and payers.get(account, account) in paying
            )
            if not released:
                continue
            first = of_run[0]
            due = DueCycle(first.legal_entity_id, first.bill_cycle_id, tuple(released))
            pass_id = _open(
                connection, settings, known, due, bill_date, "supplementary", issue_date
            )
            _assign(connection, pass_id, released)
        return _read_unissued(connection, bill_date)


def take_up(
    settings: Settings,
    ledger: Ledger,
    bill_passes: Sequence[BillPass],
    landing_watermark: int,
    issue_date: date | None = None,
) -> None:
    """Record that passes collected: the cut-off of their usage, and the date of their invoices.

    The issue date is the one asked for, else the one the pass has, but never before the bill date
    nor before the last document of the series: an older pass that waited while a newer one was
    issued follows it. Raises `PassError` when the date asked for is before these.
    """
    with ledger.write() as connection:
        for one in bill_passes:
            earliest = _earliest_issue_date(connection, one.legal_entity_id, one.bill_date)
            _require_not_before(issue_date, earliest)
            record_state(
                connection,
                settings,
                [one.pass_id],
                "collected",
                landing_watermark=landing_watermark,
                issue_date=issue_date or max(earliest, one.issue_date),
            )


def _earliest_issue_date(connection: Connection, legal_entity_id: str, bill_date: date) -> date:
    stands_at = last_issue_date(connection, legal_entity_id, INVOICE_SERIES)
    return max(bill_date, stands_at or bill_date)


def _require_not_before(issue_date: date | None, earliest: date) -> None:
    if issue_date is not None and issue_date < earliest:
        raise PassError(
            f"issue date {issue_date} is before {earliest}: dates never decrease within a series"
        )


def _read_unissued(connection: Connection, bill_date: date) -> list[BillPass]:
    return [one for one in read_passes(connection, bill_date) if not one.is_issued]


def _refuse_entangled(account: str, last: BillPass | None, bill_date: date) -> None:
    """Raise when an off-cycle bill of this date would cross the account's last pass."""
    if last is None:
        return
    if not last.is_issued:
        raise PassError(
            f"account {account} is in pass {last.pass_id}, which is not issued yet: finish it with "
            f"`tollhouse run --bill-date {last.bill_date}`"
        )
    if last.bill_date > bill_date:
        raise PassError(
            f"account {account} was billed for {last.bill_date} by pass {last.pass_id}: "
            f"a bill of {bill_date} would come before it"
        )


def _refuse_out_of_order(known: Sequence[BillPass], due: DueCycle, bill_date: date) -> None:
    for one in known:
        same = (one.legal_entity_id, one.bill_cycle_id) == (due.legal_entity_id, due.bill_cycle_id)
        # An off-cycle pass bars no cycle: its accounts are taken over.
        is_waiting = not one.is_issued and one.pass_kind != "off_cycle"
        if same and one.bill_date < bill_date and is_waiting:
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
    known: Sequence[BillPass],
    due: DueCycle,
    bill_date: date,
    kind: str,
    issue_date: date | None,
) -> str:
    """Append the pass, and its bill run when it is the first of it; return the pass's id."""
    run_id = due.run_id(bill_date)
    of_run = [one for one in known if one.bill_run_id == run_id]
    if not of_run:
        append_row(
            connection,
            bill_runs,
            bill_run_id=run_id,
            legal_entity_id=due.legal_entity_id,
            bill_cycle_id=due.bill_cycle_id,
            bill_date=bill_date,
        )
    number = 1 + sum(one.pass_kind == kind for one in of_run)
    pass_id = f"{run_id}-{kind}-{number}"
    earliest = _earliest_issue_date(connection, due.legal_entity_id, bill_date)
    _require_not_before(issue_date, earliest)
    append_row(
        connection,
        passes,
        pass_id=pass_id,
        bill_run_id=run_id,
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


def _members(connection: Connection, pass_ids: Collection[str]) -> set[str]:
    """Return every account that was ever assigned to one of the passes."""
    query = select(pass_accounts.c.billing_account_id).where(pass_accounts.c.pass_id.in_(pass_ids))
    return set(connection.scalars(query))


def read_assigned(connection: Connection) -> Mapping[str, str]:
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
