"""Readiness: the level, the numbers behind it, and what to do."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from flask_upsell.desk.readiness import Level, Part, readiness
from flask_upsell.learn.fit import FEWEST
from flask_upsell.learn.readiness import Counted

ENOUGH = Counted(
    orders=5000, baskets=3000, begun=0, ended=400 * 86_400, known_orders=4000, again=300, lines=10_000, often=9000,
    paired=6000, sorted=9000, stepped=6000, upgraded=4000, pairs=120, min_support=5, min_certainty=3.3,
)  # fmt: skip


def parts(**more: Any) -> dict[str, Part]:
    counted = msgspec.structs.replace(ENOUGH, **more)
    return {part.name: part for part in readiness({"readiness": msgspec.to_builtins(counted)})}


def test_where_there_is_enough_nothing_is_to_do() -> None:
    found = parts()
    assert list(found) == ["complements", "upgrades", "habits", "seasons"]
    assert {(part.level, part.todo) for part in found.values()} == {(Level.ENOUGH, None)}
    assert "60 % of what is sold" in str(found["complements"].why) and "401 days" in str(found["seasons"].why)


@pytest.mark.parametrize(
    ("part", "more", "level", "todo"),
    [
        ("complements", {"paired": 4999}, Level.SOME, "more often than by chance"),
        ("complements", {"paired": 4999, "often": 4999}, Level.SOME, "together in 5 orders"),
        ("complements", {"pairs": 0, "paired": 0}, Level.NOT_ENOUGH, "more often than by chance"),
        ("complements", {"pairs": 0, "paired": 0, "baskets": 0}, Level.NOT_ENOUGH, "one product only"),
        ("upgrades", {"upgraded": 2999}, Level.SOME, "sold too seldom"),
        ("upgrades", {"upgraded": 0, "stepped": 4000}, Level.NOT_ENOUGH, "UPSELL_PRICE_GAP_PERCENT"),
        ("upgrades", {"upgraded": 0, "stepped": 0, "sorted": 0}, Level.NOT_ENOUGH, "categories"),
        ("habits", {"again": FEWEST - 1}, Level.SOME, "comes with time"),
        ("habits", {"again": 0, "known_orders": 10}, Level.NOT_ENOUGH, "column of the customer"),
        ("seasons", {"ended": 363 * 86_400}, Level.SOME, "a whole year"),
        ("seasons", {"ended": 50 * 86_400}, Level.NOT_ENOUGH, "a whole year"),
        ("seasons", {"pairs": 0}, Level.NOT_ENOUGH, "too few pairs"),
    ],
)
def test_each_lack_has_its_own_advice(part: str, more: dict[str, Any], level: Level, todo: str) -> None:
    found = parts(**more)[part]
    assert found.level is level and todo in str(found.todo)


def test_no_orders_at_all() -> None:
    nothing = dict.fromkeys(ENOUGH.__struct_fields__[:13], 0)
    assert {part.level for part in parts(**nothing).values()} == {Level.NOT_ENOUGH}
    assert readiness({}) == readiness({"readiness": {"of": "another version"}}) == []
