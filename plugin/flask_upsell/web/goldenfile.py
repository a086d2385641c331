"""The form of golden carts, and what is wrong with a file of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from marshmallow import ValidationError
from msgspec import structs

from ..core.kind import Kind, Placement
from ..core.money import Money
from ..core.offer import Code, RuleCode
from ..core.rule import Part
from ..core.season import clock, moment
from ..errors import RuleError
from .refusals import flat
from .rulefile import content, give_up
from .written import FORMS, Form, Moment, schema_of
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
    """An offer; what is left out may be anything. `product`: of a bundle all its products, "a+b"; of a programme
    "programme:" and its rule. `price` of one unit, or of a bundle. `beside`: a second rule whose discount is in it.
    `levels`: the steps that are compared with it."""

    product: str
    kind: Kind | None = None
    price: Money | None = None
    rule: str | None = None
    beside: str | None = None
    free_shipping: bool | None = None
    headline: str | None = None
    levels: tuple[str, ...] | None = None


class ExpectedDrop(Part, frozen=True, kw_only=True):
    """A candidate that is not offered."""

    product: str
    code: Code
    rule: str | None = None


class Expect(Part, frozen=True, kw_only=True):
    """`offers`: all of them in their order. `question`: the rule whose question is asked, "" for none. `reached`:
    the threshold that the cart has reached, [] for none. `rules` and `dropped`: these, among others."""

    offers: tuple[ExpectedOffer, ...] | None = None
    question: str | None = None
    reached: tuple[Money, ...] | None = None
    rules: dict[str, RuleCode] = {}
    dropped: tuple[ExpectedDrop, ...] = ()


class Bounds(Part, frozen=True, kw_only=True):
    """The policy's limits that are others than the store's."""

    max_offers: int | None = None
    max_upgrades: int | None = None
    max_page: int | None = None
    max_session: int | None = None
    complement_times: int | None = None
    price_gap_percent: int | None = None


class GoldenCart(Part, frozen=True, kw_only=True):
    """A cart and its shopper. `at`: local time in `zone`, now without one. `key`: the visitor's, for samples.

    `asked`, `seen`: questions that were skipped and products that were offered in this session; `elsewhere`: products
    that the page shows already. `spent`: rules whose limits are used up; `sold`: units ordered towards goals.
    """

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
    asked: tuple[str, ...] = ()
    seen: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()
    perks: tuple[str, ...] = ()
    consent: bool = True
    spent: tuple[str, ...] = ()
    sold: dict[str, int] = {}
    policy: Bounds = Bounds()
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

    `rules`: files and folders, seen from this file. `zone`: of the carts that name none, and of the rules. `policy`:
    of all carts, as far as they have none of their own.
    """

    carts: tuple[GoldenCart, ...]
    products: dict[str, GoldenProduct] | None = None
    leads: dict[str, Leads] = {}
    rules: tuple[str, ...] | None = None
    zone: str | None = None
    policy: Bounds = Bounds()


def read_carts(path: Path) -> GoldenFile:
    """Raises RuleFileError with all that is wrong."""
    file = str(path)
    root, problems = read(file, content(path))
    give_up(problems)
    try:
        given = _loaded(GoldenFile, root)
    except ValidationError as error:
        give_up([Problem(file, line_of(root, steps), steps, sentence) for steps, sentence in flat(error.messages)])
        raise
    carts = [structs.replace(cart, policy=_over(given.policy, cart.policy)) for cart in given.carts]
    return structs.replace(given, carts=tuple(carts))


def _over(general: Bounds, own: Bounds) -> Bounds:
    said = {name: value for name, value in structs.asdict(own).items() if value is not None}
    return structs.replace(general, **said)


def _loaded(part: type[P], root: Any) -> P:
    made: P = schema_of(part).load(root)
    return made


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
