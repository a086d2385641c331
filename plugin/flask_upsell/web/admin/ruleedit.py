"""The editor of a rule: its draft as a form that saves itself, with the sentence and a preview beside it."""

from __future__ import annotations

from secrets import token_hex
from typing import Any

from flask import request
from markupsafe import Markup

from ...adapters.drafts import Draft
from ...core.conditions import CONDITIONS
from ...core.roles import Role
from ...core.rule import Rule
from ...core.words import say
from ...errors import BadInput, BookError, RiskError, RuleError, StaleError
from .. import drafted
from .office import Admin, Answer
from .rulefields import Drawing
from .rulefloor import Floors
from .ruleform import changed, says, spread, typed
from .rulepreview import Look, Preview
from .rules import Rules
from .rulestarts import BY_NAME, STARTS, free_name
from .rulewords import OFFERS, words_of

ORDER = ("placements", "priority", "most", "stop", "boost", "gap_percent", "any_price", "status", "name")
#: The parts that stand behind a click, in their order: (title, fields of the rule).
MORE = (
    (say("Time"), ("schedule",)),
    (say("For whom"), ("audience",)),
    (say("Limits"), ("limits",)),
    (say("Words for shoppers"), ("copy",)),
    (
        say("Pages and order"),
        ("placements", "priority", "most", "stop", "boost", "gap_percent", "any_price", "status", "name"),
    ),
    (say("Thank-you"), ("perk",)),
    (say("Goal"), ("goal",)),
    (say("Question"), ("ask",)),
)


