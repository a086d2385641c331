"""Texts are found however they are typed."""

from __future__ import annotations

import pytest

from flask_upsell.core.spelling import LONGEST_WORD, MOST_TYPED, fits, folded, typed, words


@pytest.mark.parametrize(
    ("written", "plain"),
    [("Crème BRÛLÉE", "creme brulee"), ("STRASSE", "strasse"), ("Straße", "strasse"), ("ＡＢＣ①", "abc1"), ("İ", "i")],
)
def test_case_accents_and_forms_do_not_count(written: str, plain: str) -> None:
    assert folded(written) == plain


def test_words_begin_at_every_mark() -> None:
    assert words("Green-Tea (250 g)", "sku_12/B") == {"green", "tea", "250", "g", "sku", "12", "b"}
    assert words("", " - ") == frozenset()
    assert {len(word) for word in words("x" * 100)} == {LONGEST_WORD}


def test_where_no_spaces_are_written_a_word_may_begin_anywhere() -> None:
    assert fits(typed("茶"), "緑茶ティーバッグ")
    assert fits(typed("ティー"), "緑茶ティーバッグ")
    assert not fits(typed("紅"), "緑茶ティーバッグ")


def test_each_typed_word_must_begin_one() -> None:
    assert fits(typed("te GREE"), "Green Tea")
    assert not fits(typed("een"), "Green Tea")
    assert fits([], "anything")


def test_what_is_typed_is_bounded() -> None:
    assert typed("a bcd bcd ef") == ["bcd", "ef", "a"]
    assert len(typed(" ".join(map(str, range(100))))) == MOST_TYPED
