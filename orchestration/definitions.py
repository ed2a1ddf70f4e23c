"""What Dagster loads: the assets of every step, the jobs, and what launches them."""

import dagster as dg

from orchestration.defs import jobs
from orchestration.defs.calculate import assets as calculate
from orchestration.defs.collect import assets as collect
from orchestration.defs.collect import sensors
from orchestration.defs.dispatch import assets as dispatch
from orchestration.defs.issue import assets as issue
from orchestration.defs.marts import assets as marts
from orchestration.defs.passes import assets as passes
from orchestration.defs.render import assets as render
from orchestration.defs.report import assets as report

STEPS = [collect, calculate, passes, issue, marts, render, dispatch, report]

defs = dg.Definitions(
    assets=dg.load_assets_from_modules(STEPS),
    jobs=[jobs.bill_run, sensors.collect],
    schedules=[jobs.bill_dates],
    sensors=[sensors.inbox_arrivals],
)
