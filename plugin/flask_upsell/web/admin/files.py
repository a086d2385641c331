"""Import and export: files are looked at first, and imported when somebody has seen what they would change."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Response, request
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response as AnyResponse

from ...core.roles import Role
from ...core.words import Sentence, say
from ...desk.imports import AT_ONCE, PAIR_COLUMNS, RESULT_COLUMNS, Imported, Plan, Upload
from ...desk.ladderfile import COLUMNS as LADDER_FILE_COLUMNS
from ...desk.ladderfile import LADDER_COLUMNS, ladder_rows
from ...desk.orderfile import COLUMNS as ORDER_COLUMNS
from ...desk.pairfile import COLUMNS as PAIR_FILE_COLUMNS
from ...desk.productfile import COLUMNS as GOODS_COLUMNS
from ...desk.productfile import PRODUCT_COLUMNS
from ...desk.tablefile import MOST_ROWS, Unreadable, Wrong, write
from ...errors import StaleError
from .. import ruletable
from ..rulefile import dump
from ..yamltext import LARGEST_FILE
from .incoming import Incoming
from .office import Admin, Answer
from .plainfile import dump_ladders, dump_pairs

#: Bytes of a file with its form.
LARGEST_UPLOAD = 32_000_000
#: Problems that are listed; all of them are counted.
MOST_WRONG = 50
KINDS = {
    "rules": say("Rules, seasons and ladders"),
    "ladders": say("Ladders"),
    "pairs": say("Decisions on pairs"),
    "products": say("Products"),
    "orders": say("Past orders"),
}
#: Which button imports which kind; the others are imported as drafts or decisions.
ACTS = {"orders": "files_orders", "products": "files_products"}
WORDS = {
    column.key: column.words for column in (*ORDER_COLUMNS, *PAIR_FILE_COLUMNS, *LADDER_FILE_COLUMNS, *GOODS_COLUMNS)
}
HOWS = {
    "added": say("added"),
    "changed": say("changed"),
    "removed": say("removed"),
    "unchanged": say("unchanged"),
}
CHOOSE = say("Choose a file first.")


def add(admin: Admin) -> None:
    imports, assortment = admin.desk.imports, admin.desk.assortment
    incoming = Incoming(admin.desk, admin.settings.zone)

    # --- the page ----------------------------------------------------------------------------------------------------

    @admin.page("/files")
    def files() -> Answer:
        return overview()

    def overview(status: int = 200, **more: object) -> Response:
        """The page; `refused`: the kind of file that could not be used, `told`, `wrong`: why."""
        return admin.show(
            "files", status, kinds=KINDS, imported=imports.imported(), run=imports.progress(), most_rows=MOST_ROWS,
            rules_megabytes=LARGEST_FILE // 1_000_000, megabytes=LARGEST_UPLOAD // 1_000_000, at_once=AT_ONCE,
            order_columns=ORDER_COLUMNS, pair_columns=PAIR_FILE_COLUMNS, ladder_columns=LADDER_FILE_COLUMNS,
            product_columns=GOODS_COLUMNS, rule_columns=ruletable.ORDER, most_rules=ruletable.MOST_RULES,
            products=assortment.count(), zone=admin.settings.zone, **more,
        )  # fmt: skip

    @admin.page("/files/progress")
    def files_progress() -> Answer:
        """How far the last import of orders is."""
        return admin.show("files_run", run=imports.progress())

    # --- in ----------------------------------------------------------------------------------------------------------

    @admin.act("/files/check/<what>", Role.EDITOR, largest=LARGEST_UPLOAD)
    def files_check(what: str) -> Answer:
        """Read a file, and keep what it says until it is imported."""
        given: FileStorage | None = request.files.get("file")
        if what not in KINDS or given is None or not given.filename:
            return overview(422, refused=what, told=CHOOSE, wrong=[], line=0)
        with given.stream:
            content, name = given.stream.read(), given.filename
        try:
            read, wrong, count = incoming.read(what, content, bool(request.form.get("replace")))
        except Unreadable as error:
            return overview(422, refused=what, told=error.told, line=error.line, name=name, wrong=[])
        if wrong:
            return overview(422, refused=what, name=name, wrong=wrong[:MOST_WRONG], count=count, line=0)
        return admin.go("files_look", id=imports.keep(what, name, read))

    @admin.page("/files/import/<id>", Role.EDITOR)
    def files_look(id: str) -> Answer:
        """What an upload would change."""
        upload = imports.upload(id, admin.person.name)
        return look(upload, *incoming.planned(upload))

    def look(
        upload: Upload, plan: Plan, wrong: list[Wrong], status: int = 200, told: Sentence | None = None
    ) -> Response:
        act = ACTS.get(upload.what, "files_import")
        return admin.show(
            "files_look", status, upload=upload, plan=plan, wrong=wrong[:MOST_WRONG], count=len(wrong), told=told,
            kind=KINDS[upload.what], hows=HOWS, words=WORDS, act=act, at_once=AT_ONCE, run=imports.progress(),
            needed=admin.roles[act],
        )  # fmt: skip

    MOVED = say("Something was changed since you looked at this. Here is what it would do now.")

    @admin.act("/files/import/<id>", Role.EDITOR)
    def files_import(id: str) -> Answer:
        """Do what was looked at, with rules as drafts or pairs."""
        upload = imports.upload(id, admin.person.name)
        if upload.what in ACTS:
            return admin.sorry(say("Products and past orders are imported with another button."), 422)
        try:
            done, _ = incoming.put(upload, request.form.get("seal", ""), admin.person)
        except StaleError:
            return look(upload, *incoming.planned(upload), 409, MOVED)
        if upload.what == "pairs":
            return admin.go("files", say("{n} decision was imported.", "{n} decisions were imported.", n=done))
        where = next(name for name in ("publish", "rules", "files") if admin.has(name))
        told = say("{n} draft was made. It goes live when it is published.",
                   "{n} drafts were made. They go live when they are published.", n=done)  # fmt: skip
        return admin.go(where, told)

    @admin.act("/files/orders/<id>", Role.APPROVER)
    def files_orders(id: str) -> Answer:
        """The same of orders, which are learned from."""
        upload = imports.upload(id, admin.person.name)
        if upload.what != "orders":
            return admin.sorry(say("This file has no orders."), 422)
        try:
            _, run = incoming.put(upload, request.form.get("seal", ""), admin.person)
        except StaleError:
            return look(upload, *incoming.planned(upload), 409, MOVED)
        if run:
            return admin.go("files", say("The orders are being imported. You can go on with other things."))
        return admin.go("files", say("The orders were imported. They count when learning runs the next time."))

    @admin.act("/files/products/<id>", Role.APPROVER)
    def files_products(id: str) -> Answer:
        """The same of products, which go into the next book."""
        upload = imports.upload(id, admin.person.name)
        if upload.what != "products":
            return admin.sorry(say("This file has no products."), 422)
        try:
            done, _ = incoming.put(upload, request.form.get("seal", ""), admin.person)
        except StaleError:
            return look(upload, *incoming.planned(upload), 409, MOVED)
        told = say("{n} product was imported. It is being published.",
                   "{n} products were imported. They are being published.", n=done)  # fmt: skip
        return admin.go("files", told)

    @admin.act("/files/drop/<id>", Role.EDITOR)
    def files_drop(id: str) -> Answer:
        imports.drop(id, admin.person.name)
        return admin.go("files", say("The file was thrown away. Nothing was changed."))

    @admin.act("/files/forget", Role.APPROVER)
    def files_forget() -> Answer:
        """Remove all imported orders."""
        before: Imported = imports.remove_orders()
        return admin.go(
            "files", say("{n} imported order was removed.", "{n} imported orders were removed.", n=before.orders)
        )

    @admin.act("/files/forget-products", Role.APPROVER)
    def files_forget_products() -> Answer:
        """Remove all imported products."""
        told = say("{n} imported product was removed.", "{n} imported products were removed.", n=assortment.remove())
        return admin.go("files", told)

    # --- out ---------------------------------------------------------------------------------------------------------

    def sent(what: str, ending: str, kind: str, pieces: Iterator[bytes]) -> AnyResponse:
        """A file whose name says of which shop and day it is."""
        day = admin.desk.offers.clock().astimezone(admin.zone).date()
        answer = Response(pieces, mimetype=kind)
        answer.headers["Content-Disposition"] = f'attachment; filename="{admin.identifier}-{what}-{day}.{ending}"'
        return answer

    @admin.page("/files/rules.yaml")
    def files_rules() -> Answer:
        book = admin.desk.offers.rules.load()
        return sent("rules", "yaml", "application/yaml", iter([dump(book).encode()]))

    @admin.page("/files/rules.csv")
    def files_rules_table() -> Answer:
        return sent("rules", "csv", "text/csv", ruletable.dump(admin.desk.offers.rules.load().rules))

    @admin.page("/files/ladders.csv")
    def files_ladders() -> Answer:
        rows = ladder_rows(admin.desk.offers.rules.load().ladders)
        return sent("ladders", "csv", "text/csv", write(LADDER_COLUMNS, rows))

    @admin.page("/files/ladders.yaml")
    def files_ladders_plain() -> Answer:
        text = dump_ladders(admin.desk.offers.rules.load().ladders)
        return sent("ladders", "yaml", "application/yaml", iter([text]))

    @admin.page("/files/products.csv")
    def files_goods() -> Answer:
        return sent("products", "csv", "text/csv", write(PRODUCT_COLUMNS, assortment.rows()))

    @admin.page("/files/pairs.csv")
    def files_pairs() -> Answer:
        return sent("pairs", "csv", "text/csv", write(PAIR_COLUMNS, imports.pair_rows()))

    @admin.page("/files/pairs.yaml")
    def files_pairs_plain() -> Answer:
        return sent("pairs", "yaml", "application/yaml", dump_pairs(PAIR_COLUMNS, imports.pair_rows()))

    @admin.page("/files/results.csv")
    def files_results() -> Answer:
        return sent("results", "csv", "text/csv", write(RESULT_COLUMNS, imports.result_rows()))
