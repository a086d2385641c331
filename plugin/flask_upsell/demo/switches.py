"""What a visitor can switch by an address: `?at=` the day, `?lang=` the language, `?consent=no` to history."""

from __future__ import annotations

from flask import flash, request, session

from . import clock, tongue
from .store import store


@store.before_request
def turn() -> None:
    """A value that is none is told, and changes nothing."""
    if "at" in request.args and not clock.travel(request.args["at"]):
        flash("Write a day such as ?at=2027-02-10, or ?at= for today.", "error")
    if "consent" in request.args:
        session["consent"] = request.args["consent"] != "no"
    if "lang" in request.args and not tongue.speak(request.args["lang"]):
        flash("Write a language such as ?lang=it, or ?lang= for English.", "error")


def agreed() -> bool:
    """Whether the visitor agreed that his history is used; in this store everybody did who did not say no."""
    return session.get("consent") is not False
