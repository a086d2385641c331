"""What a browser may send: these fields and nothing else (a store's CSRF field is the store's business)."""

from __future__ import annotations

from marshmallow import EXCLUDE, Schema, fields, validate

from ..errors import BadInput


class AcceptForm(Schema):
    """`key` is made anew for each card that is rendered; `variant` only where there is a choice."""

    class Meta:
        unknown = EXCLUDE

    key = fields.String(required=True, validate=validate.Regexp(r"[A-Za-z0-9_-]{16,64}\Z"))
    variant = fields.String(load_default="", validate=validate.Length(max=200))


_accept = AcceptForm()


def read_accept(form: dict[str, str]) -> tuple[str, str | None]:
    """(idempotency key, variant or None); BadInput names the field."""
    wrong = _accept.validate(form)
    if wrong:
        field, problems = next(iter(wrong.items()))
        raise BadInput(str(field), " ".join(map(str, problems)))
    return form["key"], form.get("variant") or None
