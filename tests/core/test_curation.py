"""How sure something learned is, and what of it may be offered."""

from __future__ import annotations

import pytest

from flask_upsell.core.affinity import NONE, Affinities, Affinity, Turn
from flask_upsell.core.curation import NO_NOTE, Note, Verdicts, noted, sure
from flask_upsell.core.kind import Kind
from flask_upsell.core.lessons import Lead
from flask_upsell.core.product import goes_with

from .build import product

UP, WITH = Kind.UPGRADE, Kind.COMPLEMENT
NOBODY: frozenset[str] = frozenset()


def seen(together: int, base: int, consequent_orders: int = 60, orders: int = 6000) -> Affinity:
    return Affinity("b", 1.0, together, base, consequent_orders, orders)


def test_more_orders_make_it_surer() -> None:
    """Planted bug that it shows: the share itself is taken, not its lower bound."""
    of_few, of_many = sure(WITH, seen(5, 20)), sure(WITH, seen(500, 2000))
    assert (of_few, of_many) == (40, 88)
    assert sure(WITH, seen(1, 1)) < 25
    assert sure(WITH, seen(10**6, 10**6, 10**6, 10**9)) == 99


def test_what_chance_would_bring_is_no_evidence() -> None:
    assert sure(WITH, seen(47, 412, 60, 6000)) > sure(WITH, seen(47, 412, 300, 6000)) > 0
    assert sure(WITH, seen(47, 412, 3000, 6000)) == 0
    assert sure(UP, seen(47, 412, 3000, 6000)) == sure(UP, seen(47, 412)) > 50


@pytest.mark.parametrize("odd", [seen(0, 10), seen(0, 0), seen(5, 0), Affinity("b", 1.0, 5, 5, 5, 0)])
def test_what_is_no_evidence_is_never_too_sure(odd: Affinity) -> None:
    assert 0 <= sure(WITH, odd) < 100


def test_a_verdict_counts_for_its_pair_and_kind() -> None:
    """Planted bug that it shows: "never" is asked one way only."""
    said = Verdicts(
        {WITH: frozenset({("a", "b")})}, {UP: frozenset({("a", "b")})}, frozenset({("c", "b"), ("b", "c")}), 100
    )
    assert said.may(WITH, "a", seen(5, 20))
    assert not said.may(UP, "a", seen(5, 20))
    assert not said.may(WITH, "c", seen(500, 500))
    both = Verdicts(never=frozenset({("c", "b"), ("b", "c")}))
    assert not both.may(WITH, "c", seen(500, 500))
    assert not said.may(WITH, "d", seen(10**6, 10**6)), "nothing goes live by itself"


def test_what_nobody_decided_must_be_sure_enough() -> None:
    found = seen(47, 412)
    exactly = sure(WITH, found)
    assert Verdicts(least=exactly).may(WITH, "a", found)
    assert not Verdicts(least=exactly + 1).may(WITH, "a", found)
    assert Verdicts(least=0).may(WITH, "a", seen(1, 1000, 3000))


def test_what_is_left_of_what_leads_on() -> None:
    leads = Affinities((seen(5, 20),), (seen(5, 20), Affinity("x", 1.0, 5, 20, 60, 6000)))
    said = Verdicts(rejected={UP: frozenset({("a", "b")})})
    assert said.shown("a", Lead(leads), NOBODY, NOBODY) == Affinities((), leads.complements)
    assert said.shown("a", Lead(leads), NOBODY, frozenset({"x"})) == Affinities((), leads.complements[:1])
    assert said.shown("a", Lead(leads), frozenset({"a"}), NOBODY) == NONE


def test_only_the_merchant_says_what_is_noted() -> None:
    said = Note(excluded=True, fits=("Model",))
    told = noted(product("a"), said)
    assert (told.excluded, told.sensitive, told.fits) == (True, False, ("Model",))
    assert noted(told, said) is told
    assert noted(told, NO_NOTE) == product("a")


def test_what_is_not_told_does_not_fit() -> None:
    case = noted(product("case", attributes={"Model": "X"}), Note(fits=("Model",)))
    assert goes_with(product("case"), None)
    assert goes_with(case, product("phone", attributes={"Model": "X"}))
    for base in (None, product("phone"), product("phone", attributes={"Model": "Y"})):
        assert not goes_with(case, base)
    assert not goes_with(noted(product("case"), Note(fits=("Model",))), product("phone"))


def test_how_a_taste_tells_is_shown_of_what_is_offered() -> None:
    ups, turn = tuple([Affinity(ref, 0.5, 47, 412, 60, 6000) for ref in "bcd"]), Turn(0.0, 1.0, b"\x7f" * 16)
    lead = Lead.proven(Affinities(ups, turns={"b": turn, "c": turn, "d": turn}))
    said = Verdicts(rejected={UP: frozenset({("a", "c")})})
    assert said.shown("a", lead, NOBODY, NOBODY).turns == {"b": turn, "d": turn}
    assert said.shown("a", lead, NOBODY, frozenset({"d"})).turns == {"b": turn}
    assert said.shown("a", lead, frozenset({"a"}), NOBODY) == NONE
