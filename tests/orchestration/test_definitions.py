"""What Dagster loads: every table is an asset of its step, every test a check, in the one order."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from stage import PROJECT, Stage

from orchestration.lib.bill_run import STEPS, RunOptions, run_config
from orchestration.lib.dbt import Dbt, Workspace
from orchestration.passes.cycles import bill_dates_to_run
from orchestration.settings import Settings

STRETCHES = (
    ("collected_files", "landing/billing_accounts"),
    ("accounts", "int_billing_accounts__current"),
    ("opened_passes", "control/passes_in_scope"),
    ("calculation", "int_accounts__decided"),
    ("issued_invoices", "issued_invoices"),
    ("billing_marts", "fct_invoices"),
    ("rendered_documents", "rendered_documents"),
    ("dispatched_documents", "dispatched_documents"),
    ("reporting_marts", "rpt_control_totals"),
    ("cycle_report", "cycle_report"),
    ("published_marts", "published_marts"),
)
# Everything else reads the warehouse only, and may run beside a writer.
WITHOUT_POOL = {"rendered_documents", "dispatched_documents"}
# What is not made by a step: frozen at issue or written by several, each read as a source.
OUTSIDE_SOURCES = {"issued", "ledger"}


@pytest.fixture(scope="session")
def definitions(stage: Stage) -> dg.Definitions:
    """The definitions as Dagster loads them."""
    with stage.environment():
        from orchestration.definitions import defs

        dg.Definitions.validate_loadable(defs)
    return defs


@pytest.fixture(scope="session")
def graph(definitions: dg.Definitions) -> Any:
    return definitions.resolve_asset_graph()


@pytest.fixture(scope="session")
def nodes(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The enabled nodes of the dbt project by unique id, parsed here.

    The manifest that lies in the home is that of whatever project a test ran there last.
    """
    folder = tmp_path_factory.mktemp("parsed")
    settings = replace(stage.settings, project_root=PROJECT)
    workspace = replace(
        Workspace.production(settings), target=folder / "target", logs=folder / "logs"
    )
    manifest = json.loads(Dbt(workspace).manifest.read_text())
    found: dict[str, dict[str, Any]] = manifest["nodes"]
    return found


def _step_of(node: dict[str, Any]) -> str:
    folders = node["path"].split("/")
    steps = {"usage": "rate", "rating": "rate", "charges": "calculate", "invoicing": "calculate"}
    match folders:
        case [*_] if node["resource_type"] == "seed":
            return "seeds"
        case ["staging", *_]:
            return "staging"
        case ["intermediate", "validation", *_]:
            return "validate"
        case ["intermediate", folder, *_]:
            return steps.get(folder, folder)
        case ["marts", folder, *_]:
            return f"marts_{folder}"
    raise AssertionError(f"no step for {node['path']}")


def test_every_table_is_an_asset_under_its_name_in_its_step(
    graph: Any, nodes: dict[str, dict[str, Any]]
) -> None:
    tables = {
        dg.AssetKey(node["name"]): _step_of(node)
        for node in nodes.values()
        if node["resource_type"] in {"model", "seed"}
    }
    assert len(tables) > 100
    made = graph.materializable_asset_keys
    assert set(tables) <= made
    assert {key: graph.get(key).group_name for key in tables} == tables
    assert not [key for key in made if graph.get(key).group_name == "default"]


def test_only_what_issuing_and_the_ledger_hold_comes_from_outside(graph: Any) -> None:
    outside = graph.get_all_asset_keys() - graph.materializable_asset_keys
    assert {key.path[0] for key in outside} <= OUTSIDE_SOURCES, sorted(map(str, outside))
    assert all(len(key.path) == 2 for key in outside)


def test_the_steps_follow_each_other(graph: Any) -> None:
    reached: list[set[dg.AssetKey]] = []
    for _, name in STRETCHES:
        waiting, before = [dg.AssetKey(name.split("/"))], set[dg.AssetKey]()
        while waiting:
            parents = graph.get(waiting.pop()).parent_keys - before
            before |= parents
            waiting += parents
        reached.append(before)
    keys = [dg.AssetKey(name.split("/")) for _, name in STRETCHES]
    for position in range(1, len(keys)):
        missing = set(keys[:position]) - reached[position]
        assert not missing, (keys[position], missing)


