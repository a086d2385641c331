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

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from ..core.affinity import Affinities, Affinity
from ..core.book import Book, Lists
from ..core.context import Capability, Cart, Context, Line, Policy, Visitor, forgotten, mark
from ..core.decision import decide
from ..core.followup import as_mail
from ..core.kind import Placement
from ..core.money import Money
from ..core.offer import Decision, Offer
from ..core.product import Product
from ..core.rules import RuleSet
from ..core.season import clock, instant, moment
from ..errors import BadInput
from .goldenfile import Customer, Expect, ExpectedOffer, GoldenCart, GoldenFile, GoldenProduct
from .written import money


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
    if given.spent or given.sold:
        rules = RuleSet(book.rules.book, book.rules.zone, book.rules.version, frozenset(given.spent), given.sold)
        book = msgspec.structs.replace(book, rules=rules)
    bounds = {name: value for name, value in msgspec.structs.asdict(given.policy).items() if value is not None}
    context = Context(
        placement=given.placement,
        cart=cart,
        anchors=cart.lines,
        now=instant(moment(given.at), here).astimezone(UTC) if given.at else now,
        visitor=_visitor(given, zone) if given.consent else forgotten(_visitor(given, zone)),
        declined=frozenset(given.declined),
        shown_elsewhere=frozenset(given.elsewhere),
        capabilities=capabilities,
        policy=msgspec.structs.replace(policy or Policy(), **bounds),
        source=given.source if given.consent else "",
        answers=frozenset(given.answers.items()),
        asked=frozenset([*given.asked, *given.answers]),
        seen=frozenset(map(mark, given.seen)) if given.consent else frozenset(),
        consent=given.consent,
    )
    if given.placement == Placement.MAIL:
        context = as_mail(context)
    return decide(context, book, explain=True)


def failures(expect: Expect, decision: Decision) -> Iterator[str]:
    """What is not as expected, each with what it is instead."""
    if expect.offers is not None:
        pairs = zip(expect.offers, decision.offers, strict=False)
        if len(expect.offers) != len(decision.offers) or not all(_meets(wanted, offer) for wanted, offer in pairs):
            yield _told("offers", _list(map(_wanted, expect.offers)), _list(map(_got, decision.offers)))
    if expect.question is not None:
        asked = decision.question.rule if decision.question is not None else ""
        if asked != expect.question:
            yield _told("question", expect.question or "none", asked or "none")
    if expect.reached is not None:
        near = decision.reached
        there = (Money(near.threshold, near.currency),) if near is not None else ()
        if there != expect.reached:
            yield _told("reached", _amounts(expect.reached), _amounts(there))
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


def _amounts(amounts: Sequence[Money]) -> str:
    return ", ".join(money(each.amount, each.currency) for each in amounts) or "none"


def _told(what: str, wanted: str, got: str) -> str:
    return f"{what}\n    expected: {wanted}\n    got:      {got}"


def _meets(wanted: ExpectedOffer, offer: Offer) -> bool:
    return (
        wanted.product == offer.ref
        and wanted.kind in (None, offer.kind)
        and wanted.rule in (None, offer.rule)
        and wanted.price in (None, Money(offer.quote.unit_price, offer.quote.currency))
        and wanted.beside in (None, offer.beside)
        and wanted.free_shipping in (None, offer.quote.free_shipping)
        and wanted.headline in (None, offer.copy.headline if offer.copy else "")
        and wanted.levels in (None, tuple([level.product.ref for level in offer.levels]))
    )


def _wanted(wanted: ExpectedOffer) -> str:
    price = money(wanted.price.amount, wanted.price.currency) if wanted.price else ""
    more = [f"beside {wanted.beside}"] if wanted.beside else []
    more += [] if wanted.free_shipping is None else [f"free shipping: {wanted.free_shipping}"]
    more += [] if wanted.levels is None else [f"beside it {', '.join(wanted.levels) or 'no level'}"]
    return "; ".join(
        [_described(wanted.product, wanted.kind or "", price, wanted.rule), *more, *filter(None, [wanted.headline])]
    )


def _got(offer: Offer) -> str:
    price = money(offer.quote.unit_price, offer.quote.currency)
    more = [f"beside {offer.beside}"] if offer.beside else []
    more += ["free shipping"] if offer.quote.free_shipping else []
    more += [f"beside it {', '.join(level.product.ref for level in offer.levels)}"] if offer.levels else []
    headline = offer.copy.headline if offer.copy else ""
    return "; ".join([_described(offer.ref, offer.kind, price, offer.rule), *more, *filter(None, [headline])])


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
        perks=frozenset(given.perks),
    )


def _product(ref: str, given: GoldenProduct) -> Product:
    return Product(
        ref,
        given.title or ref,
        given.price.amount,
        given.price.currency,
        url=f"/{ref}",
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
