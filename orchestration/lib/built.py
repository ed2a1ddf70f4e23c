"""What a warehouse was built from: the code and the seeds behind each of its tables and views.

A small file beside the warehouse, written after each build. A scratch build that starts from a copy
keeps what was made from the same and makes the rest anew; without the file it makes everything.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from orchestration.lib.files import sha256_file, write_atomically

# Sources that a scratch build replaces by its own: what hangs on them is never kept.
OF_A_SIDE = frozenset({"control", "ledger"})
NOT_KNOWN = "?"


@dataclass(frozen=True)
class Recipe:
    """What a node is made from.

    `code` is its SQL and macros with those of all it reads, and the shape of the seeds; `seeds` is
    the content of these seeds; `sources` is where the node itself reads files. `project` is the
    hash of the whole project on the day it was built.
    """

    code: str
    seeds: str
    sources: str
    project: str = ""


@dataclass(frozen=True)
class Recipes:
    """The recipes of a parsed project, parents first, and which of its nodes hang on the ledger."""

    of_node: Mapping[str, Recipe]
    parents: Mapping[str, tuple[str, ...]]
    of_side: frozenset[str]


def hash_project(project: Path, seeds: Path) -> str:
    """Return the SHA-256 of all models, macros and seeds, with what is declared of them."""
    digest = hashlib.sha256()
    for folder in (project / "models", project / "macros", seeds):
        for path in sorted(folder.rglob("*")):
            if path.suffix in {".sql", ".yml", ".csv"}:
                digest.update(str(path.relative_to(folder)).encode() + b"\0")
                digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()


def read_recipes(manifest: Mapping[str, Any], project: Path) -> Recipes:
    """Return the recipe of every seed and model of a manifest read from its JSON."""
    nodes = {
        name: node
        for name, node in manifest["nodes"].items()
        if node["resource_type"] in ("model", "seed")
    }
    recipes: dict[str, Recipe] = {}
    parents_of: dict[str, tuple[str, ...]] = {}
    of_side: set[str] = set()
    macros: dict[str, str] = {}
    for name in _parents_first(nodes):
        node = nodes[name]
        if node["resource_type"] == "seed":
            recipes[name] = _seed_recipe(node, project)
            parents_of[name] = ()
            continue
        parents = sorted(node["depends_on"]["nodes"])
        parents_of[name] = tuple(one for one in parents if one in recipes)
        known = [recipes[one] for one in parents_of[name]]
        sources = [manifest["sources"][one] for one in parents if one in manifest["sources"]]
        if any(one["source_name"] in OF_A_SIDE for one in sources) or of_side & set(parents):
            of_side.add(name)
        recipes[name] = Recipe(
            code=_digest(
                node["raw_code"],
                node["config"]["materialized"],
                *(_macro(manifest, one, macros) for one in node["depends_on"]["macros"]),
                *(one.code for one in known),
            ),
            seeds=_digest(*(one.seeds for one in known)),
            sources=_digest(*(str(one["relation_name"]) for one in sources)),
        )
    return Recipes(recipes, parents_of, frozenset(of_side))


def built_file(warehouse: Path) -> Path:
    """Return where it is written down what a warehouse was built from."""
    return warehouse.with_name(f"{warehouse.name}.built.json")


def read_built(warehouse: Path) -> dict[str, Recipe]:
    """Return what each node of a warehouse was built from; nothing when it is not known."""
    try:
        content = json.loads(built_file(warehouse).read_text("utf-8"))
        return {name: Recipe(**recipe) for name, recipe in content.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def record_built(
    warehouse: Path,
    recipes: Recipes,
    project_hash: str,
    built: Collection[str],
    grown: Collection[str],
) -> None:
    """Write down what the nodes of `built` were made from.

    A model was made from the seeds as they were last loaded, whatever their files say by now.
    `grown` names those that were added to: when their code had changed, old and new rows stand side
    by side, and what they were made from is not known any more.
    """
    known = read_built(warehouse)
    for name, recipe in recipes.of_node.items():
        if name not in built:
            continue
        before = known.get(name)
        parents = [known.get(one) for one in recipes.parents[name]]
        recipe = replace(recipe, project=project_hash)
        if parents:
            seeds = _digest(*(one.seeds if one else NOT_KNOWN for one in parents))
            recipe = replace(recipe, seeds=seeds)
        if name in grown and before is not None and before.code != recipe.code:
            recipe = Recipe(NOT_KNOWN, NOT_KNOWN, NOT_KNOWN)
        known[name] = recipe
    content = {name: asdict(recipe) for name, recipe in sorted(known.items())}
    write_atomically(built_file(warehouse), json.dumps(content, indent=1).encode())


def _parents_first(nodes: Mapping[str, Any]) -> list[str]:
    ordered: dict[str, None] = {}

    def visit(name: str) -> None:
        if name in ordered or name not in nodes:
            return
        for parent in nodes[name]["depends_on"].get("nodes", ()):
            visit(parent)
        ordered[name] = None

    for name in sorted(nodes):
        visit(name)
    return list(ordered)


def _seed_recipe(node: Mapping[str, Any], project: Path) -> Recipe:
    path = project / node["original_file_path"]
    with path.open("rb") as stream:
        header = stream.readline()
    shape = json.dumps(node["config"]["column_types"], sort_keys=True)
    return Recipe(_digest(node["name"], header.decode("utf-8-sig"), shape), sha256_file(path), "")


def _macro(manifest: Mapping[str, Any], name: str, known: dict[str, str]) -> str:
    """Return the digest of a macro of the project with those it calls; dbt's own never change."""
    if not name.startswith("macro.tollhouse."):
        return name
    if name not in known:
        known[name] = name  # a macro that calls itself
        macro = manifest["macros"][name]
        called = [_macro(manifest, one, known) for one in macro["depends_on"]["macros"]]
        known[name] = _digest(macro["macro_sql"], *called)
    return known[name]


def _digest(*texts: str) -> str:
    digest = hashlib.sha256()
    for text in texts:
        digest.update(text.encode() + b"\0")
    return digest.hexdigest()
