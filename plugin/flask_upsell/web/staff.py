"""Who works in the admin of a store whose people sign in by Flask-Login."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from flask import current_app

from ..core.roles import Person, Role
from ..errors import SettingsError

#: An attribute of the store's user (a method is called), or a function of the user.
Told = str | Callable[[Any], Any]


def flask_login_person(role: Told, *, name: Told = "get_id", language: Told = "") -> FlaskLoginPerson:
    """For UPSELL_ADMIN_USER: the user of Flask-Login as a Person, when he has a role; anybody else is nobody.

    `role` gives a Role, or one of its words ("viewer", "editor", "approver", "owner"), also as the value of an Enum of
    the store's; whatever else it gives is no role. `name` is what the audit calls him, the same each time; `language`
    BCP 47, "" for that of his browser. Where UPSELL_ADMIN_SIGN_IN is not set, nobody is sent to the login manager's
    `login_view`. Raises SettingsError when Flask-Login is not installed.
    """
    if find_spec("flask_login") is None:
        raise SettingsError(
            "UPSELL_ADMIN_USER",
            "flask_login_person needs Flask-Login, which is not installed: pip install 'Flask-Upsell[login]'",
        )
    return FlaskLoginPerson(role, name, language)


class FlaskLoginPerson:
    """What `flask_login_person` makes: asked once a request, and where to sign in."""

    def __init__(self, role: Told, name: Told, language: Told) -> None:
        self._role, self._name, self._language = role, name, language

    def __call__(self) -> Person | None:
        """Raises SettingsError where the app has no login manager."""
        user = _login().current_user
        if not _is(user, "is_authenticated") or not _is(user, "is_active"):
            return None
        role, name = _role(_told(user, self._role)), _told(user, self._name)
        if role is None or name is None or not str(name).strip():
            return None
        return Person(str(name), role, str(_told(user, self._language) or ""))

    def sign_in(self) -> str:
        """The address of the store's page to sign in; "" where there is none, and for who is signed in already, whom
        that page would only send back."""
        login = _login()
        view = current_app.login_manager.login_view  # type: ignore[attr-defined]
        return "" if not view or _is(login.current_user, "is_authenticated") else str(login.login_url(view))


def _login() -> Any:
    """Flask-Login, where this app uses it."""
    if not hasattr(current_app, "login_manager"):
        raise SettingsError(
            "UPSELL_ADMIN_USER", "this app has no login manager: call flask_login.LoginManager(app) before Upsell(app)"
        )
    return import_module("flask_login")


def _is(user: Any, what: str) -> bool:
    """A property, or the method that it is in older stores."""
    return bool(_told(user, what))


def _told(user: Any, what: Told) -> Any:
    if callable(what):
        return what(user)
    value = getattr(user, what, None) if what else None
    return value() if callable(value) else value


def _role(value: Any) -> Role | None:
    word = getattr(value, "value", value)
    return next((role for role in Role if isinstance(word, str) and role == word), None)
