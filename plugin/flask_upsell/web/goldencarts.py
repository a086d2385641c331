"""Golden carts: carts as files, with what they are expected to be offered. They test rules as a merchant means them.

rules: [../rules]
products:
  tea: {title: Green tea, price: 4.00 EUR, category: Tea}
  mug: {title: Mug, price: 9.00 EUR, category: Mugs}
carts:
  - name: tea leads to a mug
    at: 2027-02-10T12:00
    cart: [{product: tea}]
    expect:
      offers: [{product: mug, kind: complement, price: 8.10 EUR, rule: mugs}]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from marshmallow import ValidationError

from ..core.affinity import Affinities, Affinity
from ..core.book import Book, Lists
from ..core.context import Capability, Cart, Context, Line, Policy, Visitor
from ..core.decision import decide
from ..core.kind import Kind, Placement
from ..core.money import Money
from ..core.offer import Code, Decision, Offer, RuleCode
from ..core.product import Product
from ..core.rule import Part
from ..core.rules import RuleSet
from ..core.season import clock, instant, moment
from ..errors import BadInput, RuleError
from .refusals import flat
from .rulefile import content, give_up
from .written import FORMS, Form, Moment, money, schema_of
from .yamltext import Path as Steps
from .yamltext import Problem, line_of, read

P = TypeVar("P", bound=Part)


class CartLine(Part, frozen=True, kw_only=True):
    """`price` of one unit; without one the product's own."""

    product: str
    quantity: int = 1
    price: Money | None = None
    variant: str | None = None


class Customer(Part, frozen=True, kw_only=True):
    """What the store knows of somebody who is signed in; what is left out it does not know."""

    id: str = "customer"
    orders: int | None = None
    last_order: str | None = None
    bought: tuple[str, ...] | None = None
    bought_categories: tuple[str, ...] | None = None


class ExpectedOffer(Part, frozen=True, kw_only=True):
    """An offer; what is left out may be anything. `price` of one unit."""

    product: str
    kind: Kind | None = None
    price: Money | None = None
    rule: str | None = None


class ExpectedDrop(Part, frozen=True, kw_only=True):
    """A candidate that is not offered."""

    product: str
    code: Code
    rule: str | None = None


class Expect(Part, frozen=True, kw_only=True):
    """`offers`: all of them in their order. `rules` and `dropped`: these, among others."""

    offers: tuple[ExpectedOffer, ...] | None = None
    rules: dict[str, RuleCode] = {}
    dropped: tuple[ExpectedDrop, ...] = ()


class GoldenCart(Part, frozen=True, kw_only=True):
    """A cart and its shopper. `at`: local time in `zone`, now without one. `key`: the visitor's, for samples."""

    name: str
    cart: tuple[CartLine, ...]
    at: str | None = None
    zone: str | None = None
    placement: str = Placement.CART.value
    currency: str | None = None
    key: str = "golden"
    groups: tuple[str, ...] = ()
    country: str | None = None
    language: str | None = None
    customer: Customer | None = None
    coupons: tuple[str, ...] = ()
    discount: Money | None = None
    payment: str = ""
    shipping: str = ""
    source: str = ""
    answers: dict[str, str] = {}
    declined: tuple[str, ...] = ()
    expect: Expect = Expect()


class GoldenProduct(Part, frozen=True, kw_only=True):
    """See core.product.Product."""

    price: Money
    title: str = ""
    category: str | None = None
    brand: str | None = None
    tags: tuple[str, ...] = ()
    cost: Money | None = None
    attributes: dict[str, str] = {}
    stock: int | None = None
    hidden: bool = False
    period_months: int | None = None


class Leads(Part, frozen=True, kw_only=True):
    """What learning would have found for a product: reference -> weight."""

    complements: dict[str, float] = {}
    upgrades: dict[str, float] = {}


class GoldenFile(Part, frozen=True, kw_only=True):
    """A file of carts. Without `products` they meet the store's book, without `rules` the live ones.

    `rules`: files and folders, seen from this file. `zone`: of the carts that name none, and of the rules.
    """

    carts: tuple[GoldenCart, ...]
    products: dict[str, GoldenProduct] | None = None
    leads: dict[str, Leads] = {}
    rules: tuple[str, ...] | None = None
    zone: str | None = None


