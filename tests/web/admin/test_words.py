"""The words of the admin in other languages: nothing missing, nothing left over, and a page that speaks one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from babel.messages.catalog import Message

from flask_upsell.web.admin.office import WORDS
from tests.web.admin.conftest import MakeClerk
from tests.web.test_speech import _parts
from tests.words import LOCALES, _strings, catalogue, words

NAMES = tuple(sorted(path.stem for path in (LOCALES / "admin").glob("*.po")))


def _told(name: str) -> Iterator[tuple[Message, tuple[str, ...], tuple[str, ...]]]:
    """Each message with its English and its own words."""
    for message in catalogue(f"admin/{name}"):
        if message.id:
            yield message, _strings(message.id), _strings(message.string)


def test_the_admin_speaks_italian() -> None:
    assert "it" in NAMES
    assert {path.stem for path in WORDS.glob("*.po")} == set(NAMES), "the pages read the same files"


@pytest.mark.parametrize("name", NAMES)
def test_a_catalogue_has_all_words_of_the_admin_and_no_others(name: str) -> None:
    """Shown red with a text taken out of one; `python -m tests.words admin/LANGUAGE` adds what is missing."""
    assert {(*ids, "")[:2] for _, ids, _ in _told(name)} == set(words(admin=True))


@pytest.mark.parametrize("name", NAMES)
def test_all_is_translated_and_keeps_what_is_filled_in(name: str) -> None:
    """Shown red with `{who}` translated too. "One draft" has no number: so may the words for one have none."""
    for message, ids, strings in _told(name):
        assert all(strings) and not message.fuzzy, ids
        assert _parts(strings[-1]) == _parts(ids[-1]), ids
        assert all(_parts(string) in [_parts(each) for each in ids] for string in strings), (ids, strings)


@pytest.mark.parametrize("name", NAMES)
def test_there_is_a_form_for_each_number(name: str) -> None:
    counted = catalogue(f"admin/{name}").num_plurals
    assert all(len(strings) == (counted if len(ids) > 1 else 1) for _, ids, strings in _told(name))


def test_a_page_is_in_the_language_of_who_reads_it(clerk: MakeClerk) -> None:
    vera = clerk("viewer")
    page = vera.get("/help", **{"Accept-Language": "it"}).text
    assert '<html lang="it"' in page
    assert "La tua prima regola" in page and "Your first rule" not in page
    assert "Il tuo ruolo qui è lettore." in page
    vera.post("/language", language="it")
    home = vera.get("/", **{"Accept-Language": "en"}).text
    assert "Quattro passi per la prima offerta" in home and "Four steps" not in home
