"""Who may do what through the API: every operation for every role, person or machine."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from flask_upsell import Person, Role
from tests.web.admin.conftest import HERE, by_header
from tests.web.api.conftest import PREFIX, Caller, MakeCaller
from tests.web.conftest import Serve
from tests.web.shop import GOODS, SessionStore, parts_of

VIEW, EDIT, APPROVE, OWN = Role.VIEWER, Role.EDITOR, Role.APPROVER, Role.OWNER
#: Every operation: the least role that may. A new one has to be judged here before it can be built.
VERDICTS = {
    ("GET", "/openapi.json"): VIEW,
    ("GET", "/me"): VIEW,
    ("GET", "/rules"): VIEW,
    ("GET", "/rules/<path:name>"): VIEW,
    ("POST", "/rules/<path:name>/pause"): APPROVE,
    ("POST", "/rules/<path:name>/resume"): APPROVE,
    ("POST", "/rules/<path:name>/move"): APPROVE,
    ("POST", "/imports"): EDIT,
    ("GET", "/imports/<id>"): EDIT,
    ("POST", "/imports/<id>/apply"): EDIT,
    ("DELETE", "/imports/<id>"): EDIT,
    ("GET", "/imported-orders"): VIEW,
    ("DELETE", "/imported-orders"): APPROVE,
    ("GET", "/imported-products"): VIEW,
    ("DELETE", "/imported-products"): APPROVE,
    ("GET", "/exports/<what>"): VIEW,
    ("GET", "/seasons"): VIEW,
    ("GET", "/seasons/<path:name>"): VIEW,
    ("GET", "/ladders"): VIEW,
    ("GET", "/ladders/<path:name>"): VIEW,
    ("GET", "/drafts"): VIEW,
    ("POST", "/drafts"): EDIT,
    ("GET", "/drafts/<id>"): VIEW,
    ("PUT", "/drafts/<id>"): EDIT,
    ("DELETE", "/drafts/<id>"): EDIT,
    ("POST", "/drafts/<id>/submit"): EDIT,
    ("POST", "/drafts/publish"): APPROVE,
    ("GET", "/revisions"): VIEW,
    ("GET", "/revisions/<int:revision>"): VIEW,
    ("POST", "/revisions/<int:revision>/rollback"): APPROVE,
    ("GET", "/switch"): VIEW,
    ("PUT", "/switch"): APPROVE,
    ("GET", "/runs"): VIEW,
    ("GET", "/runs/<id>"): VIEW,
    ("POST", "/runs"): EDIT,
    ("POST", "/runs/<id>/cancel"): EDIT,
    ("POST", "/explain"): VIEW,
    ("GET", "/audit"): VIEW,
    ("GET", "/counts"): VIEW,
    ("GET", "/days"): VIEW,
    ("GET", "/suggestions"): VIEW,
    ("POST", "/suggestions/decide"): EDIT,
    ("GET", "/suggestions/seasonal"): VIEW,
    ("POST", "/suggestions/seasonal/rule"): EDIT,
    ("GET", "/products"): VIEW,
    ("GET", "/products/<path:ref>"): VIEW,
    ("GET", "/products/<path:ref>/note"): VIEW,
    ("PUT", "/products/<path:ref>/note"): EDIT,
    ("GET", "/options"): VIEW,
    ("PUT", "/options/<name>"): OWN,
    ("GET", "/keys"): OWN,
    ("POST", "/keys"): OWN,
    ("DELETE", "/keys/<id>"): OWN,
}
#: What takes a person, signed in: a machine could make itself another key before its own is revoked.
PERSONS = {path for path in VERDICTS if path[1].startswith("/keys")}
ROLES: list[Role | None] = [None, *Role]


def operations(app: Flask, prefix: str = PREFIX) -> dict[tuple[str, str], str]:
    """(method, path without the prefix) -> endpoint."""
    return {
        (method, rule.rule.removeprefix(prefix)): rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(prefix)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def a_path(path: str) -> str:
    return "/".join("1" if part.startswith("<") else part for part in path.split("/"))


def test_every_operation_has_a_verdict(app: Flask) -> None:
    """Planted bug that it shows: an operation that nobody judged."""
    assert set(operations(app)) == set(VERDICTS)


@pytest.mark.parametrize("machine", [False, True], ids=["person", "machine"])
@pytest.mark.parametrize("role", ROLES, ids=lambda role: role or "nobody")
def test_each_role_may_what_it_may_and_no_more(app: Flask, role: Role | None, machine: bool) -> None:
    """Planted bug that it shows: `_let_in` asks for the role VIEWER whatever the operation says."""
    key = "upk_none"
    if role and machine:
        _, key = parts_of(app).desk.machines.make("till", role)
    here = Caller(app, role.value if role else "", key=key if machine else "")
    form = here.form() if role and not machine else ""
    for (method, path), needed in VERDICTS.items():
        headers = {**HERE, "X-Upsell-CSRF": form} if not machine else {}
        given: dict[str, Any] = {"json": {}} if method in ("POST", "PUT") else {}
        answer = here.client.open(PREFIX + a_path(path), method=method, headers={**here.headers, **headers}, **given)
        may = role is not None and role.may(needed) and not (machine and (method, path) in PERSONS)
        refused = (401, 429) if role is None else (403,)
        assert (answer.status_code not in refused) == may, (role, method, path, answer.status_code)
        assert answer.status_code < 500, (role, method, path)
        if not may:
            assert answer.mimetype == "application/problem+json", (method, path)


def test_a_person_changes_nothing_from_another_site(app: Flask) -> None:
    """Planted bugs that it shows: the token is not bound to the person; where the request came from is not asked."""
    ada, bob = Caller(app, "owner", "ada"), Caller(app, "owner", "bob")
    good = ada.form()
    for method, path in VERDICTS:
        if method == "GET":
            continue
        for token in ("", "x", bob.form()):
            headers = {**ada.headers, **HERE, "X-Upsell-CSRF": token}
            assert ada.client.open(PREFIX + a_path(path), method=method, headers=headers, json={}).status_code == 403
        for more in ({}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
            headers = {**ada.headers, **more, "X-Upsell-CSRF": good}
            assert ada.client.open(PREFIX + a_path(path), method=method, headers=headers, json={}).status_code == 403


def test_a_site_behind_a_password_may_be_used_by_persons(app: Flask) -> None:
    """A browser sends Basic along with everything: that is no machine's key."""
    assert Caller(app).get("/me", Authorization="Basic YTpi").json["name"] == "owner"  # type: ignore[index]


