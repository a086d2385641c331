"""What pickers search: an answer for pick.js, option by option."""

from __future__ import annotations

from flask import abort, request

from ...core.words import say
from ...desk.catalogue import KINDS
from .office import Admin, Answer

#: Options of one answer.
MOST = 12


def add(admin: Admin) -> None:
    @admin.page("/pick/<what>")
    def pick(what: str) -> Answer:
        if what not in KINDS:
            abort(404)
        text = request.args.get("q", "").strip()[:200]
        choices = admin.desk.catalogue.choices(what, text, MOST)
        # What is not known here may be there tomorrow; who names it is told by the linter.
        there = bool(choices) if what == "product" else text in {each.value for each in choices}
        free = "" if there else text
        found = say("One is found. Take it with Enter.", "{n} are found. Choose with the arrow keys.", n=len(choices))
        said = found if choices else say("Nothing is found that begins so.")
        return admin.show("pick", choices=choices, free=free, said=admin.speech.tell(said))
