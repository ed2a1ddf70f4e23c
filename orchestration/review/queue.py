"""The review queue: which accounts are held and why, and what a person decides about them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

import duckdb
from sqlalchemy import Connection, select

from orchestration.ledger.schema import (
    bill_runs,
    documents,
    pass_accounts,
    passes,
    review_decisions,
)
from orchestration.ledger.store import Ledger, append_row, open_ledger
from orchestration.lib.errors import TollhouseError
from orchestration.lib.warehouse import Row, open_warehouse, read_rows
from orchestration.passes.records import BillPass, read_passes
from orchestration.review.text import plain, table
from orchestration.settings import Settings

ReviewDecision = Literal["release", "hold"]
DECISIONS: tuple[ReviewDecision, ...] = ("release", "hold")

QUEUE = """
    select
        queue.review_item_id,
        queue.pass_id,
        queue.billing_account_id,
        queue.rule_id,
        queue.review_status,
        queue.seen,
        queue.expected,
        cast(queue.amount_at_stake as decimal(18, 4)) as amount_at_stake,
        queue.currency_code,
        queue.bill_date,
        queue.decision,
        queue.decision_reason,
        queue.decided_by
    from marts.fct_review_queue as queue
    where
        ($bill_date is null or queue.bill_date = $bill_date)
        and ($account_id is null or queue.billing_account_id = $account_id)
    order by
        list_position(['held', 'released', 'carried_forward', 'billed'], queue.review_status),
        cast(queue.amount_at_stake as decimal(18, 4)) desc,
        queue.billing_account_id,
        queue.rule_id,
        queue.bill_date
"""
ACCOUNT = """
    select
        accounts.billing_account_id,
        accounts.customer_type,
        accounts.sales_region,
        accounts.delivery_channel,
        accounts.currency_code,
        accounts.opened_date,
        runs.pass_id,
        runs.pass_state,
        runs.bill_date
    from marts.dim_billing_accounts as accounts
    left join staging.stg_ledger__pass_accounts as assigned
        on accounts.billing_account_id = assigned.billing_account_id and assigned.is_current
    left join marts.fct_bill_runs as runs on assigned.pass_id = runs.pass_id
    where accounts.billing_account_id = $account_id
"""
# The bill of an account held in an issued pass is not in the marts: its lines were frozen as they
# stood when the others were issued, with the total that was held back.
BILL = """
    with bills as (
        select invoice_number, billing_status, net_amount, tax_amount, total_amount, 1 as preference
        from marts.fct_invoices
        where billing_account_id = $account_id and pass_id = $pass_id
        union all
        select
            null,
            'held',
            lines.net_amount,
            held.total_amount - lines.net_amount,
            held.total_amount,
            2
        from staging.stg_issued__unbilled_accounts as held
        inner join (
            select cast(sum(net_amount) as decimal(18, 4)) as net_amount
            from staging.stg_issued__held_lines
            where billing_account_id = $account_id and pass_id = $pass_id
            having count(*) > 0
        ) as lines on true
        where held.billing_account_id = $account_id and held.pass_id = $pass_id
    )
    select invoice_number, billing_status, net_amount, tax_amount, total_amount
    from bills
    order by preference
    limit 1
"""
LINES = """
    with lines as (
        select line_number, description_en, event_count, net_amount, period_start, period_end,
            1 as preference
        from marts.fct_invoice_lines
        where billing_account_id = $account_id and pass_id = $pass_id
        union all
        select line_number, description_en, event_count, net_amount, period_start, period_end, 2
        from staging.stg_issued__held_lines
        where billing_account_id = $account_id and pass_id = $pass_id
    )
    select line_number, description_en as description, event_count, net_amount, period_start,
        period_end
    from lines
    qualify preference = min(preference) over ()
    order by line_number
"""
PAST_BILLS = """
    select bill_date, usage_amount, total_amount
    from intermediate.int_bills__past
    where
        billing_account_id = $account_id
        and bill_date < coalesce($bill_date, date '9999-12-31')
    order by bill_date desc
    limit 6
