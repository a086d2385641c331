"""What a merchant writes of rules, seasons and ladders: each part's short form, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_args

import msgspec
from marshmallow import ValidationError

from ..core import discount, goal, season
from ..core.conditions import CONDITIONS, Condition
from ..core.rule import (
    DEEPEST,
    NO_OFFER,
    AnySource,
    Bundle,
    Category,
    Days,
    Discount,
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
    Question,
    Rule,
    Schedule,
    Second,
    Source,
    Tagged,
)
from ..core.trees import NAMES, problems
from ..core.windows import Yearly
from ..core.words import objection
from .refusals import each_of, flat, refuse, shown
from .ruleproblems import (
    ladder_problems,
    limit_problems,
    perk_problems,
    question_problems,
    rule_problems,
    schedule_problems,
    season_problems,
    source_problems,
)
from .written import FORMS, SINGLE, Form, Many, Moment, Percent, Span, Word, Written, schema_of
from .yamltext import Path

SOURCES: dict[str, type[Source]] = {str(cls.__struct_config__.tag): cls for cls in get_args(AnySource)}
#: Sources that are written as one value beside their tag, and its field; of the others all is inside.
SHORT: dict[type[Source], str] = {
    Products: "refs", Category: "name", Tagged: "name", Learned: "kind", Ladder: "name", Bundle: "refs",
}  # fmt: skip
#: Sources that are written as `true`, because there is nothing to say.
FLAGS = (Nothing, Second)


class Offer(Written):
    """Where the offers come from: {category: Tea, kind: upgrade}, {gap: {threshold: 50.00 EUR, tag: small}}."""

    def read(self, value: Any) -> Any:
        allowed = ", ".join(SOURCES)
        if not isinstance(value, dict):
            raise ValidationError(
                objection(
                    "{value} is no mapping that says where offers come from: {allowed}",
                    value=shown(value),
                    allowed=allowed,
                )
            )
        named = [key for key in value if key in SOURCES]
        if len(named) != 1:
            what = objection("there are {known}", known=", ".join(named))
            if not named:
                what = objection("there is {what}", what=", ".join(value) or objection("nothing"))
            raise ValidationError(
                objection("says with one key where offers come from: {allowed}; {what}", allowed=allowed, what=what)
            )
        tag = str(named[0])
        source, given = SOURCES[tag], value[tag]
        beside = {str(key): each for key, each in value.items() if key != tag}
        if source in FLAGS:
            if given != "true":
                raise ValidationError(
                    {tag: [objection("{value} is not true; leave the rule out instead", value=shown(given))]}
                )
            given = {}
        short = SHORT.get(source)
        if short is None or isinstance(given, dict):
            refuse((key, objection("belongs inside {tag}", tag=tag)) for key in beside)
            return each_of([(tag, given)], schema_of(source).load)[tag]
        key = _key(source, short)
        if key in beside and key != tag:
            refuse([(key, objection("is what stands at {tag} already", tag=tag))])
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
            raise ValidationError(
                {name: [objection("is nested deeper than {deepest} levels, which nobody could read", deepest=DEEPEST)]}
            )
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
            refuse([(flag, objection("{value} is neither true nor false", value=shown(given[flag])))])
    kinds = [kind.value for kind in Off if kind.value in given and not (kind in flags and given[kind] == "false")]
    rest = {key: value for key, value in given.items() if key not in flags}
    if "off" in given:
        refuse(
            (kind, objection("is not {given}, which the discount says it is", given=given["off"]))
            for kind in flags
            if kind != given["off"]
        )
        return rest
    if len(kinds) != 1:
        there = objection("there are {known}", known=", ".join(kinds)) if kinds else objection("there is none")
        refuse([("", objection("takes off one of {known}; {there}", known=", ".join(Off), there=there))])
    return {"off": kinds[0], **rest}


def _short_discount(value: Discount, found: dict[str, Any]) -> dict[str, Any]:
    off = found.pop("off")
    given = {kind.value for kind in Off} & found.keys()
    if given == {off}:
        return found
    if off in ("free_shipping", "gift") and not given:
        return {off: True, **found}
    return {"off": off, **found}


def _offer_or_question(given: Mapping[str, Any]) -> Mapping[str, Any]:
    if "offer" not in given and "ask" not in given:
        refuse([("offer", NO_OFFER)])
    return given


def _name_first(_: season.Season, found: dict[str, Any]) -> dict[str, Any]:
    return {key: found[key] for key in ("name", "label") if key in found} | found


# --- forms -----------------------------------------------------------------------------------------------------------


def _span(part: type[Part], between: str, alone: bool = False) -> Callable[[], Written]:
    return lambda: Span(part, between, alone=alone)


SINGLE.update({Hours: _span(Hours, "-"), Days: _span(Days, "..", alone=True), Yearly: _span(Yearly, "..", alone=True)})
FORMS.update(
    {
        Rule: Form(
            fields={"offer": Offer, "audience": Conditions, "when": Conditions},
            before=_offer_or_question,
            check=rule_problems,
        ),
        Goal: Form(check=goal.check),
        Question: Form(keys={"words": "question"}, check=question_problems),
        Perk: Form(check=perk_problems),
        Schedule: Form(fields={"start": Moment, "end": lambda: Moment(day=False)}, check=schedule_problems),
        season.Season: Form(after=_name_first, check=season_problems),
        Discount: Form(fields={"percent": Percent}, before=_spelled_out, after=_short_discount, check=discount.check),
        Limits: Form(check=limit_problems),
    }
)
FORMS.update(dict.fromkeys(SOURCES.values(), Form(keys={"refs": "products"}, check=source_problems)))


def read_ladder(value: Any) -> tuple[str, ...]:
    """A ladder's products. Raises ValidationError."""
    steps: tuple[str, ...] = Many(Word()).deserialize(value)
    refuse(ladder_problems(steps))
    return steps
