"""What is frozen is what the models make: declared once, and not drifting apart."""

from __future__ import annotations

import pytest
from billing_homes import Home

from orchestration.issue.frozen import frozen_entities
from orchestration.lib.warehouse import open_warehouse

pytestmark = pytest.mark.heavy


def test_frozen_columns_are_those_of_their_models(billed_home: Home) -> None:
    """A column added to a model and not to the source would be lost at issue."""
    with open_warehouse(billed_home.settings) as warehouse:
        for entity in frozen_entities(billed_home.settings):
            described = warehouse.execute(f"describe intermediate.{entity.frozen_from}").fetchall()
            columns = {name: type_.lower() for name, type_, *_ in described}
            declared = dict(entity.columns)
            if entity.rows == "held":
                # Evidence for a reviewer, not an input of the next run: a part of the columns.
                columns = {name: type_ for name, type_ in columns.items() if name in declared}
            assert declared == columns, entity.name
