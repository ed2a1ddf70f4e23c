"""`tollhouse`: the command of the house. Each command imports what it needs when it is called."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import wraps
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import click

from orchestration.lib.bill_run import PASS_KINDS, STEPS
from orchestration.lib.errors import TollhouseError
from orchestration.settings import Settings

if TYPE_CHECKING:
    from rich.console import Console

    from orchestration.passes.completeness import UsageFinding
    from orchestration.rerating import Rerating

Parameters = ParamSpec("Parameters")
Returned = TypeVar("Returned")
DEMO_BILL_DATE = date(2026, 11, 1)
DEMO_RENDERED = 50
GATE_BROKEN = 3
SHOWN_REJECTS = 50


def one_line_errors(
    function: Callable[Parameters, Returned],
) -> Callable[Parameters, Returned]:
    """Print what a person can act on as one line and exit with 1; anything else is a bug."""

    @wraps(function)
    def wrapped(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Returned:
        try:
            return function(*args, **kwargs)
        except (TollhouseError, OSError) as error:
            click.echo(f"tollhouse: {error}", err=True)
            raise SystemExit(1) from error

    return wrapped


class IsoDate(click.ParamType[date]):
    """A date like 2026-11-01."""

    name = "YYYY-MM-DD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a date like 2026-11-01", param, ctx)


ISO_DATE = IsoDate()


class ExactDecimal(click.ParamType[Decimal]):
    """A number like 12.5, of 0 or more."""

    name = "NUMBER"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Decimal:
        try:
            number = Decimal(str(value))
        except InvalidOperation:
            self.fail(f"{value!r} is not a number like 12.5", param, ctx)
        if not (number.is_finite() and number >= 0):
            self.fail(f"{value!r} is not a number of 0 or more", param, ctx)
        return number


DECIMAL = ExactDecimal()


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print rows as a table."""
    from rich.table import Table

    table = Table(title=title, title_justify="left", header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row))
    _console().print(table)


def _console() -> Console:
    """Return where tables are printed; what stands in a cell is data and no markup."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 160, markup=False, emoji=False)


def print_json(value: Any) -> None:
    """Print a value as JSON; decimals and dates as text, exactly."""
    click.echo(json.dumps(value, indent=2, default=str, ensure_ascii=False))


def _show_steps() -> None:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("%(message)s"))
    log = logging.getLogger("tollhouse")
    log.handlers = [handler]
    log.setLevel(logging.INFO)
    log.propagate = False


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("tollhouse"), prog_name="tollhouse")
@click.option(
    "--home",
    type=click.Path(path_type=Path),
    help="Where all run-time state lies (also TOLLHOUSE_HOME; default: var/ in the project).",
)
def main(home: Path | None) -> None:
    """Tollhouse: usage goes in, invoices and closed books come out."""
    if home is not None:
        os.environ["TOLLHOUSE_HOME"] = str(home.resolve())
    os.environ.setdefault("TOLLHOUSE_HOME", str(Settings().home))
    _show_steps()


@main.command()
@click.option(
    "--month",
    type=ISO_DATE,
    default=date(2026, 10, 1),
    show_default=True,
    help="First day of the usage month.",
)
@click.option("--subscribers", type=int, help="How many subscribers (default: the whole base).")
@click.option(
    "--base",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A CSV or Parquet of the shape of mlc_churn.",
)
@click.option("--seed", type=int, default=7, show_default=True)
@click.option("--follow-up", is_flag=True, help="A second month for the same subscribers.")
@click.option(
    "--formats",
    default="house",
    show_default=True,
    help="Formats of the usage, with commas between them (tollhouse formats), or all: each record"
    " comes in one; what none of them can tell of comes in the house's.",
)
@click.option(
    "--faults",
    is_flag=True,
    help="Put gaps, doubles, damaged and miscounted files in, and list them in sample/faults.csv.",
)
@one_line_errors
def sample(
    month: date,
    subscribers: int | None,
    base: Path | None,
    seed: int,
    follow_up: bool,
    formats: str,
    faults: bool,
) -> None:
    """Make a deterministic inbox for a small mobile operator."""
    from orchestration.lib.progress import Progress
    from orchestration.sample import (
        SAMPLE_FORMATS,
        SampleError,
        SampleOptions,
        make_sample,
    )

    named = tuple(dict.fromkeys(one.strip() for one in formats.split(",") if one.strip()))
    options = SampleOptions(
        month=month,
        seed=seed,
        base=base,
        subscribers=subscribers,
        follow_up=follow_up,
        formats=SAMPLE_FORMATS if named == ("all",) else named,
        faults=faults,
    )
    try:
        with Progress("records written") as progress:
            summary = make_sample(Settings.from_environment(), options, progress)
    except SampleError as error:
        raise TollhouseError(str(error)) from error
    made = "made" if summary.is_new else "kept the"
    click.echo(
        f"{made} inbox of {summary.month:%B %Y} from {summary.base}: "
        f"{summary.subscriptions:,} subscriptions, {summary.usage_records:,} usage records, "
        f"{summary.voice_calls:,} calls"
    )


@main.command()
@one_line_errors
def collect() -> None:
    """Decode the inbox's new files into landing and say what was refused."""
    from orchestration.collect.inbox import (
        collect_inbox,
        describe_rejects,
        describe_skipped,
        ensure_landing,
        one_line,
    )
    from orchestration.issue.frozen import frozen_entities
    from orchestration.lib.lock import writer_lock

    settings = Settings.from_environment()
    with writer_lock(settings, 60):
        ensure_landing(settings, [entity.landing_table for entity in frozen_entities(settings)])
        rows = collect_inbox(settings, datetime.now(UTC))
    print_table(
        "Collected",
        ("folder", "file", "status", "read", "accepted", "filtered", "rejected", "reason"),
        [
            (
                row.source_id,
                one_line(row.file_name),
                row.status,
                f"{row.records_read:,}",
                f"{row.records_accepted:,}",
                f"{row.records_filtered:,}",
                f"{row.records_rejected:,}",
                row.reason,
            )
            for row in rows
        ],
    )
    if rows:
        lines = describe_rejects(settings, min(row.landing_sequence for row in rows) - 1)
        for line in lines[:SHOWN_REJECTS]:
            click.echo(line)
        if len(lines) > SHOWN_REJECTS:
            click.echo(f"and {len(lines) - SHOWN_REJECTS:,} more: tollhouse rejects")
    for line in describe_skipped(settings):
        click.echo(line)


