"""Steps up learned by a real DuckDB from histories in which people turn to one dearer product and not to others."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flask_upsell.core.affinity import Affinities
from flask_upsell.core.leaning import leaned
from flask_upsell.core.ports import OrderLine
from flask_upsell.core.product import Product
from flask_upsell.learn import tastes as tastes_of
from flask_upsell.learn.lessons import lessons
from flask_upsell.learn.likely import Sizes, learn
from flask_upsell.learn.mining import Mining, Parameters
from flask_upsell.learn.upgrades import FEWEST, Steps, learn_upgrades

AT = datetime(2026, 1, 1, tzinfo=UTC)
TEAS = [
    Product("plain", "Plain tea", 1000, "EUR", category="Tea"),
    Product("nearly", "Nearly the same", 1050, "EUR", category="Tea"),
    Product("crowd", "Everybody's tea", 1300, "EUR", category="Tea"),
    Product("finer", "Finer tea", 1500, "EUR", category="Tea"),
    Product("rare", "Rare tea", 1900, "EUR", category="Tea"),
    Product("royal", "Royal tea", 9000, "EUR", category="Tea"),
    Product("cup", "Cup", 1500, "EUR", category="Cups"),
    Product("loose", "Without category", 1500, "EUR"),
]


def silent(step: str, done: int, total: int) -> None: ...


def learned(
    lines: Iterable[OrderLine], products: Iterable[Product] = TEAS, **steps: Any
) -> tuple[dict[str, Affinities], dict[str, Any]]:
    with Mining(lines, products, Parameters(), silent, evidence=False) as mined:
        found, figures, _ = learn_upgrades(mined.connection, silent, Steps(**{"gap_percent": 100, **steps}))
        return dict(found), figures


def line(customer: str | None, product: str, day: int) -> OrderLine:
    return OrderLine(f"{customer}-{product}-{day}", product, 1, 1000, AT + timedelta(days=day), customer)


def history(customers: int) -> list[OrderLine]:
    """All begin with plain tea, and seven of ten turn to the finer one; what strangers buy is everybody's tea."""
    chance, lines = random.Random(7), list[OrderLine]()
    for number in range(customers):
        day = chance.randrange(300)
        turned = chance.choices(("finer", "crowd", "rare"), (70, 20, 10))[0]
        lines += [line(f"c{number}", "plain", 0), line(f"c{number}", turned, 20 + day)]
        lines += [line(f"stranger{number}-{each}", "crowd", 20 + chance.randrange(300)) for each in range(4)]
    return lines


def test_where_people_turn_to_comes_before_what_most_people_buy() -> None:
    found, figures = learned(history(3000))
    assert figures["turned"] >= FEWEST
    assert figures["hit_rate_3"] == 1.0
    ups = found["plain"].upgrades
    assert [each.consequent for each in ups] == ["finer", "crowd", "rare"]
    assert ups[0].weight == pytest.approx(0.7, abs=0.1)
    assert sum(each.weight for each in ups) == pytest.approx(1.0, abs=1e-5)


def test_without_enough_who_turned_the_most_bought_comes_first() -> None:
    found, figures = learned(history(100))
    assert figures == {"turned": figures["turned"]}
    assert [each.consequent for each in found["plain"].upgrades] == ["crowd", "finer", "rare"]


def test_a_step_is_dearer_by_a_tenth_within_the_gap_and_of_the_same_category() -> None:
    lines = [line(None, each.ref, day) for each in TEAS for day in range(3)]
    steps = {ref: {each.consequent for each in leads.upgrades} for ref, leads in learned(lines)[0].items()}
    assert steps == {
        "plain": {"crowd", "finer", "rare"},
        "nearly": {"crowd", "finer", "rare"},
        "crowd": {"finer", "rare"},
        "finer": {"rare"},
    }
    narrow = learned(lines, gap_percent=30)[0]
    assert [each.consequent for each in narrow["plain"].upgrades] == ["crowd"]
    assert {each.consequent for each in learned(lines, gap_percent=0, gap_floor=500)[0]["plain"].upgrades} == {
        "crowd",
        "finer",
    }


