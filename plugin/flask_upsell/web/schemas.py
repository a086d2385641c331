"""What a browser may send: these fields and nothing else (a store's CSRF field is the store's business)."""

from __future__ import annotations

import msgspec
from marshmallow import EXCLUDE, Schema, fields, validate
from werkzeug.datastructures import MultiDict

from ..errors import BadInput


class Accept(msgspec.Struct, frozen=True):
    """A click on an offer: its idempotency key, the variant where there is a choice, the places of what is ticked of a
    bundle, and whether the shopper agrees to what recurs."""

    key: str
    variant: str | None
    ticked: tuple[int, ...]
    agreed: bool


class AcceptForm(Schema):
    """`key` is made anew for each card that is rendered; `variant` only where there is a choice."""

    class Meta:
        unknown = EXCLUDE

    key = fields.String(required=True, validate=validate.Regexp(r"[A-Za-z0-9_-]{16,64}\Z"))
    variant = fields.String(load_default="", validate=validate.Length(max=200))
    piece = fields.List(fields.Integer(validate=validate.Range(0, 3)), load_default=[], validate=validate.Length(max=8))
    agreed = fields.String(load_default="", validate=validate.Length(max=20))


_accept = AcceptForm()


def read_accept(form: MultiDict[str, str]) -> Accept:
    """BadInput names the field."""
    given = {**form.to_dict(), "piece": form.getlist("piece")}
    wrong = _accept.validate(given)
    if wrong:
        field, problems = next(iter(wrong.items()))
        said = problems if isinstance(problems, list) else [text for each in problems.values() for text in each]
        raise BadInput(str(field), " ".join(map(str, said)))
    read = _accept.load(given)
    return Accept(read["key"], read["variant"] or None, tuple(sorted(set(read["piece"]))), bool(read["agreed"]))