@main.command()
@click.option("--file", "file_name", help="Only those of one file.")
@click.option(
    "--save",
    type=click.Path(path_type=Path),
    help="Write the bytes of usage sources' records to this new file, to be delivered again.",
)
@one_line_errors
def rejects(file_name: str | None, save: Path | None) -> None:
    """List every record and file that was ever refused: file, line, rule and reason."""
    from orchestration.collect.inbox import describe_rejects, save_rejected

    if save:
        count = save_rejected(Settings.from_environment(), save, file_name)
        click.echo(f"{count:,} records written to {save}")
        return
    lines = describe_rejects(Settings.from_environment(), file_name=file_name)
    for line in lines or ["nothing was refused; what has no price is in marts.fct_suspended_usage"]:
        click.echo(line)


@main.command()
@click.option("--bill-date", type=ISO_DATE, required=True, help="The run's bill date.")
@click.option(
    "--until",
    type=click.Choice(STEPS),
    default="report",
    show_default=True,
    help="Stop after this step; running again goes on.",
)
@click.option(
    "--render",
    "render_limit",
    default="all",
    show_default=True,
    help="How many invoices get their files: a number, or all.",
)
@click.option(
    "--kind",
    type=click.Choice(PASS_KINDS),
    default="main",
    show_default=True,
    help="All that is due, what was released from review, or the accounts named.",
)
@click.option("--accounts", help="Accounts of an off-cycle run, with commas between them.")
@click.option(
    "--issue-date",
    type=ISO_DATE,
    help="Date on the invoices (default: the bill date, or the last one of the series if later).",
)
@one_line_errors
def run(
    bill_date: date,
    until: str,
    render_limit: str,
    kind: str,
    accounts: str | None,
    issue_date: date | None,
) -> None:
    """Bill one date: collect, rate, calculate, validate, issue, render, send, report."""
    from orchestration.lib.bill_run import RunOptions, run_bill_date

    if render_limit != "all" and not render_limit.isdigit():
        raise click.BadParameter("a number, or all", param_hint="--render")
    named = tuple(dict.fromkeys(one.strip() for one in (accounts or "").split(",") if one.strip()))
    if (kind == "off_cycle") != bool(named):
        raise click.BadParameter(
            "an off-cycle run names its accounts, and no other run does", param_hint="--accounts"
        )
    run_bill_date(
        Settings.from_environment(),
        RunOptions(
            bill_date,
            kind=kind,
            accounts=named,
            issue_date=issue_date,
            render_limit=-1 if render_limit == "all" else int(render_limit),
            until=until,
        ),
    )


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@one_line_errors
def status(as_json: bool) -> None:
    """Show where the house lies and how far every pass has come."""
    from orchestration.lib.status import read_status

    found = read_status(Settings.from_environment())
    if as_json:
        print_json(found.as_dict())
        return
    click.echo(f"home     {found.home}\nproject  {found.project}\nledger   {found.ledger}")
    print_table(
        "Passes",
        ("pass", "state", "issue date", "invoices", "total", "held", "rendered", "sent"),
        [
            (
                one.pass_id,
                one.state,
                one.issue_date,
                one.invoice_count,
                one.total_amount,
                one.held_count,
                one.rendered_count,
                one.sent_count,
            )
            for one in found.passes
        ],
    )
    if found.gaps:
        print_gaps("Usage is missing", found.gaps)