def test_the_evidence_is_what_was_counted() -> None:
    lines = [line(None, "plain", 1), line(None, "finer", 2), line("a", "finer", 3), line("b", "cup", 4)]
    up = learned(lines)[0]["plain"].upgrades[0]
    assert (up.consequent, up.together, up.base, up.consequent_orders, up.orders) == ("finer", 2, 3, 2, 4)


def test_at_most_so_many_are_kept() -> None:
    lines = [line(None, each.ref, day) for each in TEAS for day in range(3)]
    assert len(learned(lines, kept=2)[0]["plain"].upgrades) == 2
    assert len(learned(lines, candidates=1)[0]["plain"].upgrades) == 1


@pytest.mark.parametrize("lines", [[], [line("a", "plain", 0)], [line("a", "gone", 0)]])
def test_a_history_of_next_to_nothing_is_no_error(lines: list[OrderLine]) -> None:
    assert learned(lines)[0] == {}


CAMPS = 8


def camps(customers: int, *, apart: bool = True) -> list[OrderLine]:
    """Each owns things of one of eight camps; four of these turn to the finer tea, the others to everybody's; unless
    they are `apart`: then it is all one to them which."""
    chance, lines = random.Random(11), list[OrderLine]()
    for number in range(customers):
        camp, up = number % CAMPS, ("finer", "crowd")[number % 2]
        goods = [f"thing{camp}-{each}" for each in chance.sample(range(12), 6)]
        turned = up if apart and chance.random() < 0.8 else chance.choice(["finer", "crowd"])
        at = AT + timedelta(hours=chance.randrange(300))
        lines += [OrderLine(f"first{number}", ref, 1, 1000, at, f"c{number}") for ref in [*goods, "plain"]]
        lines.append(line(f"c{number}", turned, 5 + chance.randrange(300)))
    return lines


THINGS = [
    *TEAS,
    *[Product(f"thing{camp}-{n}", "Thing", 500, "EUR", category="Things") for camp in range(CAMPS) for n in range(12)],
]


def test_what_a_shopper_owns_says_which_step_it_will_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tastes_of, "CROWD", 500)
    with Mining(camps(1500), THINGS, Parameters(), silent, evidence=False) as mined:
        steps, figures, tastes = learn_upgrades(mined.connection, silent, Steps(gap_percent=100))
        plain = dict(steps)["plain"]
        assert figures["turned"] >= FEWEST and figures["hit_rate_3_known"] == 1.0
        assert tastes is not None
        for camp in range(CAMPS):
            share, first = leaned(plain, tastes.told([f"thing{camp}-{each}" for each in range(6)]))[0]
            assert first.consequent == ("finer", "crowd")[camp % 2]
            assert share > 0.6, "of two that are as likely for all people"


def test_where_it_says_nothing_no_taste_is_published(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted bug that it shows: what the fitted customers are told by is not tried on others."""
    monkeypatch.setattr(tastes_of, "CROWD", 200)
    with Mining(camps(1500, apart=False), THINGS, Parameters(), silent, evidence=False) as mined:
        steps, figures, tastes = learn_upgrades(mined.connection, silent, Steps(gap_percent=100))
        assert figures["turned"] >= FEWEST and "hit_rate_3_known" not in figures
        assert tastes is None and dict(steps)["plain"].turns == {}


def test_what_is_kept_of_a_learning_has_tastes_of_what_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted bug that it shows: a step that too few had is left out, and its taste stays."""
    monkeypatch.setattr(tastes_of, "CROWD", 300)
    lines = [*camps(1500), line("c1", "rare", 1), line("c2", "rare", 1)]
    with Mining(lines, THINGS, Parameters(), silent) as mined:
        connection = mined.connection
        known, _, _ = learn(connection, silent, Sizes(head=50, crowd=20, cases=0))
        steps, _, tastes = learn_upgrades(connection, silent, Steps(gap_percent=100))
        plain = next(lead.leads for ref, lead in lessons(connection, known, steps, 3, links=False) if ref == "plain")
        assert {each.consequent for each in plain.upgrades} == set(plain.turns) == {"finer", "crowd"}
        assert tastes is not None and tastes.told(["rare"])
        name, habits = next(tastes.habits(known.habits(["c7"])))
        assert (name, habits.taste) == ("c7", tastes.told(habits.orders)) and habits.taste
