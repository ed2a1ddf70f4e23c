"""The guide to collecting: its example, typed as it stands, ends in a bill and keeps the laws."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

pytestmark = pytest.mark.heavy
PROJECT = Path(__file__).parents[2]


def _blocks(path: str, beginning: str) -> str:
    text = (PROJECT / path).read_text(encoding="utf-8")
    (block,) = re.findall(rf"```\n({beginning}.*?)```", text, re.DOTALL)
    return str(block)


def _shell(script: str, folder: Path) -> str:
    command = Path(sys.executable).with_name("tollhouse")
    path = f"{command.parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", f"set -e\n{script}"],
        cwd=folder,
        env={
            **os.environ,
            "PATH": path,
            "TOLLHOUSE_PROJECT": str(folder),
            "PYTHONPATH": str(PROJECT),
        },
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_bill_your_own_files_as_the_guide_says(tmp_path: Path) -> None:
    """An analyst maps a foreign CSV, and its calls are on an invoice."""
    shutil.copytree(PROJECT / "seeds", tmp_path / "seeds")
    shutil.copytree(PROJECT / "dbt_project", tmp_path / "dbt_project")
    customer, _, _ = _blocks("README.md", "export TOLLHOUSE_HOME=").partition(
        "cat > mine/inbox/usage"
    )
    said = _shell(customer + _blocks("docs/collecting.md", "cat >> seeds"), tmp_path)
    assert "the tariff is sound" in said
    # 90 s by day and 61 s abroad in steps of 6 s, two months of the plan's fee, 19 % VAT:
    # round(0.255) + round(0.297) + 4.99 + 4.99 = 10.54; 10.54 x 0.19 = 2.00.
    assert "10.54 net + 2.00 tax = 12.54 EUR" in said
    home = tmp_path / "mine"
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as warehouse:
        (row,) = warehouse.execute(
            "select source_id, records_read_count, records_accepted_count,"
            " records_filtered_count, rows_landed_count from marts.fct_usage_files"
            " where entity = 'usage'"
        ).fetchall()
        assert row == ("my_switch", 3, 2, 1, 2)
        filtered = warehouse.execute(
            "select source_id, line_number, filter_reason from staging.stg_landing__filtered"
        ).fetchall()
        assert filtered == [("my_switch", 4, "not_answered")]
    verified = _shell("TOLLHOUSE_HOME=$PWD/mine tollhouse verify --json", tmp_path)
    assert "1 files, 3 records read, 2 rows of usage" in verified
