"""Fixtures of the warehouse tests: small homes that are billed once per test session."""

from __future__ import annotations

from pathlib import Path

import pytest
from billing_homes import FIRST_BILL_DATE, PROJECT, SUBSCRIBERS, Home

from orchestration.sample import SampleOptions, make_sample
from orchestration.settings import Settings


@pytest.fixture(scope="session")
def sampled_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home whose inbox holds the sample of 60 subscribers, collected. Read it, or copy it."""
    folder = tmp_path_factory.mktemp("sampled") / "home"
    home = Home(Settings(home=folder, project_root=PROJECT))
    make_sample(home.settings, SampleOptions(subscribers=SUBSCRIBERS))
    home.collect()
    return home


@pytest.fixture(scope="session")
def billed_home(sampled_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with the first bill date issued and its marts built. Read it, or copy it."""
    home = sampled_home.copy(tmp_path_factory.mktemp("billed") / "home")
    home.calculate(FIRST_BILL_DATE)
    home.issue(FIRST_BILL_DATE)
    home.close()
    return home


@pytest.fixture
def billed_copy(billed_home: Home, tmp_path: Path) -> Home:
    """A copy of the billed home for one test, to be changed."""
    return billed_home.copy(tmp_path / "home")
