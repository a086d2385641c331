"""Adding up a cart and turning it into an order. Amounts are integers in minor units of the store's one currency."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from secrets import choice
from typing import Final, Protocol

from sqlalchemy import CursorResult, delete, or_, update
from sqlalchemy.orm import Session

from flask_upsell.demo.models import Cart, CartLine, Order, OrderLine, Product, utc_now

COUPON: Final = "WELCOME10"
COUPON_PERCENT: Final = 10
MOST_PIECES: Final = 99

# Without the letters and digits that are mistaken for each other on the telephone.
_SIGNS: Final = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"


class NotPlaced(Exception):
    """The cart cannot be ordered as it is; `reason` is a sentence for the shopper, and nothing was changed for good."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Priced(Protocol):
    """A line of a cart or of an order."""

    @property
    def total_minor(self) -> int:
        """What the line costs, in minor units."""


@dataclass(frozen=True, slots=True)
class Totals:
    """`goods` less `discount` is `due`, in minor units."""

    goods: int
    discount: int

    @property
    def due(self) -> int:
        """What is to be paid, in minor units."""
        return self.goods - self.discount


def add_up(lines: Iterable[Priced], coupon: str | None) -> Totals:
    """The totals; the coupon's share is rounded half up, once, on the sum."""
    goods = sum(line.total_minor for line in lines)
    return Totals(goods, (goods * COUPON_PERCENT + 50) // 100 if coupon == COUPON else 0)


def read_quantity(text: str) -> int | None:
    """The whole number from 1 to 99 that was typed, or None for anything else."""
    text = text.strip()
    # isdigit alone would let ² and other scripts' digits through.
    if len(text) > 3 or not (text.isascii() and text.isdigit()):
        return None
    number = int(text)
    return number if 1 <= number <= MOST_PIECES else None


def enough(product: Product, pieces: int) -> bool:
    """Whether so many pieces can be sold now."""
    return not product.hidden and (product.stock is None or product.stock >= pieces)


def shortage(product: Product) -> str:
    """A sentence that says why some pieces could not be had."""
    if product.hidden:
        return f"{product.title} is no longer sold."
    if not product.stock:
        return f"{product.title} is out of stock."
    return f"We have {product.stock} of {product.title} in stock."


def place(
    session: Session, lines: Sequence[CartLine], coupon: str | None, name: str, customer: str | None, cart_key: str
) -> Order:
    """Write the order, take its pieces from stock and empty the cart: flushed, not committed.

    Raises NotPlaced when something sold out meanwhile, or when the same cart is being ordered in another window; the
    caller then rolls back.
    """
    # The lines are removed first: of two identical requests only one finds them all.
    gone = _rows(
        session, delete(CartLine).where(CartLine.cart_key == cart_key, CartLine.id.in_([line.id for line in lines]))
    )
    if gone != len(lines):
        raise NotPlaced("Your cart has changed meanwhile. Please look at it again.")
    products = {line.sku: line.product for line in lines}
    wanted = Counter[str]()
    for line in lines:
        wanted[line.sku] += line.quantity
    # In one fixed order, so that two orders of the same products never wait for each other.
    for sku, pieces in sorted(wanted.items()):
        in_stock = or_(Product.stock.is_(None), Product.stock >= pieces)
        sellable = update(Product).where(Product.sku == sku, Product.hidden.is_(False), in_stock)
        # NULL less a number stays NULL: unlimited stays unlimited.
        if _rows(session, sellable.values(stock=Product.stock - pieces)) != 1:
            session.refresh(products[sku])
            raise NotPlaced(f"{shortage(products[sku])} Please change your cart.")
    session.execute(delete(Cart).where(Cart.key == cart_key), execution_options={"synchronize_session": False})
    order = Order(
        number=new_number(), customer=customer, cart_key=cart_key, name=name, placed_at=utc_now(), coupon=coupon
    )  # fmt: skip
    order.lines = [
        OrderLine(sku=line.sku, quantity=line.quantity, unit_price_minor=line.unit_price_minor) for line in lines
    ]
    session.add(order)
    session.flush()
    return order


def new_number() -> str:
    """An order number that cannot be guessed from another one: ten signs, as in "H7KQ2-MXW4R"."""
    signs = "".join(choice(_SIGNS) for _ in range(10))
    return f"{signs[:5]}-{signs[5:]}"


def _rows(session: Session, statement: object) -> int:
    """How many rows an UPDATE or DELETE met; objects in the session are left as they were read."""
    result = session.execute(statement, execution_options={"synchronize_session": False})  # type: ignore[call-overload]
    return result.rowcount if isinstance(result, CursorResult) else 0
