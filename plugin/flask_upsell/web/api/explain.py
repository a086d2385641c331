"""What a cart would be offered, and why: the same decision as on the store's pages, at any instant, for any shopper."""

from __future__ import annotations

from typing import Any

import msgspec
from marshmallow import Schema, ValidationError, fields, validate

from ...core.context import MOST_LINES
from ...core.offer import Decision, Offer
from ...core.product import Product
from ...core.roles import Role
from ...core.rulebook import RuleBook
from ...core.rules import RuleSet
from ...desk.drafts import merged
from ...errors import BadInput
from ..cards import titles
from ..goldencarts import run_cart
from ..goldenfile import GoldenCart
from ..refusals import flat
from ..written import schema_of
from .counter import Counter
from .drafts import finished
from .fields import Given, Switch, moment, texts, whole, words
from .problems import Problem, invalid


class LineGiven(Given):
    """`price` of one unit, such as "9.90 EUR"; without it that of the product."""

    product = words(least=1, required=True)
    quantity = whole(1, 10_000)
    variant = words()
    price = words(40)


def many(longest: int = 200) -> fields.List[Any]:
    return fields.List(words(longest), validate=validate.Length(max=100))


class Scene(Given):
    """A cart, its shopper and its moment, as in golden carts. `at` is a local time in `zone`. With `drafts` (ids) the
    rules are what they would be with these live."""

    cart = fields.List(fields.Nested(LineGiven), required=True, validate=validate.Length(1, MOST_LINES))
    at = words(40)
    zone = words(60)
    placement = words(40)
    currency = words(3)
    country = words(2)
    language = words(40)
    groups = many()
    coupons = many()
    declined = many()
    answers = fields.Dict(keys=fields.String(), values=words())
    customer = fields.Dict(keys=fields.String())
    consent = Switch()
    drafts = many(16)


class OfferAnswer(Schema):
    """An offer. `price` is that of one unit, `normal` what it is without the rule's discount, in minor units."""

    id = fields.String(required=True)
    kind = fields.String(required=True)
    product = fields.String(required=True)
    title = fields.String(required=True)
    rule = fields.String(required=True)
    beside = fields.String(required=True)
    price = fields.Integer(required=True)
    normal = fields.Integer(required=True, allow_none=True)
    currency = fields.String(required=True)
    reason = fields.String(required=True)


class VerdictAnswer(Schema):
    """What became of a rule."""

    rule = fields.String(required=True)
    code = fields.String(required=True)
    sentence = fields.String(required=True)


class DroppedAnswer(Schema):
    """A candidate that is not offered, and why."""

    kind = fields.String(required=True)
    product = fields.String(required=True)
    trigger = fields.String(required=True)
    rule = fields.String(required=True)
    code = fields.String(required=True)
    sentence = fields.String(required=True)


class DecisionAnswer(Schema):
    """`version` is the book's; `until`: from when on a schedule may decide otherwise."""

    placement = fields.String(required=True)
    version = fields.String(required=True)
    until = moment(required=True, allow_none=True)
    offers = fields.List(fields.Nested(OfferAnswer), required=True)
    rules = fields.List(fields.Nested(VerdictAnswer), required=True)
    dropped = fields.List(fields.Nested(DroppedAnswer), required=True)


def add(counter: Counter) -> None:
    offers = counter.parts.offers

    @counter.operation("POST", "/explain", Role.VIEWER, "explain", answer=DecisionAnswer, body=Scene)
    def explain(body: dict[str, Any]) -> Any:
        """What a cart would be offered, and why: each rule, and each candidate that was dropped"""
        drafts = body.pop("drafts", [])
        try:
            given: GoldenCart = schema_of(GoldenCart).load({"name": "cart", **texts(body)})
        except ValidationError as error:
            raise invalid(flat(error.messages)) from None
        refs = [line.product for line in given.cart]
        book = offers.shelf.read(refs)
        if not book.version:
            raise Problem(409, "Nothing is published yet; learn or publish first.", kind="not-published")
        if drafts:
            book = msgspec.structs.replace(book, rules=with_drafts(drafts))
        products: dict[str, Product] = {product.ref: product for product in offers.store.products(refs)}
        try:
            decision = run_cart(
                given,
                book,
                products,
                zone=offers.zone,
                now=offers.clock(),
                policy=offers.policy,
                capabilities=offers.store.capabilities,
            )
        except BadInput as error:
            raise invalid([(("cart",), str(error))]) from None
        except OverflowError:
            raise invalid([(("at",), "is too far away")]) from None
        return told(decision)

    def with_drafts(ids: list[str]) -> RuleSet:
        rules: RuleBook = merged(offers.rules.load(), finished(counter, ids))
        spent = frozenset(offers.limits.exhausted(rules.rules))
        return RuleSet(rules, offers.zone, "draft", spent, offers.sold(rules.rules))


def told(decision: Decision) -> dict[str, Any]:
    names = ("kind", "product", "trigger", "rule", "code", "sentence")
    return {
        "placement": decision.placement,
        "version": decision.version,
        "until": decision.until,
        "offers": [_offer(each) for each in decision.offers],
        "rules": [{"rule": each.rule, "code": each.code, "sentence": each.sentence} for each in decision.rules],
        "dropped": [{name: getattr(each, name) for name in names} for each in decision.trace],
    }


def _offer(offer: Offer) -> dict[str, Any]:
    quote = offer.quote
    return {
        "id": offer.id,
        "kind": offer.kind,
        "product": offer.ref,
        "title": titles(offer),
        "rule": offer.rule,
        "beside": offer.beside,
        "price": quote.unit_price,
        "normal": quote.normal,
        "currency": quote.currency,
        "reason": f"{offer.reason.sentence}.",
    }
