"""The unit tests of the dbt models, on a warehouse without a record in it."""

from __future__ import annotations

from orchestration.collect.inbox import ensure_landing
from orchestration.issue.frozen import frozen_entities
from orchestration.ledger.store import open_ledger
from orchestration.lib.dbt import Dbt, Workspace, require_success
from orchestration.passes.scope import export_for_dbt
from orchestration.settings import Settings


def test_every_unit_test_of_the_models_passes(settings: Settings) -> None:
    ensure_landing(settings, [entity.landing_table for entity in frozen_entities(settings)])
    ledger = open_ledger(settings.ledger_url)
    export_for_dbt(settings, ledger)
    ledger.engine.dispose()

    dbt = Dbt(Workspace.production(settings))
    # The tables come first: a test takes the types of its inputs from them.
    require_success(
        dbt.build("resource_type:seed", "staging", "intermediate", "marts.billing"),
        "the empty warehouse",
    )
    results = dbt.build("staging", "intermediate", "marts.billing", unit_tests=True)

    unit_tests = [result for result in results if result.unique_id.startswith("unit_test.")]
    assert len(unit_tests) >= 85
    assert {test.unique_id: test.message for test in unit_tests if test.status != "pass"} == {}
