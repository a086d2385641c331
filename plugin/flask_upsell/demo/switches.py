"""What a visitor can switch by an address: `?at=` the day, `?lang=` the language."""

from __future__ import annotations

from flask import flash, request

from . import clock, tongue
from .store import store


@store.before_request
def turn() -> None:
    """A value that is none is told, and changes nothing."""
    if "at" in request.args and not clock.travel(request.args["at"]):
        flash("Write a day such as ?at=2027-02-10, or ?at= for today.", "error")
    if "lang" in request.args and not tongue.speak(request.args["lang"]):
        flash("Write a language such as ?lang=it, or ?lang= for English.", "error")
