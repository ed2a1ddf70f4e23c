"""What a warehouse was built from: what changes a recipe, and what is written down of a build."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestration.lib.built import NOT_KNOWN, read_built, read_recipes, record_built

PLANS, PASSES, PRICED, BILLED = (
    "seed.tollhouse.plans",
    "model.tollhouse.stg_passes",
    "model.tollhouse.priced",
    "model.tollhouse.billed",
)


def model(name: str, sql: str, parents: list[str], macros: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "resource_type": "model",
        "name": name.split(".")[2],
        "raw_code": sql,
        "config": {"materialized": "view"},
        "depends_on": {"nodes": parents, "macros": list(macros)},
    }


@pytest.fixture
def manifest(tmp_path: Path) -> dict[str, Any]:
    """A seed and a ledger source; one model of the seed, one of both, with a macro in a macro."""
    (tmp_path / "plans.csv").write_text("plan_id,price\nS,1\n")
    return {
        "nodes": {
            PLANS: {
                "resource_type": "seed",
                "name": "plans",
                "original_file_path": "plans.csv",
                "config": {"column_types": {"plan_id": "string"}, "materialized": "seed"},
                "depends_on": {"macros": []},
            },
            PASSES: model(PASSES, "passes", ["source.tollhouse.ledger.passes"]),
            PRICED: model(PRICED, "priced", [PLANS], ("macro.tollhouse.outer",)),
            BILLED: model(BILLED, "billed", [PRICED, PASSES]),
        },
        "sources": {
            "source.tollhouse.ledger.passes": {
                "source_name": "ledger",
                "relation_name": "read_parquet('/a')",
            }
        },
        "macros": {
            "macro.tollhouse.outer": {
                "macro_sql": "outer",
                "depends_on": {"macros": ["macro.tollhouse.inner", "macro.dbt.run"]},
            },
            "macro.tollhouse.inner": {"macro_sql": "inner", "depends_on": {"macros": []}},
        },
    }


def changed(manifest: dict[str, Any], folder: Path, before: Any) -> dict[str, set[str]]:
    """Return which parts of each node's recipe are no longer what they were."""
    after = read_recipes(manifest, folder).of_node
    return {
        name: {
            part
            for part in ("code", "seeds", "sources")
            if getattr(after[name], part) != getattr(recipe, part)
        }
        for name, recipe in before.items()
    }


def test_a_macro_inside_a_macro_changes_the_code_of_all_that_follow(
    manifest: dict[str, Any], tmp_path: Path
) -> None:
    before = read_recipes(manifest, tmp_path).of_node
    manifest["macros"]["macro.tollhouse.inner"]["macro_sql"] = "inner, otherwise"
    assert changed(manifest, tmp_path, before) == {
        PLANS: set(),
        PASSES: set(),
        PRICED: {"code"},
        BILLED: {"code"},
    }


def test_a_price_changes_the_seeds_and_a_column_also_the_code(
    manifest: dict[str, Any], tmp_path: Path
) -> None:
    before = read_recipes(manifest, tmp_path).of_node
    (tmp_path / "plans.csv").write_text("plan_id,price\nS,2\n")
    found = changed(manifest, tmp_path, before)
    assert (found[PLANS], found[PRICED], found[PASSES]) == ({"seeds"}, {"seeds"}, set())
    (tmp_path / "plans.csv").write_text("plan_id,price,more\nS,2,1\n")
    assert changed(manifest, tmp_path, before)[BILLED] == {"code", "seeds"}


def test_a_source_elsewhere_is_the_readers_own_matter(
    manifest: dict[str, Any], tmp_path: Path
) -> None:
    recipes = read_recipes(manifest, tmp_path)
    assert recipes.of_side == {PASSES, BILLED}
    manifest["sources"]["source.tollhouse.ledger.passes"]["relation_name"] = "read_parquet('/b')"
    found = changed(manifest, tmp_path, recipes.of_node)
    assert (found[PASSES], found[BILLED]) == ({"sources"}, set())


def test_a_model_is_made_from_the_seed_that_was_loaded(
    manifest: dict[str, Any], tmp_path: Path
) -> None:
    warehouse = tmp_path / "warehouse.duckdb"
    first = read_recipes(manifest, tmp_path)
    record_built(warehouse, first, "p1", {PLANS, PRICED}, set())
    (tmp_path / "plans.csv").write_text("plan_id,price\nS,2\n")
    later = read_recipes(manifest, tmp_path)
    record_built(warehouse, later, "p2", {PRICED}, set())
    known = read_built(warehouse)
    assert known[PRICED].seeds == first.of_node[PRICED].seeds != later.of_node[PRICED].seeds
    assert (known[PLANS].project, known[PRICED].project) == ("p1", "p2")


def test_old_and_new_rows_side_by_side_are_not_known(
    manifest: dict[str, Any], tmp_path: Path
) -> None:
    warehouse = tmp_path / "warehouse.duckdb"
    record_built(warehouse, read_recipes(manifest, tmp_path), "p1", {PLANS, PRICED}, {PRICED})
    same = read_built(warehouse)[PRICED]
    record_built(warehouse, read_recipes(manifest, tmp_path), "p1", {PRICED}, {PRICED})
    assert read_built(warehouse)[PRICED] == same
    manifest["nodes"][PRICED]["raw_code"] = "priced, otherwise"
    record_built(warehouse, read_recipes(manifest, tmp_path), "p2", {PRICED}, {PRICED})
    assert read_built(warehouse)[PRICED].code == NOT_KNOWN
    record_built(warehouse, read_recipes(manifest, tmp_path), "p2", {PRICED}, set())
    assert read_built(warehouse)[PRICED].code != NOT_KNOWN


@pytest.mark.parametrize("content", ["", "{", "[]", '{"a": 1}', '{"a": {"code": "x"}}', "\xff"])
def test_a_file_that_cannot_be_read_says_nothing(tmp_path: Path, content: str) -> None:
    warehouse = tmp_path / "warehouse.duckdb"
    assert read_built(warehouse) == {}
    (tmp_path / "warehouse.duckdb.built.json").write_bytes(content.encode("latin-1"))
    assert read_built(warehouse) == {}
