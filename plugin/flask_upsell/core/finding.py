"""What the linter says."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Flaw(StrEnum):
    """What is odd."""

    UNUSABLE = "unusable"
    NEVER_REACHED = "never_reached"
    NEVER_IN_SEASON = "never_in_season"
    OVER = "over"
    CLOCK_CHANGE = "clock_change"
    CONTRADICTION = "contradiction"
    OVERLAP = "overlap"
    CATCH_ALL = "catch_all"
    BELOW_FLOOR = "below_floor"
    UNKNOWN_PRODUCT = "unknown_product"
    UNKNOWN_CATEGORY = "unknown_category"
    UNKNOWN_TAG = "unknown_tag"
    UNKNOWN_SEASON = "unknown_season"
    UNKNOWN_LADDER = "unknown_ladder"
    UNKNOWN_RULE = "unknown_rule"
    UNKNOWN_ANSWER = "unknown_answer"
    UNUSED_SEASON = "unused_season"
    UNUSED_LADDER = "unused_ladder"


class Finding(msgspec.Struct, frozen=True):
    """`rule` is what it is about ("" for a season or ladder), `other` the rule, product or name that it names."""

    code: Flaw
    rule: str
    other: str
    sentence: str
