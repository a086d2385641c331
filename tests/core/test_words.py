"""A merchant's words: in the shopper's language, else in its parent, else the first ones."""

from __future__ import annotations

import pytest

from flask_upsell.core.words import spoken

WORDS = {"en": "Add", "de": "Dazu", "zh_Hant": "加", "pt-BR": "Mais", "de-AT": "Dazua"}


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Add"),
        ("de", "Dazu"),
        ("DE", "Dazu"),
        ("de-AT", "Dazua"),
        ("de_at", "Dazua"),
        ("de-AT-1901", "Dazua"),
        ("de-CH", "Dazu"),
        ("zh-Hant-TW", "加"),
        ("ZH-HANT", "加"),
        ("zh", "Add"),
        ("pt", "Add"),
        ("den", "Add"),
        ("-de", "Add"),
        ("fr", "Add"),
        ("", "Add"),
        (None, "Add"),
    ],
)
def test_the_nearest_language_is_spoken_else_the_first(language: str | None, said: str) -> None:
    assert spoken(WORDS, language) == said


def test_who_has_no_words_says_nothing() -> None:
    assert spoken({}, "de") is None
    assert spoken({"de": ""}, "de") == "", "written as nothing on purpose"
