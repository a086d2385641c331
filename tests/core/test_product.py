"""Stock, variants and what a better product has."""

from __future__ import annotations

import pytest

from flask_upsell.core.product import Product, Variant, gained, parents, within

from .build import product

SMALL, LARGE = Variant("s", "Small", 1000, stock=0), Variant("l", "Large", 1200, stock=3)


@pytest.mark.parametrize(
    ("stock", "quantity", "enough"),
    [(None, 1, True), (None, 10**9, True), (0, 1, False), (1, 1, True), (2, 3, False), (3, 3, True), (-1, 1, False)],
)
def test_stock_is_enough_for_a_quantity(stock: int | None, quantity: int, enough: bool) -> None:
    assert product("p", stock=stock).has(quantity) is enough


def test_one_variant_with_enough_is_enough() -> None:
    shirt = product("shirt", stock=0, variants=[SMALL, LARGE])
    assert shirt.has(3)
    assert not shirt.has(4)
    assert product("shirt", variants=[Variant("s", "Small", 1000)]).has(10**9)


def test_two_variants_do_not_add_up() -> None:
    assert not product("shirt", stock=99, variants=[LARGE, Variant("m", "Medium", 1100, stock=3)]).has(4)


def test_a_variant_is_found_by_reference() -> None:
    shirt = product("shirt", variants=[SMALL, LARGE])
    assert shirt.variant("l") is LARGE
    assert shirt.variant("xl") is None
    assert product("plain").variant("") is None


@pytest.mark.parametrize("url", ["/p/1", "https://shop.example/p", "http://127.0.0.1:5055/p", "//cdn.example/p"])
def test_a_link_leads_to_a_page(url: str) -> None:
    assert Product("p", "P", 1, "EUR", url=url).page == url


@pytest.mark.parametrize(
    "url", ["", "p/1", "javascript:alert(1)", " /p", "HTTPS", "data:text/html,x", "mailto:a@b.example"]
)
def test_what_is_no_link_leads_nowhere(url: str) -> None:
    assert Product("p", "P", 1, "EUR", url=url).page == ""


def compared(**attributes: str) -> Product:
    return Product("p", "P", 1000, "EUR", attributes=attributes)


def test_what_is_gained_are_the_attributes_that_differ() -> None:
    base = compared(Memory="8 GB", Screen="14 inch", Colour="grey")
    better = compared(Memory="16 GB", Screen="14 inch", Pen="included")
    assert gained(base, better) == [("Memory", "8 GB", "16 GB"), ("Pen", "", "included")]
    assert gained(base, base) == []


def test_what_is_gained_is_told_in_at_most_so_many_rows() -> None:
    better = compared(**{f"a{i}": "yes" for i in range(9)})
    assert [name for name, _, _ in gained(compared(), better)] == ["a0", "a1", "a2", "a3"]
    assert len(gained(compared(), better, most=2)) == 2


@pytest.mark.parametrize(
    ("category", "wanted", "inside"),
    [
        ("Garden", "Garden", True),
        ("Garden/Grills", "Garden", True),
        ("Garden/Grills/Gas", "Garden/Grills", True),
        ("Garden2", "Garden", False),
        ("Garden", "Garden/Grills", False),
        ("Home/Garden", "Garden", False),
        ("garden", "Garden", False),
        (None, "Garden", False),
    ],
)
def test_a_category_is_within_its_parents(category: str | None, wanted: str, inside: bool) -> None:
    assert within(category, wanted) is inside
    assert (wanted in parents(category)) is inside


def test_the_parents_of_a_category_are_itself_and_those_above_it() -> None:
    assert parents("Garden/Grills/Gas") == ["Garden/Grills/Gas", "Garden/Grills", "Garden"]
    assert parents("") == parents(None) == []
