"""Our own words in the shopper's language, and the catalogues that hold them."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import pytest
from markupsafe import Markup

from flask_upsell import faults
from flask_upsell.core.words import Sentence, say
from flask_upsell.web.speech import FSI, LOCALES, PDI, Languages, Speech
from tests.words import FUNCTIONS, catalogue, words

NAMES = tuple(sorted(path.stem for path in LOCALES.glob("*.po")))
#: The visible words of each button, and what it is called when it is read out.
BUTTONS = {
    "Add": ("Add {title}", "Add {title}, {price}"),
    "Add what is ticked": ("Add what is ticked: {title}, {price} together",),
    "Yes, please": ("Yes, please: {title}, free",),
    "Choose": ("Choose {title}, {price}",),
    "Upgrade": ("Upgrade to {title}, {difference}",),
    "Choose this instead": ("Choose this instead: {title}, {price}",),
    "No thanks": ("No thanks, {title}",),
    "Read more": ("Read more: {title}",),
    "Skip": ("Skip this question",),
    "Why am I seeing this?": ("Why am I seeing this? {title}",),
    "Option": ("Option for {title}",),
}


# --- speaking ------------------------------------------------------------------------------------------------------


def test_what_is_filled_into_a_page_is_text() -> None:
    """Shown red with the words formatted before they are escaped."""
    speech = Languages().speech("de")
    said = speech.say("Add {title}", title="<b>{price}</b>")
    assert isinstance(said, Markup) and "&lt;b&gt;{price}&lt;/b&gt;" in said
    assert speech.say("Add {title}", title=Markup("<bdi>Tea</bdi>")).count("<bdi>Tea</bdi>") == 1
    assert "<b>{price}</b>" in speech.plain("Add {title}", title="<b>{price}</b>")


def test_a_sentence_of_the_engine_is_told_with_its_parts() -> None:
    speech = Languages().speech("it")
    why = say("the offer has ended")
    told = speech.tell(say("{title} is at its normal price: {why}.", title="Tè", why=why))
    assert "Tè" in told and speech.tell(why) in told and "ended" not in told


def test_what_a_store_says_itself_stays_as_it_is() -> None:
    assert Languages().speech("de").tell(Sentence("Heute {nicht}!")) == "Heute {nicht}!"
    assert Languages().speech("de").tell(Sentence("There is not enough in stock.")) != "There is not enough in stock."


def test_numbers_and_plurals_are_those_of_the_language() -> None:
    every = Languages()
    assert every.speech("en").plain("every {n} month", "every {n} months", n=1) == "every 1 month"
    assert every.speech("en").plain("every {n} month", "every {n} months", n=3) == "every 3 months"
    assert str(say("every {n} month", "every {n} months", n=3)) == "every 3 months"
    assert str(say("every {n} month", "every {n} months", n=1)) == "every 1 month"
    assert [every.speech("de").number(each) for each in (1234.5, 7)] == ["1.234,5", "7"]
    forms = {every.speech("ar").plain("every {n} month", "every {n} months", n=n) for n in (1, 2, 3, 11, 100)}
    assert len({re.sub(r"\d+", "", form) for form in forms}) >= 4, "Arabic has six"


@pytest.mark.parametrize(
    ("language", "title", "isolated"), [("en", "Tea", False), ("ar", "Tea", True), ("en", "شاي", True)]
)
def test_what_is_written_the_other_way_round_does_not_turn_the_words_around_it(
    language: str, title: str, isolated: bool
) -> None:
    speech = Languages().speech(language)
    assert (f"{FSI}{title}{PDI}" in speech.plain("Add {title}", title=title)) is isolated
    assert (f"{FSI}{title}{PDI}" in speech.say("Add {title}", title=Markup(title))) is isolated
    assert speech.direction == ("rtl" if language == "ar" else "ltr")


# --- choosing ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "spoken"),
    [
        ("de", "de"),
        ("de-AT", "de"),
        ("DE_at", "de"),
        ("en-GB", "en"),
        ("nl", "en"),
        ("", "en"),
        (None, "en"),
        ("x" * 99, "en"),
    ],
)
def test_the_nearest_language_that_has_a_catalogue(asked: str | None, spoken: str) -> None:
    assert Languages().speech(asked).language == spoken


def test_the_default_is_for_all_others() -> None:
    every = Languages("it-CH")
    assert every.names[0] == "it" and set(every.names) == {"en", *NAMES}
    assert [every.speech(asked).language for asked in (None, "nl", "en", "de")] == ["it", "it", "en", "de"]
    assert Languages("nl").names[0] == "en"


def test_a_store_has_catalogues_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "nl.po").write_text('msgid "Add"\nmsgstr "Toevoegen"\n')
    (tmp_path / "de.po").write_text('msgid "Add"\nmsgstr "Rein damit"\n')
    every = Languages("en", tmp_path)
    assert [every.speech(name).plain("Add") for name in ("nl", "nl-BE", "de")] == [
        "Toevoegen",
        "Toevoegen",
        "Rein damit",
    ]
    assert every.speech("nl").plain("No thanks") == "No thanks", "what is not translated yet is English"


@pytest.mark.parametrize("text", ["\0\1", "msgid"])
def test_a_broken_catalogue_speaks_english_and_is_noted(tmp_path: Path, text: str) -> None:
    (tmp_path / "nl.po").write_text(text)
    before = faults.seen["catalogue"]
    assert Languages("en", tmp_path).speech("nl").plain("No thanks") == "No thanks"
    assert faults.seen["catalogue"] == before + 1


def test_a_catalogue_that_names_what_is_not_there_costs_no_sentence(tmp_path: Path) -> None:
    (tmp_path / "nl.po").write_text('msgid "Add {title}"\nmsgstr "{naam} erbij"\n')
    speech = Languages("en", tmp_path).speech("nl")
    assert (speech.plain("Add {title}", title="<Tea>"), speech.say("Add {title}", title="<Tea>")) == (
        "Add <Tea>",
        "Add &lt;Tea&gt;",
    )


def test_a_language_that_nobody_knows_counts_as_english_does() -> None:
    assert (Speech("xx-nonsense").number(1234.5), Speech("xx-nonsense").direction) == ("1,234.5", "ltr")


# --- the catalogues ------------------------------------------------------------------------------------------------


def test_there_are_the_languages_that_are_promised() -> None:
    assert NAMES == ("ar", "de", "es", "fr", "it", "ja")


@pytest.mark.parametrize("name", NAMES)
def test_a_catalogue_has_all_words_of_the_source_and_no_others(name: str) -> None:
    """Shown red with a sentence taken out of one; `python -m tests.words LANGUAGE` adds what is missing."""
    held = {
        message.id if isinstance(message.id, tuple) else (message.id, "") for message in catalogue(name) if message.id
    }
    assert held == set(words())


@pytest.mark.parametrize("name", NAMES)
def test_everything_is_translated_and_keeps_what_is_filled_in(name: str) -> None:
    for message in catalogue(name):
        if not message.id:
            continue
        ids = message.id if isinstance(message.id, tuple) else (message.id,)
        strings = message.string if isinstance(message.string, tuple | list) else (message.string,)
        assert all(strings) and not message.fuzzy, ids
        for string in strings:
            assert _parts(str(string)) == _parts(str(ids[-1])), (ids, string)


@pytest.mark.parametrize("name", ["en", *NAMES])
def test_a_button_is_called_what_it_says(name: str) -> None:
    """WCAG 2.5.3. Whoever speaks to the page says what is printed."""
    speech = Languages().speech(name)
    parts = {"title": "T", "price": "1", "difference": "2"}
    for visible, names in BUTTONS.items():
        for spoken in names:
            assert speech.plain(visible).casefold() in speech.plain(spoken, **parts).casefold(), (visible, spoken)


def test_the_words_of_the_source_are_found() -> None:
    found = words()
    for text in ("Add {title}, {price}", "This product is not sold any more.", "{title} is sold out.", "Undo"):
        assert (text, "") in found
    assert ("every {n} month", "every {n} months") in found
    assert FUNCTIONS == ("say", "plain", "Refused")


def _parts(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}
