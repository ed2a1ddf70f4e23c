"""What came of the vectors, told at the end of the run, also when workers ran it."""

from __future__ import annotations

from pathlib import Path

import pytest
from trial import DATA, Tried, summarise, try_vectors


@pytest.fixture(scope="session")
def tried(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Tried]:
    """Every vector of the folder, tried in one build."""
    given = request.config.getoption("--vectors")
    return try_vectors(Path(given) if given else DATA, tmp_path_factory.mktemp("vectors"))


@pytest.fixture
def told(tried: list[Tried], record_property: pytest.RecordProperty) -> list[Tried]:
    """The same, with its summary sent along with the test's report."""
    record_property("vectors", "\n".join(summarise(tried)))
    return tried