"""


class ReviewError(TollhouseError):
    """A decision or a question about the review queue that cannot be answered; one line."""


@dataclass(frozen=True)
class QueueItem:
    """One finding on one account in one pass, with its evidence and the last decision."""

    review_item_id: str
    pass_id: str
    billing_account_id: str
    rule_id: str
    review_status: str
    seen: str
    expected: str
    amount_at_stake: Decimal
    currency_code: str
    bill_date: date
    decision: str | None
    decision_reason: str | None
    decided_by: str | None


@dataclass(frozen=True)
class CaseBill:
    """The bill that waits or was issued; no number until it is."""

    invoice_number: str | None
    billing_status: str
    net_amount: Decimal
    tax_amount: Decimal
    total_amount: Decimal


@dataclass(frozen=True)
class CaseLine:
    """One line of that bill."""

    line_number: int
    description: str
    event_count: int | None
    net_amount: Decimal
    period_start: date
    period_end: date


@dataclass(frozen=True)
class CasePastBill:
    """One earlier bill of the account."""

    bill_date: date
    usage_amount: Decimal
    total_amount: Decimal


@dataclass(frozen=True)
class CaseDecision:
    """One decision of a person about the account, as the ledger holds it."""

    bill_date: date
    decision: str
    reason: str
    decided_by: str
    decided_at: datetime


@dataclass(frozen=True)
class AccountCase:
    """Everything a reviewer needs about one account. The customer is not named."""

    billing_account_id: str
    customer_type: str | None
    sales_region: str | None
    delivery_channel: str | None
    currency_code: str
    opened_date: date
    pass_id: str | None
    pass_state: str | None
    bill_date: date | None
    findings: tuple[QueueItem, ...]
    bill: CaseBill | None
    lines: tuple[CaseLine, ...]
    past_bills: tuple[CasePastBill, ...]
    decisions: tuple[CaseDecision, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the case as plain values, for JSON."""
        return asdict(self)

    def as_text(self) -> str:
        """Return the case as a person reads it in a terminal."""
        return "\n".join(_case_text(self))


def list_queue(settings: Settings, bill_date: date | None = None) -> list[QueueItem]:
    """Return the findings on accounts, those that wait first, the largest amount at stake first."""
    with open_warehouse(settings) as warehouse:
        return _queue(warehouse, bill_date, None)


def show_account(settings: Settings, account_id: str) -> AccountCase:
    """Return one account's findings, its bill with lines, its last six bills and the decisions.

    Decisions are the ledger's; everything else is as of the last build. Raises `ReviewError` for an
    unknown account.
    """
    with open_warehouse(settings) as warehouse:
        found = read_rows(warehouse, ACCOUNT, {"account_id": account_id})
        if not found:
            raise ReviewError(f"unknown account {account_id}")
        named = {"account_id": account_id, **found[0]}
        bills = read_rows(warehouse, BILL, named)
        lines = read_rows(warehouse, LINES, named)
        past = read_rows(warehouse, PAST_BILLS, named)
        findings = _queue(warehouse, None, account_id)
    return AccountCase(
        **found[0],
        findings=tuple(findings),
        bill=CaseBill(**bills[0]) if bills else None,
        lines=tuple(CaseLine(**line) for line in lines),
        past_bills=tuple(CasePastBill(**bill) for bill in past),
        decisions=_decisions_of(open_ledger(settings.ledger_url), account_id),
    )


def decide(
    settings: Settings,
    ledger: Ledger,
    account_ids: Sequence[str],
    decision: ReviewDecision,
    reason: str,
    bill_date: date | None = None,
    *,
    rule_id: str | None = None,
) -> list[str]:
    """Write a decision on accounts to the ledger, all or none; return their ids.

    Instead of accounts `rule_id` names all that are held by this rule alone. The decision counts
    for the account's present pass and its bill run; with `bill_date` it must be of that date. The
    same decision again is written once. `release` needs a held account; `hold` takes also one of a
    pass that is not issued yet. Raises `ReviewError` with one line, and nothing is written. Billing
    what was released is the caller's next step.
    """
    reason = " ".join(reason.split())
    if not reason:
        raise ReviewError(f"a reason is needed to {decision} an account")
    if decision not in DECISIONS:
        raise ReviewError(f"a decision is one of {', '.join(DECISIONS)}, not {decision!r}")
    with open_warehouse(settings) as warehouse:
        waiting = [
            item
            for item in _queue(warehouse, bill_date, None)
            if item.review_status in ("held", "released")
        ]
    wanted = list(dict.fromkeys(account_ids))
    if rule_id is not None:
        wanted = _held_by_rule(waiting, wanted, rule_id)
    if not wanted:
        raise ReviewError(f"name the accounts to {decision}, or a rule")
    with ledger.write() as connection:
        review = _Review(connection, waiting, bill_date)
        chosen = [(account_id, review.check(account_id, decision)) for account_id in wanted]
        for account_id, pass_id in chosen:
            if review.last_decision(account_id, pass_id) != decision:
                append_row(
                    connection,
                    review_decisions,
                    pass_id=pass_id,
                    billing_account_id=account_id,
                    decision=decision,
                    reason=reason,
                )
    return wanted


def _held_by_rule(waiting: Iterable[QueueItem], named: list[str], rule_id: str) -> list[str]:
    if named:
        raise ReviewError("name accounts or a rule, not both")
    rules: dict[str, set[str]] = {}
    for item in waiting:
        rules.setdefault(item.billing_account_id, set()).add(item.rule_id)
    alone = [account_id for account_id, found in rules.items() if found == {rule_id}]
    if not alone:
        raise ReviewError(f"no account is held by the rule {rule_id} alone")
    return sorted(alone)


