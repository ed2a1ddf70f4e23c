"""Trees of the project: models and seeds of a git ref, of the working tree, or with other seeds."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from dataclasses import dataclass, replace
from pathlib import Path

from orchestration.collect.seed_check import check_seeds
from orchestration.lib.errors import TollhouseError
from orchestration.lib.seeds import TariffError
from orchestration.passes.records import describe_project
from orchestration.settings import Settings

PARTS = ("dbt_project", "seeds")
GIT_SECONDS = 60
SHOWN = 20


class TreeError(TollhouseError):
    """There is no such ref or folder of seeds."""


@dataclass(frozen=True)
class Tree:
    """A folder that holds `dbt_project/` and `seeds/`, and what a person calls it."""

    root: Path
    label: str

    def settings(self, settings: Settings) -> Settings:
        """Return the settings of the same home under this tree's project."""
        return replace(settings, project_root=self.root)

    def project_hash(self, settings: Settings) -> str:
        """Return the hash of models, macros and seeds, as passes record it."""
        return describe_project(self.settings(settings))[1]


def working_tree(settings: Settings) -> Tree:
    """Return the project as it lies there."""
    return Tree(settings.project_root, "working tree")


def git_tree(settings: Settings, ref: str, folder: Path) -> Tree:
    """Unpack models and seeds of a git ref into `folder`; raises `TreeError` when there is none."""
    commit = _git(settings.project_root, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
    if commit is None:
        raise TreeError(f"{ref} is no commit of {settings.project_root}")
    name = commit.decode().strip()
    packed = _git(settings.project_root, "archive", "--format=tar", name, "--", *PARTS)
    if packed is None:
        raise TreeError(f"{ref} holds no {' and no '.join(PARTS)}")
    folder.mkdir(parents=True)
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    label = name[:12] if name.startswith(ref) else f"{ref} ({name[:12]})"
    return Tree(folder, label)


def is_in_git(settings: Settings) -> bool:
    """Return whether the project lies in a git repository."""
    return _git(settings.project_root, "rev-parse", "--verify", "--quiet", "HEAD") is not None


def with_seeds(settings: Settings, base: Tree, seeds: Path, folder: Path) -> Tree:
    """Copy a tree and lay other seeds over its own: a whole folder, or only the files that differ.

    A file replaces the one of the same path, else the one of the same name; a new one needs a path
    that the project has a property file for, which the tariff check tells.
    """
    if not seeds.is_dir():
        raise TreeError(f"{seeds} is no folder of seeds")
    for part in PARTS:
        left_out = shutil.ignore_patterns("target", "logs")
        shutil.copytree(base.root / part, folder / part, ignore=left_out)
    laid = 0
    for path in sorted(seeds.rglob("*")):
        if path.suffix not in {".csv", ".yml", ".sql"} or not path.is_file():
            continue
        target = folder / "seeds" / path.relative_to(seeds)
        same_name = list((folder / "seeds").rglob(path.name))
        if not target.exists() and len(same_name) == 1:
            target = same_name[0]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        laid += 1
    if not laid:
        raise TreeError(f"{seeds} holds no seeds")
    return Tree(folder, f"seeds of {seeds}")


def require_sound(tree: Tree) -> None:
    """Raise `TariffError` with file, line and rule of what is wrong in a tree's tariff."""
    problems = check_seeds(tree.root / "seeds")
    if problems:
        lines = [f"the tariff of {tree.label} is not sound"]
        lines += [str(problem) for problem in problems[:SHOWN]]
        if len(problems) > SHOWN:
            lines.append(f"... and {len(problems) - SHOWN} more")
        raise TariffError("\n".join(lines))


def _git(root: Path, *arguments: str) -> bytes | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments],
            capture_output=True,
            timeout=GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
