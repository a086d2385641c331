"""The one place where an offer's price is made."""

from __future__ import annotations

from flask_upsell.core.offer import Kind, Quote
from flask_upsell.core.pricing import quote

from .build import line, product


def test_a_complement_is_one_unit_at_its_price() -> None:
    made = quote(Kind.COMPLEMENT, product("case", 2900), line("phone", 60_000, 3))
    assert made == Quote("EUR", 2900, 1, None)
    assert (made.difference, made.total) == (2900, 2900)


def test_an_upgrade_keeps_the_quantity_and_costs_the_difference() -> None:
    made = quote(Kind.UPGRADE, product("plus", 72_000), line("phone", 60_000, 3))
    assert made == Quote("EUR", 72_000, 3, 60_000)
    assert (made.difference, made.total) == (12_000, 36_000)


def test_an_upgrade_of_a_reduced_line_costs_the_difference_to_what_is_paid_now() -> None:
    assert quote(Kind.UPGRADE, product("plus", 72_000), line("phone", 59_000)).difference == 13_000


def test_an_upgrade_of_a_free_line_costs_its_price() -> None:
    made = quote(Kind.UPGRADE, product("basic", 499, months=1), line("free", 0))
    assert (made.replaces, made.difference, made.total) == (0, 499, 499)


def test_an_upgrade_of_what_is_only_looked_at_replaces_nothing() -> None:
    made = quote(Kind.UPGRADE, product("plus", 72_000), line("phone", 60_000, ref=""))
    assert (made.replaces, made.difference, made.total) == (None, 72_000, 72_000)


def test_the_currency_is_the_products() -> None:
    assert quote(Kind.COMPLEMENT, product("case", 2900, currency="JPY"), line("phone")).currency == "JPY"