def test_every_stretch_is_one_step_of_the_job(definitions: dg.Definitions) -> None:
    job = definitions.resolve_job_def("bill_run")
    names = [node.name for node in job.nodes]
    assert {name for name, _ in STRETCHES} <= {name.split("_2")[0] for name in names}
    assert job.partitions_def is not None


def test_every_test_of_the_data_is_a_check(graph: Any, nodes: dict[str, dict[str, Any]]) -> None:
    tests = {
        node["name"]: "singular" if "test_metadata" not in node else "generic"
        for node in nodes.values()
        if node["resource_type"] == "test"
    }
    checks = {key.name for key in graph.asset_check_keys}
    assert len(tests) > 200
    assert "singular" in tests.values()
    assert sorted(set(tests) - checks) == []


def test_everything_that_writes_the_warehouse_is_in_one_pool(definitions: dg.Definitions) -> None:
    pools = {
        asset.op.name: asset.op.pool
        for asset in definitions.assets or ()
        if isinstance(asset, dg.AssetsDefinition)
    }
    assert set(pools) == {name for name, _ in STRETCHES}
    assert {name for name, pool in pools.items() if pool != "warehouse_writer"} == WITHOUT_POOL


# The schedule


@pytest.fixture
def policy(tmp_path: Path) -> Iterator[Settings]:
    """A house whose policy is a copy, to be changed."""
    shutil.copytree(PROJECT / "seeds" / "policy", tmp_path / "seeds" / "policy")
    (tmp_path / "dbt_project").mkdir()
    (tmp_path / "dbt_project" / "dbt_project.yml").touch()
    yield Settings(home=tmp_path / "home", project_root=tmp_path)


def _write_policy(
    settings: Settings,
    grace_days: int,
    anchor_day: int,
    months: int = 1,
    weeks: int = 0,
    anchor_month: int = 0,
) -> None:
    folder = settings.seeds / "policy"
    (folder / "billing_policy.csv").write_text(
        "legal_entity_id,grace_days,final_bill,valid_from,valid_to\n"
        f"nordwind,{grace_days},with_cycle,2000-01-01,2026-12-31\n"
        "nordwind,0,with_cycle,2026-12-31,\n"
    )
    (folder / "bill_cycles.csv").write_text(
        "legal_entity_id,bill_cycle_id,interval_months,interval_weeks,anchor_day,anchor_month,"
        "valid_from,valid_to\n"
        f"nordwind,one,{months or ''},{weeks or ''},{anchor_day},{anchor_month or ''},2000-01-01,\n"
    )


def _days(settings: Settings, year: int, month: int) -> dict[int, list[str]]:
    """Return the bill dates launched, by day of a month."""
    days = [date.fromordinal(date(year, month, 1).toordinal() + one) for one in range(28)]
    found = {day.day: bill_dates_to_run(settings, day) for day in days}
    return {day: [str(one) for one in dates] for day, dates in found.items() if dates}


def test_days_of_grace_put_the_run_off_not_the_bill_date(policy: Settings) -> None:
    _write_policy(policy, grace_days=2, anchor_day=1)
    assert _days(policy, 2026, 11) == {3: ["2026-11-01"]}


@pytest.mark.parametrize(
    ("year", "grace", "launched"),
    [
        (2026, 0, {28: ["2026-02-28"]}),
        (2026, 2, {2: ["2026-01-31"]}),
        (2028, 2, {2: ["2028-01-31"]}),
    ],
)
def test_the_31st_is_the_last_day_of_february(
    policy: Settings, year: int, grace: int, launched: dict[int, list[str]]
) -> None:
    _write_policy(policy, grace_days=grace, anchor_day=31)
    if year > 2026:
        (policy.seeds / "policy" / "billing_policy.csv").write_text(
            "legal_entity_id,grace_days,final_bill,valid_from,valid_to\n"
            f"nordwind,{grace},with_cycle,2000-01-01,\n"
        )
    assert _days(policy, year, 2) == launched
    assert bill_dates_to_run(policy, date(2026, 3, 2 if grace else 31)) == (
        [date(2026, 2, 28)] if grace else [date(2026, 3, 31)]
    )


