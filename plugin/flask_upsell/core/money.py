"""Money is an integer in minor units (cents) and an ISO 4217 code; a float never holds it."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import cache, lru_cache

import msgspec
from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.numbers import format_currency, get_currency_precision

from ..errors import BadInput
from .words import objection

#: 10^15 minor units: more than any cart, less than SQLite's and JavaScript's exact integers.
LARGEST = 10**15


#: Where the digits of CLDR's numbering systems begin in Unicode, for languages that use others than 0 to 9.
ZEROS = {
    "arab": 0x0660, "arabext": 0x06F0, "beng": 0x09E6, "deva": 0x0966, "mymr": 0x1040, "olck": 0x1C50, "tibt": 0x0F20,
    "adlm": 0x1E950, "cakm": 0x11136, "hmnp": 0x1E140, "nkoo": 0x07C0, "mtei": 0xABF0,
}  # fmt: skip


class Money(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """An amount in minor units."""

    amount: int
    currency: str


@cache
def exponent(currency: str) -> int:
    """Digits after the point: 2 for EUR, 0 for JPY, 3 for KWD. Unknown codes raise BadInput."""
    if currency not in get_global("all_currencies"):
        raise BadInput(
            "currency", objection("{currency} is not an ISO 4217 code such as 'EUR'", currency=repr(currency))
        )
    return get_currency_precision(currency)


def to_minor(amount: str | int | Decimal, currency: str) -> int:
    """12.345 EUR -> 1235: major units to minor units, half up. Raises BadInput for what is not a finite number."""
    try:
        value = Decimal(amount)
    except (InvalidOperation, ValueError, TypeError):
        raise BadInput(
            "amount", objection("{amount} is not a decimal number such as 12.50", amount=repr(amount))
        ) from None
    # adjusted() is the place of the first digit: 10^999999999 is refused before anybody works it out.
    if not value.is_finite() or value.adjusted() > 18:
        raise BadInput("amount", objection("{amount} is not an amount of money", amount=repr(amount)))
    minor = int(value.scaleb(exponent(currency)).quantize(Decimal(1), rounding=ROUND_HALF_UP))
    if abs(minor) > LARGEST:
        raise BadInput("amount", objection("{amount} is more than anything costs", amount=repr(amount)))
    return minor


def to_major(minor: int, currency: str) -> Decimal:
    """1235 EUR minor units -> Decimal('12.35')."""
    return Decimal(minor).scaleb(-exponent(currency))


@lru_cache(maxsize=4096)
def format_money(minor: int, currency: str, locale: str = "en") -> str:
    """The amount as people of `locale` write it, in their digits: 1235, 'EUR', 'de' -> '12,35 €'. Cached: Babel takes
    40 µs a call."""
    try:
        parsed = Locale.parse(locale.replace("-", "_"))
    except (ValueError, UnknownLocaleError):
        parsed = Locale("en")
    written = format_currency(to_major(minor, currency), currency, locale=parsed, numbering_system="default")
    return own_digits(written, parsed)


def own_digits(written: str, locale: Locale) -> str:
    """Digits as the language writes them; Babel changes the marks between them only."""
    zero = ZEROS.get(locale.default_numbering_system)
    return written if zero is None else written.translate({ord("0") + digit: zero + digit for digit in range(10)})
