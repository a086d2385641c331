"""Conditions: what a rule asks of the cart and the shopper. One small class each: its code, arguments and check.

A new one is a class with `@condition` and a golden cart that meets it and one that just does not. A store registers its
own in the same way, or as an entry point in the group `flask_upsell.conditions`.
"""

from __future__ import annotations

from . import cart, shopper
from .base import CONDITIONS, Amounts, Condition, Facet, Numbers, OneOf, Scene, YesNo, condition
from .cart import Lines

__all__ = [
    "CONDITIONS", "Amounts", "Condition", "Facet", "Lines", "Numbers", "OneOf", "Scene", "YesNo", "cart", "condition",
    "shopper",
]  # fmt: skip
