"""Who works in the demo's admin: a person for each role, chosen without a password, as nothing here is real."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import redirect, render_template, request, session
from werkzeug.wrappers import Response as AnyResponse

from flask_upsell import Person, Role

from .store import store

STAFF = {
    "vera": (Role.VIEWER, "looks at everything and changes nothing"),
    "emil": (Role.EDITOR, "writes rules and judges suggestions"),
    "anna": (Role.APPROVER, "puts them live, and takes them back"),
    "olga": (Role.OWNER, "also sets options and gives keys to machines"),
}
SIGN_IN = "/staff"


def staff() -> Person | None:
    """The person at this request."""
    name = session.get("staff")
    return Person(name, STAFF[name][0]) if name in STAFF else None


@store.get(SIGN_IN)
def choose_staff() -> str:
    """The four, each with a button."""
    return render_template("store/staff.html", staff=STAFF, here=session.get("staff"), next=_path())


@store.post(SIGN_IN)
def sign_in_staff() -> AnyResponse:
    """In with `name`, out without one."""
    session.pop("staff", None)
    if request.form.get("name") in STAFF:
        session["staff"] = request.form["name"]
        return redirect(_path() or "/upsell/admin/", 303)
    return redirect(SIGN_IN, 303)


def _path() -> str:
    """Where to go on: a page of this shop, or "" for anything else."""
    next = request.values.get("next", "")
    parts = urlsplit(next)
    return next if next.startswith("/upsell/") and not parts.netloc and "\\" not in next else ""
