"""A bill run's partition is its bill date. Any day can be one: which is, the bill cycles say."""

import dagster as dg

# Far enough ahead to bill a date before it comes (a preview, a rehearsal).
BILL_DATES = dg.DailyPartitionsDefinition(start_date="2020-01-01", end_offset=1000)
WRITER_POOL = "warehouse_writer"
