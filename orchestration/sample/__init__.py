"""The deterministic inbox behind `tollhouse sample`: a small mobile operator made of one table."""

from orchestration.sample.generate import make_sample
from orchestration.sample.options import SampleError, SampleOptions, SampleSummary
from orchestration.sample.payments import InvoiceToPay, write_payments

__all__ = [
    "InvoiceToPay",
    "SampleError",
    "SampleOptions",
    "SampleSummary",
    "make_sample",
    "write_payments",
]
