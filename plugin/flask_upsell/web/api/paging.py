"""Lists by pages: a limit, and a cursor that says after which item to go on, also when others came or went."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
from flask import request, url_for
from marshmallow import Schema, fields, validate

from .problems import Problem

T = TypeVar("T")
MOST = 200
USUAL = 50


class Paged(Schema):
    """What every list can be asked."""

    limit = fields.Integer(
        load_default=USUAL, validate=validate.Range(1, MOST), metadata={"description": "How many at most."}
    )
    cursor = fields.String(
        load_default="",
        validate=validate.Length(max=400),
        metadata={"description": "Where to go on: `next` of the page before."},
    )


def cursor_of(place: int, key: str) -> str:
    return urlsafe_b64encode(msgspec.json.encode((place, key))).decode().rstrip("=")


def read_cursor(cursor: str) -> tuple[int, str]:
    """(place, key) of the last item of the page before; (-1, "") without one. Raises Problem."""
    if not cursor:
        return -1, ""
    try:
        place, key = msgspec.json.decode(
            urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)), type=tuple[int, str]
        )
    except (ValueError, UnicodeError):
        raise _unknown() from None
    if not 0 <= place < 2**31:
        raise _unknown()
    return place, key


def page(items: Sequence[T], key: Callable[[T], str], query: dict[str, Any]) -> tuple[list[T], str | None]:
    """The items of the page that is asked for, and the cursor of the next one."""
    place, last = read_cursor(query["cursor"])
    start = place + 1
    if place >= 0 and (place >= len(items) or key(items[place]) != last):
        # Others came or went: after the one that was last, or where it was.
        start = next((at + 1 for at, each in enumerate(items) if key(each) == last), min(place, len(items)))
    found = list(items[start : start + query["limit"]])
    end = start + len(found)
    return found, cursor_of(end - 1, key(found[-1])) if found and end < len(items) else None


def answered(found: Sequence[Any], next: str | None) -> tuple[dict[str, Any], int, dict[str, str]]:
    """A page as a view returns it, with the link to the next one (RFC 8288)."""
    headers = {}
    if next is not None:
        args: dict[str, Any] = {**request.args.to_dict(), "cursor": next}
        headers["Link"] = f'<{url_for(request.endpoint or "", **(request.view_args or {}), **args)}>; rel="next"'
    return {"items": list(found), "next": next}, 200, headers


def _unknown() -> Problem:
    wrong = {"parameter": "cursor", "detail": "is unknown"}
    return Problem(422, "The cursor is none of this list.", kind="invalid", errors=[wrong])
