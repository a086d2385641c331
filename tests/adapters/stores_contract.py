"""What every adapter to a host's shop keeps: one suite, run by `stores/test_….py` against each of them.

A `Shop` is the host: it has four products, carts of several visitors and past orders, and speaks of them by number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Protocol

import pytest

from flask_upsell.core.context import Capability, Line
from flask_upsell.core.ports import Done, OrderLine, Refused, Store
from flask_upsell.core.product import Product

BAG, LAPTOP, HIDDEN, SOLD_OUT = 1, 2, 3, 4
#: number -> title, price (minor units of EUR), stock, hidden
GOODS: dict[int, tuple[str, int, int | None, bool]] = {
    BAG: ("Bag", 1999, 5, False),
    LAPTOP: ("Laptop", 99900, None, False),
    HIDDEN: ("Hidden", 500, None, True),
    SOLD_OUT: ("Sold out", 700, 0, False),
}
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
NONSENSE = ("", "no-such", "-1", "0", "1.5", "NaN", "x'; --", "ключ 🔑", "9" * 30, "9" * 5000, "a" * 1000)


class Shop(Protocol):
    """A host with `GOODS`, as one adapter sees it."""

    @property
    def store(self) -> Store: ...

    def ref(self, number: int) -> str:
        """The reference of a product."""

    def be(self, visitor: str | None) -> None:
        """From now on this visitor asks; None: one who has no cart yet."""

    def reprice(self, number: int, price: int) -> None:
        """Somebody else changes a price, and commits."""

    def order(self, ref: str, lines: Sequence[tuple[int, int, int]], at: datetime, customer: str | None = None) -> None:
        """Somebody else places an order of (number, quantity, unit price), and commits."""


def only(store: Store) -> Line:
    """The one line of the cart."""
    (line,) = store.cart().lines
    return line


def added(store: Store, ref: str, quantity: int = 1) -> str:
    """The line reference after adding."""
    done = store.add(ref, None, quantity)
    assert isinstance(done, Done)
    return done.line


class StoreContract:
    """Subclasses give a fixture `shop`."""

    def test_it_is_a_store(self, shop: Shop) -> None:
        assert isinstance(shop.store, Store)

    # --- who -------------------------------------------------------------------------------------------------------

    def test_a_visitor_has_a_stable_key_of_their_own(self, shop: Shop) -> None:
        shop.be("ada")
        first = shop.store.visitor().key
        assert first and shop.store.visitor().key == first
        shop.be("bob")
        assert shop.store.visitor().key not in ("", first)

    def test_a_visitor_without_a_cart_has_no_key_and_an_empty_cart(self, shop: Shop) -> None:
        shop.be(None)
        assert shop.store.visitor().key == ""
        cart = shop.store.cart()
        assert (cart.currency, cart.lines, tuple(cart.coupons)) == ("EUR", (), ())

    # --- products --------------------------------------------------------------------------------------------------

    def test_products_are_what_the_shop_sells_now(self, shop: Shop) -> None:
        found = {p.ref: p for p in shop.store.products([shop.ref(number) for number in GOODS])}
        assert set(found) == {shop.ref(number) for number in GOODS}
        for number, (title, price, stock, hidden) in GOODS.items():
            product = found[shop.ref(number)]
            assert (product.title, product.price, product.stock, product.hidden) == (title, price, stock, hidden)
            assert product.currency == "EUR"

    def test_unknown_references_are_left_out(self, shop: Shop) -> None:
        found = shop.store.products([NONSENSE[0], shop.ref(BAG), *NONSENSE[1:]])
        assert [p.ref for p in found] == [shop.ref(BAG)]
        assert shop.store.products([]) == []

    @pytest.mark.parametrize("ref", NONSENSE, ids=lambda ref: repr(ref[:12]))
    def test_one_strange_reference_finds_nothing_and_harms_nothing(self, shop: Shop, ref: str) -> None:
        assert shop.store.products([ref]) == []
        assert len(shop.store.products([shop.ref(BAG)])) == 1

    def test_prices_are_read_again_after_somebody_else_changed_them(self, shop: Shop) -> None:
        assert shop.store.products([shop.ref(BAG)])[0].price == 1999
        shop.reprice(BAG, 1234)
        assert shop.store.products([shop.ref(BAG)])[0].price == 1234

    def test_more_products_than_one_query_takes(self, shop: Shop) -> None:
        refs = [shop.ref(number) for number in range(10_000, 11_200)]
        assert [p.ref for p in shop.store.products([*refs, shop.ref(BAG)])] == [shop.ref(BAG)]

    def test_the_catalogue_is_a_stream_of_everything(self, shop: Shop) -> None:
        stream = shop.store.catalogue()
        assert isinstance(stream, Iterator)
        assert {p.ref: p.hidden for p in stream} == {shop.ref(n): goods[3] for n, goods in GOODS.items()}

    def test_a_catalogue_that_is_not_read_to_its_end_blocks_nothing(self, shop: Shop) -> None:
        shop.be("ada")
        stream = shop.store.catalogue()
        assert isinstance(next(stream), Product)
        getattr(stream, "close", lambda: None)()
        added(shop.store, shop.ref(BAG))
        assert only(shop.store).product == shop.ref(BAG)

    # --- the cart --------------------------------------------------------------------------------------------------

    def test_adding_puts_a_line_at_todays_price(self, shop: Shop) -> None:
        shop.be("ada")
        line = added(shop.store, shop.ref(BAG), 2)
        assert only(shop.store) == Line(line, shop.ref(BAG), 2, 1999)

    def test_the_cart_of_another_visitor_is_another_cart(self, shop: Shop) -> None:
        shop.be("ada")
        line = added(shop.store, shop.ref(BAG))
        shop.be("bob")
        assert shop.store.cart().lines == ()
        assert isinstance(shop.store.remove(line), Refused)
        assert isinstance(shop.store.replace(line, shop.ref(LAPTOP), None, 1), Refused)
        shop.be("ada")
        assert only(shop.store) == Line(line, shop.ref(BAG), 1, 1999)

    def test_lines_keep_the_order_in_which_they_came(self, shop: Shop) -> None:
        shop.be("ada")
        for number in (LAPTOP, BAG, LAPTOP):
            added(shop.store, shop.ref(number))
        assert [line.product for line in shop.store.cart().lines] == [shop.ref(n) for n in (LAPTOP, BAG, LAPTOP)]
        assert len({line.ref for line in shop.store.cart().lines}) == 3

    def test_replacing_keeps_the_line_and_changes_product_quantity_and_price(self, shop: Shop) -> None:
        shop.be("ada")
        line = added(shop.store, shop.ref(BAG), 2)
        assert shop.store.replace(line, shop.ref(LAPTOP), None, 3) == Done(line)
        assert only(shop.store) == Line(line, shop.ref(LAPTOP), 3, 99900)

    def test_a_price_of_a_line_is_kept_where_the_store_can(self, shop: Shop) -> None:
        shop.be("ada")
        done = shop.store.add(shop.ref(BAG), None, 1, 1500)
        assert isinstance(done, Done)
        can = Capability.LINE_PRICE in shop.store.capabilities
        assert only(shop.store).unit_price == (1500 if can else 1999)
        shop.store.replace(done.line, shop.ref(BAG), None, 2, 1400)
        assert only(shop.store).unit_price == (1400 if can else 1999)

    def test_one_product_at_two_prices_is_two_lines(self, shop: Shop) -> None:
        """A second one at a lower price; a gift of which the shopper wants more."""
        shop.be("ada")
        added(shop.store, shop.ref(BAG))
        done = shop.store.add(shop.ref(BAG), None, 1, 1500)
        assert isinstance(done, Done)
        can = Capability.LINE_PRICE in shop.store.capabilities
        lines = shop.store.cart().lines
        assert [(line.quantity, line.unit_price) for line in lines] == [(1, 1999), (1, 1500 if can else 1999)]
        assert lines[1].ref == done.line
        shop.store.remove(done.line)
        assert only(shop.store).unit_price == 1999

    def test_removing_takes_the_line_out_once(self, shop: Shop) -> None:
        shop.be("ada")
        line = added(shop.store, shop.ref(BAG))
        assert shop.store.remove(line) == Done("")
        assert shop.store.cart().lines == ()
        assert isinstance(shop.store.remove(line), Refused)

    @pytest.mark.parametrize("quantity", [0, -1, -(10**9), 6, 10**9])
    def test_quantities_that_cannot_be_sold_are_refused_and_change_nothing(self, shop: Shop, quantity: int) -> None:
        shop.be("ada")
        refused = shop.store.add(shop.ref(BAG), None, quantity)
        assert isinstance(refused, Refused) and refused.reason.endswith(".")
        assert shop.store.cart().lines == ()
        line = added(shop.store, shop.ref(BAG), 5)
        assert isinstance(shop.store.replace(line, shop.ref(BAG), None, quantity), Refused)
        assert only(shop.store).quantity == 5

    def test_a_thousand_million_pieces_of_what_is_not_counted(self, shop: Shop) -> None:
        shop.be("ada")
        added(shop.store, shop.ref(LAPTOP), 10**9)
        assert only(shop.store).quantity == 10**9

    @pytest.mark.parametrize("number", [HIDDEN, SOLD_OUT, 99])
    def test_what_is_not_sold_is_refused_and_changes_nothing(self, shop: Shop, number: int) -> None:
        shop.be("ada")
        assert isinstance(shop.store.add(shop.ref(number), None, 1), Refused)
        assert shop.store.cart().lines == ()
        line = added(shop.store, shop.ref(BAG))
        assert isinstance(shop.store.replace(line, shop.ref(number), None, 1), Refused)
        assert only(shop.store).product == shop.ref(BAG)

    @pytest.mark.parametrize("line", NONSENSE, ids=lambda ref: repr(ref[:12]))
    def test_a_line_that_is_not_there_is_refused(self, shop: Shop, line: str) -> None:
        shop.be("ada")
        assert isinstance(shop.store.replace(line, shop.ref(BAG), None, 1), Refused)
        assert isinstance(shop.store.remove(line), Refused)
        assert shop.store.cart().lines == ()

    def test_every_capability_that_is_needed_here_is_there(self, shop: Shop) -> None:
        assert shop.store.capabilities >= {Capability.ADD, Capability.REPLACE, Capability.REMOVE, Capability.ORDERS}

    # --- orders ----------------------------------------------------------------------------------------------------

    def test_orders_are_a_stream_of_lines_with_utc_times(self, shop: Shop) -> None:
        shop.order("1001", [(BAG, 2, 1999), (LAPTOP, 1, 99000)], NOON, "7")
        shop.order("1002", [(BAG, -1, 1999)], NOON + timedelta(hours=1))
        stream = shop.store.orders()
        assert isinstance(stream, Iterator)
        assert sorted(stream, key=lambda line: (line.order, line.product)) == sorted(
            [
                OrderLine("1001", shop.ref(BAG), 2, 1999, NOON, "7"),
                OrderLine("1001", shop.ref(LAPTOP), 1, 99000, NOON, "7"),
                OrderLine("1002", shop.ref(BAG), -1, 1999, NOON + timedelta(hours=1)),
            ],
            key=lambda line: (line.order, line.product),
        )

    @pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=5)), timezone(-timedelta(hours=8))], ids=str)
    def test_orders_since_an_instant_include_that_instant_in_any_zone(self, shop: Shop, zone: timezone) -> None:
        for hours in (-1, 0, 1):
            shop.order(f"{2000 + hours}", [(BAG, 1, 1999)], NOON + timedelta(hours=hours))
        assert {line.order for line in shop.store.orders(NOON.astimezone(zone))} == {"2000", "2001"}

    def test_no_orders_are_no_lines(self, shop: Shop) -> None:
        assert list(shop.store.orders()) == []

    def test_one_order_with_its_lines(self, shop: Shop) -> None:
        shop.order("1001", [(BAG, 2, 1999), (LAPTOP, 1, 99000)], NOON, "7")
        shop.order("1002", [(BAG, 9, 1)], NOON)
        order = shop.store.order("1001")
        assert order is not None
        assert (order.ref, order.currency, order.customer) == ("1001", "EUR", "7")
        assert sorted((line.product, line.quantity, line.unit_price) for line in order.lines) == sorted(
            [(shop.ref(BAG), 2, 1999), (shop.ref(LAPTOP), 1, 99000)]
        )

    @pytest.mark.parametrize("ref", NONSENSE, ids=lambda ref: repr(ref[:12]))
    def test_an_unknown_order_is_none(self, shop: Shop, ref: str) -> None:
        shop.order("1001", [(BAG, 2, 1999)], NOON)
        assert shop.store.order(ref) is None

    # --- pages -----------------------------------------------------------------------------------------------------

    def test_money_is_written_for_people(self, shop: Shop) -> None:
        assert shop.store.format_money(123456, "EUR") == "€1,234.56"
        assert shop.store.format_money(1235, "JPY") == "¥1,235"

    def test_urls_and_csrf_field_may_be_nothing(self, shop: Shop) -> None:
        assert dict(shop.store.urls()) == {"cart": "/cart"}
        assert shop.store.csrf_field() is None
