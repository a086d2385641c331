"""The API's pages: what there is, read from its own document, and the keys of machines."""

from __future__ import annotations

from flask import request, url_for

from ...core.roles import Role
from ...core.words import say
from ...desk.machines import LONGEST_NAME, Machine
from ...errors import BadInput
from ...jobs import this_app
from ..api import available
from .gate import ROLES
from .office import Admin, Answer


def add(admin: Admin) -> None:
    if not available():
        return

    @admin.page("/api")
    def api() -> Answer:
        from ..api.document import document, operations, shapes

        given = document(this_app(), admin.identifier)
        return admin.show(
            "api",
            document=given,
            groups=operations(given),
            shapes=shapes(given),
            where=url_for(f"{admin.identifier}-api.openapi"),
        )

    def keys(status: int = 200, made: Machine | None = None, key: str = "", name: str = "", wrong: str = "") -> Answer:
        every = admin.desk.machines.all()
        return admin.show(
            "keys",
            status,
            live=[each for each in every if each.revoked_at is None],
            gone=[each for each in every if each.revoked_at is not None],
            made=made,
            key=key,
            name=name,
            role=request.form.get("role", Role.VIEWER.value),
            wrong=wrong,
            longest=LONGEST_NAME,
            all_roles=[(role.value, admin.speech.tell(words)) for role, words in ROLES.items()],
        )

    @admin.page("/keys", Role.OWNER, name="api_keys")
    def list_keys() -> Answer:
        return keys()

    @admin.act("/keys", Role.OWNER, name="api_key_make")
    def make_key() -> Answer:
        name, role = request.form.get("name", ""), request.form.get("role", "")
        if role not in list(Role):
            return keys(422, name=name, wrong=admin.speech.tell(say("Choose a role.")))
        try:
            machine, key = admin.desk.machines.make(name, Role(role))
        except BadInput:
            told = say("Write 1 to {longest} letters, and a name that no key in use has.", longest=LONGEST_NAME)
            return keys(422, name=name, wrong=admin.speech.tell(told))
        # Shown in the answer itself: in a session or an address it would be kept.
        return keys(201, made=machine, key=key)

    @admin.act("/keys/<id>/revoke", Role.OWNER, name="api_key_revoke")
    def revoke_key(id: str) -> Answer:
        try:
            machine = admin.desk.machines.revoke(id)
        except BadInput:
            return admin.sorry(say("There is no such key."), 404)
        return admin.go("api_keys", say("Revoked: {name}. It opens nothing any more.", name=machine.name))
