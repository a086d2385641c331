"""Who asks; options; keys of machines."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from ...core.roles import Role
from ...desk.options import BY_NAME
from ...errors import BadInput
from .counter import Counter, missing
from .fields import Given, listed, moment, role, words
from .paging import Paged, answered, page


class MeAnswer(Schema):
    """Whoever asks. `form` is what a script on the store's own pages sends as `X-Upsell-CSRF` with what it changes; ""
    for machines, which need none."""

    name = fields.String(required=True)
    role = role(required=True)
    form = fields.String(required=True)


class OptionAnswer(Schema):
    name = fields.String(required=True)
    value = fields.Raw(required=True, allow_none=True)
    default = fields.Raw(required=True, allow_none=True)
    sentence = fields.String(required=True)


class Set(Given):
    value = fields.Raw(required=True, allow_none=True)


class KeyAnswer(Schema):
    """A machine's key. `who` made it; `revoked_at`: since when it opens nothing."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    role = role(required=True)
    who = fields.String(required=True)
    made_at = moment(required=True)
    used_at = moment(required=True, allow_none=True)
    revoked_at = moment(required=True, allow_none=True)


class NewKeyAnswer(KeyAnswer):
    """`key` is told this once; null where the same request is sent again."""

    key = fields.String(required=True, allow_none=True)


class Make(Given):
    name = words(80, least=1, required=True)
    role = role(required=True)


def add(counter: Counter) -> None:
    options, machines = counter.desk.options, counter.desk.machines

    @counter.operation("GET", "/me", Role.VIEWER, "me", answer=MeAnswer)
    def me() -> Any:
        """Who you are here"""
        token = "" if counter.by_machine else counter.gate.form_token()
        return {"name": counter.person.name, "role": counter.person.role.value, "form": token}

    def told(name: str) -> dict[str, Any]:
        option = BY_NAME[name]
        value = options.all()[name]
        return {"name": name, "value": value, "default": option.default, "sentence": option.sentence}

    @counter.operation("GET", "/options", Role.VIEWER, "options", answer=listed(OptionAnswer), query=Paged)
    def list_options(query: dict[str, Any]) -> Any:
        """All options"""
        found, next = page(list(BY_NAME), str, query)
        return answered([told(name) for name in found], next)

    @counter.operation("PUT", "/options/<name>", Role.OWNER, "options", answer=OptionAnswer, body=Set)
    def set_option(body: dict[str, Any], name: str) -> Any:
        """Set an option"""
        if name not in BY_NAME:
            raise missing("option")
        options.set(name, body["value"])
        return told(name)

    @counter.operation("GET", "/keys", Role.OWNER, "keys", answer=listed(KeyAnswer), query=Paged, persons=True)
    def list_keys(query: dict[str, Any]) -> Any:
        """All keys of machines, the last made first"""
        found, next = page(machines.all(), lambda each: each.id, query)
        return answered(found, next)

    @counter.operation(
        "POST", "/keys", Role.OWNER, "keys", answer=NewKeyAnswer, status=201, body=Make, persons=True, untold="key"
    )
    def make_key(body: dict[str, Any]) -> Any:
        """Make a key for a machine; what it says is told this once"""
        machine, key = machines.make(body["name"], Role(body["role"]))
        fields = {name: getattr(machine, name) for name in machine.__struct_fields__}
        return {**fields, "key": key}, 201, {"Location": f"{counter.prefix}/keys"}

    @counter.operation("DELETE", "/keys/<id>", Role.OWNER, "keys", answer=KeyAnswer, persons=True)
    def revoke_key(id: str) -> Any:
        """Revoke a key: from now on it opens nothing"""
        try:
            return machines.revoke(id)
        except BadInput:
            raise missing("key") from None
