"""Who changed what, and when."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from io import StringIO
from typing import Any

from flask import Response, request

from ...adapters.audit import Audited
from ...core.roles import Role
from ...core.words import Sentence, say
from . import changes
from .office import Admin, Answer

ON_A_PAGE = 50
#: Rows of an export are read so many at a time.
AT_ONCE = 1000
COLUMNS = ("number", "at", "who", "what", "subject", "before", "after", "why", "hash")
#: What a spreadsheet takes for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")
#: Beginnings of what is done.
WHATS = (
    ("rule", say("Rules")),
    ("season", say("Seasons")),
    ("ladder", say("Ladders")),
    ("option", say("Options")),
    ("switched", say("The switch")),
    ("settings", say("Settings")),
    ("erased", say("Erased customers")),
    ("unsubscribed", say("Mails that were stopped")),
)


def add(admin: Admin) -> None:
    kept = admin.desk.audit

    @admin.page("/audit")
    def audit() -> Answer:
        given, wrong = _asked(admin)
        if wrong:
            return admin.show("audit", 422, rows=[], given=request.args, wrong=wrong, whats=WHATS, newer={}, older={})
        before, after = request.args.get("before", None, int), request.args.get("after", None, int)
        rows = kept.history(**given, before=before, after=after, most=ON_A_PAGE + 1)
        more = len(rows) > ON_A_PAGE
        rows = rows[:ON_A_PAGE] if after is not None else rows[-ON_A_PAGE:]
        newer, older = (before is not None, more) if after is None else (more, True)
        asked = {name: value for name, value in request.args.items() if name in FILTERS and value}
        return admin.show(
            "audit",
            rows=[(row, changes.of_texts(row.what, row.before, row.after)) for row in reversed(rows)],
            given=request.args,
            asked=asked,
            wrong={},
            whats=WHATS,
            newer={**asked, "after": rows[-1].number} if newer and rows else {},
            older={**asked, "before": rows[0].number} if older and rows else {},
        )

    @admin.page("/audit/file.csv")
    def audit_file() -> Answer:
        given, wrong = _asked(admin)
        if wrong:
            return admin.sorry(next(iter(wrong.values())), 422)
        answer = Response(_lines(admin, given), mimetype="text/csv")
        answer.headers["Content-Disposition"] = 'attachment; filename="audit.csv"'
        return answer

    @admin.page("/audit/verify", Role.VIEWER)
    def audit_verify() -> Answer:
        return admin.show("verified", found=kept.verify(request.args.get("head", "").strip()))


FILTERS = ("who", "what", "subject", "since", "until")


def _asked(admin: Admin) -> tuple[dict[str, Any], dict[str, Sentence]]:
    """What is looked for, and what is wrong with it, by field. Both dates are of the store's zone, and included."""
    given: dict[str, Any] = {name: request.args.get(name, "").strip() for name in ("who", "what", "subject")}
    wrong = {}
    for name, later in (("since", 0), ("until", 1)):
        text = request.args.get(name, "").strip()
        if not text:
            continue
        try:
            day = date.fromisoformat(text) + timedelta(days=later)
            given[name] = datetime.combine(day, time(), admin.zone)
        except (ValueError, OverflowError):
            wrong[name] = say("This is no date such as 2027-02-14.")
    return given, wrong


def _lines(admin: Admin, given: dict[str, Any]) -> Iterator[str]:
    """The rows as CSV, oldest first, a few at a time."""
    yield _line(COLUMNS)
    last = 0
    while rows := admin.desk.audit.history(**given, after=last, most=AT_ONCE):
        yield "".join(_line(_cells(row)) for row in rows)
        last = rows[-1].number


def _cells(row: Audited) -> list[str]:
    return [row.at.isoformat() if name == "at" else str(getattr(row, name)) for name in COLUMNS]


def _line(cells: Any) -> str:
    written = StringIO()
    csv.writer(written).writerow([safe(cell) for cell in cells])
    return written.getvalue()


def safe(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell
