"""From the cart to the order, and what the extension hears of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from threading import Barrier, Thread

import pytest
from flask import Flask
from sqlalchemy import Connection, func, select

from flask_upsell import cart_changed, checkout_started, order_placed
from flask_upsell.demo.models import Cart, CartLine, Order, OrderLine, Product
from flask_upsell.demo.store import cart_lines
from tests.demo.shopper import Sessions, Shopper, due, stored

# The checkout


def test_an_order_from_the_cart_to_the_history(shopper: Shopper, stranger: Shopper, sessions: Sessions) -> None:
    shopper.add("LT-1408", "2")
    shopper.add("X-ENDLESS", "3")
    shopper.send("/cart/coupon", coupon="WELCOME10")
    assert due(shopper.see("/checkout")) == "€1,195.20"
    page = shopper.send("/checkout", name="  Ada   Byron ", due="119520")
    number = page.request.path.removeprefix("/order/")
    assert "Thank you, Ada Byron" in page.text
    assert number in page.text
    assert due(page.text) == "€1,195.20"
    assert number in shopper.see("/orders")
    assert "It is empty" in shopper.see("/cart")
    assert stranger.client.get(f"/order/{number}").status_code == 404
    assert number not in stranger.see("/orders")
    with sessions() as session:
        order = session.scalars(select(Order)).one()
        assert (order.name, order.coupon, order.customer) == ("Ada Byron", "WELCOME10", None)
        assert order.placed_at.tzinfo is UTC
        assert order.cart_key
        lines = session.execute(select(OrderLine.sku, OrderLine.quantity, OrderLine.unit_price_minor)).all()
        assert [tuple(line) for line in lines] == [("LT-1408", 2, 64900), ("X-ENDLESS", 3, 1000)]
        ordered = select(Product.stock).where(Product.sku.in_(["LT-1408", "X-ENDLESS"])).order_by(Product.id)
        assert session.scalars(ordered).all() == [22, None]
        assert session.scalar(select(func.count()).select_from(Cart)) == 0
    # The next cart is another one.
    shopper.add("MC-0128")
    with sessions() as session:
        assert session.scalars(select(CartLine.cart_key)).one() != session.scalars(select(Order.cart_key)).one()


def test_an_empty_cart_cannot_be_ordered(shopper: Shopper, sessions: Sessions) -> None:
    answer = shopper.client.get("/checkout", follow_redirects=True)
    assert "There is nothing to order yet" in answer.text
    assert answer.request.path == "/cart"
    assert "There is nothing to order yet" in shopper.send("/checkout", name="Ada").text
    with sessions() as session:
        assert session.scalar(select(func.count()).select_from(Order)) == 0


@pytest.mark.parametrize("name", ["", "   ", "x" * 81])
def test_an_order_needs_a_name(shopper: Shopper, sessions: Sessions, name: str) -> None:
    shopper.add("MC-0128")
    page = shopper.send("/checkout", name=name)
    assert "Please give a name" in page.text
    assert page.request.path == "/checkout"
    assert stored(sessions) == [("MC-0128", 1)]


def test_the_price_shown_is_the_price_charged(shopper: Shopper, sessions: Sessions) -> None:
    shopper.add("MC-0128")
    page = shopper.see("/checkout")
    assert 'name="due" value="2290" form="order"' in page
    shopper.add("MC-0128")
    answer = shopper.send("/checkout", name="Ada", due="2290")
    assert "Please check the new total" in answer.text
    assert 'value="Ada"' in answer.text
    assert stored(sessions) == [("MC-0128", 2)]


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"stock": 1}, "We have 1 of"), ({"stock": 0}, "is out of stock"), ({"hidden": True}, "is no longer sold")],
)
def test_what_sold_out_meanwhile_stops_the_order(
    shopper: Shopper, sessions: Sessions, change: dict[str, object], reason: str
) -> None:
    shopper.add("MC-0128")
    shopper.add("X-THREE", "2")
    with sessions.begin() as session:
        session.query(Product).filter_by(sku="X-THREE").update(change)  # type: ignore[arg-type]
    page = shopper.send("/checkout", name="Ada")
    assert reason in page.text
    assert page.request.path == "/cart"
    assert stored(sessions) == [("MC-0128", 1), ("X-THREE", 2)]
    with sessions() as session:
        assert session.scalar(select(func.count()).select_from(Order)) == 0
        assert session.scalar(select(Product.stock).where(Product.sku == "MC-0128")) == 150


def test_ordering_in_two_windows_at_once_orders_once(app: Flask, shopper: Shopper, sessions: Sessions) -> None:
    shopper.add("X-THREE", "1")
    token = shopper.token()
    cookie = shopper.client.get_cookie("session")
    assert cookie is not None
    start, answers = Barrier(4), []

    def order() -> None:
        client = app.test_client()
        client.set_cookie("session", cookie.value)
        start.wait()
        answers.append(client.post("/checkout", data={"csrf_token": token, "name": "Ada"}).location)

    windows = [Thread(target=order) for _ in range(4)]
    for window in windows:
        window.start()
    for window in windows:
        window.join()
    assert sum(location.startswith("/order/") for location in answers) == 1
    with sessions() as session:
        assert session.scalar(select(func.count()).select_from(Order)) == 1
        assert session.scalar(select(Product.stock).where(Product.sku == "X-THREE")) == 2


# Signals and offers


def test_signals_are_sent_at_the_right_moments(app: Flask, shopper: Shopper, sessions: Sessions) -> None:
    heard: list[tuple[str, object]] = []

    def on_cart(sender: Flask, **_: object) -> None:
        # The change is stored already, and the cart is read afresh.
        heard.append(("cart", [(line.sku, line.quantity) for line in cart_lines()]))

    def on_checkout(sender: Flask, **_: object) -> None:
        heard.append(("checkout", sender))

    def on_order(sender: Flask, order: str, connection: Connection, **_: object) -> None:
        inside = connection.scalar(select(func.count()).select_from(Order))
        with sessions() as outside:
            heard.append(("order", (sender, inside, outside.scalar(select(func.count()).select_from(Order)))))
        assert connection.scalar(select(Order.number)) == order

    with (
        cart_changed.connected_to(on_cart, app),
        checkout_started.connected_to(on_checkout, app),
        order_placed.connected_to(on_order, app),
    ):
        shopper.add("MC-0128")
        shopper.send("/cart/update", line=shopper.line("MC-0128"), quantity="2")
        shopper.add("MC-0128", "NaN")
        shopper.add("LT-1408")
        shopper.send("/cart/remove", line=shopper.line("LT-1408"))
        shopper.see("/checkout")
        shopper.send("/checkout", name="Ada")
    assert heard == [
        ("cart", [("MC-0128", 1)]),
        ("cart", [("MC-0128", 2)]),
        ("cart", [("MC-0128", 2), ("LT-1408", 1)]),
        ("cart", [("MC-0128", 2)]),
        ("checkout", app),
        ("order", (app, 1, 0)),
    ]


def test_the_extension_is_asked_where_it_should_be(app: Flask, shopper: Shopper) -> None:
    asked: list[tuple[str, object]] = []

    def upsell(placement: str, product: str = "", cart: Sequence[CartLine] = (), products: Sequence[str] = ()) -> str:
        asked.append((placement, product or [line.sku for line in cart] or list(products)))
        return f"<OFFERS {placement}>"

    app.jinja_env.globals["upsell"] = upsell
    assert "&lt;OFFERS product&gt;" in shopper.see("/product/satchel-15")
    shopper.see("/cart")
    assert asked == [("product", "BG-0150")]
    asked.clear()
    cart = shopper.add("BG-0150").text
    checkout = shopper.see("/checkout")
    shopper.send("/checkout", name="Ada")
    # The form token is read from a product page.
    assert [ask for ask in asked if ask[0] != "product"] == [
        ("cart", ["BG-0150"]),
        ("checkout", ["BG-0150"]),
        ("confirmation", ["BG-0150"]),
    ]
    # Below the lines, after the way to pay.
    assert cart.index('data-live="lines"') < cart.index(">Checkout</a>") < cart.index("OFFERS cart")
    assert checkout.index("Place order</button>") < checkout.index("OFFERS checkout")
    assert all(name in cart for name in ('data-live="lines"', 'data-live="totals"', 'data-live="count"'))
