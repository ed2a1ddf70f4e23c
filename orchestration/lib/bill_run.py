"""Running a bill date in this process: the same Dagster job that the schedule and the UI launch."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

from orchestration.lib.errors import TollhouseError
from orchestration.lib.files import write_atomically
from orchestration.settings import Settings

INSTANCE = """\
telemetry:
  enabled: false
concurrency:
  pools:
    default_limit: 1
    granularity: op
"""
PASS_KINDS = ("main", "supplementary", "off_cycle")
# The stretches of the run that can be stopped after, in order.
STEPS = ("collect", "calculate", "issue", "render", "dispatch", "report")


class RunError(TollhouseError):
    """A step of the bill run failed; what was done stays done, and running again goes on."""


@dataclass(frozen=True)
class RunOptions:
    """What a run does: `render_limit` below zero means every invoice; `until` is one of `STEPS`.

    `kind` is one of `PASS_KINDS`; `accounts` are those of an off-cycle run.
    """

    bill_date: date
    kind: str = "main"
    accounts: tuple[str, ...] = ()
    issue_date: date | None = None
    render_limit: int = -1
    until: str = "report"


def prepare_instance(settings: Settings) -> None:
    """Point Dagster at the home's own instance folder, and make it when it is not there."""
    folder = settings.home / "dagster"
    if not (folder / "dagster.yaml").exists():
        write_atomically(folder / "dagster.yaml", INSTANCE.encode())
    os.environ["DAGSTER_HOME"] = str(folder)


def run_bill_date(settings: Settings, options: RunOptions) -> None:
    """Execute the bill run of one date; raises `RunError` with the failed step and its reason."""
    prepare_instance(settings)
    with _quiet():
        import dagster as dg
        from dagster import DagsterError

        from orchestration.definitions import defs
        from orchestration.defs.partitions import BILL_DATES

        if not BILL_DATES.has_partition_key(options.bill_date.isoformat()):
            first, last = BILL_DATES.get_first_partition_key(), BILL_DATES.get_last_partition_key()
            raise RunError(f"bill date {options.bill_date} is not within {first} and {last}")
        job = defs.resolve_job_def("bill_run")
        with dg.DagsterInstance.get() as instance:
            try:
                result = job.execute_in_process(
                    instance=instance,
                    partition_key=options.bill_date.isoformat(),
                    run_config=run_config(options),
                    asset_selection=_selection(options.until),
                )
            except TollhouseError as error:
                raise RunError(str(error)) from error
            except DagsterError as error:
                cause = error.__cause__ or error
                # The home is full, not writable or gone: for a person to see to.
                if isinstance(cause, (TollhouseError, OSError)):
                    raise RunError(str(cause)) from error
                raise
        _require_complete(result)


def _require_complete(result: Any) -> None:
    """Raise `RunError` when a pass was left out for missing usage while others went on."""
    from dagster import AssetCheckSeverity

    from orchestration.passes.completeness import COMPLETENESS_CHECK

    for check in result.get_asset_check_evaluations():
        is_error = check.severity == AssetCheckSeverity.ERROR
        if check.check_name == COMPLETENESS_CHECK and is_error and not check.passed:
            raise RunError(
                f"the run is done but for passes that wait for usage: {check.description}"
            )


def run_config(options: RunOptions) -> dict[str, Any]:
    """Return the Dagster run config of the options: only steps that are run may be configured."""
    ops: dict[str, Any] = {}
    if STEPS.index(options.until) >= STEPS.index("calculate"):
        ops["opened_passes"] = {
            "config": {
                "kind": options.kind.upper(),
                "accounts": list(options.accounts),
                "issue_date": options.issue_date.isoformat() if options.issue_date else "",
            }
        }
    if STEPS.index(options.until) >= STEPS.index("render"):
        # Releasing one account must not render what the main pass left for later.
        kind = "" if options.kind == "main" else options.kind
        ops["rendered_documents"] = {"config": {"limit": options.render_limit, "pass_kind": kind}}
    return {"ops": ops, "loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def _selection(until: str) -> list[Any] | None:
    """Return the asset keys up to a step, None when it is the last."""
    from orchestration.defs.calculate import assets as calculate
    from orchestration.defs.collect import assets as collect
    from orchestration.defs.dispatch import assets as dispatch
    from orchestration.defs.issue import assets as issue
    from orchestration.defs.marts import assets as marts
    from orchestration.defs.passes import assets as passes
    from orchestration.defs.render import assets as render

    of_step = {
        "collect": [collect.collected_files],
        "calculate": [calculate.accounts, passes.opened_passes, calculate.calculation],
        "issue": [issue.issued_invoices, marts.billing_marts],
        "render": [render.rendered_documents],
        "dispatch": [dispatch.dispatched_documents],
    }
    if until not in of_step:
        return None
    wanted = STEPS[: STEPS.index(until) + 1]
    return [key for step in wanted for assets in of_step[step] for key in assets.keys]


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep libraries' notices off the operator's terminal; steps tell their own lines."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.getLogger("dagster").setLevel(logging.CRITICAL)
        yield