def test_who_tries_keys_is_told_to_wait(app: Flask) -> None:
    """Planted bug that it shows: what opens nothing is not counted."""
    client = app.test_client()

    def status(key: str, address: str = "198.51.100.7") -> int:
        headers = {"Authorization": f"Bearer {key}"}
        return client.get(f"{PREFIX}/me", headers=headers, environ_base={"REMOTE_ADDR": address}).status_code

    assert [status(f"upk_{number}", "8.8.8.8") for number in range(25)].count(429) == 5
    assert [status("upk_same", f"9.9.9.{number}") for number in range(25)].count(429) == 5
    _, key = parts_of(app).desk.machines.make("till", Role.VIEWER)
    assert status(key, "8.8.8.8") == 200


def test_there_is_no_api_without_an_admin(serve: Serve) -> None:
    app = serve(SessionStore(GOODS))
    assert operations(app) == {}
    assert app.test_client().get(f"{PREFIX}/rules").mimetype == "text/html"


def test_without_the_extra_there_is_no_api_and_all_else_works(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flask_upsell.web.api.find_spec", lambda _: None)
    app = serve(SessionStore(GOODS), UPSELL_ADMIN_USER=by_header)
    assert operations(app) == {}
    client = app.test_client()
    assert client.get("/upsell/admin/", headers={"X-Person": "ada:owner"}).status_code == 200
    assert client.get("/upsell/admin/keys", headers={"X-Person": "ada:owner"}).status_code == 404


def test_what_is_done_is_told_under_the_name_of_who_did_it(machine: MakeCaller, caller: MakeCaller) -> None:
    machine("approver", "till").put("/switch", {"on": False}, **{"X-Upsell-Why": "a fire"})
    caller("owner", "olga").put("/switch", {"on": True})
    rows = caller().get("/audit?what=switched").json["items"]  # type: ignore[index]
    assert [(row["who"], row["why"]) for row in rows] == [("olga", ""), ("machine:till", "a fire")]


def test_a_host_that_names_nobody_rightly_lets_nobody_in(serve: Serve) -> None:
    app = serve(SessionStore(GOODS), UPSELL_ADMIN_USER=lambda: Person("", OWN))
    assert app.test_client().get(f"{PREFIX}/rules").status_code == 401
