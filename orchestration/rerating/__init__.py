"""Rating billed usage again because a person orders it: what would differ, and the order."""

from orchestration.rerating.ordering import Order, RerateError, post_order
from orchestration.rerating.previewing import Difference, Rerating, preview

__all__ = ["Difference", "Order", "RerateError", "Rerating", "post_order", "preview"]
