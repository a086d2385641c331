"""Options: what an owner sets without the developer."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from ...core.roles import Role
from ...core.words import say
from ...desk.options import OPTIONS
from ...errors import BadInput
from .office import Admin, Answer

#: What they are called here; their sentences are in desk.options.
TITLES = {
    "auto_approve": say("Approve by itself from this certainty on (%)"),
    "risky_percent": say("A discount above this is risky (%)"),
    "risky_products": say("A discount for more products than this is risky"),
}


def add(admin: Admin) -> None:
    options = admin.desk.options

    def shown(status: int = 200, typed: Any = None, wrong: dict[str, str] | None = None) -> Response:
        return admin.show(
            "options",
            status,
            options=OPTIONS,
            titles=TITLES,
            values=typed or options.all(),
            changed=options.changed(),
            wrong=wrong or {},
        )

    @admin.page("/options", Role.OWNER, name="options")
    def show_options() -> Answer:
        return shown()

    @admin.act("/options", Role.OWNER, name="help_set_options")
    def set_options() -> Answer:
        typed = {option.name: request.form.get(option.name, "").strip() for option in OPTIONS}
        values, wrong = {}, {}
        for option in OPTIONS:
            text = typed[option.name]
            values[option.name] = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else text
            if text == "":
                values[option.name] = option.default
            problem = option.check(values[option.name])
            if problem:
                wrong[option.name] = admin.speech.tell(problem)
        if wrong:
            return shown(422, typed, wrong)
        before = options.all()
        for name, value in values.items():
            if value != before[name]:
                try:
                    options.set(name, value)
                except BadInput as error:
                    return shown(422, typed, {name: admin.why(error)})
        return admin.go("options", say("The options are saved."))
