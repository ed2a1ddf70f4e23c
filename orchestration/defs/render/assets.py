"""Render: issued invoices become files."""

from typing import Any

import dagster as dg

from orchestration.defs.dbt_models import bill_date_of
from orchestration.defs.partitions import BILL_DATES
from orchestration.lib.house import open_house
from orchestration.lib.progress import Progress
from orchestration.lib.say import say
from orchestration.render.rendering import render_documents


class RenderConfig(dg.Config):
    """How many invoices of the bill date get their files; below zero means all of them.

    With a `pass_kind`, only those of its passes.
    """

    limit: int = -1
    pass_kind: str = ""


@dg.asset(
    group_name="render",
    kinds={"pdf", "html"},
    deps=["fct_invoices", "fct_invoice_lines", "fct_invoice_taxes", "fct_rated_usage"],
    partitions_def=BILL_DATES,
)
def rendered_documents(
    context: dg.AssetExecutionContext, config: RenderConfig
) -> dg.MaterializeResult[Any]:
    """Render the invoices that have no files yet, in two processes, without any network."""
    house = open_house()
    with Progress("rendering") as progress:
        summary = render_documents(
            house.settings,
            house.ledger,
            bill_date_of(context),
            None if config.limit < 0 else config.limit,
            progress,
            config.pass_kind,
        )
    for error in summary.errors:
        say(f"  {error}")
    say(
        f"rendered {summary.rendered_count:,} invoices, {len(summary.errors)} failed, "
        f"{summary.remaining_count:,} still without files"
    )
    return dg.MaterializeResult(
        metadata={
            "rendered": summary.rendered_count,
            "failed": len(summary.errors),
            "remaining": summary.remaining_count,
        }
    )