def read_carts(path: Path) -> GoldenFile:
    """Raises RuleFileError with all that is wrong."""
    file = str(path)
    root, problems = read(file, content(path))
    give_up(problems)
    try:
        return _loaded(GoldenFile, root)
    except ValidationError as error:
        give_up([Problem(file, line_of(root, steps), steps, sentence) for steps, sentence in flat(error.messages)])
        raise


def _loaded(part: type[P], root: Any) -> P:
    made: P = schema_of(part).load(root)
    return made


def made_book(file: GoldenFile, rules: RuleSet) -> Book:
    """The book of a file's own products."""
    products = {ref: _product(ref, given) for ref, given in (file.products or {}).items()}
    affinities = {
        ref: Affinities(upgrades=_weighed(leads.upgrades), complements=_weighed(leads.complements))
        for ref, leads in file.leads.items()
    }
    lists = Lists()
    for product in products.values():
        lists.add(product)
    for each in affinities.values():
        lists.learn(each)
    return Book("golden", products, affinities, dict(lists.best()), rules)


def run_cart(
    given: GoldenCart,
    book: Book,
    products: Mapping[str, Product],
    *,
    zone: str,
    now: datetime,
    policy: Policy | None = None,
    capabilities: frozenset[Capability] = frozenset(Capability),
) -> Decision:
    """What is decided for a cart, explained. `products`: those in the cart; `zone` and `now`: for a cart without.

    Raises BadInput for a product that is not known and has no price, or of another currency than the cart.
    """
    here = clock(given.zone or zone)
    lines = []
    currency = given.currency or ""
    for place, line in enumerate(given.cart, start=1):
        product = products.get(line.product)
        if line.price is None and product is None:
            raise BadInput(given.name, f"the product {line.product!r} is not known; write its price")
        price = line.price or Money(product.price if product else 0, product.currency if product else "")
        currency = currency or price.currency
        if price.currency != currency:
            raise BadInput(given.name, f"{line.product!r} costs {price.currency} in a cart of {currency}")
        lines.append(Line(str(place), line.product, line.quantity, price.amount, line.variant))
    cart = Cart(
        currency,
        tuple(lines),
        given.coupons,
        given.discount.amount if given.discount else 0,
        given.payment,
        given.shipping,
    )
    context = Context(
        placement=given.placement,
        cart=cart,
        anchors=cart.lines,
        now=instant(moment(given.at), here).astimezone(UTC) if given.at else now,
        visitor=_visitor(given, zone),
        declined=frozenset(given.declined),
        capabilities=capabilities,
        policy=policy or Policy(),
        source=given.source,
        answers=frozenset(given.answers.items()),
    )
    return decide(context, book, explain=True)


def failures(expect: Expect, decision: Decision) -> Iterator[str]:
    """What is not as expected, each with what it is instead."""
    if expect.offers is not None:
        pairs = zip(expect.offers, decision.offers, strict=False)
        if len(expect.offers) != len(decision.offers) or not all(_meets(wanted, offer) for wanted, offer in pairs):
            yield _told("offers", _list(map(_wanted, expect.offers)), _list(map(_got, decision.offers)))
    verdicts = {verdict.rule: verdict for verdict in decision.rules}
    for name, code in expect.rules.items():
        verdict = verdicts.get(name)
        if verdict is None:
            yield _told(f"rule {name}", code, "there is no such rule")
        elif verdict.code is not code:
            yield _told(f"rule {name}", code, f"{verdict.code}. {verdict.sentence}")
    for drop in expect.dropped:
        found = [each for each in decision.trace if each.product == drop.product and drop.rule in (None, each.rule)]
        if not any(each.code is drop.code for each in found):
            by = f" (rule {drop.rule})" if drop.rule else ""
            got = ", ".join(each.code for each in found) or "it was no candidate that was dropped"
            yield _told(f"{drop.product}{by}", drop.code, got)


def _told(what: str, wanted: str, got: str) -> str:
    return f"{what}\n    expected: {wanted}\n    got:      {got}"


