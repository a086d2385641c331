"""The shop's club: free to join and to leave. Its members are a group that rules can name."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response as AnyResponse

from .store import store

MEMBERS = "members"


def groups() -> frozenset[str]:
    """The groups that this visitor joined."""
    return frozenset([MEMBERS]) if session.get("club") is True else frozenset()


@store.get("/club")
def show_club() -> str:
    """What the club is, and the button to join or leave."""
    return render_template("store/club.html", member=MEMBERS in groups())


@store.post("/club")
def join_or_leave() -> AnyResponse:
    """Join with `join=1`, leave with anything else."""
    session["club"] = request.form.get("join") == "1"
    flash("Welcome to the club." if session["club"] else "You have left the club.", "done")
    return redirect(url_for("store.show_club"), 303)
