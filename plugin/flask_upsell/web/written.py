"""How people write values: marshmallow fields that read texts strictly, say what is allowed, and write values back.

The schema of a Struct is made from its fields, so a condition that a store registers can be written in files at once.
`FORMS` has what is written otherwise than field by field.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any, ClassVar

import msgspec
from marshmallow import Schema, ValidationError, fields, missing, post_dump, post_load, pre_load
from msgspec import inspect

from ..core.money import Money, exponent, to_major, to_minor
from ..core.words import objection
from ..errors import BadInput
from .refusals import each_of, refuse, shown, text
from .yamltext import Path, plain

YES, NO = ("true", "yes", "on"), ("false", "no", "off")


class Written(fields.Field[Any]):
    """Base of all: `read` takes what was written, `write` gives it back."""

    default_error_messages = {
        "required": objection("is needed"),
        "null": objection("is empty: write something or leave it out; quote the word null where it is meant"),
    }

    def make_error(self, key: str, **_: Any) -> ValidationError:
        # As it is: marshmallow would make a plain text of it.
        return ValidationError(self.error_messages[key])

    def read(self, value: Any) -> Any:
        raise NotImplementedError

    def write(self, value: Any) -> Any:
        return value

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        return self.read(value)

    def _serialize(self, value: Any, *_: Any, **__: Any) -> Any:
        return self.write(value)


class Word(Written):
    """A text, whatever YAML would take it for."""

    def read(self, value: Any) -> str:
        return text(value)


class Whole(Written):
    """A whole number; a percentage may have its sign."""

    def __init__(self, *, percent: bool = False, **more: Any) -> None:
        super().__init__(**more)
        self._form = re.compile(r"[+-]?\d{1,15}" + (r"( ?%)?" if percent else ""), re.ASCII)

    def read(self, value: Any) -> int:
        if not isinstance(value, str) or not self._form.fullmatch(value):
            raise ValidationError(objection("{value} is no whole number such as 10", value=shown(value)))
        return int(value.rstrip("% "))


class YesNo(Written):
    """true or false."""

    def read(self, value: Any) -> bool:
        if not isinstance(value, str) or value.lower() not in YES + NO:
            raise ValidationError(objection("{value} is neither true nor false", value=shown(value)))
        return value.lower() in YES


class Choice(Written):
    """One of the values of an enum."""

    def __init__(self, enum: type[StrEnum], **more: Any) -> None:
        super().__init__(**more)
        self._enum = enum

    def read(self, value: Any) -> StrEnum:
        if not isinstance(value, str) or value not in list(self._enum):
            raise ValidationError(
                objection("{value} is none of {known}", value=shown(value), known=", ".join(self._enum))
            )
        return self._enum(str(value))

    def write(self, value: Any) -> str:
        return str(value.value)


class Amount(Written):
    """Money as "20.00 EUR": exact, and never below zero."""

    def read(self, value: Any) -> Money:
        found = re.fullmatch(r"(-?)(\d{1,16}(?:\.\d{1,16})?) ?([A-Z]{3})", text(value), re.ASCII)
        if found is None:
            raise ValidationError(objection('{value} is no amount of money such as "20.00 EUR"', value=shown(value)))
        sign, number, currency = found.groups()
        if sign:
            raise ValidationError(objection("{value} is less than nothing; an amount is 0 or more", value=value))
        try:
            minor = to_minor(number, currency)
        except BadInput as error:
            raise ValidationError(objection("{field}: {told}", field=error.field, told=error.message)) from None
        digits = exponent(currency)
        if len(number.partition(".")[2].rstrip("0")) > digits:
            raise ValidationError(
                objection(
                    "{value} has more digits after the point than {currency} has, {digits}",
                    value=value,
                    currency=currency,
                    digits=digits,
                )
            )
        return Money(minor, currency)

    def write(self, value: Any) -> str:
        return money(value.amount, value.currency)


class Percent(Written):
    """A percentage in hundredths: "12.5" or "12.5 %" is 1250."""

    def read(self, value: Any) -> int:
        found = re.fullmatch(r"(\d{1,9})(?:\.(\d{1,9}))?(?: ?%)?", value, re.ASCII) if isinstance(value, str) else None
        if found is None:
            raise ValidationError(objection("{value} is no percentage such as 10, 12.5 or 12.5 %", value=shown(value)))
        digits = (found[2] or "").rstrip("0")
        if len(digits) > 2:
            raise ValidationError(objection("{value} is finer than hundredths of a percent", value=value))
        hundredths = int(found[1]) * 100 + int(digits.ljust(2, "0") or 0)
        if hundredths > 10_000:
            raise ValidationError(objection("{value} is more than 100 percent", value=value))
        return hundredths

    def write(self, value: Any) -> int | float:
        whole, rest = divmod(value, 100)
        return float(f"{whole}.{rest:02}") if rest else whole


class Moment(Written):
    """A local date and time; YAML's own form of it is taken too. A day alone is its beginning."""

    def __init__(self, *, day: bool = True, **more: Any) -> None:
        super().__init__(**more)
        self._day = day

    def read(self, value: Any) -> str:
        given = text(value)
        if re.fullmatch(r"\d{4}-\d\d-\d\d", given, re.ASCII):
            if not self._day:
                raise ValidationError(
                    objection(
                        'needs a time of day, because it ends just before it: to include that day write "{after}"',
                        after=_after(given),
                    )
                )
            return f"{given}T00:00"
        return re.sub(r"^(\d{4}-\d\d-\d\d)[Tt ]+(\d\d:\d\d)(:00)?$", r"\1T\2", given)