def add(admin: Admin) -> None:
    here, desk = Rules(admin), admin.desk
    preview, floors = Preview(here), Floors(here)

    def page(draft: Draft, given: dict[str, Any], status: int = 200, part: str = "", **more: Any) -> Answer:
        """The editor, with what was typed: all of it, the form, or what stands beside it."""
        made, found = drafted.made("rule", given)
        problems = admin.told(found)
        rule = made if isinstance(made, Rule) else None
        look = Look.of(request.values)
        # Of what nobody has touched yet nothing is wrong.
        drawing = Drawing([] if draft.version == 1 and not draft.origin and request.method == "GET" else problems)
        full = spread(given)
        fields = {
            key: drawing.one(Rule, key, full.get(key))
            for key in ("label", "copy", "schedule", "limits", "goal", "ask", "perk", "discount", *ORDER)
        }
        trees = {name: drawing.tree(name, full[name], given.get(name)) for name in ("when", "audience")}
        offer = drawing.offer(full.get("offer"))
        back, forth = desk.steps.can(draft.id)
        return admin.show(
            part or ("rule_form" if request.headers.get("HX-Request") else "rule"),
            status,
            draft=draft,
            tab=request.form.get("tab") or token_hex(8),
            fields=fields,
            trees=trees,
            offer=offer,
            source=str((full.get("offer") or {}).get("from", "")),
            sources=OFFERS,
            more=MORE,
            codes=[(code, words_of("condition", code)[0]) for code in CONDITIONS],
            problems=problems,
            left=[told for _, told in drawing.left],
            sentence=next(here.sentences([rule])) if rule is not None else Markup(""),
            seen=preview.seen(draft, rule, look),
            look=look,
            said=[key for key, value in given.items() if key != "name" and says(value)],
            carts=preview.carts(rule),
            floors=floors.shown(given, request.values.getlist("sample")),
            samples=[*filter(None, request.values.getlist("sample"))],
            back=back,
            forth=forth,
            **more,
        )

    @admin.page("/rules/new", Role.EDITOR)
    def rules_new() -> Answer:
        return admin.show("rule_new", starts=STARTS)

    @admin.act("/rules/new", Role.EDITOR)
    def rules_begin() -> Answer:
        """Begin a draft: from a start, as a copy, or of a live rule."""
        given, live = request.form, desk.offers.rules.load()
        origin, copied, start = given.get("origin", ""), given.get("copy", ""), BY_NAME.get(given.get("start", ""))
        if origin or copied:
            rule = drafted.live(live, "rule", origin or copied)
            if rule is None:
                return admin.go("rules", say("That rule is not there any more."), "sorry")
            form = drafted.written("rule", rule.name, rule)
            if origin:
                return admin.go("rules_edit", id=desk.drafts.begin("rule", form, origin).id)
            wanted = f"{copied}-copy"
        elif start is not None:
            form, wanted = dict(start.written), start.name
        else:
            return admin.go("rules_new", say("Choose what to start from."), "sorry")
        taken = {rule.name for rule in live.rules} | {draft.name for draft in here.drafts()}
        made = desk.drafts.begin("rule", {**form, "name": free_name(wanted, taken)})
        return admin.go("rules_edit", id=made.id)

    @admin.page("/rules/<id>", Role.EDITOR)
    def rules_edit(id: str) -> Answer:
        draft = _found(id)
        return admin.go("rules", GONE, "sorry") if draft is None else page(draft, draft.written)

    @admin.act("/rules/<id>", Role.EDITOR)
    def rules_save(id: str) -> Answer:
        """Keep the form. `do`: the button that was pressed; none when it saves itself."""
        draft = _found(id)
        given, do = request.form, request.form.get("do", "")
        form = typed(given.items(multi=True))
        if draft is None:
            return _lost(form)
        tab, version = given.get("tab", "")[:32], _version(given)
        itself = not do and bool(request.headers.get("HX-Request"))
        part = "rule_told" if itself else ""
        try:
            if do in ("undo", "redo"):
                draft = (desk.steps.undo if do == "undo" else desk.steps.redo)(id, version, tab)
                form = draft.written
            else:
                draft = desk.steps.save(id, version, form, tab)
                after = changed(form, do, given.get("new." + do.partition(" ")[2], ""))
                if after != form:
                    # What was typed and what was pressed are two steps.
                    form, draft = after, desk.steps.save(id, draft.version, after, tab)
            if do == "submit":
                draft = desk.drafts.submit(id, draft.version, given.get("note", ""))
                return admin.go("rules", say("{name} waits for review.", name=draft.name))
        except StaleError as error:
            return _clash(error, draft, form, part)
        except BadInput as error:
            return page(draft, form, 422, part, failed=admin.why(error))
        if part or request.headers.get("HX-Request"):
            return page(draft, form, part=part)
        return admin.go("rules_edit", id=id)

    @admin.page("/rules/<id>/preview", Role.EDITOR)
    def rules_preview(id: str) -> Answer:
        draft = _found(id)
        if draft is None:
            return admin.sorry(GONE, 404)
        made, _ = drafted.read(draft)
        return admin.show(
            "rule_seen", seen=preview.seen(draft, made if isinstance(made, Rule) else None, Look.of(request.args))
        )

    @admin.act("/rules/<id>/floor", Role.EDITOR)
    def rules_floor(id: str) -> Answer:
        """What some products would cost with the discount as it is typed; nothing is saved."""
        form = typed(request.form.items(multi=True))
        return admin.show("rule_floor", floors=floors.shown(form, request.form.getlist("sample")))

    @admin.act("/rules/<id>/publish", Role.APPROVER)
    def rules_publish(id: str) -> Answer:
        """Keep the form, and put it live."""
        draft = _found(id)
        given = request.form
        form = typed(given.items(multi=True))
        if draft is None:
            return _lost(form)
        try:
            if form and draft.action == "put":
                draft = desk.steps.save(id, _version(given), form, given.get("tab", "")[:32])
            made, problems = drafted.read(draft)
            if problems:
                return page(draft, draft.written, 422, failed=UNFINISHED)
            desk.releases.publish([(draft, made)], admin.person, given.get("why", ""))
        except StaleError as error:
            return _clash(error, draft, form or draft.written, "")
        except RiskError as error:
            return page(draft, draft.written, 422, failed=RISKY, risks=error.risks)
        except BookError:
            return admin.go(
                "rules",
                say("{name} is saved; it goes live when the store's memory answers again.", name=draft.name),
                "sorry",
            )
        except (BadInput, RuleError) as error:
            return page(draft, draft.written, 422, failed=admin.why(error))
        return admin.go("rules", say("{name} is live.", name=draft.name))

    @admin.act("/rules/<id>/drop", Role.EDITOR)
    def rules_drop(id: str) -> Answer:
        desk.drafts.drop(id)
        return admin.go("rules", say("The draft is thrown away. What is live stays."))

    def _found(id: str) -> Draft | None:
        try:
            draft = desk.drafts.get(id)
        except BadInput:
            return None
        return draft if draft.kind == "rule" else None

    def _lost(form: dict[str, Any]) -> Answer:
        """The draft went live or was thrown away while it was typed: what was typed is a new one."""
        if not form:
            return admin.sorry(GONE, 404)
        live = {rule.name for rule in desk.offers.rules.load().rules}
        form["name"] = free_name(str(form.get("name") or "new-rule"), live)
        draft = desk.drafts.begin("rule", form)
        if request.headers.get("HX-Request"):
            return admin.show("rule_lost", 409, draft=draft)
        return admin.go(
            "rules_edit",
            say("This draft was published or thrown away meanwhile. What you typed is kept in a new one."),
            "sorry",
            id=draft.id,
        )

    def _clash(error: StaleError, draft: Draft, form: dict[str, Any], part: str) -> Answer:
        """Somebody saved first: both are shown, and nothing is lost."""
        theirs = error.current
        if not isinstance(theirs, Draft):
            return page(draft, form, 409, part, failed=admin.why(error))
        made, _ = drafted.read(theirs)
        said = next(here.sentences([made])) if isinstance(made, Rule) else Markup("")
        return page(draft, form, 409, part, theirs=theirs, their_words=said, differ=_differ(form, theirs.written))


GONE = say("This draft was published or thrown away meanwhile.")
KEPT = say("This draft was published or thrown away meanwhile. What you typed is kept in a new one.")
UNFINISHED = say("It is not finished yet, so nothing went live. What is missing is told at its field.")
RISKY = say("This needs a second person. Ask for its review: somebody else who may publish can put it live.")


def _version(given: Any) -> int:
    """What the form was made from; or, when somebody decided to write over it, the draft as it is."""
    version: int = given.get("over", 0, int) or given.get("version", 0, int)
    return version


def _differ(mine: dict[str, Any], theirs: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(field, mine, theirs) of what is not the same."""
    keys = dict.fromkeys([*mine, *theirs])
    return [(key, _short(mine.get(key)), _short(theirs.get(key))) for key in keys if mine.get(key) != theirs.get(key)]


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{key}: {_short(each)}" for key, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(_short, value))
    return "" if value is None else str(value)
