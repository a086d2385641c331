"""A rule as one sentence."""

from __future__ import annotations

from collections.abc import Callable

from markupsafe import Markup, escape

from ..core.rule import Rule
from .speech import Speech


def rule_sentence(rule: Rule, speech: Speech, money: Callable[[int, str], str]) -> Markup:
    """What a rule does, in the speech's language."""
    return escape(rule.label or rule.name)
