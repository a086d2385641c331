"""What a merchant writes of rules, seasons and ladders: each part's short form, and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, get_args

import msgspec
from marshmallow import ValidationError

from ..core import discount, fairness, goal, perks, season
from ..core.conditions import CONDITIONS, Condition
from ..core.kind import Kind
from ..core.product import LINKS
from ..core.rule import (
    DEEPEST,
    NO_OFFER,
    AnySource,
    Bundle,
    Category,
    Days,
    Discount,
    Gap,
    Goal,
    Hours,
    Ladder,
    Learned,
    Limits,
    Nothing,
    Off,
    Part,
    Perk,
    Products,
    Programme,
    Question,
    Relative,
    Rule,
    Schedule,
    Second,
    Source,
    Tagged,
)
from ..core.rulebook import LONGEST_NAME
from ..core.trees import NAMES, problems
from ..core.windows import Yearly
from .refusals import each_of, flat, refuse, shown
from .written import FORMS, SINGLE, Form, Many, Moment, Percent, Span, Word, Written, schema_of
from .yamltext import Path

Problems = Iterator[tuple[str | Path, str]]

SOURCES: dict[str, type[Source]] = {str(cls.__struct_config__.tag): cls for cls in get_args(AnySource)}
#: Sources that are written as one value beside their tag, and its field; of the others all is inside.
SHORT: dict[type[Source], str] = {
    Products: "refs", Category: "name", Tagged: "name", Learned: "kind", Ladder: "name", Bundle: "refs",
}  # fmt: skip
#: Sources that are written as `true`, because there is nothing to say.
FLAGS = (Nothing, Second)
STEPS = (Kind.COMPLEMENT, Kind.UPGRADE)
REWARDS = ("free_shipping", "gift")
_KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_PLACEMENT = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_LANGUAGE = re.compile(r"[a-z]{2,3}([-_][A-Za-z0-9]{2,8})*")


class Offer(Written):
    """Where the offers come from: {category: Tea, kind: upgrade}, {gap: {threshold: 50.00 EUR, tag: small}}."""

    def read(self, value: Any) -> Any:
        allowed = ", ".join(SOURCES)
        if not isinstance(value, dict):
            raise ValidationError(f"{shown(value)} is no mapping that says where offers come from: {allowed}")
        named = [key for key in value if key in SOURCES]
        if len(named) != 1:
            what = f"there are {', '.join(named)}" if named else f"there is {', '.join(value) or 'nothing'}"
            raise ValidationError(f"says with one key where offers come from: {allowed}; {what}")
        tag = str(named[0])
        source, given = SOURCES[tag], value[tag]
        beside = {str(key): each for key, each in value.items() if key != tag}
        if source in FLAGS:
            if given != "true":
                raise ValidationError({tag: [f"{shown(given)} is not true; leave the rule out instead"]})
            given = {}
        short = SHORT.get(source)
        if short is None or isinstance(given, dict):
            refuse((key, f"belongs inside {tag}") for key in beside)
            return each_of([(tag, given)], schema_of(source).load)[tag]
        key = _key(source, short)
        if key in beside and key != tag:
            refuse([(key, f"is what stands at {tag} already")])
        try:
            return schema_of(source).load({**beside, key: given})
        except ValidationError as error:
            # What is wrong with the one value is told where it stands.
            wrong: dict[Path, list[str]] = {}
            for path, sentence in flat(error.messages):
                wrong.setdefault((tag, *path[1:]) if path[:1] == (key,) else path, []).append(sentence)
            raise ValidationError(wrong) from None

    def write(self, value: Any) -> dict[str, Any]:
        source: type[Source] = type(value)
        tag = str(source.__struct_config__.tag)
        if source in FLAGS:
            return {tag: True}
        inside = schema_of(source).dump(value)
        short = SHORT.get(source)
        if short is None:
            return {tag: inside}
        inside.pop(_key(source, short), None)
        return {tag: schema_of(source).fields[short]._serialize(getattr(value, short), None, None), **inside}


def _key(source: type[Source], field: str) -> str:
    return str(schema_of(source).fields[field].data_key)


class Conditions(Written):
    """A tree of conditions, in the core's form or shorter: {country: [DE, AT]}, {subtotal: {min: 20.00 EUR}}."""

    def read(self, value: Any) -> dict[str, Any]:
        return self._read(value, 0)

    def _read(self, value: Any, depth: int) -> dict[str, Any]:
        if not isinstance(value, dict) or len(value) != 1:
            raise ValidationError(problems(value)[0][1])
        ((name, given),) = value.items()
        name = str(name)
        if depth >= DEEPEST:
            raise ValidationError({name: [f"is nested deeper than {DEEPEST} levels, which nobody could read"]})
        if name in NAMES and given:
            inner = given if isinstance(given, list) else [given]
            grown = each_of(
                [(name, inner)], lambda trees: each_of(enumerate(trees), lambda each: self._read(each, depth + 1))
            )
            return {name: list(grown[name].values())}
        if name not in CONDITIONS:
            refuse(problems({name: given}))
        tree = {name: each_of([(name, given)], lambda each: _arguments(CONDITIONS[name], each))[name]}
        refuse(problems(tree))
        return tree

    def write(self, value: Any) -> Any:
        if isinstance(value, dict) and len(value) == 1:
            ((name, given),) = value.items()
            if name in NAMES and isinstance(given, list | tuple):
                return {name: [self.write(each) for each in given]}
            if name in CONDITIONS and not problems(value):
                return {name: _written_arguments(CONDITIONS[name], given)}
        # What the core would refuse is written as it is, so that one bad rule does not keep a book from being exported.
        return value


