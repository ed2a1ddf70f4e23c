"""docs/tariffs.md as an analyst follows it: every block, in order, in a clone and a billed home."""

from __future__ import annotations

import csv
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from orchestration.lib.dbt import Dbt, Workspace
from orchestration.settings import Settings

pytestmark = pytest.mark.heavy
PROJECT = Path(__file__).parents[2]
GUIDE = PROJECT / "docs" / "tariffs.md"
WORKFLOW = PROJECT / "docs" / "examples" / "impact.yml"
SUBSCRIBERS = "40"


@dataclass(frozen=True)
class Clone:
    """A clone of the project with a home that is billed, and a shell to work in."""

    root: Path
    home: Path

    def run(self, script: str) -> str:
        """Run a block as a person pastes it; return what it printed."""
        environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(PROJECT),
            "TOLLHOUSE_HOME": str(self.home),
            "TOLLHOUSE_PROJECT": str(self.root),
            "GIT_AUTHOR_NAME": "A",
            "GIT_AUTHOR_EMAIL": "a@example.org",
            "GIT_COMMITTER_NAME": "A",
            "GIT_COMMITTER_EMAIL": "a@example.org",
        }
        done = subprocess.run(
            ["bash", "-c", f"set -euo pipefail\n{script}"],
            cwd=self.root,
            env=environment,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    folder = tmp_path_factory.mktemp("guide")
    root = folder / "clone"
    left_out = shutil.ignore_patterns("target", "logs", "__pycache__")
    for part in ("dbt_project", "seeds"):
        shutil.copytree(PROJECT / part, root / part, ignore=left_out)
    made = Clone(root, folder / "home")
    made.run("git init --quiet && git add --all && git commit --quiet --message 'the tariff'")
    made.run(f"tollhouse sample --subscribers {SUBSCRIBERS}")
    made.run("tollhouse run --bill-date 2026-11-01 --until issue")
    return made


def blocks(heading: str) -> list[str]:
    """Return the commands of one chapter of the guide."""
    chapter = GUIDE.read_text("utf-8").split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"```bash\n(.*?)```", chapter, re.DOTALL)


def test_a_price_is_raised_seen_and_shipped(clone: Clone) -> None:
    edit, see, ship = blocks("Change a price")
    assert "the tariff is sound" in clone.run(edit)
    shown = clone.run(see)
    assert "added UR-0102" in shown
    assert "Both sides are billed with the prices of 2026-12-01." in shown
    assert re.search(r"[1-9][0-9]* bills go up, 0 down", shown)
    assert "UR-0002 -> UR-0102" in shown
    assert "No bill moves by more than 15 %." in shown
    summary = (clone.root / "impact.md").read_text("utf-8")
    assert "Calls within Germany, evening" in summary
    assert (clone.root / "impact.html").read_text("utf-8").startswith("<!doctype html>")
    clone.run(ship)


def test_a_plan_is_added_and_quoted(clone: Clone) -> None:
    edit, ship = blocks("Add a plan")
    shown = clone.run(edit)
    assert "the tariff is sound" in shown
    assert "No bill moves by more than 0 %." in shown
    with (clone.root / "quotes.csv").open(encoding="utf-8", newline="") as stream:
        quotes = list(csv.DictReader(stream))
    plans = {row["plan_id"] for row in quotes}
    # The sample has an account on a plan that the tariff does not know.
    assert plans - {"flat_xxl"} == {"flat_s", "flat_m", "flat_l", "flat_xl"}
    fees = {row["recurring_amount"] for row in quotes if row["plan_id"] == "flat_xl"}
    assert "29.9900" in fees
    clone.run(ship)


def test_a_rule_is_added_tested_and_seen(clone: Clone) -> None:
    edit, ship, check = blocks("Add a rule")
    shown = clone.run(edit)
    assert "No bill changes." in shown
    assert "roaming_high" in shown
    assert "newly held" in shown
    settings = Settings(home=clone.home, project_root=clone.root)
    results = Dbt(Workspace.production(settings)).build(
        "int_anomalies__roaming_high", unit_tests=True
    )
    tests = {one.unique_id: one.status for one in results if one.unique_id.startswith("unit_test")}
    assert list(tests.values()) == ["pass"]
    clone.run(ship)
    assert "the tariff is sound" in clone.run(check)
    rates = clone.root / "seeds" / "tariff" / "usage_rates.csv"
    rates.write_text(rates.read_text("utf-8").replace(",1.490000,", ",3.490000,"), "utf-8")
    with pytest.raises(
        AssertionError, match=r"minute_above_three: UR-0006 costs 3\.490000 per 60 s"
    ):
        clone.run("tollhouse check")


def test_every_block_of_the_guide_is_run() -> None:
    every = re.findall(r"```bash\n", GUIDE.read_text("utf-8"))
    known = [blocks(one) for one in ("Change a price", "Add a plan", "Add a rule")]
    assert len(every) == sum(len(one) for one in known)


def test_the_workflow_calls_what_the_command_has() -> None:
    from click.testing import CliRunner

    from orchestration.cli import main

    workflow = yaml.safe_load(WORKFLOW.read_text("utf-8"))
    script = "\n".join(step.get("run", "") for step in workflow["jobs"]["impact"]["steps"])
    for command in ("check", "sample", "run", "impact"):
        (call, *_) = re.findall(rf"tollhouse {command}\b((?:[^\n|]|\\\n)*)", script)
        shown = CliRunner().invoke(main, [command, "--help"])
        assert shown.exit_code == 0
        for option in re.findall(r"--[a-z-]+", call):
            assert option in shown.output, f"{command} {option}"
    for path in re.findall(r"requirements/\w+\.txt", script):
        assert (PROJECT / path).is_file()
