"""What a shopper ticks of a bundle: all of it at its price, some of it at what it costs alone."""

from __future__ import annotations

import msgspec
import pytest

from flask_upsell.core.money import Money
from flask_upsell.core.ports import Acceptance
from flask_upsell.core.rule import Limits
from flask_upsell.till import Outcome
from tests.till.shop import Shop, set_rule


@pytest.fixture
def offered(shop: Shop) -> Shop:
    """A cup (20.00) and a jar (11.99) together, 10 % less, to go with tea."""
    shop.rule(set_rule(limits=Limits(total=5, budget=(Money(10_000, "EUR"),))))
    shop.fill("tea")
    return shop


def tick(shop: Shop, *places: int, key: str = "k1") -> Outcome:
    return shop.offers.accept(shop.wanted(), key, None, places)


def recorded(shop: Shop, outcome: Outcome) -> list[Acceptance]:
    assert outcome.acceptance is not None
    return shop.ledger.bundle(outcome.acceptance.id, shop.offers.pseudonym("ada"))


def test_all_of_it_costs_what_was_shown_together(offered: Shop) -> None:
    outcome = tick(offered, 0, 1)
    assert outcome.text == "Added: Cup, Jar."
    assert offered.prices() == [("tea", 1000), ("cup", 1800), ("jar", 1079)]
    assert [each.rule for each in recorded(offered, outcome)] == ["set", "set"]


@pytest.mark.parametrize(("place", "line"), [(0, ("cup", 2000)), (1, ("jar", 1199))])
def test_one_of_it_costs_what_it_costs_alone(offered: Shop, place: int, line: tuple[str, int]) -> None:
    """Shown red with the price that it has in the bundle."""
    outcome = tick(offered, place)
    assert (outcome.status, outcome.text) == ("done", f"Added: {line[0].title()}.")
    assert offered.prices() == [("tea", 1000), line]
    (accepted,) = recorded(offered, outcome)
    assert (accepted.product, accepted.unit_price, accepted.normal, accepted.rule) == (*line, line[1], "")
    assert offered.settle() == []
    assert offered.order() == []
    assert offered.offers.limits.used("set") == {}, "no discount was given, so none was used"


@pytest.mark.parametrize("places", [(), (2,), (3, 9)])
def test_nothing_that_is_there_was_ticked(offered: Shop, places: tuple[int, ...]) -> None:
    outcome = tick(offered, *places)
    assert (outcome.status, outcome.text) == ("refused", "Please tick what you would like.")
    assert offered.prices() == [("tea", 1000)]
    assert tick(offered, 0).status == "done", "the same button may be pressed again"


def test_some_of_it_can_be_undone(offered: Shop) -> None:
    outcome = tick(offered, 1)
    assert outcome.acceptance is not None
    assert offered.offers.undo(outcome.acceptance.id).status == "undone"
    assert offered.prices() == [("tea", 1000)]


def test_some_of_it_that_became_dearer_is_asked_again(offered: Shop) -> None:
    wanted = offered.wanted()
    offered.change("jar", price=1299)
    outcome = offered.offers.accept(wanted, "k1", None, (1,))
    assert (outcome.status, outcome.text) == ("changed", "The price of Jar has changed. Please look again.")
    assert offered.offers.accept(wanted, "k1", None, (0,)).status == "done", "the cup costs what it did"


def test_another_tick_is_another_click(offered: Shop) -> None:
    """The key is the card's, so what was ticked belongs to the request that is remembered under it."""
    wanted = offered.wanted()
    assert offered.offers.accept(wanted, "k1", None, (0,)).text == "Added: Cup."
    again = offered.offers.accept(wanted, "k1", None, (0,))
    assert (again.text, again.repeated) == ("Added: Cup.", True)
    assert offered.prices() == [("tea", 1000), ("cup", 2000)]


def test_what_was_ticked_says_nothing_of_other_offers(offered: Shop) -> None:
    wanted = msgspec.structs.replace(offered.wanted(), pieces=[])
    assert offered.offers.accept(wanted, "k1").text == "Please tick what you would like."