class _Review:
    """The ledger's side of decisions, read inside the transaction that writes them."""

    def __init__(
        self, connection: Connection, waiting: Iterable[QueueItem], bill_date: date | None
    ) -> None:
        self._connection = connection
        self._bill_date = bill_date
        self._waiting = {(item.billing_account_id, item.pass_id) for item in waiting}
        self._passes = {one.pass_id: one for one in read_passes(connection)}

    def check(self, account_id: str, decision: ReviewDecision) -> str:
        """Return the account's present pass, or raise `ReviewError` with what forbids it."""
        present = self._present_pass(account_id)
        if self._bill_date is not None and present.bill_date != self._bill_date:
            raise ReviewError(
                f"account {account_id} belongs to bill date {present.bill_date}, "
                f"not {self._bill_date}"
            )
        number = self._connection.scalar(
            select(documents.c.document_number)
            .where(documents.c.billing_account_id == account_id)
            .where(documents.c.pass_id == present.pass_id)
        )
        if number is not None:
            raise ReviewError(f"account {account_id} is billed already, by {number}")
        is_held = (account_id, present.pass_id) in self._waiting or (
            self.last_decision(account_id, present.pass_id) == "hold"
        )
        if not is_held and (decision == "release" or present.is_issued):
            raise ReviewError(f"account {account_id} is not held")
        return present.pass_id

    def last_decision(self, account_id: str, pass_id: str) -> str | None:
        """Return what was decided last on the account in the pass's bill run."""
        run_id = self._passes[pass_id].bill_run_id
        of_run = [one.pass_id for one in self._passes.values() if one.bill_run_id == run_id]
        last: str | None = self._connection.scalar(
            select(review_decisions.c.decision)
            .where(review_decisions.c.billing_account_id == account_id)
            .where(review_decisions.c.pass_id.in_(of_run))
            .order_by(review_decisions.c.sequence.desc())
            .limit(1)
        )
        return last

    def _present_pass(self, account_id: str) -> BillPass:
        pass_id = self._connection.scalar(
            select(pass_accounts.c.pass_id)
            .where(pass_accounts.c.billing_account_id == account_id)
            .order_by(pass_accounts.c.sequence.desc())
            .limit(1)
        )
        if pass_id is None:
            raise ReviewError(f"unknown account {account_id}: it is in no bill run")
        return self._passes[pass_id]


def _queue(
    warehouse: duckdb.DuckDBPyConnection, bill_date: date | None, account_id: str | None
) -> list[QueueItem]:
    parameters: Row = {"bill_date": bill_date, "account_id": account_id}
    return [QueueItem(**row) for row in read_rows(warehouse, QUEUE, parameters)]


def _decisions_of(ledger: Ledger, account_id: str) -> tuple[CaseDecision, ...]:
    query = (
        select(
            bill_runs.c.bill_date,
            review_decisions.c.decision,
            review_decisions.c.reason,
            review_decisions.c.actor.label("decided_by"),
            review_decisions.c.recorded_at.label("decided_at"),
        )
        .join(passes, review_decisions.c.pass_id == passes.c.pass_id)
        .join(bill_runs, passes.c.bill_run_id == bill_runs.c.bill_run_id)
        .where(review_decisions.c.billing_account_id == account_id)
        .order_by(review_decisions.c.sequence)
    )
    with ledger.read() as connection:
        return tuple(CaseDecision(**row) for row in connection.execute(query).mappings())


def _case_text(case: AccountCase) -> list[str]:
    about = (case.customer_type, case.sales_region, case.delivery_channel)
    lines = [
        f"Account {case.billing_account_id} ({', '.join(one for one in about if one)})",
        f"In pass {case.pass_id} ({case.pass_state})" if case.pass_id else "In no bill run yet",
        "",
        "Findings",
    ]
    lines += table(
        [
            (
                str(item.bill_date),
                item.rule_id,
                item.review_status,
                f"{plain(item.amount_at_stake)} {item.currency_code} at stake",
                f"{item.seen}; expected {item.expected}",
            )
            for item in case.findings
        ]
    )
    lines += ["", *_bill_text(case), "", "Earlier bills"]
    lines += table(
        [
            (
                str(bill.bill_date),
                f"usage {plain(bill.usage_amount)}",
                f"total {plain(bill.total_amount)} {case.currency_code}",
            )
            for bill in case.past_bills
        ]
    )
    lines += ["", "Decisions"]
    lines += table(
        [
            (f"{one.decided_at:%Y-%m-%d %H:%M} UTC", one.decision, one.decided_by, one.reason)
            for one in case.decisions
        ]
    )
    return lines


def _bill_text(case: AccountCase) -> list[str]:
    if case.bill is None:
        return ["Bill: none was computed"]
    bill = case.bill
    name = bill.invoice_number or f"not issued ({bill.billing_status})"
    rows = [
        (
            str(line.line_number),
            line.description,
            f"{line.period_start} to {line.period_end}",
            "" if line.event_count is None else f"{line.event_count} records",
            plain(line.net_amount),
        )
        for line in case.lines
    ]
    totals = (
        f"{plain(bill.net_amount)} net + {plain(bill.tax_amount)} tax = "
        f"{plain(bill.total_amount)} {case.currency_code}"
    )
    return [f"Bill {name}: {totals}", *table(rows)]