def _meets(wanted: ExpectedOffer, offer: Offer) -> bool:
    return (
        wanted.product == offer.product.ref
        and wanted.kind in (None, offer.kind)
        and wanted.rule in (None, offer.rule)
        and wanted.price in (None, Money(offer.quote.unit_price, offer.quote.currency))
    )


def _wanted(wanted: ExpectedOffer) -> str:
    price = money(wanted.price.amount, wanted.price.currency) if wanted.price else ""
    return _described(wanted.product, wanted.kind or "", price, wanted.rule)


def _got(offer: Offer) -> str:
    return _described(offer.product.ref, offer.kind, money(offer.quote.unit_price, offer.quote.currency), offer.rule)


def _described(product: str, kind: str, price: str, rule: str | None) -> str:
    by = "" if rule is None else f"by {rule}" if rule else "by no rule"
    return " ".join(filter(None, (kind, product, price, by)))


def _list(each: Iterator[str]) -> str:
    return "; ".join(each) or "none"


def _visitor(given: GoldenCart, zone: str) -> Visitor:
    customer = given.customer or Customer()
    last = instant(moment(customer.last_order), clock(given.zone or zone)) if customer.last_order else None
    return Visitor(
        given.key,
        customer.id if given.customer else None,
        frozenset(given.groups),
        given.country,
        given.language,
        customer.orders,
        last,
        None if customer.bought is None else frozenset(customer.bought),
        None if customer.bought_categories is None else frozenset(customer.bought_categories),
    )


def _product(ref: str, given: GoldenProduct) -> Product:
    return Product(
        ref,
        given.title or ref,
        given.price.amount,
        given.price.currency,
        category=given.category,
        stock=given.stock,
        hidden=given.hidden,
        attributes=given.attributes,
        period_months=given.period_months,
        brand=given.brand,
        tags=given.tags,
        cost=given.cost.amount if given.cost else None,
    )


def _weighed(weights: Mapping[str, float]) -> tuple[Affinity, ...]:
    """Affinities with evidence that is made up, strongest first."""
    ordered = sorted(weights, key=lambda ref: (-weights[ref], ref))
    return tuple([Affinity(ref, float(weights[ref]), 10, 100, 50, 1000) for ref in ordered])


# --- how they are written --------------------------------------------------------------------------------------------


def _one_group(given: Mapping[str, Any]) -> Mapping[str, Any]:
    if "group" not in given or "groups" in given:
        return given
    return {"groups" if key == "group" else key: value for key, value in given.items()}


def cart_problems(cart: GoldenCart) -> Iterator[tuple[str, str]]:
    """What is wrong with a cart: (field, sentence)."""
    for path, text, reader in (
        ("at", cart.at, moment),
        ("zone", cart.zone, clock),
        ("customer.last_order", cart.customer.last_order if cart.customer else None, moment),
    ):
        try:
            _ = text is None or reader(text)
        except RuleError as error:
            yield path, str(error)
    yield from ((f"cart[{at}].quantity", "is 1 at least") for at, line in enumerate(cart.cart) if line.quantity < 1)


def _file_problems(file: GoldenFile) -> Iterator[tuple[str | Steps, str]]:
    names = [cart.name for cart in file.carts]
    for at, name in enumerate(names):
        if name in names[:at]:
            yield f"carts[{at}].name", f"{name!r} is there already"
    for ref, product in (file.products or {}).items():
        if product.cost is not None and product.cost.currency != product.price.currency:
            yield ("products", ref, "cost"), f"is in another currency than the price, {product.price.currency}"
    for ref, leads in file.leads.items():
        for to, weight in (*leads.complements.items(), *leads.upgrades.items()):
            if not isinstance(weight, int | float) or isinstance(weight, bool):
                yield ("leads", ref), f"{to}: {weight!r} is no weight such as 0.5"
    if file.zone is not None:
        try:
            clock(file.zone)
        except RuleError as error:
            yield "zone", str(error)


FORMS.update(
    {
        Customer: Form(fields={"last_order": Moment}),
        GoldenCart: Form(fields={"at": Moment}, before=_one_group, check=cart_problems),
        GoldenFile: Form(check=_file_problems),
    }
)
