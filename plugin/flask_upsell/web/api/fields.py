"""How values are written in JSON: what marshmallow's own fields take too loosely for a schema that promises a type."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec
from flask import Request, request
from marshmallow import RAISE, Schema, ValidationError, fields, validate
from webargs.flaskparser import FlaskParser

from ...core.roles import Role
from ..refusals import flat
from .problems import Problem, invalid

#: Lists and objects within each other.
DEEPEST = 24
LONGEST_KEY = 64


class Given(Schema):
    """Base of what is sent: nothing else is taken."""

    class Meta:
        unknown = RAISE

    error_messages = {"unknown": "is not known here", "type": "is no object"}


class Switch(fields.Boolean):
    """true or false, and nothing that looks like it."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **more: Any) -> Any:
        if not isinstance(value, bool):
            raise ValidationError("is neither true nor false")
        return value


def words(longest: int = 200, *, least: int = 0, **more: Any) -> fields.String:
    return fields.String(validate=validate.Length(min=least, max=longest), **more)


def whole(least: int, most: int, **more: Any) -> fields.Integer:
    return fields.Integer(strict=True, validate=validate.Range(min=least, max=most), **more)


def one_of(values: Any, **more: Any) -> fields.String:
    return fields.String(validate=validate.OneOf([str(each) for each in values]), **more)


def role(**more: Any) -> fields.String:
    return one_of(Role, **more)


def moment(**more: Any) -> fields.DateTime:
    return fields.DateTime(format="iso", **more)


@cache
def listed(schema: type[Schema]) -> type[Schema]:
    """A page of a list: `items`, and the cursor of the next page, if there is one."""
    made: dict[str, Any] = {
        "items": fields.List(fields.Nested(schema), required=True),
        "next": fields.String(required=True, allow_none=True),
    }
    found: type[Schema] = type(f"{schema.__name__}List", (Schema,), made)
    return found


class Reader(FlaskParser):
    """Reads bodies strictly, and says what is wrong as a problem."""

    def load_json(self, req: Request, schema: Schema) -> Any:
        return read_body()

    def handle_error(self, error: ValidationError, req: Request, schema: Schema, **more: Any) -> Any:
        messages: Any = error.messages
        query = "query" in messages
        raise invalid(flat(messages.get("query" if query else "json", messages)), query=query) from error


def read_body() -> Any:
    """The JSON of this request. Raises Problem: 415 for another type, 400 for what is no JSON, 413 for too much."""
    if request.mimetype != "application/json":
        raise Problem(415, "Send a body of the type application/json.", headers={"Accept": "application/json"})
    try:
        found = msgspec.json.decode(request.get_data())
    except RecursionError:
        raise Problem(400, "The body is nested too deep.") from None
    except (ValueError, UnicodeError) as error:
        raise Problem(400, f"The body is no JSON: {error}.") from None
    _check(found, 0)
    return found


def _check(value: Any, depth: int) -> None:
    if depth > DEEPEST:
        raise Problem(422, f"The body is nested deeper than {DEEPEST} levels.", kind="invalid")
    if isinstance(value, str):
        check_text(value)
    elif isinstance(value, dict):
        for key, each in value.items():
            check_text(key)
            _check(each, depth + 1)
    elif isinstance(value, list):
        for each in value:
            _check(each, depth + 1)


def check_text(value: str) -> None:
    """Raises Problem for what no database takes."""
    try:
        whole = value.isascii() or bool(value.encode())
    except UnicodeEncodeError:
        whole = False
    if "\0" in value or not whole:
        raise Problem(422, "A text has a character in it that is none (NUL, or half of one).", kind="invalid")


def texts(value: Any) -> Any:
    """What is written in JSON, in the form of drafts: every value a text, nothing for null."""
    if isinstance(value, dict):
        return {str(key): texts(each) for key, each in value.items()}
    if isinstance(value, list):
        return [texts(each) for each in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
