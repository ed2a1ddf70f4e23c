"""The README's own commands, typed as they stand."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.heavy
PROJECT = Path(__file__).parents[2]


def test_bill_your_own_calls_as_the_readme_says(tmp_path: Path) -> None:
    """A newcomer pastes the block and gets an invoice over their own calls."""
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"```\n(export TOLLHOUSE_HOME=.*?)```", readme, re.DOTALL)
    assert block is not None
    command = Path(sys.executable).with_name("tollhouse")
    script = "set -e\n" + block.group(1).replace(".venv/bin/tollhouse", str(command))
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "TOLLHOUSE_PROJECT": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    # 90 s by day and 61 s abroad in steps of 6 s, one SMS, two months of the plan's fee, 19 % VAT:
    # round(0.255) + round(0.297) + 0.09 + 4.99 + 4.99 = 10.63; 10.63 x 0.19 = 2.02.
    assert "10.63 net + 2.02 tax = 12.65 EUR" in done.stdout
    assert "90 x 0.170000 / 60 = 0.255000" in done.stdout
    assert "usage_rates.csv, line" in done.stdout
