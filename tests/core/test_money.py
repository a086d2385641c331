"""Minor units, whole and exact; nothing that is not an amount becomes one."""

from __future__ import annotations

from decimal import Decimal
from unicodedata import numeric

import pytest
from babel import Locale
from babel.localedata import locale_identifiers
from hypothesis import given
from hypothesis import strategies as st

from flask_upsell.core.money import LARGEST, ZEROS, exponent, format_money, to_major, to_minor
from flask_upsell.errors import BadInput


@pytest.mark.parametrize(("currency", "digits"), [("EUR", 2), ("USD", 2), ("JPY", 0), ("KWD", 3)])
def test_a_currency_has_its_digits(currency: str, digits: int) -> None:
    assert exponent(currency) == digits


@pytest.mark.parametrize("currency", ["", "eur", "EURO", "XXZ", "€", "../EUR"])
def test_an_unknown_currency_is_bad_input(currency: str) -> None:
    with pytest.raises(BadInput, match="ISO 4217") as caught:
        exponent(currency)
    assert caught.value.field == "currency"


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("12.34", "EUR", 1234), ("12.345", "EUR", 1235), ("12.3449", "EUR", 1234), ("-12.345", "EUR", -1235),
        ("0.005", "EUR", 1), ("0.004999", "EUR", 0), ("1.005", "EUR", 101), ("0", "EUR", 0), ("1e3", "EUR", 100_000),
        (7, "EUR", 700), (Decimal("0.1"), "EUR", 10),
        ("1234.5", "JPY", 1235), ("1234.4", "JPY", 1234), ("1.2345", "KWD", 1235),
    ],
)  # fmt: skip
def test_major_to_minor_is_rounded_half_up(amount: str | int | Decimal, currency: str, minor: int) -> None:
    found = to_minor(amount, currency)
    assert found == minor
    assert type(found) is int


@pytest.mark.parametrize(
    "amount", ["", "twelve", "12,50", "12.50 €", "NaN", "sNaN", "Infinity", "-inf", "0x10", "1e40", "--1"]
)
def test_what_is_no_amount_is_bad_input(amount: str) -> None:
    with pytest.raises(BadInput) as caught:
        to_minor(amount, "EUR")
    assert caught.value.field == "amount"


def test_nothing_at_all_is_bad_input() -> None:
    with pytest.raises(BadInput):
        to_minor(None, "EUR")  # type: ignore[arg-type]


def test_an_exponent_beyond_decimals_own_range_is_bad_input() -> None:
    with pytest.raises(BadInput):
        to_minor("1e999999999", "EUR")


def test_next_to_nothing_is_nothing() -> None:
    assert to_minor("1e-999999999", "EUR") == 0


@pytest.mark.parametrize(("currency", "largest"), [("EUR", "10000000000000"), ("JPY", "1000000000000000"),
                                                   ("KWD", "1000000000000")])  # fmt: skip
def test_the_largest_amount_is_counted_in_minor_units(currency: str, largest: str) -> None:
    assert to_minor(largest, currency) == LARGEST
    for beyond in (Decimal(largest) + 1, -Decimal(largest) - 1):
        with pytest.raises(BadInput):
            to_minor(beyond, currency)


def test_the_largest_amount_is_exact_in_sqlite_and_javascript() -> None:
    assert LARGEST < 2**53


@given(st.integers(-LARGEST, LARGEST), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_minor_to_major_and_back_is_the_same(minor: int, currency: str) -> None:
    assert to_minor(to_major(minor, currency), currency) == minor


def test_major_units_are_decimals() -> None:
    assert to_major(1235, "EUR") == Decimal("12.35")
    assert to_major(1235, "JPY") == Decimal("1235")


@pytest.mark.parametrize(
    ("minor", "currency", "locale", "text"),
    [
        (1235, "EUR", "en", "€12.35"),
        (1235, "EUR", "de", "12,35\xa0€"),
        (123_456_789, "EUR", "de_DE", "1.234.567,89\xa0€"),
        (1235, "JPY", "en", "¥1,235"),
        (1235, "KWD", "en", "KWD1.235"),
        (-80, "EUR", "en", "-€0.80"),
        (0, "EUR", "en", "€0.00"),
        (123_456, "EUR", "ar-EG", "\u200f\u0661\u066c\u0662\u0663\u0664\u066b\u0665\u0666\xa0€"),
        (123_456, "INR", "mr", "₹१,२३४.५६"),
    ],
)
def test_money_is_written_as_people_of_a_locale_write_it(minor: int, currency: str, locale: str, text: str) -> None:
    assert format_money(minor, currency, locale) == text


def test_the_digits_of_every_language_are_known() -> None:
    """Shown red with one numbering system left out."""
    systems = {Locale.parse(name).default_numbering_system for name in locale_identifiers()}
    assert systems == {"latn", *ZEROS}
    assert all(numeric(chr(zero + digit)) == digit for zero in ZEROS.values() for digit in range(10))


@pytest.mark.parametrize("locale", ["", "xx", "C", "../de", "de\0"])
def test_an_unknown_locale_is_written_in_english(locale: str) -> None:
    assert format_money(1235, "EUR", locale) == "€12.35"


def test_a_web_language_tag_is_a_locale() -> None:
    assert format_money(123_456, "EUR", "de-DE") == format_money(123_456, "EUR", "de_DE") == "1.234,56\xa0€"
