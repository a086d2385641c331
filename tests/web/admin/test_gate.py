"""Who may open what in the admin: every route for every role, every way to ask."""

from __future__ import annotations

import time
from typing import Any

import pytest
from flask import Flask

from flask_upsell import Person, Role, faults
from flask_upsell.web.admin.gate import FORM_SECONDS
from tests.web.admin.conftest import HERE, Clerk, MakeClerk, by_header
from tests.web.conftest import Serve
from tests.web.shop import GOODS, SessionStore

VIEW, EDIT, APPROVE, OWN = Role.VIEWER, Role.EDITOR, Role.APPROVER, Role.OWNER
#: Every route: its method, and the least role that may. A new one has to be judged here before it can be built.
VERDICTS = {
    ("GET", "/"): VIEW,
    ("POST", "/learn"): APPROVE,
    ("POST", "/learn-anyway"): APPROVE,
    ("GET", "/publish"): VIEW,
    ("GET", "/publish/compare"): VIEW,
    ("GET", "/publish/revision/<int:revision>"): VIEW,
    ("POST", "/publish/live"): APPROVE,
    ("POST", "/publish/submit"): EDIT,
    ("POST", "/publish/back"): APPROVE,
    ("POST", "/publish/keep"): EDIT,
    ("POST", "/publish/drop"): EDIT,
    ("POST", "/publish/revision/<int:revision>"): APPROVE,
    ("POST", "/publish/again"): APPROVE,
    ("POST", "/publish/switch"): APPROVE,
    ("GET", "/audit"): VIEW,
    ("GET", "/audit/file.csv"): VIEW,
    ("GET", "/audit/verify"): VIEW,
    ("GET", "/options"): OWN,
    ("POST", "/options"): OWN,
    ("GET", "/files"): VIEW,
    ("GET", "/files/progress"): VIEW,
    ("GET", "/files/rules.yaml"): VIEW,
    ("GET", "/files/rules.csv"): VIEW,
    ("GET", "/files/ladders.csv"): VIEW,
    ("GET", "/files/ladders.yaml"): VIEW,
    ("GET", "/files/pairs.csv"): VIEW,
    ("GET", "/files/pairs.yaml"): VIEW,
    ("GET", "/files/products.csv"): VIEW,
    ("GET", "/files/results.csv"): VIEW,
    ("POST", "/files/check/<what>"): EDIT,
    ("GET", "/files/import/<id>"): EDIT,
    ("POST", "/files/import/<id>"): EDIT,
    ("POST", "/files/drop/<id>"): EDIT,
    ("POST", "/files/orders/<id>"): APPROVE,
    ("POST", "/files/products/<id>"): APPROVE,
    ("POST", "/files/forget"): APPROVE,
    ("POST", "/files/forget-products"): APPROVE,
    ("GET", "/help"): VIEW,
    ("GET", "/api"): VIEW,
    ("GET", "/keys"): OWN,
    ("POST", "/keys"): OWN,
    ("POST", "/keys/<id>/revoke"): OWN,
    ("GET", "/learning"): VIEW,
    ("GET", "/learning/state"): VIEW,
    ("POST", "/learning"): EDIT,
    ("POST", "/learning/<id>/cancel"): EDIT,
    ("POST", "/learning/forget"): APPROVE,
    ("GET", "/pick/<what>"): VIEW,
    ("GET", "/products"): VIEW,
    ("GET", "/products/one"): VIEW,
    ("POST", "/products/ladder"): EDIT,
    ("POST", "/products/note"): EDIT,
    ("GET", "/suggestions"): VIEW,
    ("POST", "/suggestions/decide"): EDIT,
    ("POST", "/suggestions/never"): EDIT,
    ("POST", "/suggestions/publish"): EDIT,
    ("POST", "/suggestions/rule"): EDIT,
    ("POST", "/suggestions/undo"): EDIT,
    ("POST", "/language"): VIEW,
    ("GET", "/seasons"): VIEW,
    ("POST", "/seasons/draft"): EDIT,
    ("GET", "/seasons/<id>"): EDIT,
    ("POST", "/seasons/<id>"): EDIT,
    ("POST", "/seasons/<id>/preview"): EDIT,
    ("POST", "/seasons/<id>/drop"): EDIT,
    ("POST", "/seasons/<id>/publish"): APPROVE,
    ("GET", "/simulate"): VIEW,
    ("POST", "/simulate"): EDIT,
    ("GET", "/simulate/<id>"): VIEW,
    ("GET", "/simulate/<id>/state"): VIEW,
    ("POST", "/simulate/<id>/cancel"): EDIT,
    ("POST", "/simulate/<id>/again"): EDIT,
    ("GET", "/rules"): VIEW,
    ("GET", "/rules/flaws"): VIEW,
    ("GET", "/rules/linted"): VIEW,
    ("GET", "/rules/one"): VIEW,
    ("POST", "/rules/move"): APPROVE,
    ("POST", "/rules/bulk"): EDIT,
    ("GET", "/rules/new"): EDIT,
    ("POST", "/rules/new"): EDIT,
    ("GET", "/rules/<id>"): EDIT,
    ("POST", "/rules/<id>"): EDIT,
    ("GET", "/rules/<id>/preview"): EDIT,
    ("POST", "/rules/<id>/floor"): EDIT,
    ("POST", "/rules/<id>/publish"): APPROVE,
    ("POST", "/rules/<id>/drop"): EDIT,
}
ROLES: list[Role | None] = [None, *Role]


