"""Verify: every law of the house that can be checked, each with its figure."""

from orchestration.verify.house import broken_laws, verify_house, verify_stores
from orchestration.verify.law_check import LawCheck

__all__ = ["LawCheck", "broken_laws", "verify_house", "verify_stores"]