def _after(day: str) -> str:
    try:
        return f"{datetime.fromisoformat(day) + timedelta(days=1):%Y-%m-%dT00:00}"
    except (ValueError, OverflowError):
        return "2027-02-15T00:00"


class Span(Written):
    """A Struct of `start` and `end` as one text, such as "09:00-17:00"; or written out. One part alone is both."""

    def __init__(self, part: type[msgspec.Struct], between: str, *, alone: bool = False, **more: Any) -> None:
        super().__init__(**more)
        self._part, self._between, self._alone = part, between, alone

    def read(self, value: Any) -> Any:
        if isinstance(value, dict):
            return schema_of(self._part).load(value)
        start, found, end = text(value).partition(self._between)
        if not found and not self._alone:
            raise ValidationError(
                objection(
                    "{value} has no start and end with {between} between them",
                    value=shown(value),
                    between=repr(self._between),
                )
            )
        made = self._part(start=start.strip(), end=end.strip() if found else start.strip())
        return checked(made)

    def write(self, value: Any) -> Any:
        if value.start == value.end and self._alone:
            return value.start
        return f"{value.start}{self._between}{value.end}"


class Many(Written):
    """A list; a single value stands for a list of it."""

    def __init__(self, item: Written, **more: Any) -> None:
        super().__init__(**more)
        self._item = item

    def read(self, value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            return (self._item.deserialize(value),)
        return tuple(each_of(enumerate(value), self._item.deserialize).values())

    def write(self, value: Any) -> Any:
        found = [self._item.write(each) for each in value]
        return found[0] if len(found) == 1 and isinstance(found[0], str) else found


class Amounts(Many):
    """Money in several currencies, once in each."""

    def __init__(self, **more: Any) -> None:
        super().__init__(Amount(), **more)

    def read(self, value: Any) -> tuple[Any, ...]:
        found = super().read(value)
        currencies = [each.currency for each in found]
        if len(set(currencies)) < len(currencies):
            raise ValidationError(objection("has a currency more than once: {known}", known=", ".join(currencies)))
        return found


class Named(Written):
    """A mapping of names that are free."""

    def __init__(self, item: Written, **more: Any) -> None:
        super().__init__(**more)
        self._item = item

    def read(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValidationError(objection("{value} is no mapping of names to values", value=shown(value)))
        return each_of(((str(key), each) for key, each in value.items()), self._item.deserialize)

    def write(self, value: Any) -> dict[str, Any]:
        return {key: self._item.write(each) for key, each in value.items()}


class Inner(Written):
    """A Struct within a Struct."""

    def __init__(self, part: type[msgspec.Struct], **more: Any) -> None:
        super().__init__(**more)
        self._part = part

    def read(self, value: Any) -> Any:
        return schema_of(self._part).load(value)

    def write(self, value: Any) -> Any:
        return schema_of(self._part).dump(value)


class Anything(Written):
    """What a store's own condition takes; the condition checks it."""

    def read(self, value: Any) -> Any:
        return plain(value)

    def write(self, value: Any) -> Any:
        return msgspec.to_builtins(value)


# --- Structs ---------------------------------------------------------------------------------------------------------


class Form(msgspec.Struct, frozen=True):
    """How a Struct is written where it is not field by field.

    `fields`: of its own. `keys`: other names for fields. `before` turns what was written into fields, `after` the other
    way; `check` says what is wrong with the Struct as (path, sentence).
    """

    fields: Mapping[str, Callable[[], Written]] = {}
    keys: Mapping[str, str] = {}
    before: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None
    after: Callable[[Any, dict[str, Any]], dict[str, Any]] | None = None
    check: Callable[[Any], Iterable[tuple[str | Path, str]]] | None = None


FORMS: dict[type, Form] = {}
#: Structs that are written as one value.
SINGLE: dict[type, Callable[[], Written]] = {Money: Amount}


class PartSchema(Schema):
    """Base of the schemas that are made."""

    _part: ClassVar[type[msgspec.Struct]]
    _defaults: ClassVar[dict[str, Any]]

    @pre_load
    def before(self, data: Any, **_: Any) -> Any:
        form = FORMS.get(self._part)
        return form.before(data) if form is not None and form.before is not None and isinstance(data, dict) else data

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Any:
        # What is written as it is anyhow is the same as what is left out, in the form that is kept too.
        return checked(self._part(**{name: value for name, value in data.items() if not self._by_default(name, value)}))

    @post_dump(pass_original=True)
    def after(self, data: dict[str, Any], original: Any, **_: Any) -> dict[str, Any]:
        form = FORMS.get(self._part)
        return form.after(original, data) if form is not None and form.after is not None else data

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        value = getattr(obj, attr, default)
        return missing if self._by_default(attr, value) else value

    def _by_default(self, name: str, value: Any) -> bool:
        return name in self._defaults and bool(value == self._defaults[name])


@cache
def schema_of(part: type[msgspec.Struct]) -> PartSchema:
    """The schema of a Struct."""
    form = FORMS.get(part, Form())
    made: dict[str, Any] = {}
    defaults = {}
    for each in msgspec.structs.fields(part):
        own = form.fields.get(each.name)
        field = own() if own is not None else field_of(inspect.type_info(each.type), each.name)
        field.required = each.required
        field.data_key = form.keys.get(each.name, each.encode_name)
        made[each.name] = field
        if each.default is not msgspec.NODEFAULT:
            defaults[each.name] = each.default
        elif each.default_factory is not msgspec.NODEFAULT:
            defaults[each.name] = each.default_factory()
    keys = ", ".join(str(field.data_key) for field in made.values())
    made["error_messages"] = {
        "unknown": objection("is not known here; there are: {keys}", keys=keys),
        "type": objection("is a mapping with some of: {keys}", keys=keys),
    }
    made |= {"_part": part, "_defaults": defaults}
    schema: PartSchema = type(f"{part.__name__}Schema", (PartSchema,), made)()
    return schema


def field_of(kind: inspect.Type, name: str = "") -> Written:
    """The field for a type."""
    match kind:
        case inspect.UnionType(types=types):
            known = [each for each in types if not isinstance(each, inspect.NoneType)]
            return field_of(known[0], name) if len(known) == 1 else Anything()
        case inspect.StrType():
            return Word()
        case inspect.IntType():
            return Whole(percent=name.endswith("percent"))
        case inspect.BoolType():
            return YesNo()
        case inspect.EnumType(cls=enum) if issubclass(enum, StrEnum):
            return Choice(enum)
        case inspect.VarTupleType(item_type=inspect.StructType(cls=cls)) if cls is Money:
            return Amounts()
        case inspect.VarTupleType(item_type=item):
            return Many(field_of(item, name))
        case inspect.DictType(value_type=value):
            return Named(field_of(value, name))
        case inspect.StructType(cls=cls):
            return SINGLE[cls]() if cls in SINGLE else Inner(cls)
        case _:
            return Anything()


def checked(made: Any) -> Any:
    """The Struct itself. Raises ValidationError with all that its check finds."""
    check = FORMS.get(type(made), Form()).check
    refuse(check(made) if check is not None else ())
    return made


def money(amount: int, currency: str) -> str:
    """1710 EUR minor units -> "17.10 EUR"."""
    return f"{to_major(amount, currency):f} {currency}"
