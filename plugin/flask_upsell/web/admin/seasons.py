"""Seasons: a year of them as a picture and a table, and each as a form: edited, copied, taken from the library."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from babel import Locale
from babel.dates import format_skeleton
from flask import request

from ...core import lint
from ...core.almanac import Lane, Span, coming, countries, crowded, lanes
from ...core.roles import Role
from ...core.rulebook import RuleBook
from ...core.season import Season
from ...core.windows import FEASTS
from ...core.words import objection, say
from ...desk.drafts import Draft, merged
from ...errors import BadInput, BookError, RiskError, RuleError, RuleFileError, StaleError
from ..drafted import live, made, read, written
from ..rulefile import load
from . import seasonform
from .office import Admin, Answer

#: The shipped ones.
LIBRARY = Path(__file__).parents[2] / "demo" / "config" / "seasons.yaml"
#: The picture, in its own units: a day, the names beside it, a lane.
DAY, LEFT, ROW, TOP = 2.5, 190, 26, 30
EARLIEST, LATEST = 2000, 2100
#: Rules of a season that a page names.
MOST_USERS = 50
ADDABLE = {
    "yearly": say("The same days every year"),
    "easter": say("Around Easter"),
    "holiday": say("Around a public holiday"),
    "nth": say("Around a weekday of a month"),
    "weekly": say("Days of every week"),
    "lunar": say("Around a feast of another calendar"),
    "rule": say("By a rule for calendars"),
}
WEEKS = {
    "1": say("first"), "2": say("second"), "3": say("third"), "4": say("fourth"), "5": say("fifth"), "-1": say("last"),
}  # fmt: skip


@cache
def library() -> dict[str, Season]:
    """The shipped seasons by name; none where their file cannot be read."""
    try:
        return {season.name: season for season in load([LIBRARY]).seasons}
    except RuleFileError:
        return {}


def add(admin: Admin) -> None:
    @admin.page("/seasons")
    def seasons() -> Answer:
        book, drafts = admin.desk.offers.rules.load(), _drafts(admin)
        year = _year(admin)
        places = countries(book.seasons)
        country = request.args.get("country", "")
        found = lanes(book, admin.desk.offers.zone, year, country if country in places else None)
        there = {season.name for season in book.seasons} | {draft.name for draft in drafts}
        return admin.show(
            "seasons",
            lanes=found,
            picture=_picture(found, year, _today(admin)),
            year=str(year),
            brief=lambda day: format_skeleton("MMMd", day, locale=admin.speech.language.replace("-", "_")),
            years=(year - 1 if year > EARLIEST else None, year + 1 if year < LATEST else None),
            places=[(code, _country(admin, code)) for code in places],
            country=country if country in places else "",
            drafts=[(draft, not read(draft)[1]) for draft in drafts],
            changed={draft.origin: draft for draft in drafts if draft.origin},
            library=[(each, _soon(admin, each)) for each in library().values() if each.name not in there],
        )

    @admin.act("/seasons/draft", Role.EDITOR)
    def seasons_draft() -> Answer:
        name, origin, given = request.form.get("name", ""), "", dict[str, Any]()
        book, source = admin.desk.offers.rules.load(), request.form.get("source", "")
        if source == "new":
            given = {"name": "", "yearly": [{"start": "", "end": ""}]}
        elif source == "library":
            if live(book, "season", name) is not None:
                raise BadInput("season", objection("{name} is there already", name=repr(name)))
            given = _written(library().get(name), name)
        else:
            given = _written(live(book, "season", name), name)
            if source == "copy":
                given["name"] = _free(name, {season.name for season in book.seasons})
            else:
                origin = name
        draft = admin.desk.drafts.begin("season", given, origin, remove=source == "remove")
        if source == "remove":
            return _removal(admin, draft)
        if draft.version > 1 or draft.written != given:
            admin.say(say("{who} has begun a draft of it before: here it is.", who=draft.author))
        return admin.go("seasons_edit", id=draft.id)

    @admin.page("/seasons/<id>", Role.EDITOR)
    def seasons_edit(id: str) -> Answer:
        draft = _draft(admin, id)
        return _form(admin, draft, seasonform.shown(draft.written), {})

    @admin.act("/seasons/<id>", Role.EDITOR)
    def seasons_save(id: str) -> Answer:
        form = seasonform.read(request.form, request.form.getlist)
        try:
            version = int(request.form.get("version", "0"))
        except ValueError:
            version = 0
        changed = seasonform.change(form, request.form.get("do", ""))
        given = seasonform.written(form)
        try:
            draft = admin.desk.drafts.save(id, version, given)
        except StaleError as error:
            current = error.current
            if not isinstance(current, Draft):
                raise
            return _form(admin, current, form, {}, 409)
        if changed:
            return _form(admin, draft, form, {})
        part, problems = made("season", given)
        wrong = seasonform.places(form, admin.told(problems))
        if part is not None:
            wrong |= _clash(admin, draft)
        if wrong:
            return _form(admin, draft, form, wrong, 422)
        return admin.go("seasons_edit", say("{name} is saved as a draft.", name=draft.name), id=id)

    @admin.act("/seasons/<id>/preview", Role.EDITOR)
    def seasons_preview(id: str) -> Answer:
        form = seasonform.read(request.form, request.form.getlist)
        return admin.show("season_preview", **_preview(admin, _draft(admin, id), seasonform.written(form)))

    @admin.act("/seasons/<id>/drop", Role.EDITOR)
    def seasons_drop(id: str) -> Answer:
        admin.desk.drafts.drop(id)
        return admin.go("seasons", say("The draft was thrown away. What is live stays as it is."))

    @admin.act("/seasons/<id>/publish", Role.APPROVER)
    def seasons_publish(id: str) -> Answer:
        draft = _draft(admin, id)
        part, problems = read(draft)
        if problems:
            form = seasonform.shown(draft.written)
            return _form(admin, draft, form, seasonform.places(form, admin.told(problems)), 422)
        try:
            admin.desk.releases.publish([(draft, part)], admin.person, request.form.get("why", ""))
        except (RiskError, StaleError, BookError) as error:
            return admin.go("seasons", admin.why(error), "sorry")
        return admin.go("seasons", say("{name} is live.", name=draft.name) if part else say("It is removed."))


# --- a draft ---------------------------------------------------------------------------------------------------------


def _draft(admin: Admin, id: str) -> Draft:
    draft = admin.desk.drafts.get(id)
    if draft.kind != "season":
        raise BadInput("draft", objection("this draft is no season"))
    return draft


def _drafts(admin: Admin) -> list[Draft]:
    return [draft for draft in admin.desk.drafts.all() if draft.kind == "season"]


def _written(season: Season | None, name: str) -> dict[str, Any]:
    if season is None:
        raise BadInput("season", objection("{name} is not there any more", name=repr(name)))
    return written("season", name, season)


def _free(name: str, taken: set[str]) -> str:
    return next(each for number in range(2, 1000) if (each := f"{name[:90]}-{number}") not in taken)


def _removal(admin: Admin, draft: Draft) -> Answer:
    if draft.action == "remove":
        return admin.go("seasons", say("A draft to remove {name} waits to be published.", name=draft.name))
    admin.say(say("{who} is changing it: throw that draft away first.", who=draft.writer), "sorry")
    return admin.go("seasons_edit", id=draft.id)


def _clash(admin: Admin, draft: Draft) -> dict[str, str]:
    """What does not fit among what is live."""
    part, _ = read(draft)
    try:
        merged(admin.desk.offers.rules.load(), [(draft, part)])
    except BadInput as error:
        return {"name": admin.why(error)}
    return {}


def _form(admin: Admin, draft: Draft, form: seasonform.SeasonForm, wrong: dict[str, str], status: int = 200) -> Answer:
    locale = Locale.parse(admin.speech.language, sep="-")
    return admin.show(
        "season_edit",
        status,
        draft=draft,
        form=form,
        wrong=wrong,
        stale=status == 409,
        addable=ADDABLE,
        weeks=WEEKS,
        weekdays=[(code, locale.days["stand-alone"]["wide"][at]) for at, code in enumerate(seasonform.CODES)],
        months=[(str(number), locale.months["stand-alone"]["wide"][number]) for number in range(1, 13)],
        feasts=[(name, name.replace("_", " ").capitalize()) for name in FEASTS],
        territories=sorted((code, name) for code, name in locale.territories.items() if len(code) == 2),
        title=_country_or(admin),
        **_preview(admin, draft, seasonform.written(form)),
    )


def _preview(admin: Admin, draft: Draft, given: Mapping[str, Any]) -> dict[str, Any]:
    """The next times, who uses it, what is odd: of what is written just now."""
    part, problems = made("season", given)
    offers = admin.desk.offers
    book = offers.rules.load()
    names = {draft.origin, draft.name} - {""}
    users = [rule for rule in book.rules if names & set(rule.schedule.seasons)]
    answer: dict[str, Any] = {"never": False, "zone": offers.zone, "soon": [], "abroad": [], "odd": []}
    answer["unfinished"] = [sentence for _, sentence in admin.told(problems)][:3]
    if isinstance(part, Season):
        try:
            now, answer["zone"] = offers.clock(), part.zone or offers.zone
            answer["soon"] = coming(part, offers.zone, now)
            for code in countries([part]):
                answer["abroad"].append((_country(admin, code), coming(part, offers.zone, now, 1, code)))
            answer["odd"] = _odd(admin, book, draft, part, {rule.name for rule in users})
        except RuleError as error:
            answer["unfinished"] = [admin.why(error)]
        answer["never"] = not answer["soon"] and not any(days for _, days in answer["abroad"])
    used = [(rule.label or rule.name, rule.name) for rule in users[:MOST_USERS]]
    return {**answer, "users": used, "more_users": len(users) - len(used)}


def _odd(admin: Admin, book: RuleBook, draft: Draft, part: Season, users: set[str]) -> list[str]:
    """What the linter says of the rules that use it."""
    try:
        book = merged(book, [(draft, part)])
    except BadInput:
        return []
    few = msgspec.structs.replace(book, rules=tuple([rule for rule in book.rules if rule.name in users][:MOST_USERS]))
    findings = lint.lint(few, zone=admin.desk.offers.zone, now=admin.desk.offers.clock())
    flaws = (lint.Flaw.UNUSABLE, lint.Flaw.NEVER_IN_SEASON, lint.Flaw.CLOCK_CHANGE, lint.Flaw.UNKNOWN_SEASON)
    return [f"{each.rule}: {admin.speech.tell(each.told)}" for each in findings if each.code in flaws][:10]


# --- the picture -----------------------------------------------------------------------------------------------------


class Bar(msgspec.Struct, frozen=True):
    """A stretch of days in the picture's units."""

    x: float
    width: float
    first: date
    last: date