@main.command()
def formats() -> None:
    """Describe the files that the inbox takes, column by column, and the formats to map from."""
    from orchestration.collect.entities import describe_entities
    from orchestration.collect.readers.registry import describe_formats

    click.echo(describe_entities())
    click.echo(describe_formats(Settings.from_environment().seeds))


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@one_line_errors
def check(as_json: bool) -> None:
    """Check the tariff: every problem in seeds/ with file, line and rule."""
    from orchestration.collect.seed_check import check_seeds

    problems = check_seeds(Settings.from_environment().seeds)
    if as_json:
        print_json([vars(problem) for problem in problems])
    else:
        for problem in problems:
            click.echo(str(problem))
        if not problems:
            click.echo("the tariff is sound")
    if problems:
        raise SystemExit(1)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@one_line_errors
def verify(as_json: bool) -> None:
    """Check every law of the house that can be checked; exit code 1 if one is broken."""
    from orchestration.lib.say import say
    from orchestration.verify import verify_house

    checks = verify_house(Settings.from_environment(), None if as_json else say)
    if as_json:
        print_json([one.as_dict() for one in checks])
    else:
        print_table(
            "Laws",
            ("", "law", "what", "figure"),
            [("ok" if one.is_kept else "BROKEN", one.law, one.what, one.figure) for one in checks],
        )
        for one in checks:
            for detail in () if one.is_kept else one.details:
                click.echo(f"{one.law}: {detail}")
    if not all(one.is_kept for one in checks):
        raise SystemExit(1)


@main.command()
@one_line_errors
def publish() -> None:
    """Publish one generation of the marts for BI."""
    from orchestration.lib.lock import writer_lock
    from orchestration.lib.publish import publish_marts

    settings = Settings.from_environment()
    with writer_lock(settings, 60):
        summary = publish_marts(settings)
    click.echo(str(summary))


@main.command()
@click.option("--port", type=int, default=3000, show_default=True)
@one_line_errors
def ui(port: int) -> None:
    """Open Dagster on this home."""
    from orchestration.lib.bill_run import prepare_instance

    prepare_instance(Settings.from_environment())
    command = Path(sys.executable).with_name("dagster")
    arguments = ["dagster", "dev", "-m", "orchestration.definitions", "-p", str(port)]
    os.execv(command, arguments)


@main.command()
@click.argument("pass_id")
@one_line_errors
def approve(pass_id: str) -> None:
    """Approve a validated pass, where the policy asks for an approver; then run the date again."""
    from orchestration.lib.house import open_house
    from orchestration.passes.approving import approve_pass

    house = open_house()
    actor = approve_pass(house.settings, house.ledger, pass_id)
    click.echo(f"approved {pass_id} as {actor}")


@main.group()
def gaps() -> None:
    """See which usage files are missing, late, doubled or odd, and go on without them."""


