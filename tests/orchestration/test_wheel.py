"""The wheel carries all that a house needs, and runs outside a clone."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CARRIED = "orchestration/_project"

pytestmark = pytest.mark.heavy


def run(command: list[str], folder: Path, environment: Mapping[str, str] | None = None) -> str:
    """Run a command and return what it printed; its errors are part of the failure."""
    result = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, f"{command}: {result.stdout}{result.stderr}"
    return result.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run([sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(ROOT)], folder)
    return next(folder.glob("tollhouse-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel alone; what it depends on is seen in this environment."""
    folder = tmp_path_factory.mktemp("installed") / "environment"
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    packages = Path(run([str(python), "-c", PACKAGES], folder).strip())
    # A plain path: the `.pth` files over there are not read, the editable clone among them.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "-qq", "--no-deps"]
    run([*pip, str(wheel)], folder)
    return folder


PACKAGES = "import sysconfig; print(sysconfig.get_path('purelib'))"


@pytest.fixture
def outside(tmp_path: Path) -> dict[str, str]:
    """Return an environment that knows of no clone, with a home of its own."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("TOLLHOUSE_")}
    return {**kept, "TOLLHOUSE_HOME": str(tmp_path / "home")}


def test_the_wheel_carries_project_and_seeds_and_nothing_made(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for needed in (
        f"{CARRIED}/dbt_project/dbt_project.yml",
        f"{CARRIED}/dbt_project/profiles.yml",
        f"{CARRIED}/seeds/reference/destination_prefixes.csv",
        "orchestration/settings.py",
        "renderers/__init__.py",
    ):
        assert needed in names
    for kind in ("models", "macros"):
        carried = {name for name in names if name.startswith(f"{CARRIED}/dbt_project/{kind}/")}
        own = (ROOT / "dbt_project" / kind).rglob("*.*")
        assert carried == {f"{CARRIED}/{path.relative_to(ROOT)}" for path in own}
    assert any(name.startswith("renderers/templates/") for name in names)
    made = [name for name in names if {"target", "logs", "__pycache__", "var"} & {*name.split("/")}]
    assert made == []


def test_the_wheel_finds_its_own_project(
    installed: Path, outside: dict[str, str], tmp_path: Path
) -> None:
    script = "from orchestration.settings import find_project_root; print(find_project_root())"
    root = Path(run([str(installed / "bin" / "python"), "-c", script], tmp_path, outside).strip())
    assert root.is_relative_to(installed)
    assert root.parts[-2:] == ("orchestration", "_project")


def test_the_command_runs_outside_a_clone(
    installed: Path, outside: dict[str, str], tmp_path: Path
) -> None:
    command = str(installed / "bin" / "tollhouse")
    assert "0.1.0" in run([command, "--version"], tmp_path, outside)
    assert CARRIED in run([command, "status"], tmp_path, outside).replace("\n", "")
