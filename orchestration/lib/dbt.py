"""dbt in this process: parsed once, one build at a time, nothing left open behind it.

A workspace is one side of the house: the same project over a landing, exports, seeds and a
warehouse. Production has one; preview, impact and verify make more, each in a folder of its own, so
that the live file is never touched.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.artifacts.schemas.results import NodeStatus
from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt.contracts.graph.manifest import Manifest

from orchestration.lib import spark
from orchestration.lib.built import Recipes, hash_project, read_recipes, record_built
from orchestration.lib.errors import TollhouseError
from orchestration.settings import Settings

# Below these statuses a node did what it was asked to.
FAILED = frozenset({NodeStatus.Error, NodeStatus.Fail, NodeStatus.RuntimeErr})


class DbtError(TollhouseError):
    """A dbt invocation failed; the text names the first nodes and why."""


@dataclass(frozen=True)
class Workspace:
    """Where a dbt invocation reads and writes. All paths are absolute.

    On Spark the tables lie beside `warehouse`, which shows them to readers.
    """

    project: Path
    landing: Path
    exports: Path
    warehouse: Path
    target: Path
    logs: Path
    engine: str = "duckdb"

    @classmethod
    def production(cls, settings: Settings) -> Workspace:
        """The live warehouse of the home."""
        return cls(
            project=settings.dbt_project,
            landing=settings.landing,
            exports=settings.exports,
            warehouse=settings.warehouse,
            target=settings.warehouse.parent / "target",
            logs=settings.home / "logs",
            engine=settings.engine,
        )

    @classmethod
    def scratch(cls, settings: Settings, side: Path, seeds: Path | None = None) -> Workspace:
        """A side of its own over the live landing, with copies of the project and of the seeds.

        Copied, not pointed to: dbt writes what it runs under the target path joined with the seed's
        own path, and with a seed path outside the project that is the CSV itself. The stem of the
        warehouse stays the same, since dbt writes it into the manifest as the catalog's name. It is
        built on DuckDB, whatever built the live one: both make the same figures.
        """
        project = side / "project" / "dbt_project"
        shutil.copytree(
            settings.dbt_project, project, ignore=shutil.ignore_patterns("target", "logs")
        )
        shutil.copytree(seeds or settings.seeds, side / "project" / "seeds")
        return cls(
            project=project,
            landing=settings.landing,
            exports=side / "exports",
            warehouse=side / "warehouse.duckdb",
            target=side / "target",
            logs=side / "logs",
        )

    def environment(self) -> dict[str, str]:
        """The variables that the dbt project reads; rendered into sources when it is parsed."""
        return {
            "TOLLHOUSE_LANDING": str(self.landing),
            "TOLLHOUSE_EXPORTS": str(self.exports),
            "TOLLHOUSE_WAREHOUSE": str(self.warehouse),
            "TOLLHOUSE_SPARK": str(self.warehouse.parent),
        }

    @property
    def readers(self) -> Workspace:
        """The same place as DuckDB sees it."""
        target = self.target.with_name(f"{self.target.name}-readers")
        return replace(self, engine="duckdb", target=target)


@dataclass(frozen=True)
class NodeResult:
    """What became of one dbt node: `failures` counts the rows of a failed test."""

    unique_id: str
    status: str
    message: str
    failures: int
    seconds: float

    @property
    def has_failed(self) -> bool:
        return self.status in FAILED


def dbt_arguments(command: str, workspace: Workspace, options: Sequence[str]) -> list[str]:
    """Build the command line of a dbt call; absolute paths, since the project may be read-only."""
    return [
        "--no-use-colors",
        "--log-level",
        "none",
        "--log-level-file",
        "info",
        "--log-path",
        str(workspace.logs),
        command,
        "--project-dir",
        str(workspace.project),
        "--profiles-dir",
        str(workspace.project),
        "--target",
        workspace.engine,
        "--target-path",
        str(workspace.target),
        *options,
    ]


class Dbt:
    """The dbt project of one workspace, parsed when first needed and kept."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._manifest: Manifest | None = None
        self._readers: Dbt | None = None

    @property
    def manifest(self) -> Path:
        """The parsed project as a file, as dagster-dbt reads it; parsed when not there yet."""
        self.parse()
        return self.workspace.target / "manifest.json"

    def parse(self) -> Manifest:
        """Parse the project once; raises `DbtError` with dbt's own reason."""
        if self._manifest is None:
            result = self._invoke("parse", ())
            if not isinstance(result.result, Manifest):
                raise DbtError(f"dbt cannot read the project: {_reason(result)}")
            self._manifest = result.result
        return self._manifest

    def recipes(self) -> Recipes:
        """Return what every seed and model of the project is made from."""
        return read_recipes(json.loads(self.manifest.read_bytes()), self.workspace.project)

    def build(
        self,
        *select: str,
        full_refresh: bool = False,
        unit_tests: bool = False,
        data_tests: bool = True,
        on_node: Callable[[str], None] | None = None,
    ) -> list[NodeResult]:
        """Build the selected nodes (all when none is named) and return each one's result.

        A failed node is a result, not an exception: the caller decides what it blocks. `on_node` is
        told the id of every node that is done; on Spark, when all are. What was built from what is
        written down beside the warehouse.
        """
        # A test runs with the last of its parents: never on a model of a later step.
        options = ["--indirect-selection", "buildable"]
        # Unit tests test the rules, not the data: `make test` runs them, a bill run need not.
        left_out = [*([] if unit_tests else ["unit_test"]), *([] if data_tests else ["test"])]
        if left_out:
            options += ["--exclude-resource-type", *left_out]
        if select:
            options += ["--select", *select]
        if full_refresh:
            options.append("--full-refresh")
        if self.workspace.engine == "spark":
            return self._build_on_spark(options, on_node)
        self.parse()
        result = self._invoke("build", options, on_node)
        if result.result is None:
            raise DbtError(f"dbt could not start: {_reason(result)}")
        self._record(result, full_refresh)
        return [
            NodeResult(
                unique_id=node.node.unique_id,
                status=str(node.status),
                message=str(node.message or ""),
                failures=int(node.failures or 0),
                seconds=round(node.execution_time, 3),
            )
            for node in result.result.results  # type: ignore[union-attr]
        ]

    def _record(self, result: dbtRunnerResult, full_refresh: bool) -> None:
        nodes: list[Any] = [
            one.node
            for one in result.result.results  # type: ignore[union-attr]
            if one.status == NodeStatus.Success
        ]
        built = {node.unique_id for node in nodes}
        grown = {
            node.unique_id
            for node in nodes
            if node.config.materialized == "incremental" and not full_refresh
        }
        project = self.workspace.project
        project_hash = hash_project(project, project.parent / "seeds")
        record_built(self.workspace.warehouse, self.recipes(), project_hash, built, grown)

    def _build_on_spark(
        self, options: Sequence[str], on_node: Callable[[str], None] | None
    ) -> list[NodeResult]:
        workspace = self.workspace
        workspace.warehouse.parent.mkdir(parents=True, exist_ok=True)
        # Held open, so that a reader is told that the warehouse is being written.
        with duckdb.connect(str(workspace.warehouse)) as readers:
            found = spark.run_dbt(
                dbt_arguments("build", workspace, options),
                workspace.environment(),
                workspace.warehouse.parent,
                workspace.target,
            )
            manifest = workspace.target / "manifest.json"
            spark.show_tables(readers, workspace.warehouse.parent / "tables", manifest)
        results = [
            NodeResult(
                unique_id=node["unique_id"],
                status=node["status"],
                message=node["message"] or "",
                failures=node["failures"] or 0,
                seconds=round(node["execution_time"], 3),
            )
            for node in found
        ]
        if any(result.unique_id.startswith("model.tollhouse.stg_") for result in results):
            self._show_staging()
        if on_node is not None:
            for result in results:
                on_node(result.unique_id)
        return results

    def _show_staging(self) -> None:
        """Make the staging views for the readers: they are no tables, but queries of landing."""
        readers = self._readers = self._readers or Dbt(self.workspace.readers)
        readers.parse()
        result = readers._invoke("run", ["--select", "staging"])
        if not result.success:
            raise DbtError(f"staging views for readers: {_reason(result)}")

    def _invoke(
        self,
        command: str,
        options: Sequence[str],
        on_node: Callable[[str], None] | None = None,
    ) -> dbtRunnerResult:
        def heard(event: Any) -> None:
            if on_node is not None and event.info.name == "NodeFinished":
                on_node(event.data.node_info.unique_id)

        runner: Any = dbtRunner(manifest=self._manifest, callbacks=[heard] if on_node else [])
        with _environment(self.workspace.environment()):
            try:
                result: dbtRunnerResult = runner.invoke(
                    dbt_arguments(command, self.workspace, options)
                )
            finally:
                # Otherwise the process keeps the file locked and no reader gets in.
                DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
        return result


def require_success(results: Sequence[NodeResult], what: str) -> None:
    """Raise `DbtError` naming the first failed nodes, if there are any."""
    failed = [result for result in results if result.has_failed]
    if failed:
        named = "; ".join(
            f"{result.unique_id.split('.')[2]}: {_one_line(result.message)}"
            for result in failed[:3]
        )
        more = f" (and {len(failed) - 3} more)" if len(failed) > 3 else ""
        raise DbtError(f"{what} stopped: {named}{more}")


def _one_line(text: str) -> str:
    return " ".join(text.split())[:400]


def _reason(result: dbtRunnerResult) -> str:
    return _one_line(str(result.exception or "see logs/dbt.log"))


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
