"""A rule as one sentence."""

from __future__ import annotations

from collections.abc import Callable

from markupsafe import Markup

from ..core.rule import Rule
from .speech import Speech


def rule_sentence(rule: Rule, speech: Speech, money: Callable[[int, str], str]) -> Markup:
    """What a rule does, in the speech's language."""
    return speech.say("{name}: an offer.", name=rule.label or rule.name)
