"""Perks: what a shopper reads of one, and what is wrong with one."""

from __future__ import annotations

import pytest

from flask_upsell.core.perks import check, thanks
from flask_upsell.core.rule import Perk

CODE, GIFT, POINTS = Perk(code="TEA-5"), Perk(gift="tin"), Perk(points=120)


@pytest.mark.parametrize(
    ("perk", "said"),
    [
        (CODE, "Thank you! Your code for the next purchase: TEA-5"),
        (POINTS, "Thank you! You have earned 120 points."),
        (GIFT, "Thank you! A gift is waiting for your next purchase."),
        (Perk(code="A", words={}), "Thank you! Your code for the next purchase: A"),
        (Perk(gift="tin", words={"en": ""}), "Thank you! A gift is waiting for your next purchase."),
        (Perk(code="A", words={"en": "Use {code}, {code}!"}), "Use A, A!"),
        (Perk(points=3, words={"en": "{points} for you"}), "3 for you"),
        (Perk(gift="tin", words={"en": "A tin!{code}{points}"}), "A tin!"),
        (Perk(code="A", words={"en": "{points}{name}{0}{"}), "{name}{0}{"),
    ],
)
def test_a_shopper_reads_the_merchants_words_or_plain_ones(perk: Perk, said: str) -> None:
    assert str(thanks(perk, "en")) == said


@pytest.mark.parametrize(
    ("language", "said"), [("de-AT", "Danke: A"), ("de", "Danke: A"), ("fr", "Thanks: A"), (None, "Thanks: A")]
)
def test_the_words_are_in_the_shoppers_language_else_in_the_first(language: str | None, said: str) -> None:
    assert str(thanks(Perk(code="A", words={"en": "Thanks: {code}", "de": "Danke: {code}"}), language)) == said


@pytest.mark.parametrize(
    ("perk", "wrong"),
    [
        (CODE, []),
        (GIFT, []),
        (POINTS, []),
        (Perk(code="A"), []),
        (Perk(code="A" * 60), []),
        (Perk(points=1), []),
        (Perk(points=10**9), []),
        (Perk(), [("", "has one of code, gift, points; there is none")]),
        (Perk(code="A", gift="tin"), [("", "has one of code, gift, points; there are code, gift")]),
        (Perk(code="A", gift="t", points=1), [("", "has one of code, gift, points; there are code, gift, points")]),
        (Perk(code=""), [("code", "'' is no code: 1 to 60 printable characters")]),
        (Perk(code="  "), [("code", "'  ' is no code: 1 to 60 printable characters")]),
        (Perk(code="A\n"), [("code", "'A\\n' is no code: 1 to 60 printable characters")]),
        (Perk(code="A" * 61), [("code", f"{'A' * 60!r} is no code: 1 to 60 printable characters")]),
        (Perk(gift=" "), [("gift", "is empty; write a product's reference")]),
        (Perk(points=0), [("points", "0 is not between 1 and a billion")]),
        (Perk(points=10**9 + 1), [("points", "1000000001 is not between 1 and a billion")]),
    ],
)
def test_what_is_wrong_with_a_perk(perk: Perk, wrong: list[tuple[str, str]]) -> None:
    assert list(check(perk)) == wrong


def test_all_that_is_wrong_is_told() -> None:
    assert [field for field, _ in check(Perk(code="", gift="", points=0))] == ["", "code", "gift", "points"]
