"""Whether the warehouse already holds what a build would make of its inputs.

The marts are a function of landing, ledger, seeds and models (law 1). A run that built all of its
stretches leaves a note beside the warehouse: the hash of the inputs, and the file that it left. As
long as both are the same, building again would give the same marts, and a run need not. Any other
build, a deleted warehouse or a new record of any kind makes the note void.
"""

from __future__ import annotations

from pathlib import Path

from orchestration.ledger.schema import pass_transitions, run_closures
from orchestration.lib.files import write_atomically
from orchestration.lib.house import House
from orchestration.lib.inputs import inputs_hash
from orchestration.settings import Settings

# What a run itself writes after its last build but one; the marts of these are built once more.
OWN_TABLES = (pass_transitions.name, run_closures.name)

# By Dagster run: the inputs as its calculation and as its reporting marts saw them.
_calculated: dict[str, str] = {}
_reported: dict[str, str] = {}


def is_current(house: House) -> bool:
    """Return whether the last whole run's inputs, and the warehouse that it left, are still so."""
    note = _note(house.settings)
    return note.is_file() and note.read_text() == state_of(house)


def note_calculation(house: House, run_id: str) -> None:
    """Remember what landing, seeds and models a run's calculation saw; call inside the lock."""
    _calculated[run_id] = inputs_hash(house.settings, None)


def note_reporting(house: House, run_id: str) -> None:
    """Remember what a run's last marts saw, when its calculation saw the same."""
    if _calculated.get(run_id) == inputs_hash(house.settings, None):
        _reported[run_id] = inputs_hash(house.settings, house.ledger, without=OWN_TABLES)


def note_run(house: House, run_id: str) -> None:
    """Leave the note when the run built every stretch and nothing came in between."""
    if _reported.get(run_id) == inputs_hash(house.settings, house.ledger, without=OWN_TABLES):
        write_atomically(_note(house.settings), state_of(house).encode())


def state_of(house: House) -> str:
    """Return the inputs and the warehouse in one line, which changes when either does."""
    inputs = inputs_hash(house.settings, house.ledger)
    if not house.settings.warehouse.is_file():
        return f"{inputs} no warehouse"
    found = house.settings.warehouse.stat()
    return f"{inputs} {found.st_size} {found.st_mtime_ns}"


def _note(settings: Settings) -> Path:
    return settings.warehouse.with_name("warehouse.inputs")
