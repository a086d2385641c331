"""A small store with the real Flask-Login, whose users are let into the admin, or not."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

import pytest
from flask import Blueprint, Flask, request
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from werkzeug.test import TestResponse

from flask_upsell import Role, SettingsError, faults, flask_login_person
from tests.web.conftest import Serve
from tests.web.shop import GOODS, SessionStore


class Rank(Enum):
    """As a store may write it."""

    BOSS = "owner"
    BUYER = "buyer"


class User(UserMixin):  # type: ignore[misc]
    def __init__(self, id: str, role: Any = None, active: bool = True) -> None:
        self.id, self.role, self.active, self.email = id, role, active, f"{id}@shop.example"

    @property
    def is_active(self) -> bool:
        return self.active

    def tongue(self) -> str:
        return "it"


class Locked(User):
    """Signed in, by a class that tells the two apart, but not active any more."""

    is_authenticated = True


USERS = {
    each.id: each
    for each in (
        User("vera", "viewer"),
        User("olga", Role.OWNER),
        User("otto", Rank.BOSS),
        User("sleepy", "owner", active=False),
        Locked("lucy", "owner", active=False),
        User("carl", Rank.BUYER),
        User("cora", "Owner"),
        User("clio"),
        User("cyril", True),
        User("cleo", ["owner"]),
    )
}


def opened(serve: Serve, user: Any, login: bool = True, **config: Any) -> Flask:
    """The store; `/login?as=NAME` signs in."""
    app = serve(SessionStore(GOODS), UPSELL_ADMIN_USER=user, **config)
    if login:
        manager = LoginManager(app)
        manager.user_loader(USERS.get)
        manager.login_view = "accounts.login"
    accounts = Blueprint("accounts", __name__)

    @accounts.get("/login")
    def login_() -> str:
        logout_user()
        if request.args.get("as"):
            login_user(USERS[request.args["as"]], force=True)
        return "in" if current_user.is_authenticated else "out"

    accounts.add_url_rule("/login", "login", login_)
    app.register_blueprint(accounts)
    return app


def home(app: Flask, name: str = "", path: str = "/upsell/admin/") -> TestResponse:
    client = app.test_client()
    if name:
        client.get(f"/login?as={name}")
    return client.get(path)


def test_users_with_a_role_are_let_in(serve: Serve) -> None:
    app = opened(serve, flask_login_person(role="role"))
    for name, role in (("vera", "viewer"), ("olga", "owner"), ("otto", "owner")):
        answer = home(app, name)
        assert answer.status_code == 200, name
        assert name in answer.text and role in answer.text
    assert home(app, "vera", "/upsell/admin/options").status_code == 403
    assert home(app, "olga", "/upsell/admin/options").status_code == 200
    assert not faults.seen


@pytest.mark.parametrize("name", ["lucy", "carl", "cora", "clio", "cyril", "cleo"])
def test_anybody_else_is_nobody_and_not_sent_round_in_circles(serve: Serve, name: str) -> None:
    """Planted bugs that it shows: who is not active is let in; whoever is signed in is sent to sign in again."""
    answer = home(opened(serve, flask_login_person(role="role")), name)
    assert (answer.status_code, "Location" in answer.headers) == (403, False)


def test_who_is_not_active_is_as_who_is_not_signed_in(serve: Serve) -> None:
    """Flask-Login's own users that are not active are not signed in either."""
    answer = home(opened(serve, flask_login_person(role="role")), "sleepy")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login?next=/upsell/admin/")


def test_who_is_not_signed_in_is_sent_to_the_login_view_and_back(serve: Serve) -> None:
    app = opened(serve, flask_login_person(role="role"))
    assert home(app, "", "/upsell/admin/help?a=1").headers["Location"] == "/login?next=/upsell/admin/help%3Fa=1"
    app.login_manager.login_view = "/enter?by=mail"  # type: ignore[attr-defined]
    assert home(app).headers["Location"] == "/enter?by=mail&next=/upsell/admin/"
    app.login_manager.login_view = None  # type: ignore[attr-defined]
    assert home(app).status_code == 403


def test_the_setting_comes_before_the_login_view(serve: Serve) -> None:
    app = opened(serve, flask_login_person(role="role"), UPSELL_ADMIN_SIGN_IN="/desk/login")
    assert home(app).headers["Location"] == "/desk/login?next=/upsell/admin/"


def test_a_login_view_that_is_not_there_is_told_in_the_logs(serve: Serve) -> None:
    app = opened(serve, flask_login_person(role="role"))
    app.login_manager.login_view = "nowhere"  # type: ignore[attr-defined]
    assert home(app).status_code == 403
    assert faults.seen["admin_user"] == 1


def test_the_store_says_what_a_person_is_called(serve: Serve) -> None:
    role: Callable[[Any], Role | None] = lambda user: Role.EDITOR if user.role else None  # noqa: E731
    app = opened(serve, flask_login_person(role=role, name="email", language="tongue"))
    answer = home(app, "carl")
    assert "carl@shop.example" in answer.text and '<html lang="it"' in answer.text
    assert home(app, "clio").status_code == 403
    assert home(opened(serve, flask_login_person(role=role, name="nickname")), "carl").status_code == 403


def test_the_api_asks_the_same(serve: Serve) -> None:
    app = opened(serve, flask_login_person(role="role"))
    assert home(app, "vera", "/upsell/api/v1/me").json["role"] == "viewer"  # type: ignore[index]
    assert home(app, "carl", "/upsell/api/v1/me").status_code == 401


def test_without_a_login_manager_nobody_is_let_in_and_the_logs_say_why(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    assert home(opened(serve, flask_login_person(role="role"), login=False)).status_code == 403
    assert "call flask_login.LoginManager(app)" in caplog.text


def test_without_flask_login_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flask_upsell.web.staff.find_spec", lambda _: None)
    with pytest.raises(SettingsError, match=r"pip install 'Flask-Upsell\[login\]'"):
        flask_login_person(role="role")
