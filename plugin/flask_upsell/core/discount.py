"""Take a rule's discount off an offered line, or say why not. All amounts are minor units, all arithmetic is integer.

The base is always the store's price of now, never one that was reduced already, and no shopper is asked about: the
same line has the same price for everybody a rule is for. What would go below a floor is refused, not made dearer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Protocol, TypeVar

import msgspec

from ..errors import BadInput
from .money import LARGEST, Money, exponent
from .offer import Code
from .rule import Class, Discount, Floor, Off, Rule
from .words import objection

S = TypeVar("S", bound="Saving")
#: 100 % in hundredths of a percent.
WHOLE = 10_000


class Priced(msgspec.Struct, frozen=True, gc=False):
    """A line with its discount. `unit_price`: what a unit costs without; `off`: taken off the whole line, that is off
    `discounted` of its units; `free_shipping` takes nothing off the line."""

    currency: str
    unit_price: int
    quantity: int
    off: int
    discounted: int
    free_shipping: bool = False

    @property
    def total(self) -> int:
        return self.unit_price * self.quantity - self.off

    @property
    def lowest(self) -> int:
        """The price of the cheapest unit."""
        return self.unit_price - (-(-self.off // self.discounted) if self.off else 0)

    @property
    def even_price(self) -> int | None:
        """What every unit costs, for stores that keep one price a line; None when units cost different amounts."""
        if self.lowest * self.quantity == self.total:
            return self.lowest
        return None

    def units(self) -> list[int]:
        """The price of every unit, discounted ones first. They sum to the total."""
        reduced = [self.unit_price - part for part in spread(self.off, [1] * self.discounted)]
        return reduced + [self.unit_price] * (self.quantity - self.discounted)


def apply(discount: Discount, unit_price: int, currency: str, quantity: int, *, cost: int | None) -> Priced | Code:
    """The line with the discount, or why there is none.

    `unit_price` and `cost` of one unit, in the cart's `currency`; `cost` None when it is not known. Percent, amount
    and price hold for each discounted unit, `most` for the line. Free shipping takes nothing off, but what costs less
    than the floor as it is does not get it either. Raises BadInput for a line that no cart can have.
    """
    if unit_price < 0:
        raise BadInput("unit_price", objection("a price is not negative"))
    if quantity < 1:
        raise BadInput("quantity", objection("a line has at least one unit"))
    line = _reduce(discount, unit_price, currency, quantity)
    if isinstance(line, Code):
        return line
    return _below(discount.floor, line.lowest, currency, cost) or line


def _reduce(discount: Discount, unit_price: int, currency: str, quantity: int) -> Priced | Code:
    """The line with the discount, whatever the floors above zero say."""
    if discount.off is Off.FREE_SHIPPING:
        return Priced(currency, unit_price, quantity, 0, 0, free_shipping=True)
    each = _off_each(discount, unit_price, currency)
    most = _held(discount.most, currency)
    if each is None or (discount.most and most is None):
        return Code.OTHER_CURRENCY
    if each > unit_price:
        return Code.BELOW_FLOOR
    units = quantity if discount.most_units is None else min(quantity, discount.most_units)
    off = each * units if most is None else min(each * units, most)
    return Priced(currency, unit_price, quantity, off, units) if each > 0 and off > 0 else Code.NO_SAVING


def _off_each(discount: Discount, unit_price: int, currency: str) -> int | None:
    """What one unit costs less, before caps; None when the discount has no amount in this currency."""
    match discount.off:
        case Off.PERCENT:
            return _half_up(unit_price * discount.percent, WHOLE)
        case Off.AMOUNT:
            return _held(discount.amount, currency)
        case Off.PRICE:
            price = _held(discount.price, currency)
            return None if price is None else unit_price - price
        case _:
            return unit_price


def _half_up(part: int, whole: int) -> int:
    """The quotient of two amounts that are not negative. Of a saving and of a refund, half a cent is the shopper's."""
    return (part * 2 + whole) // (whole * 2)


def _held(amounts: tuple[Money, ...], currency: str) -> int | None:
    return next((money.amount for money in amounts if money.currency == currency), None)


def _below(floor: Floor, price: int, currency: str, cost: int | None) -> Code | None:
    """Why a unit may not cost so little. A floor that cannot be worked out lets nothing through."""
    if floor.price:
        least = _held(floor.price, currency)
        if least is None:
            return Code.OTHER_CURRENCY
        if price < least:
            return Code.BELOW_FLOOR
    if not floor.cost and floor.margin_percent is None:
        return None
    if cost is None:
        return Code.UNKNOWN_COST
    if floor.cost and price < cost:
        return Code.BELOW_FLOOR
    if floor.margin_percent is not None and (price - cost) * 100 < price * floor.margin_percent:
        return Code.BELOW_FLOOR
    return None