def routes(app: Flask) -> dict[tuple[str, str], str]:
    """(method, path without the prefix) -> endpoint."""
    return {
        (method, rule.rule.removeprefix("/upsell/admin")): rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/upsell/admin/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def a_path(path: str) -> str:
    """With something in place of its variables."""
    parts = path.split("/")
    return "/".join("1" if part.startswith("<") else part for part in parts)


def test_every_route_has_a_verdict(app: Flask) -> None:
    """Planted bug that it shows: a route that nobody judged."""
    assert set(routes(app)) == set(VERDICTS)


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role or "nobody")
def test_each_role_may_what_it_may_and_no_more(app: Flask, clerk: MakeClerk, role: Role | None) -> None:
    """Planted bug that it shows: `_route` asks for the role VIEWER whatever the route says."""
    here = clerk(role.value) if role else Clerk(app, "")
    token = here.token() if role else "x"
    for (method, path), needed in VERDICTS.items():
        answer = here.get(a_path(path)) if method == "GET" else here.post(a_path(path), token)
        may = role is not None and role.may(needed)
        assert (answer.status_code != 403) == may, (role, method, path, answer.status_code)
        assert answer.status_code < 500, (role, method, path)


def test_a_form_is_of_one_person_from_one_of_our_pages(app: Flask, clerk: MakeClerk) -> None:
    """Planted bugs that it shows: the token is not bound to the person; where the form stood is not asked."""
    ada, bob = clerk("owner", "ada"), clerk("owner", "bob")
    posts = [a_path(path) for method, path in VERDICTS if method == "POST"]
    for path in posts:
        for token in ("", "x", bob.token()):
            assert ada.post(path, token).status_code == 403, path
        given: dict[str, Any] = {"data": {"csrf": ada.token()}}
        for headers in ({}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
            answer = ada.client.post(f"/upsell/admin{path}", headers={**ada.headers, **headers}, **given)
            assert answer.status_code == 403, (path, headers)


def test_what_comes_from_the_admin_is_private_and_strict(clerk: MakeClerk) -> None:
    for answer in (clerk().get("/"), clerk("").get("/")):
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert answer.headers["X-Frame-Options"] == "DENY"
        policy = answer.headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy


def test_without_a_host_that_says_who_there_is_no_admin(serve: Serve) -> None:
    app = serve(SessionStore(GOODS))
    assert routes(app) == {}
    assert Clerk(app).get("/").status_code == 404


@pytest.mark.parametrize(
    "user",
    [
        lambda: 1 / 0,
        lambda: "ada",
        lambda: Person("", Role.OWNER),
        lambda: Person(" ", Role.OWNER),
        lambda: Person("ada", "owner"),  # type: ignore[arg-type]
    ],
)
def test_whom_the_host_does_not_name_rightly_is_nobody(serve: Serve, user: Any) -> None:
    """Planted bug that it shows: whatever is not None is let in."""
    app = serve(SessionStore(GOODS), UPSELL_ADMIN_USER=user)
    assert Clerk(app).get("/").status_code == 403
    assert faults.seen["admin_user"] == 1


def test_nobody_is_sent_to_sign_in_and_back(serve: Serve) -> None:
    app = serve(SessionStore(GOODS), UPSELL_ADMIN_USER=by_header, UPSELL_ADMIN_SIGN_IN="/login")
    answer = Clerk(app, "").get("/help?a=1&b=2")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login?next=/upsell/admin/help%3Fa=1%26b=2")
    assert Clerk(app, "").get("/help", **{"HX-Request": "true"}).status_code == 403
    assert Clerk(app, "").post("/help", "x").status_code in (403, 405)


def test_a_form_of_yesterday_says_so_and_is_taken_at_the_second_try(
    app: Flask, clerk: MakeClerk, monkeypatch: pytest.MonkeyPatch
) -> None:
    posts = [a_path(path) for method, path in VERDICTS if method == "POST"]
    old = clerk().token()
    now = time.time()
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: now + FORM_SECONDS + 60)
    for path in posts:
        answer = clerk().post(path, old)
        assert answer.status_code == 409
        assert "Nothing is lost" in answer.text
        assert clerk().post(path).status_code != 409


def test_the_menu_shows_what_the_person_may_open(clerk: MakeClerk) -> None:
    page = clerk("viewer").get("/").text
    assert '<a href="/upsell/admin/" aria-current="page">Home</a>' in page
    assert clerk().client.get("/upsell/admin/nowhere", headers={**HERE}).status_code == 404
