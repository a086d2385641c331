"""The store in memory keeps the contract, and what only it has."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
import pytest

from flask_upsell import MemoryStore, Product
from flask_upsell.core.context import Capability, Cart, Line
from flask_upsell.core.ports import Done, Order, OrderLine, Refused
from flask_upsell.core.product import Variant
from tests.adapters.stores_contract import GOODS, NOON, Shop, StoreContract


class MemoryShop:
    """The shop of the contract in dicts."""

    def __init__(self) -> None:
        goods = (Product(f"m{n}", g[0], g[1], "EUR", stock=g[2], hidden=g[3]) for n, g in GOODS.items())
        self.store = MemoryStore(goods, urls={"cart": "/cart"})

    def ref(self, number: int) -> str:
        return f"m{number}"

    def be(self, visitor: str | None) -> None:
        self.store.visitor_key = visitor or ""

    def reprice(self, number: int, price: int) -> None:
        ref = self.ref(number)
        self.store.shelf[ref] = msgspec.structs.replace(self.store.shelf[ref], price=price)

    def order(self, ref: str, lines: Sequence[tuple[int, int, int]], at: datetime, customer: str | None = None) -> None:
        placed = tuple(Line("", self.ref(number), quantity, price) for number, quantity, price in lines)
        self.store.placed[ref] = Order(ref, "EUR", placed, customer)
        self.store.past.extend(OrderLine(ref, li.product, li.quantity, li.unit_price, at, customer) for li in placed)


class TestMemory(StoreContract):
    """The suite."""

    @pytest.fixture
    def shop(self) -> Shop:
        return MemoryShop()


SHIRT = Product("shirt", "Shirt", 1000, "EUR", variants=(Variant("s", "S", 900, 1), Variant("l", "L", 1100)))


def test_a_variant_has_its_own_price_and_stock() -> None:
    store = MemoryStore([SHIRT])
    assert isinstance(store.add("shirt", "s", 2), Refused)
    assert store.add("shirt", "l", 2) == Done("1")
    assert store.cart().lines == (Line("1", "shirt", 2, 1100, "l"),)
    assert isinstance(store.add("shirt", "xxl", 1), Refused)


def test_the_cart_that_a_page_has_loaded_is_taken_as_it_is() -> None:
    given = Cart("EUR", (Line("9", "shirt", 1, 1),))
    assert MemoryStore([SHIRT]).cart(given) is given


def test_an_order_is_made_of_the_cart() -> None:
    store = MemoryStore([SHIRT], customer="ada")
    store.add("shirt", "l", 2)
    order = store.place_order("1", NOON)
    assert store.order("1") == order == Order("1", "EUR", (Line("1", "shirt", 2, 1100, "l"),), "ada")
    assert list(store.orders()) == [OrderLine("1", "shirt", 2, 1100, NOON, "ada")]
    store.empty_cart()
    assert store.cart().lines == ()


def test_capabilities_are_those_that_were_given() -> None:
    assert MemoryStore().capabilities == frozenset(Capability)
    assert MemoryStore(capabilities=frozenset()).capabilities == frozenset()
