"""What is encoded is decoded the same; what does not fit the schema is refused."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_upsell.core.affinity import NONE, Affinities, Affinity
from flask_upsell.core.book import EMPTY, Book, Lists, decode_affinities, decode_list, decode_product, encode
from flask_upsell.core.product import Product, Variant

from .build import book, leads, product

# Lone surrogates are no text: UTF-8, and with it JSON, cannot hold them.
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
WHOLE = st.integers(0, 10**15)
VARIANTS = st.builds(Variant, TEXT, TEXT, WHOLE, st.none() | WHOLE)
PRODUCTS = st.builds(
    Product, TEXT, TEXT, WHOLE, st.sampled_from(["EUR", "JPY"]), url=TEXT, image=st.none() | TEXT,
    category=st.none() | TEXT, stock=st.none() | WHOLE, hidden=st.booleans(),
    variants=st.lists(VARIANTS, max_size=3).map(tuple), attributes=st.dictionaries(TEXT, TEXT, max_size=3),
    period_months=st.none() | st.integers(1, 60),
)  # fmt: skip
AFFINITY = st.builds(Affinity, TEXT, st.floats(0, 1000), WHOLE, WHOLE, WHOLE, WHOLE)
AFFINITIES = st.lists(AFFINITY, max_size=4).map(tuple)


@given(PRODUCTS)
def test_a_product_comes_back_as_it_was(value: Product) -> None:
    assert decode_product(encode(value)) == value


@given(st.builds(Affinities, AFFINITIES, AFFINITIES))
def test_affinities_come_back_as_they_were(value: Affinities) -> None:
    assert decode_affinities(encode(value)) == value


@pytest.mark.parametrize(
    "title", ['12" lens, "pro"', "a,b;c\td", "line\nbreak\r\n", "<script>alert(1)</script>", "ünï€ 漢字 🦊", "\\N",
              "\0", "\u2028\u202e\ufeff", "%s {0} {{ x }}", "null", ""]
)  # fmt: skip
def test_a_strange_title_survives(title: str) -> None:
    value = Product("p", title, 1, "EUR", category=title, attributes={title: title})
    assert decode_product(encode(value)) == value


def test_what_has_its_default_is_not_written() -> None:
    assert encode(product("case", 2900)) == b'{"ref":"case","title":"The case","price":2900,"currency":"EUR"}'
    assert encode(NONE) == b"{}"


def test_an_affinity_is_an_array() -> None:
    assert encode(leads({"case": 0.5})) == b'{"complements":[["case",0.5,38,412,60,1000,0.0]]}'


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"garbage", b"null", b"[]", b"7", b'"text"', b"{}", b"\x80\x04\x95", b'{"ref":"p","title":"P","price":1}',
        b'{"ref":"p","title":"P","price":"12.50","currency":"EUR"}',
        b'{"ref":"p","title":"P","price":12.5,"currency":"EUR"}',
        b'{"ref":"p","title":"P","price":true,"currency":"EUR"}',
        b'{"ref":"p","title":"P","price":null,"currency":"EUR"}',
        b'{"ref":7,"title":"P","price":1,"currency":"EUR"}',
        b'{"ref":"p","title":"P","price":1,"currency":"EUR","stock":"many"}',
        b'{"ref":"p","title":"P","price":1,"currency":"EUR","hidden":1}',
        b'{"ref":"p","title":"P","price":1,"currency":"EUR","variants":{}}',
        b'{"ref":"p","title":"P","price":1,"currency":"EUR","variants":[{"ref":"s"}]}',
        b'{"ref":"p","title":"P","price":1,"currency":"EUR","attributes":{"a":1}}',
        b'{"ref":"p","title":"P","price":1,"currency":"EUR"',
        b'{"ref":"p","title":"P","price":1,"currency":"EUR"} {}',
        b'{"ref":"p","title":"\xff","price":1,"currency":"EUR"}',
    ],
)  # fmt: skip
def test_a_bad_product_is_refused(raw: bytes) -> None:
    # The readers of the book catch these two, nothing else.
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
        decode_product(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"null", b"[]", b'{"complements":{}}', b'{"complements":[{}]}', b'{"complements":["case"]}',
        b'{"complements":[["case",0.5,38,412,60]]}', b'{"complements":[["case","0.5",38,412,60,1000]]}',
        b'{"complements":[["case",null,38,412,60,1000]]}', b'{"complements":[["case",1e999,38,412,60,1000]]}',
        b'{"upgrades":[[7,0.5,38,412,60,1000]]}', b'{"upgrades":[["case",0.5,38.5,412,60,1000]]}', b'{"upgrades":null}',
    ],
)  # fmt: skip
def test_bad_affinities_are_refused(raw: bytes) -> None:
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
        decode_affinities(raw)


def test_fields_of_a_newer_writer_are_left_out() -> None:
    raw = b'{"ref":"p","title":"P","price":1,"currency":"EUR","colour":"red"}'
    assert decode_product(raw) == Product("p", "P", 1, "EUR")


def test_a_book_knows_where_a_product_leads() -> None:
    there = leads({"case": 0.5})
    full = book([product("case")], {"phone": there})
    assert full.leads_to("phone") is there
    assert full.leads_to("case") is NONE


def test_the_empty_book_leads_nowhere() -> None:
    assert Book("") == EMPTY
    assert EMPTY.leads_to("phone") is NONE


# --- lists -----------------------------------------------------------------------------------------------------------


def bought(**orders: int) -> Affinities:
    """What a product leads to, with how many orders each of those was in."""
    each = tuple(Affinity(ref, 0.5, 1, 1, count, 100) for ref, count in orders.items())
    return Affinities(upgrades=each[:1], complements=each[1:])


def listed(*products: Product, **orders: int) -> dict[str, tuple[str, ...]]:
    lists = Lists()
    for each in products:
        lists.add(each)
    lists.learn(bought(**orders))
    return dict(lists.best())


def test_every_category_its_parents_and_every_tag_has_a_list() -> None:
    grill, tongs = product("grill", category="Garden/Grills", tags=["new"]), product("tongs", category="Garden")
    assert listed(grill, tongs, product("plain")) == {
        "t:new": ("grill",), "c:Garden/Grills": ("grill",), "c:Garden": ("grill", "tongs"),
    }  # fmt: skip


def test_the_most_bought_come_first_then_the_catalogues_order() -> None:
    shelf = [product(ref, category="A") for ref in ("z", "b", "d", "c", "a")]
    assert listed(*shelf, a=5, b=7, c=5) == {"c:A": ("b", "c", "a", "z", "d")}


def test_hidden_products_are_in_no_list() -> None:
    assert listed(product("a", category="A", tags=["t"], hidden=True), product("b", category="A")) == {"c:A": ("b",)}


def test_a_list_has_the_fifty_most_bought() -> None:
    lists = Lists()
    for number in range(51):
        lists.add(product(f"p{number}", category="A"))
    lists.learn(bought(p50=1))
    ((_, refs),) = lists.best()
    assert refs == ("p50", *[f"p{number}" for number in range(49)])
    assert dict(lists.best(2)) == {"c:A": ("p50", "p0")}
    assert decode_list(encode(refs)) == refs
