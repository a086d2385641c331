"""Our own words in the shopper's language: one gettext catalogue for each, a `.po` file beside the templates."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from unicodedata import bidirectional

from babel import Locale, UnknownLocaleError
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from markupsafe import Markup, escape

from .. import faults
from ..core.money import own_digits
from ..core.words import Objection, Sentence, sentence_of, spoken

#: The language of what stands in the source.
SOURCE = "en"
#: First strong isolate, and its end: invisible, and right in attributes too.
FSI, PDI = "\u2068", "\u2069"
LOCALES = Path(__file__).with_name("widgets") / "locales"


class Speech:
    """One language. `language` is BCP 47, `direction` is "ltr" or "rtl"."""

    def __init__(self, language: str = SOURCE, catalogue: NullTranslations | None = None) -> None:
        self.language, self._catalogue = language, catalogue or NullTranslations()
        try:
            self._locale = Locale.parse(language, sep="-")
        except (ValueError, UnknownLocaleError):
            self._locale = Locale(SOURCE)
        self.direction = self._locale.text_direction

    def say(self, words: str, plural: str = "", /, **parts: object) -> Markup:
        """For templates: what is filled in is escaped, unless it is Markup. `plural`: the words for all numbers `n` but
        one; a language may have more of them."""
        text, written = self._text(words, plural, parts), self._written(parts)
        try:
            return escape(text).format_map(written)
        except (LookupError, ValueError) as error:
            return escape(self._source(words, plural, parts, error)).format_map(written)

    def plain(self, words: str, plural: str = "", /, **parts: object) -> str:
        """The same where no HTML is made."""
        text, written = self._text(words, plural, parts), self._written(parts)
        try:
            return text.format_map(written)
        except (LookupError, ValueError) as error:
            return self._source(words, plural, parts, error).format_map(written)

    def tell(self, said: Sentence | str) -> str:
        """A sentence of the engine's. What a store says itself is in no catalogue, and stays as it is."""
        if isinstance(said, str):
            said = sentence_of(said)
        if not said.parts:
            return self._catalogue.gettext(said.words) if said.words else ""
        return self.plain(said.words, said.plural, **said.parts)

    def number(self, number: float) -> str:
        """As the language writes it, in its own digits."""
        return own_digits(format_decimal(number, locale=self._locale, numbering_system="default"), self._locale)

    def _text(self, words: str, plural: str, parts: Mapping[str, object]) -> str:
        if plural and isinstance(n := parts.get("n"), int):
            return self._catalogue.ngettext(words, plural, n)
        return self._catalogue.gettext(words)

    def _written(self, parts: Mapping[str, object]) -> dict[str, object]:
        return {name: self._part(each) for name, each in parts.items()}

    def _part(self, part: object) -> object:
        if isinstance(part, int | float):
            return self.number(part)
        if isinstance(part, Sentence | Objection):
            return self.tell(part)
        # What is written the other way round must not turn the words around it.
        if isinstance(part, str) and (self.direction == "rtl" or any(map(_is_rtl, part))):
            return f"{FSI}{part}{PDI}" if not isinstance(part, Markup) else Markup(FSI) + part + Markup(PDI)  # noqa: S704 (two characters)
        return part

    def _source(self, words: str, plural: str, parts: Mapping[str, object], error: Exception) -> str:
        """A catalogue that names what is not there does not cost the shopper the sentence."""
        faults.note("catalogue", "language %s: %r names what is not there: %r", self.language, words, error)
        return plural if plural and parts.get("n") != 1 else words


def _is_rtl(letter: str) -> bool:
    return letter > "\u0590" and bidirectional(letter) in ("R", "AL")


class Languages:
    """All catalogues of some folders, later folders first. `default`: where the shopper's language is not known, or has
    no catalogue."""

    def __init__(self, default: str = SOURCE, *folders: Path) -> None:
        files = {path.stem: path for folder in (LOCALES, *folders) for path in sorted(folder.glob("*.po"))}
        every: dict[str, Path | None] = {SOURCE: None, **files}
        chosen = spoken({SOURCE: SOURCE, **{name: name for name in every}}, default) or SOURCE
        # The first is for all others.
        self._files = {chosen: every.pop(chosen), **every}
        self.speech = lru_cache(maxsize=256)(self._speech)
        self._known: dict[str, Speech] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """BCP 47, the default first."""
        return tuple(self._files)

    def _speech(self, language: str | None) -> Speech:
        name = spoken({name: name for name in self._files}, language) or SOURCE
        if name not in self._known:
            self._known[name] = Speech(name, _read(self._files[name]))
        return self._known[name]


def _read(path: Path | None) -> NullTranslations:
    """A catalogue; an unreadable one says nothing, so that all is told in the source's words."""
    if path is None:
        return NullTranslations()
    try:
        compiled = BytesIO()
        with path.open("rb") as file:
            write_mo(compiled, read_po(file, locale=path.stem.replace("-", "_"), abort_invalid=True))
        compiled.seek(0)
        return GNUTranslations(compiled)
    except Exception as error:
        faults.note("catalogue", "%s is not readable: %s", path, error)
        return NullTranslations()
