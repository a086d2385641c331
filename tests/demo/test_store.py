"""The shop from the list to the cart, as a browser without JavaScript sees it."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from sqlalchemy import select

from flask_upsell.demo.models import Cart, CartLine, Product
from flask_upsell.demo.store import cart_lines, db, forget_cart_lines, money
from tests.demo.shopper import Sessions, Shopper, due, statements, stored

POSTS = ("/cart/add", "/cart/update", "/cart/remove", "/cart/coupon", "/checkout")


# Looking around


def test_the_list_has_pages_of_24_and_the_biggest_categories(shopper: Shopper) -> None:
    first = shopper.see("/")
    assert first.count('<li class="card">') == 24
    assert "Page 1 of 3" in first
    assert "65 products" in first
    assert len(re.findall(r'href="/\?category=', first)) == 20
    assert "Streaming plans" in first
    assert shopper.see("/?page=3").count('<li class="card">') == 65 - 48
    assert "Extra x-hidden" not in "".join(shopper.see(f"/?page={page}") for page in (1, 2, 3))


@pytest.mark.parametrize(("page", "shown"), [("0", 1), ("-7", 1), ("x", 1), ("99", 3), ("9" * 40, 3), ("1e3", 1)])
def test_any_page_number_gives_a_page(shopper: Shopper, page: str, shown: int) -> None:
    assert f"Page {shown} of 3" in shopper.see(f"/?page={page}")


def test_a_search_needs_every_word_in_any_case(shopper: Shopper) -> None:
    assert "1 product<" in shopper.see("/?q=PLUS+aster")
    assert "Aster 14 Plus" in shopper.see("/?q=PLUS+aster")
    assert "Nothing was found" in shopper.see("/?q=aster+tripod")


@pytest.mark.parametrize("text", ["%", "_", "%%", "a%", "''; DROP TABLE products; --", '"', "\\", "a" * 5000])
def test_a_search_takes_signs_as_they_stand(shopper: Shopper, text: str) -> None:
    answer = shopper.client.get("/", query_string={"q": text})
    assert answer.status_code == 200
    # "38 %" and its like are attributes, which are not searched: none of these signs is in a title or a summary.
    assert "Nothing was found" in answer.text


def test_a_search_finds_an_apostrophe(shopper: Shopper) -> None:
    assert "Folio touch pen" in shopper.see("/?q=tablet's")


@pytest.mark.parametrize("path", ["/?q=a%00b", "/?category=%00", "/product/%00", "/picture/a%00.svg", "/order/%00"])
def test_nul_is_refused_before_any_database_sees_it(shopper: Shopper, path: str) -> None:
    assert shopper.client.get(path).status_code == 400


def test_a_search_is_text_on_the_page(shopper: Shopper) -> None:
    page = shopper.client.get("/", query_string={"q": "<script>alert(1)</script>"}).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page


def test_a_category_filters_and_is_kept_by_paging(shopper: Shopper) -> None:
    page = shopper.see("/?category=Laptops")
    assert page.count('<li class="card">') == 3
    assert "<h1>Laptops</h1>" in page
    assert "Nothing was found" in shopper.see("/?category=None+such")


def test_a_product_shows_price_facts_and_the_form(shopper: Shopper) -> None:
    page = shopper.see("/product/aster-14")
    assert "€649.00" in page
    assert re.search(r"Memory</th><td>8 GB", page)
    assert "Add to cart</button>" in page
    assert "€9.99 <span" in shopper.see("/product/tern-premium-monthly")
    assert "a year" in shopper.see("/product/tern-basic-yearly")
    assert "Free" in shopper.see("/product/tern-free")
    assert "Add to cart" not in shopper.see("/product/x-sold-out")


@pytest.mark.parametrize("path", ["/product/none-such", "/product/x-hidden", "/picture/none.svg", "/order/none"])
def test_what_is_not_there_gives_a_page_of_the_shop(shopper: Shopper, path: str) -> None:
    answer = shopper.client.get(path)
    assert answer.status_code == 404
    assert "Search the shop" in answer.text


def test_a_picture_is_kept_by_caches(shopper: Shopper) -> None:
    answer = shopper.client.get("/picture/LT-1408.svg")
    assert answer.mimetype == "image/svg+xml"
    assert answer.cache_control.public
    assert answer.cache_control.max_age == 30 * 24 * 3600
    again = shopper.client.get("/picture/LT-1408.svg", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_imported_products_are_shown_safely(shopper: Shopper, sessions: Sessions) -> None:
    with sessions.begin() as session:
        for slug, image, link in (
            ("good", "https://pictures.example/a.jpg", "https://shop.example/a"),
            ("bad", "javascript:alert(1)", "javascript:alert(2)"),
        ):
            product = Product(sku=f"I/{slug} 1", slug=slug, title=f"<b>{slug}</b>", price_minor=100)
            product.image_url, product.external_url = image, link
            session.add(product)
    good, bad = shopper.see("/product/good"), shopper.see("/product/bad")
    assert 'src="https://pictures.example/a.jpg"' in good
    assert 'href="https://shop.example/a"' in good
    assert "<b>" not in good
    assert "javascript:" not in bad
    assert shopper.client.get("/picture/I/bad 1.svg").status_code == 200
    assert "is in your cart" in shopper.add("I/bad 1").text


def test_pages_have_no_inline_script_or_style(shopper: Shopper) -> None:
    shopper.add("LT-1408")
    for path in ("/", "/product/aster-14", "/cart", "/checkout", "/orders"):
        page = shopper.see(path)
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*src=)", page), path
        assert page.count("<main") == 1
        assert "http://" not in page.replace("http://localhost", "")
        assert "https://" not in page
    for name in ("store.css", "store.js", "icon.svg"):
        with shopper.client.get(f"/store/{name}") as answer:
            assert answer.status_code == 200


# The cart


def test_adding_updating_and_removing(shopper: Shopper, sessions: Sessions) -> None:
    page = shopper.add("LT-1408", "2").text
    assert "Aster 14 is in your cart." in page
    assert due(page) == "€1,298.00"
    assert re.search(r'data-live="count">\s*<span aria-hidden="true">2</span>', page)
    shopper.add("LT-1408")
    shopper.add("MC-0128")
    assert stored(sessions) == [("LT-1408", 3), ("MC-0128", 1)]
    assert due(shopper.send("/cart/update", line=shopper.line("LT-1408"), quantity="1").text) == "€671.90"
    page = shopper.send("/cart/remove", line=shopper.line("LT-1408")).text
    assert "Aster 14 was removed." in page
    assert stored(sessions) == [("MC-0128", 1)]
    assert "It is empty" in shopper.send("/cart/remove", line=shopper.line("MC-0128")).text


BAD = ["0", "-1", "1000000000", "NaN", "1.5", "1e2", "", " ", "100", "٣", "²", "1_0", "0x10", "+1", "9" * 5000]


@pytest.mark.parametrize("quantity", BAD)
def test_a_bad_quantity_says_so_and_changes_nothing(shopper: Shopper, sessions: Sessions, quantity: str) -> None:
    shopper.add("MC-0128", "2")
    page = shopper.add("MC-0128", quantity)
    assert "Please choose a whole number from 1 to 99." in page.text
    assert page.request.path == "/product/memory-card-128"
    page = shopper.send("/cart/update", line=shopper.line("MC-0128"), quantity=quantity)
    assert "Please choose a whole number from 1 to 99." in page.text
    assert stored(sessions) == [("MC-0128", 2)]


def test_more_than_in_stock_says_so_and_changes_nothing(shopper: Shopper, sessions: Sessions) -> None:
    assert "We have 3 of Extra x-three in stock. Your cart is unchanged." in shopper.add("X-THREE", "4").text
    shopper.add("X-THREE", "2")
    assert "We have 3 of" in shopper.add("X-THREE", "2").text
    assert "We have 3 of" in shopper.send("/cart/update", line=shopper.line("X-THREE"), quantity="4").text
    assert "is out of stock" in shopper.add("X-SOLD-OUT").text
    assert stored(sessions) == [("X-THREE", 2)]
    shopper.add("X-THREE", "1")
    shopper.add("X-ENDLESS", "99")
    assert stored(sessions) == [("X-THREE", 3), ("X-ENDLESS", 99)]
    assert "99 is the most of one line" in shopper.add("X-ENDLESS").text


@pytest.mark.parametrize("sku", ["none", "X-HIDDEN", "", "' OR 1=1 --", "%"])
def test_what_is_not_sold_cannot_be_added(shopper: Shopper, sessions: Sessions, sku: str) -> None:
    assert "We do not have this product." in shopper.add(sku).text
    assert stored(sessions) == []


def test_pieces_at_another_price_are_a_line_of_their_own(shopper: Shopper, sessions: Sessions) -> None:
    shopper.add("X-THREE")
    with sessions.begin() as session:
        session.query(CartLine).update({"unit_price_minor": 700})
    shopper.add("X-THREE")
    assert stored(sessions) == [("X-THREE", 1), ("X-THREE", 1)]
    # The stock counts both lines.
    assert "We have 3 of" in shopper.add("X-THREE", "2").text
    assert due(shopper.see("/cart")) == "€17.00"


def test_a_line_of_someone_else_cannot_be_touched(shopper: Shopper, stranger: Shopper, sessions: Sessions) -> None:
    shopper.add("MC-0128")
    line = shopper.line("MC-0128")
    assert "no longer in your cart" in stranger.send("/cart/remove", line=line).text
    assert "no longer in your cart" in stranger.send("/cart/update", line=line, quantity="5").text
    assert "no longer in your cart" in stranger.send("/cart/remove", line="NaN").text
    assert stored(sessions) == [("MC-0128", 1)]


def test_the_coupon_takes_a_tenth_off_and_can_be_taken_away(shopper: Shopper, sessions: Sessions) -> None:
    assert "Your cart is empty" in shopper.send("/cart/coupon", coupon="WELCOME10").text
    shopper.add("GR-0570")
    assert due(shopper.send("/cart/coupon", coupon=" welcome10 ").text) == "€170.10"
    assert "We do not know this code" in shopper.send("/cart/coupon", coupon="FREE'--").text
    assert due(shopper.see("/cart")) == "€170.10"
    assert due(shopper.send("/cart/coupon", coupon="").text) == "€189.00"
    with sessions() as session:
        assert [cart.coupon for cart in session.scalars(select(Cart))] == [None]


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("token", [None, "", "wrong", "ä"])
def test_a_form_without_the_visitors_token_is_refused(
    shopper: Shopper, stranger: Shopper, sessions: Sessions, path: str, token: str | None
) -> None:
    shopper.add("MC-0128")
    fields = {"sku": "LT-1408", "quantity": "1", "line": shopper.line("MC-0128"), "coupon": "WELCOME10", "name": "Ada"}
    for given in (token, stranger.token()):
        answer = shopper.client.post(path, data=fields if given is None else {**fields, "csrf_token": given})
        assert answer.status_code == 400
        assert "nothing was changed" in answer.text
    assert stored(sessions) == [("MC-0128", 1)]


@pytest.mark.parametrize("path", POSTS[:4])
def test_nothing_is_changed_by_a_get(shopper: Shopper, path: str) -> None:
    assert shopper.client.get(path).status_code == 405


# Requests and money


def test_the_cart_is_read_once_a_request_until_it_is_forgotten(shopper: Shopper, sessions: Sessions) -> None:
    shopper.add("MC-0128")
    with shopper.client as client, statements(sessions) as sent:
        client.get("/product/aster-14")
        assert sum("FROM cart_lines" in statement for statement in sent) == 1
        assert [line.product.title for line in cart_lines()] == ["Memory card 128 GB"]
        with sessions.begin() as other:
            other.query(CartLine).update({"quantity": 7})
        db().rollback()
        forget_cart_lines()
        assert [line.quantity for line in cart_lines()] == [7]


def test_no_page_asks_line_by_line(shopper: Shopper, sessions: Sessions) -> None:
    for sku in ("LT-1408", "MC-0128", "GL-0100", "CO-0120", "SH-0250", "TR-0145"):
        shopper.add(sku)
    for path, most in (("/", 4), ("/cart", 2), ("/checkout", 2)):
        with statements(sessions) as sent:
            shopper.see(path)
        assert len(sent) <= most, (path, sent)
    shopper.send("/checkout", name="Ada")
    with statements(sessions) as sent:
        shopper.see("/orders")
    assert len(sent) <= 2


def test_pages_are_private_and_sessions_are_closed(app: Flask, shopper: Shopper) -> None:
    assert shopper.client.get("/cart").headers["Cache-Control"] == "private, no-cache"
    pool = app.extensions["demo_sessions"].kw["bind"].pool
    assert pool.checkedout() == 0


@pytest.mark.parametrize(
    ("currency", "minor", "text"),
    [
        ("EUR", 499, "€4.99"),
        ("EUR", 0, "€0.00"),
        ("EUR", 10**17 + 1, "€1,000,000,000,000,000.01"),
        ("EUR", -68, "-€0.68"),
        ("JPY", 1200, "JP¥1,200"),
        ("KWD", 1234, "KWD1.234"),
    ],
)
def test_money_is_exact_in_every_currency(app: Flask, currency: str, minor: int, text: str) -> None:
    app.config["DEMO_CURRENCY"] = currency
    with app.app_context():
        assert money(minor) == text
