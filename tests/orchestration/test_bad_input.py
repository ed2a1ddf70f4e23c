"""Bad input through the command: one line with file, line and rule, or a reject; no traceback."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import bad_files
import pytest
from stage import PROJECT, Answer, Snapshot, Stage

from orchestration.collect.inbox import describe_rejects, one_line
from orchestration.settings import Settings

RUN = ("run", "--bill-date", "2026-11-01", "--until", "calculate")


def _error(answer: Answer) -> str:
    """Return the one line of an error; stops the test when it is more, or none."""
    assert answer.exit_code != 0, answer.output
    (line,) = [one for one in answer.output.splitlines() if one.startswith("tollhouse: ")]
    assert answer.output.splitlines()[-1] == line
    return line


# Files


@pytest.mark.parametrize("name", bad_files.REJECTED_RECORDS)
def test_a_bad_record_is_rejected_by_line_and_rule(collected: Snapshot, name: str) -> None:
    line, rule = bad_files.REJECTED_RECORDS[name][1]
    settings = Settings(home=collected.home, project_root=PROJECT)
    of_file = [one for one in describe_rejects(settings) if one.startswith(f"usage/{name}:")]
    (told,) = of_file
    assert told.startswith(f"usage/{name}:{line}: ")
    assert rule in told


@pytest.mark.parametrize("name", bad_files.REFUSED_FILES)
def test_a_bad_file_is_refused_in_one_line(collected: Snapshot, name: str) -> None:
    told = [line for line in collected.said.splitlines() if f"usage/{one_line(name)}: " in line]
    (line,) = told
    assert "wrong_header" in line
    assert bad_files.REFUSED_FILES[name][1] in line


def test_rejects_beyond_those_shown_are_counted_and_listed(stage: Stage) -> None:
    stage.restore(None)
    folder = stage.settings.inbox / "usage"
    folder.mkdir(parents=True)
    record = bad_files.GOOD.replace(",60,", ",-60,")
    records = "".join(record.format(id=f"many-{number}") for number in range(52))
    (folder / "many.csv").write_text(bad_files.HEADER + records)
    said = stage.command("collect").output.splitlines()
    assert sum(line.startswith("usage/many.csv:") for line in said) == 50
    assert "and 2 more: tollhouse rejects" in said
    listed = stage.command("rejects", "--file", "many.csv").output.splitlines()
    assert len(listed) == 52
    assert listed[-1].startswith("usage/many.csv:53: negative_duration: ")
    told = stage.command("rejects", "--file", "other.csv").output
    assert told.startswith("nothing was refused; ")


def test_what_is_no_file_is_told_every_time(collected: Snapshot, stage: Stage) -> None:
    told = f"usage/{bad_files.DIRECTORY}: skipped: not a file"
    assert told in collected.said
    stage.restore(collected)
    assert told in stage.command("collect").output


# Seeds


def _replace(old: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return change


@pytest.mark.parametrize(
    ("seed", "change", "told"),
    [
        (
            "tariff/usage_rates.csv",
            _replace("0.170000,60", '"0,17",60'),
            "usage_rates.csv:2: decimal: ",
        ),
        (
            "tariff/recurring_charges.csv",
            lambda text: text + "RC-9,flat_s,plan_fee,5.99,EUR,advance,days,,,,,,S,2026-01-01,\n",
            "recurring_charges.csv:9: overlap: ",
        ),
        (
            "tariff/usage_rates.csv",
            _replace("voice,*,national,day", "voice,*,natoinal,day"),
            "usage_rates.csv:2: orphan: ",
        ),
    ],
    ids=["a price with a comma", "overlapping validity", "an unknown zone"],
)
def test_a_bad_tariff_stops_the_run_before_anything_is_billed(
    stage: Stage,
    collected: Snapshot,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    seed: str,
    change: Callable[[str], str],
    told: str,
) -> None:
    for name in ("dbt_project", "seeds"):
        shutil.copytree(PROJECT / name, tmp_path / name)
    path = tmp_path / "seeds" / seed
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    request.addfinalizer(lambda: setattr(stage, "project", PROJECT))
    stage.restore(collected)
    stage.project = tmp_path
    checked = stage.command("check")
    assert checked.exit_code == 1
    assert any(told in line for line in checked.output.splitlines()), checked.output
    if "comma" in request.node.name:
        assert told in _error(stage.command(*RUN))


# Commands


def test_an_empty_house_says_what_to_do(stage: Stage) -> None:
    stage.restore(None)
    error = _error(stage.command(*RUN))
    assert "inbox" in error
    for command in (["review", "list"], ["explain", "NW-R-2026-000001"], ["publish"]):
        _error(stage.command(*command))
    assert stage.command("status").exit_code == 0


@pytest.mark.heavy
def test_a_date_on_which_nothing_is_due_is_told(stage: Stage, collected: Snapshot) -> None:
    stage.restore(collected)
    answer = stage.command("run", "--bill-date", "2026-11-15", "--until", "calculate")
    assert answer.exit_code == 0
    assert "no pass to open: nothing new is due" in answer.output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("run", "--bill-date", "2026-13-01"), "'2026-13-01' is not a date like 2026-11-01"),
        (("run", "--bill-date", "1.11.2026"), "'1.11.2026' is not a date like 2026-11-01"),
        (("run",), "--bill-date"),
        (("run", "--bill-date", "2026-11-01", "--render", "few"), "--render"),
        (("run", "--bill-date", "2026-11-01", "--until", "never"), "--until"),
        (("run", "--bill-date", "2026-11-01", "--kind", "off_cycle"), "names its accounts"),
        (("run", "--bill-date", "2026-11-01", "--accounts", "A1"), "names its accounts"),
        (("run", "--bill-date", "2019-11-01"), "2019-11-01"),
        (("run", "--bill-date", "2030-11-01"), "2030-11-01"),
        (("review", "release", "A0000001", "--bill-date", "2026-11-01"), "--reason"),
    ],
)
def test_a_wrong_option_is_told_in_words(
    stage: Stage, arguments: tuple[str, ...], told: str
) -> None:
    stage.restore(None)
    answer = stage.command(*arguments)
    assert answer.exit_code in (1, 2)
    assert told in answer.output.splitlines()[-1]


def test_a_home_that_cannot_be_written_is_told(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    for command in (["collect"], [*RUN], ["status"], ["sample", "--subscribers", "5"]):
        error = _error(stage.command("--home", str(tmp_path / "file" / "home"), *command))
        assert str(tmp_path / "file") in error
