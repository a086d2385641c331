"""Files in and out as texts: an import is looked at first, and done when what it would do is what was seen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from marshmallow import Schema, fields

from ...core.roles import Role
from ...core.words import Sentence
from ...desk.imports import HOWS, PAIR_COLUMNS, RESULT_COLUMNS, Plan, Upload
from ...desk.ladderfile import LADDER_COLUMNS, ladder_rows
from ...desk.productfile import PRODUCT_COLUMNS
from ...desk.tablefile import Unreadable, Wrong, write
from ...errors import BadInput, StaleError
from .. import ruletable
from ..admin.incoming import KINDS, Incoming, needed, told
from ..admin.plainfile import dump_ladders, dump_pairs
from ..rulefile import dump
from .counter import Counter, missing
from .fields import Given, Switch, moment, one_of, words
from .problems import Problem

#: Bytes of a request with a file in it; problems that are listed.
LARGEST_FILE, MOST_WRONG = 40_000_000, 50
#: What can be had in which forms, the one that is meant without a word first.
EXPORTS = {
    "rules": ("yaml", "csv"),
    "ladders": ("csv", "yaml"),
    "pairs": ("csv", "yaml"),
    "products": ("csv",),
    "results": ("csv",),
}


class Import(Given):
    """A file: `rules` as YAML (with seasons and ladders) or CSV (rules alone); `ladders` and `pairs` (decisions) as CSV
    or YAML; `products` and `orders` as CSV. Which one it is shows in its first line. `replace`: rules, ladders or
    imported products that the file does not have are to go; CSV of rules leaves seasons and ladders as they are."""

    what = one_of(KINDS, required=True)
    text = fields.String(required=True)
    name = words(200, load_default="")
    replace = Switch(load_default=False)


class Apply(Given):
    """`seal` of the import as you looked at it; 409 when it would do something else now."""

    seal = words(64, required=True)


class FieldAnswer(Schema):
    name = fields.String(required=True)
    before = fields.String(required=True)
    after = fields.String(required=True)


class ChangeAnswer(Schema):
    """One thing that would be other."""

    how = one_of(HOWS, required=True)
    name = fields.String(required=True)
    fields_ = fields.List(fields.Nested(FieldAnswer), required=True, data_key="fields")


class UnknownAnswer(Schema):
    """A product that the published catalogue does not have, and the first line that names it."""

    product = fields.String(required=True)
    line = fields.Integer(required=True)


class ImportAnswer(Schema):
    """What an import would do: how many things it would add, change and remove, and the first of them. `problems` stand
    in the way. `columns`: how those of a table were understood; `unused`: which were not. It waits a day for you."""

    id = fields.String(required=True)
    what = one_of(KINDS, required=True)
    name = fields.String(required=True)
    seal = fields.String(required=True)
    added = fields.Integer(required=True)
    changed = fields.Integer(required=True)
    removed = fields.Integer(required=True)
    unchanged = fields.Integer(required=True)
    changes = fields.List(fields.Nested(ChangeAnswer), required=True)
    problems = fields.List(fields.String(), required=True)
    notes = fields.List(fields.String(), required=True)
    unknown_ = fields.List(fields.Nested(UnknownAnswer), required=True, data_key="unknown")
    unknown_count = fields.Integer(required=True)
    columns = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    unused = fields.List(fields.String(), required=True)


class AppliedAnswer(Schema):
    """`done` things were changed: of rules and ladders drafts were made, which go live when they are published. `run`:
    the one that imports so many orders, null where none has to."""

    done = fields.Integer(required=True)
    run = fields.String(required=True, allow_none=True)


class OrdersAnswer(Schema):
    """Imported orders that are learned from."""

    orders = fields.Integer(required=True)
    lines = fields.Integer(required=True)
    first = moment(required=True, allow_none=True)
    last = moment(required=True, allow_none=True)


class ProductsAnswer(Schema):
    """Imported products, which are published beside the store's own."""

    products = fields.Integer(required=True)


class Form(Given):
    """`format`: of the file."""

    format = one_of(("csv", "yaml"))


class ExportAnswer(Schema):
    """A file, as it can be imported again (results cannot)."""

    name = fields.String(required=True)
    text = fields.String(required=True)


