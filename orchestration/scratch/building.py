"""A scratch build of one tree: the models that are asked for, over the passes as they were made.

It starts from a copy of the live warehouse and keeps what was made there from the same code, seeds
and files; computed rows of passes are dropped first, so that each table is written once.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from orchestration.ledger.store import Ledger
from orchestration.lib.built import Recipes, built_file, read_built
from orchestration.lib.dbt import Dbt, DbtError, Workspace, require_success
from orchestration.lib.files import write_atomically
from orchestration.lib.lock import writer_lock
from orchestration.scratch.as_of import AsOf, write_inputs
from orchestration.scratch.trees import Tree
from orchestration.settings import Settings

WAIT_SECONDS = 600.0
# What is computed on arrival grows by file and not by pass; its rows carry the hash of the tariff
# that they were made with, and what makes that hash.
ARRIVAL = "model.tollhouse.int_usage__arrived"
ARRIVAL_HASH = "model.tollhouse.int_tariff__arrival_hash"
# What a node is taken to last until one run has measured it.
USUAL_SECONDS = {"int_usage__rated": 5.0, "int_usage__arrived": 5.0, "": 0.06}
# Told how much of a side is done, both in seconds of work.
Advance = Callable[[float, float], None]


@dataclass(frozen=True)
class Side:
    """A built side: where its warehouse is, and what had to be made."""

    tree: Tree
    warehouse: Path
    built: tuple[str, ...]
    kept: int


def build_side(
    settings: Settings,
    ledger: Ledger,
    tree: Tree,
    as_of: AsOf,
    folder: Path,
    outputs: Sequence[str],
    advance: Advance,
) -> Side:
    """Build `outputs` and what they need in `folder`, which only its parsed project outlives.

    Holds the writer lock while the live warehouse and the ledger are copied, no longer. Raises
    `DbtError` when a model fails.
    """
    clear_side(folder)
    own = tree.settings(settings)
    workspace = Workspace.scratch(own, folder)
    with writer_lock(settings, WAIT_SECONDS):
        exports, landing = write_inputs(own, ledger, as_of, folder)
        # What Spark built is no file to start from: then everything is made.
        if settings.engine == "duckdb":
            copy_warehouse(settings.warehouse, workspace.warehouse)
    workspace = Workspace(**{**vars(workspace), "exports": exports, "landing": landing})
    dbt = Dbt(workspace)
    dbt.parse()
    manifest = json.loads(dbt.manifest.read_bytes())
    needed = needed_nodes(manifest, outputs)
    there = _relations(workspace.warehouse)
    plan = _plan(workspace, dbt.recipes(), manifest, needed, there, as_of)
    _drop(workspace.warehouse, manifest, there, plan.dropped)
    what = f"billing under {tree.label}"
    made = plan.made
    if plan.unsure:
        first = [one for one in made if one in needed_nodes(manifest, (ARRIVAL_HASH,))]
        build_nodes(settings, dbt, first, what, lambda _done, _whole: None)
        stale = [one for one in plan.unsure if _is_mostly_stale(workspace.warehouse, one)]
        _drop(workspace.warehouse, manifest, there, stale)
        made = [one for one in made if one not in first]
    build_nodes(settings, dbt, made, what, advance)
    return Side(tree, workspace.warehouse, tuple(plan.made), len(needed) - len(plan.made))


def build_nodes(
    settings: Settings, dbt: Dbt, nodes: Sequence[str], what: str, advance: Advance
) -> None:
    """Build nodes by their ids and tell how far it has come, in seconds as they took last time.

    Raises `DbtError` when one fails or is left out.
    """
    weights = _weights(settings, nodes)
    whole, done = sum(weights.values()), 0.0

    def finished(node: str) -> None:
        nonlocal done
        done += weights.get(node, 0.0)
        advance(done, whole)

    advance(0.0, whole)
    names = [one.split(".")[2] for one in nodes]
    results = dbt.build(*names, data_tests=False, on_node=finished) if names else []
    require_success(results, what)
    missing = set(nodes) - {one.unique_id for one in results}
    if missing:
        raise DbtError(f"{what} left out {', '.join(sorted(missing))}")
    _keep_weights(settings, {one.unique_id: one.seconds for one in results})


def copy_warehouse(live: Path, copy: Path) -> None:
    """Copy a warehouse nobody writes, with its log and what it was built from, if there is one."""
    for path, target in (
        (live, copy),
        (live.with_name(f"{live.name}.wal"), copy.with_name(f"{copy.name}.wal")),
        (built_file(live), built_file(copy)),
    ):
        if path.exists():
            shutil.copyfile(path, target)


def clear_side(folder: Path) -> None:
    """Remove what a side left behind, all but its parsed project: dbt reads only what changed."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.name == "target":
            shutil.rmtree(path / "run", ignore_errors=True)
            shutil.rmtree(path / "compiled", ignore_errors=True)
        elif path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def needed_nodes(manifest: Mapping[str, Any], outputs: Sequence[str]) -> list[str]:
    """Return the outputs, by name or id, and all seeds and models they are made of."""
    nodes = manifest["nodes"]
    by_name = {
        node["name"]: name for name, node in nodes.items() if node["resource_type"] == "model"
    }
    waiting = [one if one in nodes else by_name[one] for one in outputs]
    found: dict[str, None] = {}
    while waiting:
        name = waiting.pop()
        if name not in found and name in nodes:
            found[name] = None
            waiting += nodes[name].get("depends_on", {}).get("nodes", ())
    return sorted(found)


