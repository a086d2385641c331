"""Products: what is known of each, and what the merchant says of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from flask import abort, request

from ...core.prices import WINDOW, Seen
from ...core.roles import Role
from ...core.words import say
from ...desk.drafts import Draft
from ...desk.products import SHOWN, About
from ...desk.verdicts import sure
from ...errors import BadInput, StaleError
from ..drafted import live, made, written
from .office import Admin, Answer
from .suggestions import evidence

#: Products on a page, and of a search.
MOST, FOUND = 40, 100


class Chart(msgspec.Struct, frozen=True):
    """A step chart in a box of 600 by 120: `path` of the store's price, `paid` the places of lower prices that were
    paid, `low` and `high` its ends in minor units."""

    path: str
    paid: tuple[tuple[float, float], ...]
    low: int
    high: int
    since: datetime
    until: datetime


def chart(prices: Sequence[Seen], now: datetime) -> Chart | None:
    """None while there is nothing to draw."""
    own, paid = [each for each in prices if each.own], [each for each in prices if not each.own]
    if not own:
        return None
    since = max(now - SHOWN, own[0].since)
    low, high = min(each.price for each in prices), max(each.price for each in prices)
    whole = max((now - since).total_seconds(), 1.0)

    def x(at: datetime) -> float:
        return round(min(1.0, max(0.0, (at - since).total_seconds() / whole)) * 600, 1)

    def y(price: int) -> float:
        return round(110 - 100 * (price - low) / (high - low), 1) if high > low else 60.0

    steps = [f"M{x(own[0].since)} {y(own[0].price)}"]
    for each, following in zip(own, [*own[1:], None], strict=True):
        steps.append(f"H{x(following.since if following is not None else each.until)}")
        if following is not None:
            steps.append(f"V{y(following.price)}")
    dots = tuple([(x(each.since), y(each.price)) for each in paid])
    return Chart(" ".join(steps), dots, low, high, since, now)


def add(admin: Admin) -> None:
    desk = admin.desk

    @admin.page("/products")
    def products() -> Answer:
        text, after = request.args.get("q", "").strip()[:200], request.args.get("after", "")[:200]
        category, only = request.args.get("category", "").strip()[:500], request.args.get("show", "")
        notes, more = desk.notes.all(), False
        if only == "noted":
            known = desk.catalogue.named(notes)
            found = [(ref, known.get(ref)) for ref in notes][:FOUND]
        elif text:
            found = [(each.ref, each) for each in desk.catalogue.search(text, FOUND)]
        else:
            page = desk.catalogue.after(after, MOST + 1, category)
            found, more = [(each.ref, each) for each in page[:MOST]], len(page) > MOST
        return admin.show(
            "products",
            found=found,
            more=found[-1][0] if more else "",
            notes=notes,
            text=text,
            after=after,
            category=category,
            only=only,
            filled=bool(found) or desk.catalogue.filled,
        )

    @admin.page("/products/one")
    def products_one() -> Answer:
        return one(request.args.get("ref", ""))

    def one(ref: str, status: int = 200, wrong: Any = None, given: Any = None) -> Answer:
        about = desk.products.about(ref) if ref and len(ref) <= 200 and "\0" not in ref else None
        if about is None:
            abort(404)
        pairs = (*about.leads, *about.led)
        refs = {each for pair in pairs for each in (pair.antecedent, pair.consequent)}
        refs.update([step for _, steps in about.ladders for step in steps])
        drafts = {each.origin: each for each in desk.drafts.all() if each.kind == "ladder"}
        return admin.show(
            "product",
            status,
            about=about,
            known=desk.catalogue.named(refs),
            chart=chart(about.prices, datetime.now(UTC)),
            attributes=attributes(about),
            ladders=[ladder_form(name, steps, drafts.get(name)) for name, steps in about.ladders],
            begun=[each for each in drafts.values() if not each.origin and ref in each.written.get("steps", ())],
            evidence=evidence,
            sure=sure,
            window=WINDOW.days,
            wrong=wrong or {},
            given=given,
        )

    def attributes(about: About) -> list[tuple[str, str, bool]]:
        """(name, value, whether it must be the same)."""
        told = about.product.attributes if about.product is not None else {}
        names = dict.fromkeys([*told, *about.note.fits])
        return [(name, told.get(name, ""), name in about.note.fits) for name in names]

    @admin.act("/products/note", Role.EDITOR)
    def products_note() -> Answer:
        form, ref = request.form, request.form.get("ref", "")
        try:
            desk.notes.set(
                ref,
                excluded="excluded" in form,
                sensitive="sensitive" in form,
                fits=[*form.getlist("fits"), *form.get("more", "").split(",")],
            )
        except BadInput as error:
            return one(ref, 422, {"note": admin.why(error)}, form)
        return admin.go("products_one", say("What is said of {product} is saved.", product=ref), ref=ref)

    @admin.act("/products/ladder", Role.EDITOR)
    def products_ladder() -> Answer:
        form, ref, origin = request.form, request.form.get("ref", ""), request.form.get("origin", "")
        steps = [each.strip() for each in form.getlist("steps") if each.strip()]
        name = form.get("name", "").strip()
        given = {"name": name, "steps": steps}
        _, problems = made("ladder", given)
        if problems:
            said = " ".join([sentence for _, sentence in admin.told(problems)])
            return one(ref, 422, {"ladder": said, "origin": origin}, form)
        if origin and live(admin.parts.offers.rules.load(), "ladder", origin) is None:
            said = admin.speech.tell(
                say("This ladder was removed meanwhile. What you typed is below: save it as a new one.")
            )
            return one(ref, 409, {"ladder": said, "origin": ""}, form)
        draft = desk.drafts.of("ladder", origin) if origin else None
        seen = form.get("version", 0, int)
        try:
            if draft is None:
                draft = desk.drafts.begin("ladder", given, origin)
                seen = draft.version
            if draft.written != given:
                desk.drafts.save(draft.id, seen, given)
        except StaleError as error:
            theirs: Draft = error.current  # type: ignore[assignment]
            steps_now = ", ".join(theirs.written.get("steps", ()))
            who = say("{who} has saved this ladder meanwhile, with: {steps}.", who=theirs.writer, steps=steps_now)
            return one(ref, 409, {"ladder": admin.speech.tell(who), "origin": origin}, form)
        said_done = say("The ladder {name} is a draft now. It goes live when it is published.", name=name)
        return admin.go("products_one", said_done, ref=ref)


def ladder_form(name: str, steps: Sequence[str], draft: Draft | None) -> dict[str, Any]:
    """A ladder as its form shows it: as somebody has drafted it, else as it is live."""
    shown = draft.written if draft is not None and draft.action == "put" else written("ladder", name, steps)
    return {"origin": name, "draft": draft, "version": draft.version if draft is not None else 0, **shown}
