"""Drafts at the desk: begun, kept, put among what is live."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from flask_upsell.core.rule import Category, Rule
from flask_upsell.core.rulebook import RuleBook
from flask_upsell.core.season import Season
from flask_upsell.desk.drafts import LONGEST, Draft, merged
from flask_upsell.errors import BadInput, StaleError
from tests.conftest import MakeApp
from tests.web.shop import parts_of

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
TEA, CUP, POT = (Rule(name=name, offer=Category(name=name)) for name in ("tea", "cup", "pot"))
BOOK = RuleBook(rules=(TEA, CUP), seasons=(Season(name="spring"),), ladders={"cups": ("a", "b")})


def draft(kind: str, origin: str = "", **written: Any) -> Draft:
    return Draft("d", kind, origin, 0, "put", "open", written, "", "ada", "ada", 1, NOW, NOW)


def test_drafts_among_what_is_live() -> None:
    """A new one comes last, a changed one keeps its place, whatever it is called."""
    found = merged(
        BOOK,
        [
            (draft("rule"), POT),
            (draft("rule", "tea"), Rule(name="green tea", offer=Category(name="tea"))),
            (draft("season", "spring"), None),
            (draft("ladder", "cups", name="mugs"), ("a", "c")),
        ],
    )
    assert [rule.name for rule in found.rules] == ["green tea", "cup", "pot"]
    assert (found.seasons, found.ladders) == ((), {"mugs": ("a", "c")})
    assert merged(BOOK, [(draft("rule", "cup"), None)]).rules == (TEA,)
    assert merged(BOOK, [(draft("rule", "gone"), None), (draft("ladder", "gone"), None)]) == BOOK


@pytest.mark.parametrize(
    ("given", "part"),
    [
        (draft("rule"), TEA),
        (draft("rule", "gone"), POT),
        (draft("ladder", "", name="cups"), ("c", "d")),
        (draft("ladder", "gone", name="gone"), ("c", "d")),
    ],
)
def test_what_does_not_fit_is_refused(given: Draft, part: Any) -> None:
    with pytest.raises(BadInput, match=r"twice|removed meanwhile"):
        merged(BOOK, [(given, part)])


def test_drafts_are_begun_kept_and_submitted(make_app: MakeApp) -> None:
    drafts = parts_of(make_app()).desk.drafts
    made = drafts.begin("rule", {"name": "tea"}, "tea")
    assert drafts.begin("rule", {"name": "other"}, "tea") == made
    saved = drafts.save(made.id, made.version, {"name": "teas"}, "because")
    sent = drafts.submit(made.id, saved.version, "please look")
    assert (sent.state, sent.note, sent.written) == ("review", "please look", {"name": "teas"})
    assert drafts.save(made.id, sent.version, {"name": "teas!"}).state == "open"
    with pytest.raises(StaleError):
        drafts.submit(made.id, 1)
    assert drafts.of("rule", "tea") == drafts.get(made.id) == drafts.all()[0]
    assert drafts.drop(made.id)
    with pytest.raises(BadInput):
        drafts.get(made.id)
    with pytest.raises(BadInput, match="none of rule"):
        drafts.begin("banner", {})
    with pytest.raises(BadInput, match="longer"):
        drafts.begin("rule", {"name": "x" * LONGEST})
