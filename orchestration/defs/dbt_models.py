"""dbt models as Dagster assets: asset key = table name, group = step of the cycle.

One `@dbt_assets` per stretch between the Python steps: accounts, then (passes are opened)
calculation, then (invoices are issued) billing marts, then (documents are sent) the other marts.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtProject

from orchestration.lib.dbt import NodeResult, require_success
from orchestration.lib.house import House

STEP_OF_FOLDER = {
    "accounts": "accounts",
    "usage": "rate",
    "rating": "rate",
    "charges": "calculate",
    "invoicing": "calculate",
    "validation": "validate",
    "dispatch": "dispatch",
}
Result = dg.MaterializeResult[Any] | dg.AssetCheckResult
# What an operator wants to see on an asset, by the name of its table.
Figures = Mapping[str, Mapping[str, Any]]


class Translator(DagsterDbtTranslator):
    """Names and groups as the folders do; adds what a stretch waits for in Python."""

    def __init__(self, waits_for: Sequence[str] = ()) -> None:
        super().__init__(DagsterDbtTranslatorSettings(enable_source_tests_as_checks=True))
        self._waits_for = [dg.AssetKey(name) for name in waits_for]

    def get_asset_spec(
        self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None
    ) -> dg.AssetSpec:
        """Return dbt's own spec with our key and group."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        properties = self.get_resource_props(manifest, unique_id)
        if properties["resource_type"] == "source":
            return spec
        waits = [dg.AssetDep(key) for key in self._waits_for]
        return spec.replace_attributes(
            group_name=group_of(properties), deps=[*spec.deps, *waits], owners=[]
        )

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """Asset key = table name; a source's has its source before it."""
        name = str(dbt_resource_props["name"])
        if dbt_resource_props["resource_type"] == "source":
            return dg.AssetKey([str(dbt_resource_props["source_name"]), name])
        return dg.AssetKey(name)


def group_of(properties: Mapping[str, Any]) -> str:
    """Return the step that a dbt node belongs to, from its folder."""
    if properties["resource_type"] == "seed":
        return "seeds"
    folders = list(properties["fqn"])[1:-1]
    if folders[0] == "marts":
        return f"marts_{folders[1]}"
    if folders[0] == "intermediate":
        return STEP_OF_FOLDER.get(str(folders[1]), str(folders[1]))
    return "staging"


def select_rest(manifest: Path, folders: Collection[str], made: Sequence[str]) -> str:
    """Return the dbt selection of all models of `folders` but those `made` and what they read.

    By name, since `exclude` would leave out every test that reads one of them as well.
    """
    parsed = json.loads(manifest.read_text(encoding="utf-8"))
    models = {key: node for key, node in parsed["nodes"].items() if node["name"] in made}
    waiting, before = list(models), set(models)
    while waiting:
        parents = set(parsed["parent_map"][waiting.pop()]) - before
        before |= parents
        waiting += parents
    return " ".join(
        node["name"]
        for key, node in sorted(parsed["nodes"].items())
        if node["resource_type"] == "model" and node["fqn"][1] in folders and key not in before
    )


def build_selected(context: dg.AssetExecutionContext, house: House) -> list[NodeResult]:
    """Build the dbt nodes that Dagster selected and return their results."""
    return house.dbt.build(*sorted(key.path[-1] for key in context.selected_asset_keys))


def report_results(
    context: dg.AssetExecutionContext,
    results: Sequence[NodeResult],
    what: str,
    figures: Figures | None = None,
) -> Iterator[Result]:
    """Report every node and test to Dagster, then fail if one of them did: nothing goes on."""
    checks = {check.name: check for check in context.selected_asset_check_keys}
    # In the order dbt finished them, in which every table comes after those it is made of.
    for result in results:
        name = result.unique_id.split(".")[2]
        key = dg.AssetKey(name)
        if result.status == "success" and key in context.selected_asset_keys:
            metadata = {"seconds": result.seconds, **(figures or {}).get(name, {})}
            yield dg.MaterializeResult(asset_key=key, metadata=metadata)
        elif result.status != "skipped" and name in checks:
            yield dg.AssetCheckResult(
                asset_key=checks[name].asset_key,
                check_name=name,
                passed=not result.has_failed,
                metadata={"failures": result.failures, "message": result.message},
            )
    require_success(results, what)


def report_current(context: dg.AssetExecutionContext) -> Iterator[Result]:
    """Report that the tables are what a build would make of them, so that the next steps go on.

    Their checks passed on the same tables, and would again: a step behind them is gated by that.
    """
    parents = {spec.key: {dep.asset_key for dep in spec.deps} for spec in context.assets_def.specs}
    for key in TopologicalSorter(parents).static_order():
        if key in context.selected_asset_keys:
            yield dg.MaterializeResult(asset_key=key, metadata={"summary": "current"})
    for check in context.selected_asset_check_keys:
        yield dg.AssetCheckResult(
            asset_key=check.asset_key,
            check_name=check.name,
            passed=True,
            metadata={"summary": "current"},
        )


def bill_date_of(context: dg.AssetExecutionContext) -> date:
    """Return the bill date that a step runs for."""
    return date.fromisoformat(context.partition_key)