@dataclass(frozen=True)
class _Plan:
    """What is made, what is dropped before it, and what may be dropped: arrival under new seeds."""

    made: list[str]
    dropped: list[str]
    unsure: list[str]


def _plan(
    workspace: Workspace,
    recipes: Recipes,
    manifest: Mapping[str, Any],
    needed: Sequence[str],
    there: Mapping[str, str],
    as_of: AsOf,
) -> _Plan:
    """Decide what is made anew, and which tables of the copy are dropped before it.

    Kept: seeds of the same content; views of the same code over the same files; tables of the same
    code and seeds that hang neither on the ledger nor on landing that grew since. What is computed
    on arrival finds by itself what has changed, unless its code is another; where its seeds are,
    the hash in its rows will tell whether it is written anew.
    """
    built = read_built(workspace.warehouse)
    made: list[str] = []
    dropped: list[str] = []
    unsure: list[str] = []
    for name in needed:
        node, recipe, was = manifest["nodes"][name], recipes.of_node[name], built.get(name)
        is_there = was is not None and node["name"] in there
        kind = node["config"]["materialized"]
        same_code = is_there and was is not None and was.code == recipe.code
        same_seeds = same_code and was is not None and was.seeds == recipe.seeds
        same_files = was is not None and was.sources == recipe.sources
        if kind == "seed":
            keep = same_seeds
        elif kind == "view":
            keep = same_code and same_files
        elif kind == "table":
            keep = same_seeds and name not in recipes.of_side and as_of.sees_all_landing
        else:
            keep = False
        if keep:
            continue
        made.append(name)
        adds_on_arrival = kind == "incremental" and (
            node["config"]["incremental_strategy"] != "replace_runs"
        )
        if adds_on_arrival and same_code:
            if not same_seeds and ARRIVAL_HASH in recipes.of_node:
                unsure.append(name)
            continue
        is_view = there.get(node["name"], "view") == "view"
        if not is_view or kind != "view":
            dropped.append(name)
    return _Plan(made, dropped, unsure)


def _is_mostly_stale(warehouse: Path, name: str) -> bool:
    """Whether most rows of a table were made with another tariff: then all are made at once."""
    table = name.split(".")[2]
    with duckdb.connect(str(warehouse)) as sql:
        ((stale, rows),) = sql.execute(
            f"""
            select count(*) filter (rows.tariff_hash <> tariff.tariff_hash), count(*)
            from intermediate."{table}" as rows
            cross join intermediate.int_tariff__arrival_hash as tariff
            """
        ).fetchall()
    return bool(stale * 2 > rows)


def _relations(warehouse: Path) -> dict[str, str]:
    """Return what there is in a warehouse, each a table or a view."""
    with duckdb.connect(str(warehouse)) as sql:
        rows = sql.execute(
            "select table_name, 'table' from duckdb_tables() where not temporary"
            " union all select view_name, 'view' from duckdb_views() where not internal"
        ).fetchall()
    return dict(rows)


def _drop(
    warehouse: Path,
    manifest: Mapping[str, Any],
    there: Mapping[str, str],
    names: Sequence[str],
) -> None:
    """Drop what is made anew, whether it was a table or a view until now."""
    with duckdb.connect(str(warehouse)) as sql:
        for name in names:
            node = manifest["nodes"][name]
            if node["name"] in there:
                kind = there[node["name"]]
                sql.execute(f'drop {kind} if exists "{node["schema"]}"."{node["name"]}"')


def _weights(settings: Settings, names: Sequence[str]) -> dict[str, float]:
    """Return how long each node is likely to take: as long as last time."""
    try:
        known = json.loads(_weights_file(settings).read_text("utf-8"))
    except (OSError, ValueError):
        known = {}
    return {
        one: float(known.get(one) or USUAL_SECONDS.get(one.split(".")[2], USUAL_SECONDS[""]))
        for one in names
    }


def _keep_weights(settings: Settings, seconds: Mapping[str, float]) -> None:
    try:
        known = json.loads(_weights_file(settings).read_text("utf-8"))
    except (OSError, ValueError):
        known = {}
    known.update(seconds)
    write_atomically(_weights_file(settings), json.dumps(known, indent=1, sort_keys=True).encode())


def _weights_file(settings: Settings) -> Path:
    return settings.home / "scratch" / "seconds.json"
