"""What is wrong with a rule, a season or a ladder as a merchant writes it: (path, sentence)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..core import fairness, perks, season
from ..core.kind import Kind
from ..core.product import LINKS
from ..core.rule import (
    Bundle,
    Category,
    Gap,
    Ladder,
    Limits,
    Off,
    Perk,
    Products,
    Programme,
    Question,
    Relative,
    Rule,
    Schedule,
    Source,
    Tagged,
)
from ..core.rulebook import LONGEST_NAME
from ..core.words import objection
from .yamltext import Path

Problems = Iterator[tuple[str | Path, str]]

REWARDS = ("free_shipping", "gift")
STEPS = (Kind.COMPLEMENT, Kind.UPGRADE)
_LANGUAGE = re.compile(r"[a-z]{2,3}([-_][A-Za-z0-9]{2,8})*")
_PLACEMENT = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


def name_problems(name: str) -> Problems:
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        yield (
            "name",
            objection(
                "{name} is no name: 1 to {longest_name} printable characters",
                name=repr(name[:60]),
                longest_name=LONGEST_NAME,
            ),
        )


def rule_problems(rule: Rule) -> Problems:
    yield from name_problems(rule.name)
    yield from _least("most", rule.most, 1)
    yield from _least("gap_percent", rule.gap_percent, 0)
    for place, placement in enumerate(rule.placements):
        if not _PLACEMENT.fullmatch(placement):
            yield (
                f"placements[{place}]",
                objection(
                    "{placement} is no placement such as cart: a to z, digits, - and _", placement=repr(placement)
                ),
            )
    yield from _languages("copy", rule.copy)
    yield from fairness.check(rule)
    for place, name in enumerate(rule.boost):
        if not name.strip():
            yield f"boost[{place}]", objection("is empty; write the name of an attribute or a tag")
    if isinstance(rule.offer, Programme) and rule.discount is not None:
        yield "discount", objection("does not belong to a programme, which costs nothing here")
    if isinstance(rule.offer, Bundle) and rule.discount is not None:
        if rule.discount.off is Off.GIFT:
            yield (
                "discount",
                objection("is no gift for a bundle: give percent, amount or price"),
            )
        if rule.discount.most_units is not None:
            yield ("discount", "most_units"), objection("does not belong to a bundle, which is one of each")


def question_problems(question: Question) -> Problems:
    yield from _texts("question", question.words)
    if not 2 <= len(question.answers) <= 4:
        yield "answers", objection("{n} answers are not possible, only 2 to 4", n=len(question.answers))
    for key, words in question.answers.items():
        if not _KEY.fullmatch(key):
            yield (
                ("answers", key),
                objection("{key} is no key of an answer: a to z, 0 to 9, - and _", key=repr(key[:40])),
            )
        yield from _texts(("answers", key), words)


def perk_problems(perk: Perk) -> Problems:
    yield from perks.check(perk)
    yield from _languages("words", perk.words)


def _texts(name: str | Path, words: Mapping[str, str]) -> Problems:
    if not words or not all(text.strip() for text in words.values()):
        yield name, objection("is empty; write it by language, such as {en: ..., de: ...}")
    yield from _languages(name, words)


def season_problems(made: season.Season) -> Problems:
    yield from name_problems(made.name)
    yield from season.check(made)


def schedule_problems(schedule: Schedule) -> Problems:
    """All but whether the seasons exist, which only the whole book knows."""
    yield from season.check_schedule(schedule, schedule.seasons)


def limit_problems(limits: Limits) -> Problems:
    for name in ("total", "per_customer", "per_day"):
        yield from _least(name, getattr(limits, name), 1)
    yield from ((f"budget[{at}]", objection("is nothing")) for at, each in enumerate(limits.budget) if not each.amount)


def source_problems(source: Source) -> Problems:
    kind = getattr(source, "kind", Kind.UPGRADE)
    if kind not in STEPS:
        yield "kind", objection("{value} is none of {known}", value=repr(kind.value), known=", ".join(STEPS))
    match source:
        case Products(refs=refs):
            yield from _several("products", refs, 1, 200)
        case Bundle(refs=refs):
            yield from _several("products", refs, 2, 4)
        case Programme(url=url):
            if not url.startswith(LINKS) or not url.isprintable() or " " in url:
                yield (
                    "url",
                    objection(
                        "{url} is no link: it begins with one of {known}", url=repr(url[:60]), known=", ".join(LINKS)
                    ),
                )
            yield from _texts("title", source.title)
            yield from _languages("terms", source.terms)
        case Category(name="") | Tagged(name="") | Ladder(name=""):
            yield "name", objection("is empty")
        case Ladder(steps=steps):
            yield from _least("steps", steps, 1)
        case Relative(min_percent=low, max_percent=high):
            yield from _least("min_percent", low, 0)
            if high is not None and high < low:
                yield "max_percent", objection("{high} is less than min_percent, {low}", high=high, low=low)
        case Gap():
            yield from gap_problems(source)
        case _:
            pass


def gap_problems(gap: Gap) -> Problems:
    if not gap.threshold or not all(money.amount for money in gap.threshold):
        yield "threshold", objection("is an amount above 0")
    if gap.reward not in REWARDS:
        yield "reward", objection("{reward} is none of {known}", reward=repr(gap.reward), known=", ".join(REWARDS))
    if sum(map(bool, (gap.category, gap.tag_, gap.refs))) != 1:
        yield "", objection("has one of category, tag, products: what may close the gap")


def ladder_problems(steps: Iterable[str]) -> Problems:
    yield from _several("", tuple(steps), 2, 100)


def _several(path: str, refs: tuple[str, ...], least: int, most: int) -> Problems:
    if not least <= len(refs) <= most:
        yield (
            path,
            objection(
                "{n} product is not possible, only {least} to {most}",
                "{n} products are not possible, only {least} to {most}",
                n=len(refs),
                least=least,
                most=most,
            ),
        )
    for place, ref in enumerate(refs):
        if not ref.strip():
            yield f"{path}[{place}]", objection("is empty")
        elif ref in refs[:place]:
            yield f"{path}[{place}]", objection("{ref} is there twice", ref=repr(ref))


def _least(name: str, number: int | None, least: int) -> Problems:
    if number is not None and number < least:
        yield name, objection("{number} is less than {least}", number=number, least=least)


def _languages(name: str | Path, words: Mapping[str, Any]) -> Problems:
    for language in words:
        if not _LANGUAGE.fullmatch(language):
            yield name, objection("{language} is no language such as de or pt-BR", language=repr(language))