def lowest(floor: Floor, currency: str, cost: int | None) -> int | Code:
    """How little a unit may cost at least, in minor units; 0 without a floor, a Code where it cannot be worked out."""
    least = _held(floor.price, currency) if floor.price else 0
    if least is None:
        return Code.OTHER_CURRENCY
    if not floor.cost and floor.margin_percent is None:
        return least
    if cost is None:
        return Code.UNKNOWN_COST
    if floor.cost:
        least = max(least, cost)
    if floor.margin_percent is not None:
        # Rounded up: at a whole minor unit less the margin is not there.
        least = max(least, -(-cost * 100 // (100 - floor.margin_percent)))
    return least


def may_combine(discount: Discount, *, coupon: bool, store_classes: frozenset[Class]) -> Code | None:
    """Why the discount may not stand beside a coupon in the cart, or the store's own discounts of these classes."""
    if coupon and not discount.with_coupon:
        return Code.WITH_COUPON
    return None if store_classes.issubset(discount.combines) else Code.NO_COMBINING


def pair_combines(a: Rule, b: Rule) -> bool:
    """Whether what both rules take off may stand on one line: each names the other, or one of them takes nothing."""
    if a.discount is None or b.discount is None:
        return True
    return a.name != b.name and b.name in a.discount.with_rules and a.name in b.discount.with_rules


def beside(
    one: Discount, other: Discount, unit_price: int, currency: str, quantity: int, *, cost: int | None
) -> int | Code:
    """What one unit costs when both discounts stand on its line, each taken off the price without any; or why not.

    Both must take the same off every unit, and neither's floor is broken by the two together.
    """
    price = unit_price
    for discount in (one, other):
        line = _reduce(discount, unit_price, currency, quantity)
        if isinstance(line, Code):
            return line
        even = line.even_price
        if even is None:
            return Code.UNEVEN
        price -= unit_price - even
    if price < 0:
        return Code.BELOW_FLOOR
    below = [_below(discount.floor, price, currency, cost) for discount in (one, other)]
    return next((code for code in below if code is not None), price)


def together(discount: Discount, prices: Sequence[int], currency: str, costs: Sequence[int | None]) -> list[int] | Code:
    """What each product of a bundle costs: the discount is taken off their sum, and spread over them as their prices
    are. A floor's price is for the sum, its cost and margin for each."""
    whole = _reduce(discount, sum(prices), currency, 1)
    if isinstance(whole, Code):
        return whole
    reduced = [price - off for price, off in zip(prices, spread(whole.off, prices), strict=True)]
    floor = msgspec.structs.replace(discount.floor, price=())
    below = [_below(floor, price, currency, cost) for price, cost in zip(reduced, costs, strict=True)]
    least = _below(Floor(price=discount.floor.price), whole.total, currency, None)
    return next((code for code in [least, *below] if code is not None), reduced)


class Saving(Protocol):
    """What discounts compete by: what is taken off, in minor units, and whether it is sent free."""

    @property
    def off(self) -> int: ...

    @property
    def free_shipping(self) -> bool: ...


def best(options: Sequence[tuple[Rule, S]]) -> tuple[Rule, S] | None:
    """The option that takes most off; a gift takes off its normal price. None when there are no options.

    All are of one currency. Of equals the one with free shipping, then of the higher priority, then by name, then the
    first given.
    """

    def place(option: tuple[Rule, S]) -> tuple[int, bool, int, str]:
        rule, line = option
        return -line.off, not line.free_shipping, -rule.priority, rule.name

    return min(options, key=place, default=None)


def spread(total: int, weights: Sequence[int]) -> list[int]:
    """`total` in parts that are as the weights (not negative) are, by largest remainder; of equals the first has more.

    Each part is less than 1 away from its exact share, and none exceeds its weight if `total` does not exceed the sum.
    """
    whole = sum(weights)
    if total < 0 or any(weight < 0 for weight in weights) or (total and not whole):
        raise BadInput(
            "total", objection("{total} cannot be spread over weights of {whole} in all", total=total, whole=whole)
        )
    if not total:
        return [0] * len(weights)
    parts = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda at: -(total * weights[at] % whole))
    for at in by_remainder[: total - sum(parts)]:
        parts[at] += 1
    return parts


def refund(line: Priced, units: int, already: int = 0) -> int:
    """What is given back for `units` of the line after `already` others.

    Nobody can tell which of its units come back, so each is worth the same share of the total. What has come back so
    far is rounded, never a step for itself: all units give the total, in whatever steps. Raises BadInput for more units
    than are left.
    """
    if units < 0 or already < 0 or already + units > line.quantity:
        raise BadInput(
            "units",
            objection(
                "{units} after {already} of {quantity} cannot be refunded",
                units=units,
                already=already,
                quantity=line.quantity,
            ),
        )
    after, before = (_half_up(line.total * back, line.quantity) for back in (already + units, already))
    return after - before


# --- what the merchant is told --------------------------------------------------------------------------------------


def check(discount: Discount) -> list[tuple[str, str]]:
    """What is wrong with a discount as it was written: (field, why); "amount.1" is the second one of `amount`."""
    found = list(_check_kind(discount))
    if discount.percent and not 1 <= discount.percent <= WHOLE:
        found.append(("percent", objection("must be between 1 (0.01 %) and 10000 (100 %)")))
    found += _check_amounts("amount", discount.amount, 1)
    # What costs nothing is a gift, which is shown as one.
    found += _check_amounts("price", discount.price, 1)
    found += _check_amounts("most", discount.most, 1)
    if discount.most_units is not None and discount.most_units < 1:
        found.append(("most_units", objection("must be at least 1")))
    if len(set(discount.with_rules)) < len(discount.with_rules) or "" in discount.with_rules:
        found.append(("with_rules", objection("must be names of rules, each once")))
    found += _check_floor(discount)
    found += _check_currencies(discount)
    return found


def breaks_own_floor(discount: Discount, product_price: int, cost: int | None, currency: str) -> Code | None:
    """Why one unit of this product would not be offered with the discount: a floor, or a cost that is not known.

    One unit is the test: a cap is for the line, so more units never have more off each.
    """
    line = apply(discount, product_price, currency, 1, cost=cost)
    return line if line in (Code.BELOW_FLOOR, Code.UNKNOWN_COST) else None


def _check_kind(discount: Discount) -> Iterator[tuple[str, str]]:
    """A percent has a percent, an amount an amount, a price a price, and only these; caps where they mean something."""
    kind = discount.off
    for field, given in (("percent", discount.percent), ("amount", discount.amount), ("price", discount.price)):
        if field == kind and not given:
            yield field, objection("is needed for a discount of the kind {value}", value=repr(kind.value))
        if field != kind and given:
            yield field, objection("does not belong to a discount of the kind {value}", value=repr(kind.value))
    if discount.most and kind not in (Off.PERCENT, Off.AMOUNT):
        yield "most", objection("does not belong to a discount of the kind {value}", value=repr(kind.value))
    if discount.most_units is not None and kind is Off.FREE_SHIPPING:
        yield "most_units", objection("does not belong to a discount of the kind {value}", value=repr(kind.value))


def _check_amounts(field: str, amounts: tuple[Money, ...], least: int) -> Iterator[tuple[str, str]]:
    times = Counter(money.currency for money in amounts)
    for at, money in enumerate(amounts):
        try:
            exponent(money.currency)
        except BadInput:
            yield (
                f"{field}.{at}",
                objection("{currency} is not an ISO 4217 code such as 'EUR'", currency=repr(money.currency)),
            )
        if not least <= money.amount <= LARGEST:
            yield (
                f"{field}.{at}",
                objection("must be between {least} and {largest} minor units", least=least, largest=LARGEST),
            )
    yield from (
        (field, objection("has {currency} more than once", currency=currency))
        for currency, count in times.items()
        if count > 1
    )


def _check_floor(discount: Discount) -> Iterator[tuple[str, str]]:
    floor = discount.floor
    if floor.margin_percent is not None and not 0 <= floor.margin_percent <= 99:
        yield "floor.margin_percent", objection("must be between 0 and 99")
    yield from _check_amounts("floor.price", floor.price, 0)
    for least in floor.price:
        price = 0 if discount.off is Off.GIFT else _held(discount.price, least.currency)
        if price is not None and price < least.amount:
            yield (
                "floor.price",
                objection(
                    "is above the rule's own price in {currency}, so nothing would be offered", currency=least.currency
                ),
            )


def _check_currencies(discount: Discount) -> Iterator[tuple[str, str]]:
    """An amount that is missing in one currency turns the whole discount off in it, which nobody means."""
    fields = {
        "amount": discount.amount,
        "price": discount.price,
        "most": discount.most,
        "floor.price": discount.floor.price,
    }
    meant = dict.fromkeys(money.currency for amounts in fields.values() for money in amounts)
    for field, amounts in fields.items():
        missing = [currency for currency in meant if _held(amounts, currency) is None]
        if amounts and missing:
            yield (
                field,
                objection("has no amount in {known}, so nothing would be offered there", known=", ".join(missing)),
            )
