"""The deterministic inbox behind `tollhouse sample`: a small mobile operator made of one table."""

from orchestration.sample.formats.registry import WRITERS
from orchestration.sample.generate import make_sample
from orchestration.sample.options import HOUSE, SampleError, SampleOptions, SampleSummary
from orchestration.sample.payments import InvoiceToPay, write_payments

SAMPLE_FORMATS = (HOUSE, *WRITERS)

__all__ = [
    "SAMPLE_FORMATS",
    "InvoiceToPay",
    "SampleError",
    "SampleOptions",
    "SampleSummary",
    "make_sample",
    "write_payments",
]