@gaps.command("list")
@click.option("--all", "show_all", is_flag=True, help="Also what nothing waits for.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@one_line_errors
def gaps_list(show_all: bool, as_json: bool) -> None:
    """List what the last build found about usage files, what waits first."""
    from orchestration.passes.completeness import read_findings

    found = [
        one
        for one in read_findings(Settings.from_environment())
        if show_all or one.finding_status == "open"
    ]
    if as_json:
        print_json([one.as_dict() for one in found])
        return
    print_gaps("Usage files", found)


def print_gaps(title: str, found: Sequence[UsageFinding]) -> None:
    """Print findings on usage files as a table."""
    print_table(
        title,
        ("finding", "file", "seen", "expected", "consequence", "status", "waiting"),
        [
            (
                one.finding,
                one.subject,
                one.seen,
                one.expected,
                one.consequence,
                f"accepted by {one.accepted_by}: {one.acceptance_reason}"
                if one.finding_status == "accepted"
                else one.finding_status,
                one.waiting_pass_ids,
            )
            for one in found
        ],
    )


@gaps.command("accept")
@click.argument("files", nargs=-1)
@click.option("--all", "accept_all", is_flag=True, help="Every file that the date waits for.")
@click.option("--reason", required=True, help="Why it is right to bill without.")
@click.option("--bill-date", type=ISO_DATE, required=True)
@one_line_errors
def gaps_accept(files: tuple[str, ...], accept_all: bool, reason: str, bill_date: date) -> None:
    """Bill a date without files that never came; then run the date again."""
    from orchestration.lib.house import open_house
    from orchestration.passes.completeness import accept_gaps, accepting_person

    if bool(files) == accept_all:
        raise click.BadParameter("name the files, or --all", param_hint="FILES")
    house = open_house()
    accepted = accept_gaps(
        house.settings, house.ledger, bill_date, files, reason, accept_all=accept_all
    )
    for subject in dict.fromkeys(one.subject for one in accepted):
        click.echo(f"goes on without {subject}, as {accepting_person()}")


@main.group()
def review() -> None:
    """Work the queue of held accounts."""


@review.command("list")
@click.option("--bill-date", type=ISO_DATE)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@one_line_errors
def review_list(bill_date: date | None, as_json: bool) -> None:
    """List held accounts by the amount at stake."""
    from orchestration.review.queue import list_queue

    items = list_queue(Settings.from_environment(), bill_date)
    if as_json:
        print_json([vars(item) for item in items])
        return
    print_table(
        "Review queue",
        ("account", "rule", "status", "seen", "expected", "at stake", "bill date"),
        [
            (
                item.billing_account_id,
                item.rule_id,
                item.review_status,
                item.seen,
                item.expected,
                f"{item.amount_at_stake:,.2f} {item.currency_code}",
                item.bill_date,
            )
            for item in items
        ],
    )


@review.command("show")
@click.argument("account")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@one_line_errors
def review_show(account: str, as_json: bool) -> None:
    """Show one account with its evidence and its last bills."""
    from orchestration.review.queue import show_account

    case = show_account(Settings.from_environment(), account)
    if as_json:
        print_json(case.as_dict())
    else:
        click.echo(case.as_text())


@review.command("release")
@click.argument("accounts", nargs=-1)
@click.option("--rule", "rule_id", help="Release every account held by this rule alone.")
@click.option("--reason", required=True, help="Why it is right to bill.")
@click.option("--bill-date", type=ISO_DATE, required=True)
@click.option(
    "--bill/--no-bill",
    default=True,
    show_default=True,
    help="Bill the released accounts at once, in a supplementary pass.",
)
@click.option("--issue-date", type=ISO_DATE, help="Date on the invoices (default: the run's).")
@one_line_errors
def review_release(
    accounts: tuple[str, ...],
    rule_id: str | None,
    reason: str,
    bill_date: date,
    bill: bool,
    issue_date: date | None,
) -> None:
    """Release held accounts, and bill them in a supplementary pass."""
    from orchestration.lib.bill_run import RunOptions, run_bill_date
    from orchestration.lib.house import open_house
    from orchestration.review.queue import decide

    house = open_house()
    decided = decide(
        house.settings, house.ledger, accounts, "release", reason, bill_date, rule_id=rule_id
    )
    click.echo(f"released {', '.join(decided)}")
    if bill:
        options = RunOptions(bill_date, kind="supplementary", issue_date=issue_date)
        run_bill_date(house.settings, options)


@review.command("hold")
@click.argument("accounts", nargs=-1, required=True)
@click.option("--reason", required=True)
@click.option("--bill-date", type=ISO_DATE, required=True)
@one_line_errors
def review_hold(accounts: tuple[str, ...], reason: str, bill_date: date) -> None:
    """Hold accounts of a run that is not issued yet, or keep them held."""
    from orchestration.lib.house import open_house
    from orchestration.review.queue import decide

    house = open_house()
    decided = decide(house.settings, house.ledger, accounts, "hold", reason, bill_date)
    click.echo(f"held {', '.join(decided)}")


@main.command()
@click.argument("invoice")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@one_line_errors
def explain(invoice: str, as_json: bool) -> None:
    """Explain INVOICE or INVOICE/LINE down to records, tariff rows and the commit."""
    from orchestration.review.explain import explain as explain_invoice

    found = explain_invoice(Settings.from_environment(), invoice)
    if as_json:
        print_json(found.as_dict())
    else:
        click.echo(found.as_text())


@main.command()
@click.option("--before", metavar="REF", default="", help="Tariff before: a git ref [HEAD].")
@click.option("--after", metavar="REF", default="", help="Tariff after [the working tree].")
@click.option(
    "--seeds",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Lay these seeds over the tariff after: a folder laid out like seeds/, whole or in part.",
)
@click.option("--bill-date", type=ISO_DATE, help="Which bills [the newest bill date].")
@click.option(
    "--tariff-of", type=ISO_DATE, help="Bill with the prices of this day, for what begins later."
)
@click.option(
    "--max-change",
    type=DECIMAL,
    metavar="PERCENT",
    help="Exit with 3 when a bill moves by more than this.",
)
@click.option("--movers", type=int, default=10, show_default=True, help="Accounts with lines.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write a page.")
@click.option(
    "--markdown", type=click.Path(dir_okay=False, path_type=Path), help="Write a summary."
)
@one_line_errors
def impact(
    before: str,
    after: str,
    seeds: Path | None,
    bill_date: date | None,
    tariff_of: date | None,
    max_change: Decimal | None,
    movers: int,
    as_json: bool,
    html: Path | None,
    markdown: Path | None,
) -> None:
    """Show what a tariff change does to the bills of a past run. Nothing live is touched."""
    from orchestration.impact.running import ImpactRequest, run_impact
    from orchestration.impact.showing import as_json as impact_json
    from orchestration.impact.showing import print_impact
    from orchestration.lib.files import write_atomically
    from orchestration.lib.say import say
    from renderers.impact import render_impact, render_markdown

    request = ImpactRequest(before, after, seeds, bill_date, tariff_of, max_change, movers)
    report = run_impact(Settings.from_environment(), request, None if as_json else say)
    for path, render in ((html, render_impact), (markdown, render_markdown)):
        if path is not None:
            write_atomically(path, render(report).encode())
    if as_json:
        print_json(impact_json(report))
    else:
        print_impact(report, _console())
    if not report.is_within:
        raise SystemExit(GATE_BROKEN)


@main.command()
@click.argument("account", required=False, default="")
@click.option("--bill-date", type=ISO_DATE, help="Whose usage [the newest bill date].")
@click.option(
    "--seeds",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Quote under these seeds, laid over the working tree's.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--csv", "csv_path", type=click.Path(dir_okay=False, path_type=Path))
@one_line_errors
def quote(
    account: str, bill_date: date | None, seeds: Path | None, as_json: bool, csv_path: Path | None
) -> None:
    """Say what a period's usage would cost on every plan: of ACCOUNT, or of everybody."""
    from orchestration.lib.files import write_atomically
    from orchestration.lib.say import say
    from orchestration.quote.running import run_quote
    from orchestration.quote.showing import as_csv, print_quotes

    settings = Settings.from_environment()
    found = run_quote(settings, account, bill_date, seeds, None if as_json else say)
    if csv_path is not None:
        write_atomically(csv_path, as_csv(found).encode())
    if as_json:
        print_json(found.as_dict())
    else:
        print_quotes(found, _console())


@main.command()
@click.option("--from", "usage_from", type=ISO_DATE, required=True, help="First day of the usage.")
@click.option(
    "--to", "usage_to", type=ISO_DATE, required=True, help="First day after it, left alone."
)
@click.option("--account", help="Only usage of this billing account.")
@click.option("--plan", help="Only usage that was billed by this plan.")
@click.option("--zone", help="Only usage that was billed in this zone.")
@click.option("--post", is_flag=True, help="Write the order; the next passes carry it out.")
@click.option("--reason", default="", help="Why, for the ledger; needed with --post.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@one_line_errors
def rerate(
    usage_from: date,
    usage_to: date,
    account: str | None,
    plan: str | None,
    zone: str | None,
    post: bool,
    reason: str,
    as_json: bool,
) -> None:
    """Rate billed usage again by today's tariff: show the difference, and with --post order it.

    A change of the tariff alone corrects no issued bill. An order does, with the next pass of each
    account: as a charge of the difference that names the invoice it corrects.
    """
    from orchestration.lib.house import open_house
    from orchestration.lib.say import say
    from orchestration.rerating import Order, RerateError, post_order, preview

    order = Order(usage_from, usage_to, account, plan, zone)
    if post and not reason.strip():
        raise click.BadParameter("needed with --post", param_hint="--reason")
    house = open_house()
    found = preview(house.settings, order, None if as_json else say)
    if not as_json:
        print_rerating(found)
    order_id = None
    if post:
        if not found.differences:
            raise RerateError(f"nothing of the {order} costs anything else now: no order written")
        order_id = post_order(house.ledger, order, reason)
        say(f"ordered as {order_id}: the next pass of each account carries it out")
    if as_json:
        print_json({**found.as_dict(), "order_id": order_id})


def print_rerating(found: Rerating) -> None:
    """Print what an order would change: the largest differences, and the sums."""
    shown = 20
    print_table(
        f"Differences of {found.order}, before reductions, rounding and tax",
        ("account", "subscription", "charge", "period", "billed", "difference", "currency"),
        [
            (
                one.billing_account_id,
                one.subscription_id,
                one.charge_code,
                f"{one.period_start} to {one.period_end}",
                f"{one.billed_amount:,}",
                f"{one.difference_amount:+,}",
                one.currency_code,
            )
            for one in found.differences[:shown]
        ],
    )
    if len(found.differences) > shown:
        click.echo(f"and {len(found.differences) - shown:,} more (--json shows all)")
    for currency, amount in found.totals.items():
        click.echo(f"{amount:+,} {currency} in all")
    if not found.differences:
        click.echo("nothing costs anything else")


@main.group()
def bench() -> None:
    """Measure this house on made-up work."""


@bench.command("rating")
@click.option("--events", type=click.IntRange(min=1_000), default=100_000, show_default=True)
@click.option("--rounds", type=click.IntRange(min=1), default=5, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@one_line_errors
def bench_rating(events: int, rounds: int, as_json: bool) -> None:
    """Rate the common benchmark's month with the models that bill, and beside them by hand.

    Totals are compared first: where two differ, no time is shown.
    """
    from dataclasses import asdict

    from orchestration.bench.contest import run_contest
    from orchestration.lib.say import say

    settings = Settings.from_environment()
    found = run_contest(settings, events, rounds, (lambda _: None) if as_json else say)
    rows = found.table()
    totals = asdict(found.totals)
    if as_json:
        print_json({"events": events, "totals": totals, "entrants": rows})
        return
    print_table("All agree on", ("figure", "value"), list(totals.items()))
    print_table(
        f"{events:,} events, medians of {rounds} rounds (least to most)",
        ("", "CPU s", "wall s", "peak MB", "CPU to by hand"),
        [
            (
                row["entrant"],
                f"{row['cpu_seconds']} ({row['cpu_least']} to {row['cpu_most']})",
                f"{row['wall_seconds']} ({row['wall_least']} to {row['wall_most']})",
                row["peak_megabytes"],
                row["cpu_to_hand_written"],
            )
            for row in rows
        ],
    )


@main.command()
@click.option("--subscribers", type=int, help="A smaller demo (default: all 5,000).")
@click.option(
    "--render",
    "render_limit",
    type=int,
    default=DEMO_RENDERED,
    show_default=True,
    help="How many invoices get their files and are sent.",
)
@one_line_errors
def demo(subscribers: int | None, render_limit: int) -> None:
    """Make an inbox, bill it, and say where everything is. Again: nothing is billed twice."""
    from orchestration.dispatch.mail_sink import mail_sink
    from orchestration.lib.bill_run import RunOptions, run_bill_date
    from orchestration.lib.say import say
    from orchestration.lib.status import describe_demo
    from orchestration.sample import SampleError, SampleOptions, make_sample

    settings = Settings.from_environment()
    try:
        made = make_sample(settings, SampleOptions(subscribers=subscribers))
    except SampleError as error:
        raise TollhouseError(str(error)) from error
    say(f"{'made' if made.is_new else 'kept'} an inbox of {made.usage_records:,} usage records")
    with ExitStack() as stack:
        host, port = stack.enter_context(mail_sink(settings.outbox / "mail"))
        os.environ["TOLLHOUSE_SMTP_HOST"], os.environ["TOLLHOUSE_SMTP_PORT"] = host, str(port)
        settings = Settings.from_environment()
        run_bill_date(settings, RunOptions(DEMO_BILL_DATE, render_limit=render_limit))
    click.echo(describe_demo(settings, DEMO_BILL_DATE))


if __name__ == "__main__":
    main()
