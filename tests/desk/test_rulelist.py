"""The list of rules: another order, what is found, what each earned."""

from __future__ import annotations

import pytest

from flask_upsell.core.rule import Category, Rule, Schedule
from flask_upsell.core.rulebook import RuleBook
from flask_upsell.desk.rulelist import Head, Row, Seasonal, Wanted, ordered, said
from flask_upsell.errors import BadInput, StaleError
from tests.conftest import MakeApp
from tests.web.admin.test_ruleedit import desk_of
from tests.web.shop import publish


def rule(name: str, priority: int = 0) -> Rule:
    return Rule(name=name, priority=priority, offer=Category(name="Tea"), schedule=Schedule(seasons=("easter",)))


BOOK = RuleBook(rules=(rule("a", 10), rule("b"), rule("c"), rule("d", -5)))


@pytest.mark.parametrize(
    ("name", "way", "target", "order"),
    [
        ("c", "up", "", ["a 10", "c 0", "b 0", "d -5"]),
        ("b", "down", "", ["a 10", "c 0", "b 0", "d -5"]),
        ("b", "up", "", ["a 10", "b 10", "c 0", "d -5"]),
        ("d", "up", "", ["a 10", "b 0", "c 0", "d 0"]),
        ("a", "down", "", ["a 0", "b 0", "c 0", "d -5"]),
        ("a", "up", "", ["a 10", "b 0", "c 0", "d -5"]),
        ("d", "down", "", ["a 10", "b 0", "c 0", "d -5"]),
        ("d", "before", "a", ["d 10", "a 10", "b 0", "c 0"]),
        ("a", "after", "b", ["b 0", "a 0", "c 0", "d -5"]),
        ("a", "after", "a", ["a 10", "b 0", "c 0", "d -5"]),
    ],
)
def test_another_order(name: str, way: str, target: str, order: list[str]) -> None:
    found = ordered(BOOK, name, way, target)
    tried = sorted(found.rules, key=lambda each: -each.priority)
    assert [f"{each.name} {each.priority}" for each in tried] == order


@pytest.mark.parametrize(("name", "way", "target"), [("x", "up", ""), ("a", "before", "x"), ("a", "sideways", "")])
def test_no_such_move(name: str, way: str, target: str) -> None:
    with pytest.raises(BadInput):
        ordered(BOOK, name, way, target)


def test_a_stale_page_moves_nothing(make_app: MakeApp) -> None:
    app = make_app()
    publish(app)
    desk = desk_of(app)
    desk.offers.rules.save(BOOK, desk.offers.clock())
    revision = desk.offers.rules.revision()
    desk.rules.move("c", "up", revision)
    with pytest.raises(StaleError):
        desk.rules.move("c", "up", revision)
    assert [row.head.name for row in desk.rules.rows()] == ["a", "c", "b", "d"]
    assert [each.name for each in desk.offers.shelf.read(()).rules.book.rules] == ["a", "c", "b", "d"]
    assert desk.rules.earned(["a"]) == {}


def test_what_is_found() -> None:
    body = '{"name":"tea-time","offer":{"from":"category","name":"Grüner Tee"},"when":{"lines":{"tag":["x"]}}}'
    assert said(body, "grüner")
    assert said(body, "TEE tea")
    assert not said(body, "lines")
    row = Row(Head("tea-time", label="Tea", placements=("cart",), schedule=Seasonal(("easter",))), body, 1)
    assert Wanted(text="tee", status="active", label="te", season="easter", placement="cart").meets(row)
    for other in (Wanted(status="paused"), Wanted(label="x"), Wanted(season="summer"), Wanted(placement="mail")):
        assert not other.meets(row)
