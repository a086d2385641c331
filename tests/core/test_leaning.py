"""Steps up by a shopper's taste, counted by hand."""

from __future__ import annotations

from math import exp

import pytest
from msgspec.structs import replace

from flask_upsell.core.affinity import DIRECTIONS, FULL, Affinities, Turn
from flask_upsell.core.book import decode_affinities, encode
from flask_upsell.core.leaning import MOST, leaned

from .build import leads


def pointing(way: int, sign: int = 1) -> bytes:
    """A taste that points all one way."""
    return bytes([(sign * FULL) % 256 if each == way else 0 for each in range(DIRECTIONS)])


def turning(shares: dict[str, float], **turns: Turn) -> Affinities:
    return replace(leads(upgrades=shares), turns=turns)


def shares(of: Affinities, taste: bytes) -> dict[str, float]:
    return {each.consequent: share for share, each in leaned(of, taste)}


def test_who_is_alike_turns_to_it_more_often() -> None:
    both = turning({"a": 0.5, "b": 0.3}, a=Turn(-0.1, 1.0, pointing(0)), b=Turn(-0.1, 1.0, pointing(1)))
    found = shares(both, pointing(1))
    assert list(found) == ["b", "a"]
    assert found["b"] / found["a"] == pytest.approx(0.3 / 0.5 * exp(1.0))
    assert sum(found.values()) == pytest.approx(0.8), "together as likely as before"
    away = shares(both, pointing(1, -1))
    assert away["b"] / away["a"] == pytest.approx(0.3 / 0.5 * exp(-1.0))


def test_a_step_of_which_nothing_is_known_stays_as_likely_as_it_is_usual() -> None:
    some = turning({"a": 0.5, "b": 0.3}, a=Turn(-0.5, 1.0, pointing(0)))
    found = shares(some, pointing(1))
    assert found["a"] / found["b"] == pytest.approx(0.5 / 0.3 * exp(-0.5))


@pytest.mark.parametrize("taste", [b"", pointing(0)])
def test_without_taste_or_turns_nothing_changes(taste: bytes) -> None:
    plain = leads(upgrades={"b": 0.2, "a": 0.5, "c": 0.2})
    expected = [(each.weight, each) for each in plain.upgrades]
    assert leaned(plain, taste) == expected
    assert leaned(replace(plain, turns={"b": Turn(0.0, 9.0, pointing(0))}), b"") == expected


def test_a_taste_is_never_everything() -> None:
    """Planted bugs that it shows: no bound above, a number beyond all floats is an error on the page; none below, what
    nobody alike turns to counts for nothing at all."""
    wild = turning({"a": 0.5, "b": 0.4}, b=Turn(0.0, 1e9, pointing(0)))
    found = shares(wild, pointing(0))
    assert found["b"] / found["a"] == pytest.approx(0.4 / 0.5 * exp(MOST))
    tame = turning({"a": 0.5}, a=Turn(0.0, -1e9, pointing(0)))
    assert shares(tame, pointing(0)) == {"a": pytest.approx(0.5)}, "the only one is as likely as before"
    away = turning({"a": 0.5, "b": 0.4}, b=Turn(0.0, -1e9, pointing(0)))
    found = shares(away, pointing(0))
    assert found["b"] / found["a"] == pytest.approx(0.4 / 0.5 * exp(-MOST))
    nothing = turning({"a": 0.0}, a=Turn(0.0, 1.0, pointing(0)))
    assert shares(nothing, pointing(0)) == {"a": 0.0}


def test_a_book_without_turns_is_as_it_was_and_with_them_is_read_again() -> None:
    plain = leads(upgrades={"a": 0.5})
    assert b"turns" not in encode(plain)
    some = turning({"a": 0.5}, a=Turn(-0.25, 1.5, pointing(3, -1)))
    assert decode_affinities(encode(some)) == some