class Stripe(msgspec.Struct, frozen=True):
    """A line of the picture: a season, or a rule below it. `y`: its top."""

    y: float
    words: str
    bars: tuple[Bar, ...]
    rule: bool = False
    live: bool = True


class Picture(msgspec.Struct, frozen=True):
    width: float
    height: float
    left: float
    top: float
    months: tuple[tuple[int, float, float], ...]
    stripes: tuple[Stripe, ...]
    crowds: tuple[Bar, ...]
    today: float | None


def _picture(found: list[Lane], year: int, today: date) -> Picture:
    first = date(year, 1, 1)

    def bar(span: Span) -> Bar:
        begin = (span[0] - first).days
        width = ((span[1] - span[0]).days + 1) * DAY
        return Bar(LEFT + begin * DAY, width, *span)

    months = []
    for number in range(1, 13):
        start = date(year, number, 1)
        end = date(year + number // 12, number % 12 + 1, 1)
        months.append((number, LEFT + (start - first).days * DAY, (end - start).days * DAY))
    stripes, y = [], float(TOP)
    for lane in found:
        stripes.append(Stripe(y, lane.label or lane.name, tuple(map(bar, lane.spans))))
        y += ROW
        for rule in lane.rules:
            stripes.append(Stripe(y, rule.label or rule.name, tuple(map(bar, rule.spans)), True, rule.live))
            y += ROW
        y += 6
    days = (date(year + 1, 1, 1) - first).days
    mark = LEFT + ((today - first).days + 0.5) * DAY if today.year == year else None
    crowds = tuple(map(bar, crowded(found)))
    return Picture(LEFT + days * DAY, y, LEFT, TOP, tuple(months), tuple(stripes), crowds, mark)


def _today(admin: Admin) -> date:
    return admin.desk.offers.clock().astimezone(admin.zone).date()


def _year(admin: Admin) -> int:
    given = request.args.get("year", "")
    year = int(given) if given.isascii() and given.isdigit() and len(given) == 4 else _today(admin).year
    return min(max(year, EARLIEST), LATEST)


def _soon(admin: Admin, season: Season) -> list[Span]:
    try:
        return coming(season, admin.desk.offers.zone, admin.desk.offers.clock(), 1)
    except RuleError:
        return []


def _country(admin: Admin, code: str) -> str:
    return str(Locale.parse(admin.speech.language, sep="-").territories.get(code, code))


def _country_or(admin: Admin) -> Any:
    return lambda code: _country(admin, code) if code else ""