def _arguments(kind: type[Condition], given: Any) -> dict[str, Any]:
    """Arguments in the core's plain form: those that were written, in their order."""
    schema = schema_of(kind)
    keys = {str(field.data_key): name for name, field in schema.fields.items()}
    if not isinstance(given, dict) and "is" in keys:
        given = {"is": given}
    made = schema.load(given)
    plain = {str(key): getattr(made, keys[key]) for key in given}
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(plain))
    return found


def _written_arguments(kind: type[Condition], given: Mapping[str, Any]) -> Any:
    schema = schema_of(kind)
    made = msgspec.convert(given, kind)
    fields = {str(field.data_key): (name, field) for name, field in schema.fields.items()}
    found = {}
    for key in given:
        name, field = fields[key]
        value = getattr(made, name)
        if value is not None:
            found[key] = field._serialize(value, None, None)
    return found["is"] if list(found) == ["is"] and not isinstance(found["is"], dict) else found


# --- discounts -------------------------------------------------------------------------------------------------------


def _spelled_out(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """`off` from the one kind that is given: {percent: 10}, {free_shipping: true}."""
    flags = {key for key in ("free_shipping", "gift") if key in given}
    for flag in flags:
        if given[flag] not in ("true", "false"):
            refuse([(flag, f"{shown(given[flag])} is neither true nor false")])
    kinds = [kind.value for kind in Off if kind.value in given and not (kind in flags and given[kind] == "false")]
    rest = {key: value for key, value in given.items() if key not in flags}
    if "off" in given:
        refuse(
            (kind, f"is not {given['off']}, which the discount says it is") for kind in flags if kind != given["off"]
        )
        return rest
    if len(kinds) != 1:
        there = f"there are {', '.join(kinds)}" if kinds else "there is none"
        refuse([("", f"takes off one of {', '.join(Off)}; {there}")])
    return {"off": kinds[0], **rest}


def _short_discount(value: Discount, found: dict[str, Any]) -> dict[str, Any]:
    off = found.pop("off")
    given = {kind.value for kind in Off} & found.keys()
    if given == {off}:
        return found
    if off in ("free_shipping", "gift") and not given:
        return {off: True, **found}
    return {"off": off, **found}


# --- what is wrong ---------------------------------------------------------------------------------------------------


def name_problems(name: str) -> Problems:
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        yield "name", f"{name[:60]!r} is no name: 1 to {LONGEST_NAME} printable characters"


def _rule_problems(rule: Rule) -> Problems:
    yield from name_problems(rule.name)
    yield from _least("most", rule.most, 1)
    yield from _least("gap_percent", rule.gap_percent, 0)
    for place, placement in enumerate(rule.placements):
        if not _PLACEMENT.fullmatch(placement):
            yield f"placements[{place}]", f"{placement!r} is no placement such as cart: a to z, digits, - and _"
    yield from _languages("copy", rule.copy)
    yield from fairness.check(rule)
    for place, name in enumerate(rule.boost):
        if not name.strip():
            yield f"boost[{place}]", "is empty; write the name of an attribute or a tag"
    if isinstance(rule.offer, Programme) and rule.discount is not None:
        yield "discount", "does not belong to a programme, which costs nothing here"
    if isinstance(rule.offer, Bundle) and rule.discount is not None:
        if rule.discount.off is Off.GIFT:
            yield (
                "discount",
                "is no gift for a bundle: give percent, amount or price",
            )
        if rule.discount.most_units is not None:
            yield ("discount", "most_units"), "does not belong to a bundle, which is one of each"


def _offer_or_question(given: Mapping[str, Any]) -> Mapping[str, Any]:
    if "offer" not in given and "ask" not in given:
        refuse([("offer", NO_OFFER)])
    return given


def _question_problems(question: Question) -> Problems:
    yield from _texts("question", question.words)
    if not 2 <= len(question.answers) <= 4:
        yield "answers", f"{len(question.answers)} answers are not possible, only 2 to 4"
    for key, words in question.answers.items():
        if not _KEY.fullmatch(key):
            yield ("answers", key), f"{key[:40]!r} is no key of an answer: a to z, 0 to 9, - and _"
        yield from _texts(("answers", key), words)


def _perk_problems(perk: Perk) -> Problems:
    yield from perks.check(perk)
    yield from _languages("words", perk.words)


def _texts(name: str | Path, words: Mapping[str, str]) -> Problems:
    if not words or not all(text.strip() for text in words.values()):
        yield name, "is empty; write it by language, such as {en: ..., de: ...}"
    yield from _languages(name, words)


def _season_problems(made: season.Season) -> Problems:
    yield from name_problems(made.name)
    yield from season.check(made)


def _name_first(_: season.Season, found: dict[str, Any]) -> dict[str, Any]:
    return {key: found[key] for key in ("name", "label") if key in found} | found


def _schedule_problems(schedule: Schedule) -> Problems:
    """All but whether the seasons exist, which only the whole book knows."""
    yield from season.check_schedule(schedule, schedule.seasons)


def _limit_problems(limits: Limits) -> Problems:
    for name in ("total", "per_customer", "per_day"):
        yield from _least(name, getattr(limits, name), 1)
    yield from ((f"budget[{at}]", "is nothing") for at, each in enumerate(limits.budget) if not each.amount)


def _source_problems(source: Source) -> Problems:
    kind = getattr(source, "kind", Kind.UPGRADE)
    if kind not in STEPS:
        yield "kind", f"{kind.value!r} is none of {', '.join(STEPS)}"
    match source:
        case Products(refs=refs):
            yield from _several("products", refs, 1, 200)
        case Bundle(refs=refs):
            yield from _several("products", refs, 2, 4)
        case Programme(url=url):
            if not url.startswith(LINKS) or not url.isprintable() or " " in url:
                yield "url", f"{url[:60]!r} is no link: it begins with one of {', '.join(LINKS)}"
            yield from _texts("title", source.title)
            yield from _languages("terms", source.terms)
        case Category(name="") | Tagged(name="") | Ladder(name=""):
            yield "name", "is empty"
        case Ladder(steps=steps):
            yield from _least("steps", steps, 1)
        case Relative(min_percent=low, max_percent=high):
            yield from _least("min_percent", low, 0)
            if high is not None and high < low:
                yield "max_percent", f"{high} is less than min_percent, {low}"
        case Gap():
            yield from _gap_problems(source)
        case _:
            pass


def _gap_problems(gap: Gap) -> Problems:
    if not gap.threshold or not all(money.amount for money in gap.threshold):
        yield "threshold", "is an amount above 0"
    if gap.reward not in REWARDS:
        yield "reward", f"{gap.reward!r} is none of {', '.join(REWARDS)}"
    if sum(map(bool, (gap.category, gap.tag_, gap.refs))) != 1:
        yield "", "has one of category, tag, products: what may close the gap"


def ladder_problems(steps: Iterable[str]) -> Problems:
    yield from _several("", tuple(steps), 2, 100)


def _several(path: str, refs: tuple[str, ...], least: int, most: int) -> Problems:
    if not least <= len(refs) <= most:
        what = "1 product is" if len(refs) == 1 else f"{len(refs)} products are"
        yield path, f"{what} not possible, only {least} to {most}"
    for place, ref in enumerate(refs):
        if not ref.strip():
            yield f"{path}[{place}]", "is empty"
        elif ref in refs[:place]:
            yield f"{path}[{place}]", f"{ref!r} is there twice"


def _least(name: str, number: int | None, least: int) -> Problems:
    if number is not None and number < least:
        yield name, f"{number} is less than {least}"


def _languages(name: str | Path, words: Mapping[str, Any]) -> Problems:
    for language in words:
        if not _LANGUAGE.fullmatch(language):
            yield name, f"{language!r} is no language such as de or pt-BR"


# --- forms -----------------------------------------------------------------------------------------------------------


def _span(part: type[Part], between: str, alone: bool = False) -> Callable[[], Written]:
    return lambda: Span(part, between, alone=alone)


SINGLE.update({Hours: _span(Hours, "-"), Days: _span(Days, "..", alone=True), Yearly: _span(Yearly, "..", alone=True)})
FORMS.update(
    {
        Rule: Form(
            fields={"offer": Offer, "audience": Conditions, "when": Conditions},
            before=_offer_or_question,
            check=_rule_problems,
        ),
        Goal: Form(check=goal.check),
        Question: Form(keys={"words": "question"}, check=_question_problems),
        Perk: Form(check=_perk_problems),
        Schedule: Form(fields={"start": Moment, "end": lambda: Moment(day=False)}, check=_schedule_problems),
        season.Season: Form(after=_name_first, check=_season_problems),
        Discount: Form(fields={"percent": Percent}, before=_spelled_out, after=_short_discount, check=discount.check),
        Limits: Form(check=_limit_problems),
    }
)
FORMS.update(dict.fromkeys(SOURCES.values(), Form(keys={"refs": "products"}, check=_source_problems)))


def read_ladder(value: Any) -> tuple[str, ...]:
    """A ladder's products. Raises ValidationError."""
    steps: tuple[str, ...] = Many(Word()).deserialize(value)
    refuse(ladder_problems(steps))
    return steps
