"""What learning found, and what was decided of it; products as they were published, and what is said of them."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from ...core.kind import Kind
from ...core.roles import Role
from ...core.seasonal import SEASONAL
from ...desk.verdicts import MOST, NEVER, Pair, State
from .counter import Counter, missing
from .fields import Given, Switch, listed, moment, one_of, words
from .paging import Paged, answered, cursor_of, read_cursor

LEARNED = (Kind.COMPLEMENT, Kind.UPGRADE)
HOW = ("approve", "reject", "never", "take back")


class PairAnswer(Schema):
    """A learned pair with its evidence: `together` of the `base` orders with the first product had the second one too,
    `lift` times as many as by chance. `state`: nobody decided and it waits for that, or goes `live` by itself; or
    somebody did. `price` of the second product in minor units."""

    kind = one_of(LEARNED, required=True)
    antecedent = fields.String(required=True)
    consequent = fields.String(required=True)
    state = one_of(State, required=True)
    price = fields.Integer(required=True, allow_none=True)
    currency = fields.String(required=True)
    weight = fields.Float(required=True)
    together = fields.Integer(required=True)
    base = fields.Integer(required=True)
    lift = fields.Float(required=True)


class PairQuery(Paged):
    kind = one_of(LEARNED, load_default="")
    state = one_of(State, load_default="")
    product = words(load_default="", metadata={"description": "Pairs with this product."})


class PairGiven(Given):
    """`kind`: that of the suggestion; of "never" it does not matter. Seasonal ones are not approved: begin a rule."""

    kind = one_of((*LEARNED, SEASONAL), load_default=Kind.COMPLEMENT.value)
    antecedent = words(least=1, required=True)
    consequent = words(least=1, required=True)


class Decide(Given):
    """`never`: offer neither product for the other; `take back`: as if nobody had decided."""

    decision = one_of(HOW, required=True)
    pairs = fields.List(fields.Nested(PairGiven), required=True, validate=validate.Length(1, MOST))
    why = words(500, load_default="")


class DecidedAnswer(Schema):
    """The instant of the decision."""

    at = moment(required=True)


class NoteSchema(Given):
    """`excluded`: never offered. `sensitive`: nothing is offered for it either. `fits`: attributes that must be the
    same in the product that it is offered for."""

    excluded = Switch(required=True)
    sensitive = Switch(required=True)
    fits = fields.List(words(100), required=True, validate=validate.Length(max=10))


class ProductAnswer(Schema):
    """A product as it was published last. `price` in minor units; `stock` null: not counted."""

    ref = fields.String(required=True)
    title = fields.String(required=True)
    category = fields.String(required=True)
    brand = fields.String(required=True)
    price = fields.Integer(required=True)
    currency = fields.String(required=True)
    stock = fields.Integer(required=True, allow_none=True)
    hidden = fields.Boolean(required=True)
    url = fields.String(required=True)
    image = fields.String(required=True)


class ProductQuery(Paged):
    q = words(load_default="", metadata={"description": "Beginnings of words: the best few products, in one page."})
    category = words(500, load_default="")


def add(counter: Counter) -> None:
    verdicts, catalogue, notes = counter.desk.verdicts, counter.desk.catalogue, counter.desk.notes

    @counter.operation("GET", "/suggestions", Role.VIEWER, "suggestions", answer=listed(PairAnswer), query=PairQuery)
    def list_suggestions(query: dict[str, Any]) -> Any:
        """What learning found, the most valuable first; `limit` stays the same from page to page"""
        place, _ = read_cursor(query["cursor"])
        number, most = place + 1, query["limit"]
        found, every = verdicts.pairs(
            state=State(query["state"]) if query["state"] else None,
            kind=Kind(query["kind"]) if query["kind"] else None,
            products=[query["product"]] if query["product"] else None,
            page=number + 1,
            most=most,
        )
        next = cursor_of(number, "") if (number + 1) * most < every and found else None
        return answered([pair(each) for each in found], next)

    @counter.operation("POST", "/suggestions/decide", Role.EDITOR, "suggestions", answer=DecidedAnswer, body=Decide)
    def decide_suggestions(body: dict[str, Any]) -> Any:
        """Approve, reject, never these two, or take that back; live with the next publishing, which begins by itself"""
        keys = [(each["kind"], each["antecedent"], each["consequent"]) for each in body["pairs"]]
        how, why = body["decision"], body["why"]
        if how == NEVER:
            return {"at": verdicts.never([(one, other) for _, one, other in keys], why)}
        act = {"approve": verdicts.approve, "reject": verdicts.reject, "take back": verdicts.take_back}[how]
        return {"at": act(keys, why)}

    @counter.operation("GET", "/products", Role.VIEWER, "products", answer=listed(ProductAnswer), query=ProductQuery)
    def list_products(query: dict[str, Any]) -> Any:
        """Products of the published catalogue, by their references"""
        if query["q"]:
            return answered(catalogue.search(query["q"], query["limit"]), None)
        _, last = read_cursor(query["cursor"])
        rows = catalogue.after(last, query["limit"] + 1, query["category"])
        found = rows[: query["limit"]]
        return answered(found, cursor_of(0, found[-1].ref) if len(rows) > len(found) else None)

    @counter.operation("GET", "/products/<path:ref>/note", Role.VIEWER, "products", answer=NoteSchema)
    def read_note(ref: str) -> Any:
        """What the merchant says of a product"""
        return notes.of(ref)

    @counter.operation("PUT", "/products/<path:ref>/note", Role.EDITOR, "products", answer=NoteSchema, body=NoteSchema)
    def set_note(body: dict[str, Any], ref: str) -> Any:
        """Exclude a product, call it sensitive, say what must fit; live at once"""
        notes.set(ref, excluded=body["excluded"], sensitive=body["sensitive"], fits=body["fits"])
        return notes.of(ref)

    @counter.operation("GET", "/products/<path:ref>", Role.VIEWER, "products", answer=ProductAnswer)
    def read_product(ref: str) -> Any:
        """One product"""
        found = catalogue.named([ref]).get(ref)
        if found is None:
            raise missing("product")
        return found


def pair(found: Pair) -> dict[str, Any]:
    told = {name: getattr(found, name) for name in ("kind", "antecedent", "consequent", "state", "price", "currency")}
    evidence = found.affinity
    return told | {name: getattr(evidence, name) for name in ("weight", "together", "base", "lift")}