def test_every_day_is_one_for_final_bills_where_they_are_made_at_once(policy: Settings) -> None:
    _write_policy(policy, grace_days=2, anchor_day=1)
    seed = policy.seeds / "policy" / "billing_policy.csv"
    seed.write_text(seed.read_text().replace("with_cycle", "at_once"))
    assert _days(policy, 2026, 11)[4] == ["2026-11-02"]
    assert len(_days(policy, 2026, 11)) == 28


def test_a_weekly_cycle_runs_on_its_weekday_and_every_other_week_in_the_even_ones(
    policy: Settings,
) -> None:
    _write_policy(policy, grace_days=0, anchor_day=1, months=0, weeks=1)
    assert list(_days(policy, 2026, 11)) == [2, 9, 16, 23]
    _write_policy(policy, grace_days=0, anchor_day=7, months=0, weeks=2)
    assert list(_days(policy, 2026, 11)) == [8, 22]


def test_an_annual_cycle_runs_in_its_anchor_month(policy: Settings) -> None:
    _write_policy(policy, grace_days=0, anchor_day=6, months=12, anchor_month=4)
    assert _days(policy, 2026, 4) == {6: ["2026-04-06"]}
    assert _days(policy, 2026, 5) == {}


def test_a_quarterly_cycle_runs_four_times_a_year(policy: Settings) -> None:
    _write_policy(policy, grace_days=0, anchor_day=5, months=3)
    months = [month for month in range(1, 13) if _days(policy, 2026, month)]
    assert months == [1, 4, 7, 10]


@pytest.mark.parametrize(
    ("day", "launched"), [(1, ["2026-12-01"]), (2, []), (30, []), (31, ["2026-12-31"])]
)
def test_the_schedule_launches_on_bill_dates_only(
    stage: Stage,
    policy: Settings,
    definitions: dg.Definitions,
    monkeypatch: pytest.MonkeyPatch,
    day: int,
    launched: list[str],
) -> None:
    seed = policy.seeds / "policy" / "billing_policy.csv"
    seed.write_text(seed.read_text().replace("at_once", "with_cycle"))
    schedule = definitions.resolve_schedule_def("bill_dates")
    moment = datetime(2026, 12, day, 6, tzinfo=UTC)
    with stage.environment():
        monkeypatch.setenv("TOLLHOUSE_PROJECT", str(policy.project_root))
        context = dg.build_schedule_context(
            scheduled_execution_time=moment, repository_def=definitions.get_repository_def()
        )
        evaluated = schedule.evaluate_tick(context)
    assert [request.partition_key for request in evaluated.run_requests or ()] == launched
    assert bool(evaluated.skip_message) is not bool(launched)


# The config of a run


@pytest.mark.parametrize("until", STEPS)
def test_only_the_steps_of_a_run_are_configured(until: str, definitions: dg.Definitions) -> None:
    options = RunOptions(date(2026, 11, 1), issue_date=date(2026, 11, 3), until=until)
    ops = run_config(options)["ops"]
    reached = STEPS[: STEPS.index(until) + 1]
    assert ("opened_passes" in ops) == ("calculate" in reached)
    assert ("rendered_documents" in ops) == ("render" in reached)


def test_the_config_says_what_was_asked() -> None:
    options = RunOptions(
        date(2026, 11, 1), "supplementary", issue_date=date(2026, 11, 3), render_limit=5
    )
    ops = run_config(options)["ops"]
    assert ops["opened_passes"]["config"] == {
        "kind": "SUPPLEMENTARY",
        "accounts": [],
        "issue_date": "2026-11-03",
    }
    assert ops["rendered_documents"]["config"] == {"limit": 5, "pass_kind": "supplementary"}
    ops = run_config(RunOptions(date(2026, 11, 1)))["ops"]
    assert ops["opened_passes"]["config"] == {"kind": "MAIN", "accounts": [], "issue_date": ""}
    assert ops["rendered_documents"]["config"] == {"limit": -1, "pass_kind": ""}


def test_the_job_accepts_the_config(definitions: dg.Definitions) -> None:
    job = definitions.resolve_job_def("bill_run")
    for options in (
        RunOptions(date(2026, 11, 1)),
        RunOptions(date(2026, 11, 15), kind="off_cycle", accounts=("A1", "A2")),
    ):
        assert dg.validate_run_config(job, run_config(options))
    with pytest.raises(dg.DagsterInvalidConfigError):
        dg.validate_run_config(job, {"ops": {"opened_passes": {"config": {"kind": "OTHER"}}}})