def add(counter: Counter) -> None:
    imports, assortment = counter.desk.imports, counter.desk.assortment
    incoming = Incoming(counter.desk, counter.parts.settings.zone)

    def find(id: str) -> Upload:
        try:
            return imports.upload(id, counter.person.name)
        except BadInput:
            raise missing("import") from None

    def shown(upload: Upload) -> dict[str, Any]:
        plan, wrong = incoming.planned(upload)
        return {"id": upload.id, "what": upload.what, "name": upload.name, **_plan(plan, wrong)}

    @counter.operation(
        "POST", "/imports", Role.EDITOR, "imports", answer=ImportAnswer, status=201, body=Import, largest=LARGEST_FILE
    )
    def check_import(body: dict[str, Any]) -> Any:
        """Read a file, and say what it would change: nothing is changed yet"""
        what = body["what"]
        try:
            read, wrong, count = incoming.read(what, body["text"].encode(), body["replace"])
        except Unreadable as error:
            raise Problem(422, "This file cannot be used.", kind="invalid", errors=[_at(_where(error))]) from None
        if wrong:
            first = [_at(told(each)) for each in wrong[:MOST_WRONG]]
            much = "One thing in this file is wrong." if count == 1 else f"{count} things in this file are wrong."
            raise Problem(422, much, kind="invalid", errors=first)
        id = imports.keep(what, body["name"], read)
        return shown(find(id)), 201, {"Location": f"{counter.prefix}/imports/{id}"}

    @counter.operation("GET", "/imports/<id>", Role.EDITOR, "imports", answer=ImportAnswer)
    def read_import(id: str) -> Any:
        """What it would change now; only who began it may ask"""
        return shown(find(id))

    @counter.operation("POST", "/imports/<id>/apply", Role.EDITOR, "imports", answer=AppliedAnswer, body=Apply)
    def apply_import(body: dict[str, Any], id: str) -> Any:
        """Do what was looked at, all or nothing; products and orders take an approver"""
        upload, by = find(id), counter.person
        if not by.role.may(needed(upload.what)):
            raise Problem(
                403, f"The role {by.role} may not import {upload.what}: it takes the role approver.", kind="role"
            )
        try:
            done, run = incoming.put(upload, body["seal"], by)
        except StaleError as error:
            raise Problem(409, f"{error}.", kind="stale", current=shown(upload)) from None
        return {"done": done, "run": run or None}

    @counter.operation("DELETE", "/imports/<id>", Role.EDITOR, "imports", status=204)
    def drop_import(id: str) -> Any:
        """Throw it away; nothing was changed"""
        find(id)
        imports.drop(id, counter.person.name)

    @counter.operation("GET", "/imported-orders", Role.VIEWER, "imports", answer=OrdersAnswer)
    def read_imported_orders() -> Any:
        """How many orders were imported, and of when they are"""
        return imports.imported()

    @counter.operation("DELETE", "/imported-orders", Role.APPROVER, "imports", answer=OrdersAnswer)
    def forget_imported_orders() -> Any:
        """Remove all imported orders, and say what there was; what was learned stays until it is learned again"""
        return imports.remove_orders()

    @counter.operation("GET", "/imported-products", Role.VIEWER, "imports", answer=ProductsAnswer)
    def read_imported_products() -> Any:
        """How many products were imported"""
        return {"products": assortment.count()}

    @counter.operation("DELETE", "/imported-products", Role.APPROVER, "imports", answer=ProductsAnswer)
    def forget_imported_products() -> Any:
        """Remove all imported products, and say how many there were; a book without them is published"""
        return {"products": assortment.remove()}

    @counter.operation("GET", "/exports/<what>", Role.VIEWER, "exports", answer=ExportAnswer, query=Form)
    def export(query: dict[str, Any], what: str) -> Any:
        """A file: rules (YAML, with seasons and ladders; or CSV, alone); ladders, pairs with evidence (CSV or YAML);
        products, results (CSV)"""
        if what not in EXPORTS:
            raise missing("export")
        form = query.get("format") or EXPORTS[what][0]
        if form not in EXPORTS[what]:
            told = f"{what} is written as {' or '.join(EXPORTS[what])}."
            raise Problem(422, told, kind="invalid", errors=[{"parameter": "format", "detail": told}])
        return {"name": f"{what}.{form}", "text": b"".join(written(what, form)).decode("utf-8-sig")}

    def written(what: str, form: str) -> Iterable[bytes]:
        rules = counter.parts.offers.rules
        match what, form:
            case "rules", "yaml":
                return [dump(rules.load()).encode()]
            case "rules", _:
                return ruletable.dump(rules.load().rules)
            case "ladders", "yaml":
                return [dump_ladders(rules.load().ladders)]
            case "ladders", _:
                return write(LADDER_COLUMNS, ladder_rows(rules.load().ladders))
            case "pairs", "yaml":
                return dump_pairs(PAIR_COLUMNS, imports.pair_rows())
            case "pairs", _:
                return write(PAIR_COLUMNS, imports.pair_rows())
            case "products", _:
                return write(PRODUCT_COLUMNS, assortment.rows())
            case _:
                return write(RESULT_COLUMNS, imports.result_rows())


def _plan(plan: Plan, wrong: list[Wrong]) -> dict[str, Any]:
    changes = [
        {
            "how": each.how,
            "name": each.name,
            "fields_": [{"name": name, "before": before, "after": after} for name, before, after in each.fields],
        }
        for each in plan.changes
    ]
    return {
        **plan.counts,
        "seal": plan.seal,
        "changes": changes,
        "problems": [told(each) for each in wrong],
        "notes": [str(note) for note in plan.notes],
        "unknown_": [{"product": ref, "line": line} for ref, line in plan.unknown],
        "unknown_count": plan.unknown_count,
        "columns": plan.columns,
        "unused": list(plan.unused),
    }


def _at(detail: str) -> dict[str, str]:
    return {"pointer": "/text", "detail": detail}


def _where(error: Unreadable) -> str:
    said: Sentence = error.told
    return f"line {error.line}: {said}" if error.line else str(said)
