"""`{{ upsell("cart") }}` in templates: the markup that hosts rely on, and nothing at all when there is nothing."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, render_template_string
from flask.sansio.app import App
from redis import ConnectionPool
from sqlalchemy import Integer, create_engine, event
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from flask_upsell import Columns, Product, SQLAlchemyStore, faults
from flask_upsell.core.affinity import Affinities
from flask_upsell.core.rule import Copy, Discount, Nothing, Off, Perk, Products, Programme, Question, Rule, Status
from flask_upsell.web.widget import _here
from tests.conftest import MakeApp
from tests.web.conftest import Serve
from tests.web.markup import slot, slots
from tests.web.shop import (
    ASK,
    BAG,
    BOOK,
    GOODS,
    LAPTOP,
    WITH_LAPTOP,
    SessionStore,
    Visitor,
    club,
    counts,
    evidence,
    look,
    parts_of,
    publish,
    put_rules,
    remembered,
    set_of,
)


def test_the_cart_shows_the_upgrade_first_and_one_complement(shopper: Visitor) -> None:
    shown = shopper.see("/cart")
    assert (shown.placement, shown.hidden, shown.notice) == ("cart", False, "")
    assert [(card.kind, card.product) for card in shown.cards] == [("upgrade", "plus"), ("complement", "bag")]
    assert len({card.id for card in shown.cards}) == 2
    for card in shown.cards:
        assert set(card.forms) == {"accept", "decline"}
        assert {form.method for form in card.forms.values()} == {"post"}
        assert card.forms["accept"].url == "/upsell/accept"
        assert card.forms["decline"].url == "/upsell/decline"
        assert set(card.forms["accept"].fields) == {"token", "key"}
        assert set(card.forms["decline"].fields) == {"token"}
    upgrade, complement = shown.cards
    for text in ("Laptop Plus", "+€150.00", "€799.00", "instead of Laptop, €649.00", "16",
                 "Chosen in 38 of 412 orders of Laptops", "Why am I seeing this?", "No thanks"):  # fmt: skip
        assert text in upgrade.text, text
    for text in ("Canvas bag", "€59.00", "Bought together in 38 of 412 orders with Laptop", "No thanks"):
        assert text in complement.text, text


def test_an_offer_keeps_its_id_and_gets_a_new_key_each_time(shopper: Visitor) -> None:
    first, second = shopper.see(), shopper.see()
    assert [card.id for card in first.cards] == [card.id for card in second.cards]
    keys = [card.forms["accept"].fields["key"] for shown in (first, second) for card in shown.cards]
    assert len(set(keys)) == 4


@pytest.mark.parametrize("path", ["/cart", "/product/lonely", "/order", "/order?ref=unknown", "/product/none"])
def test_nothing_to_offer_is_an_empty_hidden_slot(visitor: Visitor, path: str) -> None:
    shown = visitor.see(path)
    assert shown.hidden
    assert (shown.cards, shown.notice, shown.undo) == ([], "", None)


def test_a_product_page_offers_what_goes_with_the_product(visitor: Visitor) -> None:
    shown = visitor.see("/product/laptop")
    assert [(card.kind, card.product) for card in shown.cards] == [("upgrade", "plus"), ("complement", "bag")]
    assert "Choose this instead" in shown.card("plus").text
    assert shown.refresh == "/upsell/slot/product?product=laptop"


def test_the_confirmation_offers_complements_only(visitor: Visitor) -> None:
    assert [card.kind for card in visitor.see("/order?ref=laptop").cards] == ["complement", "complement"]


def test_the_assets_come_once_a_page_and_exist(app: Flask) -> None:
    @app.get("/both")
    def both() -> str:
        return render_template_string("{{ upsell('cart') }}{{ upsell('checkout') }}")

    shopper = Visitor(app).put("laptop")
    page = shopper.client.get("/both").text
    assert len(slots(page)) == 2
    for name, kind in (("upsell.css", "text/css"), ("upsell.js", "text/javascript")):
        assert page.count(name) == 1
        url = page.split(name)[0].rsplit('"', 1)[1] + page[page.index(name) :].split('"')[0]
        answer = shopper.client.get(url)
        assert (answer.status_code, answer.mimetype) == (200, kind)
        answer.close()
    assert 'type="module"' in page


def test_head_brings_the_assets_earlier(app: Flask) -> None:
    @app.get("/early")
    def early() -> str:
        return render_template_string("<head>{{ upsell.head() }}</head><body>{{ upsell('cart') }}</body>")

    page = Visitor(app).put("laptop").client.get("/early").text
    head, body = page.split("</head>")
    assert head.count("upsell.css") == head.count("upsell.js") == 1
    assert "upsell.css" not in body
    assert "upsell.js" not in body


def test_a_store_can_bring_the_assets_itself(serve: Serve, store: SessionStore) -> None:
    visitor = Visitor(serve(store, UPSELL_ASSETS=False)).put("laptop")
    page = visitor.client.get("/cart").text
    assert "upsell.js" not in page
    assert slot(page).cards


def test_the_nonce_of_the_response_is_on_both(serve: Serve, store: SessionStore) -> None:
    visitor = Visitor(serve(store, UPSELL_CSP_NONCE=lambda: 'r4nd"om')).put("laptop")
    assert visitor.client.get("/cart").text.count('nonce="r4nd&#34;om"') == 2


def test_a_template_of_the_store_overrides_ours(app: Flask, shopper: Visitor, tmp_path: Path) -> None:
    (tmp_path / "templates" / "upsell").mkdir(parents=True)
    (tmp_path / "templates" / "upsell" / "complement.html").write_text(
        "<b>ours: {{ card.title }}, {{ card.price }}</b>"
    )
    page = shopper.client.get("/cart").text
    assert "<b>ours: Canvas bag, €59.00</b>" in page
    assert slot(page).products == ["plus", "bag"]


def test_texts_of_the_store_are_text(serve: Serve) -> None:
    nasty = Product("x<\"'>", "<script>alert(1)</script>", 100, "EUR", url="javascript:alert(2)", image='"><b>',
                    category='<i>"', attributes={"<u>": "</dd>"})  # fmt: skip
    store = SessionStore([LAPTOP, nasty])
    app = serve(store)
    publish(app, [LAPTOP, nasty], {"laptop": Affinities((), (evidence(nasty.ref, 1),))})
    visitor = Visitor(app).put("laptop")
    page = visitor.client.get("/cart").text
    assert slot(page).products == [nasty.ref]
    for bad in ("<script>alert", "javascript:", '"><b>', "<u>", "<i>"):
        assert bad not in page, bad


def test_a_plan_says_what_recurs_beside_the_button(serve: Serve, store: SessionStore) -> None:
    app = serve(store)
    publish(app, GOODS, {"laptop": Affinities((), (evidence("plan", 1),))})
    visitor = Visitor(app).put("laptop")
    assert "I agree to pay €9.99 per month" in " ".join(visitor.see().card("plan").text.split())


def test_only_choices_that_can_be_bought_are_offered_and_none_is_preselected(visitor: Visitor) -> None:
    visitor.put("bag")
    page = visitor.client.get("/cart").text
    assert slot(page).products == ["socks"]
    assert '<option value="">Choose' in page
    assert '<option value="s">Small, €9.00' in page
    assert '<option value="l">Large, €9.50' in page
    assert "Huge" not in page
    for word in ("checked", "selected"):
        assert word not in page


def test_at_most_three_and_the_default_is_two(serve: Serve, store: SessionStore) -> None:
    app = serve(store, UPSELL_MAX_OFFERS=3)
    visitor = Visitor(app).put("laptop")
    assert visitor.see().products == ["plus", "bag", "card"]


def test_no_offers_at_all_when_the_merchant_wants_none(serve: Serve, store: SessionStore) -> None:
    visitor = Visitor(serve(store, UPSELL_MAX_OFFERS=0)).put("laptop")
    assert visitor.see().hidden


def test_what_was_shown_is_counted(app: Flask, shopper: Visitor) -> None:
    for _ in range(3):
        shopper.see()
    assert counts(app)["shown"] == 6


@pytest.mark.parametrize("placement", ["mail", "basement"])
def test_what_no_page_shows_is_not_counted(app: Flask, shopper: Visitor, placement: str) -> None:
    """Anybody may ask for it. Red for "mail" when all placements are those of pages."""
    assert shopper.see(f"/upsell/slot/{placement}").products
    assert counts(app)["shown"] == 0


@pytest.mark.parametrize("placement", ["", "Cart", "cart!", "<b>", "a" * 41, "../x", "1cart", None, 7])
def test_a_bad_placement_is_no_widget_and_a_log_line(
    app: Flask, caplog: pytest.LogCaptureFixture, placement: Any
) -> None:
    app.add_url_rule("/odd", "odd", lambda: render_template_string("<main>{{ upsell(p) }}</main>", p=placement))
    answer = Visitor(app).put("laptop").client.get("/odd")
    assert answer.status_code == 200
    assert slots(answer.text) == []
    assert faults.seen["render"] == 1
    assert any("render" in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize("quantity", [0, -1, 10**9, 2**70])
def test_any_quantity_in_the_cart_leaves_a_page(
    app: Flask, store: SessionStore, shopper: Visitor, quantity: int
) -> None:
    line = store.carts["cart-0"][0]
    store.carts["cart-0"][0] = type(line)(line.ref, line.product, quantity, line.unit_price)
    shown = shopper.see()
    assert "plus" not in shown.products or quantity > 0


def test_a_product_in_another_currency_is_not_offered(serve: Serve, store: SessionStore) -> None:
    app = serve(store)
    dollars = Product("dollars", "In dollars", 100, "USD")
    publish(app, [LAPTOP, dollars, BAG], {"laptop": Affinities((), (evidence("dollars", 9), evidence("bag", 1)))})
    visitor = Visitor(app).put("laptop")
    assert visitor.see().products == ["bag"]


class Base(DeclarativeBase):
    pass


class Goods(Base):
    __tablename__ = "goods"
    sku: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    price: Mapped[int]


class InCart(Base):
    __tablename__ = "in_cart"
    id: Mapped[int] = mapped_column(primary_key=True)
    cart: Mapped[str]
    sku: Mapped[str]
    quantity: Mapped[Any] = mapped_column(Integer)
    price: Mapped[int]


class Counted:
    """Counts what goes over the sockets of a Redis client: one `send` with its answer is a round trip."""

    def __init__(self, pool: ConnectionPool, monkeypatch: pytest.MonkeyPatch) -> None:
        self.trips = 0
        send = pool.connection_class.send_packed_command

        def counted(connection: Any, *args: Any, **kwargs: Any) -> Any:
            self.trips += 1
            return send(connection, *args, **kwargs)

        monkeypatch.setattr(pool.connection_class, "send_packed_command", counted)


def sql_shop(make_app: MakeApp, tmp_path: Path, **config: Any) -> tuple[Flask, list[str], list[InCart]]:
    """An app on a host's own database, the SQL that both databases get, and the cart's rows as its page loads them."""
    engine = create_engine(f"sqlite:///{tmp_path / 'host.db'}")
    Base.metadata.create_all(engine)
    session = Session(engine, expire_on_commit=False)
    session.add_all(Goods(sku=p.ref, title=p.title, price=p.price) for p in GOODS)
    rows = [InCart(id=1, cart="c", sku="laptop", quantity=1, price=64900)]
    session.add_all(rows)
    session.commit()
    store = SQLAlchemyStore(
        session=lambda: session,
        currency="EUR",
        product=Columns(Goods, ref="sku", title="title", price="price", url="/product/{sku}"),
        cart_line=Columns(InCart, ref="id", cart="cart", product="sku", quantity="quantity", unit_price="price"),
        cart_key=lambda: "c",
    )
    app = make_app(store, UPSELL_REDIS_SECONDS=1.0, **config)
    publish(app, remembered(), BOOK)
    sent: list[str] = []
    for each in (engine, parts_of(app).offers.ledger.engine):  # type: ignore[attr-defined]
        event.listen(each, "before_cursor_execute", lambda *given: sent.append(given[2]))
    app.add_url_rule("/cart", "cart", lambda: render_template_string("{{ upsell('cart', cart=lines) }}", lines=rows))
    return app, sent, rows


def test_a_decision_makes_no_sql_and_one_round_trip_cold_and_none_warm(
    make_app: MakeApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shown red with `_fetch` asking twice and with `store.products()` called in `suggest`."""
    app, sent, _ = sql_shop(make_app, tmp_path, UPSELL_BOOK_SECONDS=1)
    offers = parts_of(app).offers
    client = app.test_client()
    monkeypatch.setattr(offers.shelf, "_trust", 3600.0)
    monkeypatch.setattr(offers.tally, "_every", 3600.0)
    offers.tally._flushed = time.monotonic()  # type: ignore[attr-defined]
    counted = Counted(offers.shelf._reader._pool, monkeypatch)  # type: ignore[attr-defined]
    offers.shelf._reader.ask("PING")  # type: ignore[attr-defined]
    assert slot(client.get("/cart").text).products == ["plus", "bag"]
    assert sent == []
    before = counted.trips
    # Its copy of the book is gone, which happens when it has grown too big.
    shelf = offers.shelf
    shelf._copy = shelf._empty(shelf._copy.book.version)  # type: ignore[attr-defined]
    shelf._copy.certain = time.monotonic() + 60  # type: ignore[attr-defined]
    assert slot(client.get("/cart").text).products == ["plus", "bag"]
    assert counted.trips - before == 1
    for _ in range(5):
        assert slot(client.get("/cart").text).products == ["plus", "bag"]
    assert counted.trips - before == 1
    assert sent == []


def test_a_question_a_bundle_and_a_programme_make_no_sql_and_no_round_trip_warm(
    make_app: MakeApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does a session with answers in it. Shown red with `ledger.promises` asked in `suggest`."""
    app, sent, _ = sql_shop(make_app, tmp_path, UPSELL_BOOK_SECONDS=1, UPSELL_MAX_OFFERS=3)
    put_rules(app, Rule(name="who", ask=ASK), set_of(stop=False), club(perk=Perk(code="NEXT")))
    offers = parts_of(app).offers
    visitor = Visitor(app)
    visitor.client.set_cookie("session", "x")
    assert visitor.see().products == ["bag+card", "programme:club"]
    answer = visitor.see().answers["me"]
    assert look(visitor.send(answer).text).question == ""
    monkeypatch.setattr(offers.shelf, "_trust", 3600.0)
    monkeypatch.setattr(offers.tally, "_every", 3600.0)
    offers.tally._flushed = time.monotonic()  # type: ignore[attr-defined]
    visitor.see()
    counted = Counted(offers.shelf._reader._pool, monkeypatch)  # type: ignore[attr-defined]
    sent.clear()
    for _ in range(5):
        shown = visitor.see()
        assert (shown.products, shown.question) == (["bag+card", "programme:club"], "")
        assert "€8.19 less than one by one" in shown.card("bag+card").text, "the prices before are in the book"
    assert (counted.trips, sent) == (0, [])


def test_a_stale_copy_costs_one_round_trip_and_no_sql(
    make_app: MakeApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, sent, _ = sql_shop(make_app, tmp_path, UPSELL_BOOK_SECONDS=0.0)
    offers = parts_of(app).offers
    monkeypatch.setattr(offers.tally, "_every", 3600.0)
    client = app.test_client()
    client.get("/cart")
    counted = Counted(offers.shelf._reader._pool, monkeypatch)  # type: ignore[attr-defined]
    assert slot(client.get("/cart").text).products == ["plus", "bag"]
    assert counted.trips == 1
    assert sent == []


@pytest.mark.parametrize("quantity", ["NaN", float("nan"), float("inf"), None, "", "1e3", object()])
def test_a_cart_line_that_is_no_number_is_a_page_without_offers(
    make_app: MakeApp, tmp_path: Path, caplog: pytest.LogCaptureFixture, quantity: Any
) -> None:
    app, _, rows = sql_shop(make_app, tmp_path)
    rows[0].quantity = quantity
    answer = app.test_client().get("/cart")
    assert answer.status_code == 200
    assert [found.cards for found in slots(answer.text)] in ([], [[]])
    # A busy machine may be slow to read the book besides, and then asks the ledger whether the offers are off.
    assert sum(times for name, times in faults.seen.items() if name not in ("redis_read", "switch")) == 1
    assert "failed" in caplog.text or "cart line 1 is left out" in caplog.text


@pytest.mark.parametrize(
    ("path", "back"),
    [
        ("/cart", "/cart"),
        ("/cart?page=2&q=a%20b", "/cart?page=2&q=a%20b"),
        ("//evil.example/x", "/evil.example/x"),
        ("/\\evil.example", "/evil.example"),
        ("///\\/evil.example?a=b", "/evil.example?a=b"),
    ],
)
def test_the_way_back_is_a_path_of_this_store(app: Flask, path: str, back: str) -> None:
    """Shown red with `return request.full_path`."""
    where, _, query = path.partition("?")
    with app.test_request_context("/", query_string=query, environ_overrides={"PATH_INFO": where}):
        assert _here().rstrip("?") == back


def test_outside_a_request_there_is_no_way_back(app: Flask) -> None:
    assert isinstance(app, App)
    with app.app_context():
        assert _here() == ""


def test_a_store_below_a_path_has_its_forms_there_too(app: Flask, shopper: Visitor) -> None:
    """Mounted at /shop (a SCRIPT_NAME), every address of a slot must start with it."""
    page = shopper.client.get("/cart", environ_overrides={"SCRIPT_NAME": "/shop"}).text
    shown = slot(page)
    assert shown.refresh.startswith("/shop/upsell/")
    assert 'src="/shop/upsell/static/upsell.js' in page
    form = shown.card("bag").forms["accept"]
    assert form.url == "/shop/upsell/accept"
    answer = shopper.client.post(
        "/upsell/accept",
        data=form.fields,
        environ_overrides={"SCRIPT_NAME": "/shop"},
        headers={"Sec-Fetch-Site": "same-origin"},
    )
    assert answer.location == "/shop/cart"


def test_a_page_that_answers_a_post_is_no_way_back(app: Flask) -> None:
    """A store may render its cart in answer to POST /coupon; a redirect (a GET) to it would be a 405."""
    app.add_url_rule("/coupon", "coupon", lambda: render_template_string("{{ upsell('cart') }}"), methods=["POST"])
    shopper = Visitor(app).put("laptop")
    shown = slot(shopper.client.post("/coupon").text)
    answer = shopper.send(shown.card("bag").forms["decline"], script=False)
    assert answer.location == "/cart"


# --- rules ---------------------------------------------------------------------------------------------------------


WORDS = {"en": Copy(headline="Carry it well", benefits=("Fits 16 inches",)), "de": Copy(headline="Gut getragen")}


def test_a_rules_offer_says_so_in_the_merchants_words_and_at_its_price(shopper: Visitor, app: Flask) -> None:
    rule = Rule(
        name="bag", offer=Products(refs=("bag",)), when={"lines": {"category": ["Laptops"]}}, copy=WORDS,
        discount=Discount(off=Off.PERCENT, percent=1000),
    )  # fmt: skip
    put_rules(app, rule)
    card = shopper.see().card("bag")
    for text in ("Carry it well", "Fits 16 inches", "€53.10", "Our suggestion to go with Laptop",
                 "Chosen by the people of this store"):  # fmt: skip
        assert text in card.text, text
    assert "past orders" not in card.text and "€59.00" not in card.text
    assert slot(shopper.send(card.forms["accept"]).text).tone == "done"
    assert parts_of(app).offers.ledger.counts() == []


def test_a_rule_that_shows_nothing_leaves_nothing(shopper: Visitor, app: Flask) -> None:
    assert shopper.see().products == ["plus", "bag"]
    put_rules(app, Rule(name="quiet", offer=Nothing(), when={"lines": {"category": ["Laptops"]}}))
    assert shopper.see().hidden
    parts_of(app).offers.set_rule("quiet", Status.PAUSED)
    assert shopper.see().products == ["plus", "bag"]


def test_a_campaign_in_the_address_is_a_condition(shopper: Visitor, app: Flask) -> None:
    put_rules(app, Rule(name="mail", offer=Products(refs=("card",)), audience={"source": {"is": ["mail"]}}, stop=True))
    assert shopper.see("/cart").products == ["plus", "bag"]
    assert shopper.see("/cart?utm_source=mail").products == ["card"]


# --- bundles, programmes, questions, thanks ------------------------------------------------------------------------


def test_a_bundle_tells_what_is_in_it_and_what_it_saves(shopper: Visitor, app: Flask) -> None:
    publish(app, remembered())
    put_rules(app, set_of(copy={"en": Copy(headline="For the trip", benefits=("Light",))}))
    shown = shopper.see()
    card = shown.card("bag+card")
    assert (card.kind, set(card.forms)) == ("bundle", {"accept", "decline"})
    for text in ("For the trip", "Light", "Canvas bag + Memory card", "€73.71 together", "€8.19 less than one by one",
                 "€59.00", "€22.90", "Add what is ticked", "No thanks", "Our suggestion to go with Lap"):  # fmt: skip
        assert text in card.text, text
    assert shown.links == {"bag+card": ["/product/bag", "/product/card"]}


def test_a_saving_of_which_the_past_is_not_known_is_not_told(shopper: Visitor, app: Flask) -> None:
    put_rules(app, set_of())
    text = shopper.see().card("bag+card").text
    assert "€73.71 together" in text and "less" not in text and "%" not in text


def test_a_lower_price_says_the_lowest_of_the_30_days_before(shopper: Visitor, app: Flask) -> None:
    less = Discount(off=Off.PERCENT, percent=1000)
    rule = Rule(name="bag", offer=Products(refs=("bag",)), when=WITH_LAPTOP, discount=less, stop=True)
    put_rules(app, rule)
    assert "€53.10" in shopper.see().card("bag").text and "Lowest" not in shopper.see().card("bag").text
    publish(app, remembered())
    assert "€53.10 Lowest price of the 30 days before: €59.00" in shopper.see().card("bag").text


def test_a_bundle_that_saves_nothing_does_not_say_so(shopper: Visitor, app: Flask) -> None:
    put_rules(app, set_of(discount=None))
    text = shopper.see().card("bag+card").text
    assert "€81.90" in text and "less than" not in text


NASTY = "<script>alert(1)</script>\"'><b>&"


def test_texts_of_bundles_programmes_and_questions_are_text(serve: Serve) -> None:
    """Shown red with `| safe` behind each of them in a store's own templates."""
    goods = [LAPTOP, *(Product(f"x{n}{NASTY}", f"{n}{NASTY}", 900, "EUR", url=f"/x{NASTY}", image=NASTY) for n in "12")]
    app = serve(SessionStore(goods), UPSELL_MAX_OFFERS=3)
    publish(app, goods, {})
    words = {"en": Copy(headline=NASTY, benefits=(NASTY,))}
    made = Programme(url=f"https://x.example/{NASTY}", title={"en": NASTY}, terms={"en": NASTY}, image=NASTY)
    ask = Question(words={"en": NASTY}, answers={"a": {"en": f"1{NASTY}"}, "b": {"en": f"2{NASTY}"}})
    put_rules(app, Rule(name=NASTY, ask=ask), set_of(*(each.ref for each in goods[1:]), stop=False, copy=words),
              club(offer=made, copy=words))  # fmt: skip
    visitor = Visitor(app).put("laptop")
    page = visitor.client.get("/cart").text
    shown = look(page)
    assert shown.question == NASTY
    assert [card.kind for card in shown.cards] == ["bundle", "programme"]
    assert all(card.text.count(NASTY) >= 3 for card in shown.cards)
    for bad in ("<script>alert", "'><b>", "<b>"):
        assert bad not in page, bad
    assert look(visitor.send(shown.answers["a"]).text).question == ""


def test_thanks_are_text_and_stand_on_the_confirmation_only(app: Flask, shopper: Visitor) -> None:
    with shopper.client.session_transaction() as kept:
        kept["upsell"] = {"thanks": [NASTY, "Thank you!"]}
    for path in ("/cart", "/checkout", "/product/laptop"):
        assert shopper.see(path).thanks == []
    for path in ("/order?ref=laptop", "/order?ref=lonely"):
        page = shopper.client.get(path).text
        shown = look(page)
        assert (shown.thanks, shown.hidden, shown.tone) == ([NASTY, "Thank you!"], False, None)
        assert "<script>alert" not in page and "<b>" not in page
    assert Visitor(app).put("laptop").see("/order?ref=laptop").thanks == []


def test_the_thanks_of_one_are_not_in_the_html_that_is_kept_for_others(app: Flask, shopper: Visitor) -> None:
    """Shown red with thanks left out of what decides whether HTML is kept."""
    stranger = Visitor(app).put("laptop")
    with shopper.client.session_transaction() as kept:
        kept["upsell"] = {"thanks": ["Your code: SECRET"]}
    for _ in range(2):
        assert shopper.see("/order?ref=laptop").thanks == ["Your code: SECRET"]
        assert stranger.see("/order?ref=laptop").thanks == []


def test_each_product_of_a_bundle_is_counted_as_shown(app: Flask, shopper: Visitor) -> None:
    put_rules(app, set_of(stop=False), club())
    shopper.see()
    offers = parts_of(app).offers
    offers.tally.flush()
    offers.fold()
    assert {(count.kind, count.product): count.shown for count in offers.ledger.counts()} == {
        ("bundle", "bag"): 1, ("bundle", "card"): 1, ("programme", "programme:club"): 1}  # fmt: skip


@pytest.fixture
def spoken(serve: Serve) -> tuple[Flask, SessionStore]:
    """A store that writes amounts alike in all its languages, and keeps the HTML of its widgets."""
    store = SessionStore(GOODS)
    return serve(store), store


def test_kept_html_is_in_the_language_of_who_looks(spoken: tuple[Flask, SessionStore]) -> None:
    """Red when only how amounts are written tells which language kept HTML is in: a programme's title and terms are
    then those of whoever looked first."""
    app, store = spoken
    put_rules(app, Rule(name="who", ask=ASK), club())
    visitor = Visitor(app).put("laptop")
    for language, question, title, terms in (
        ("en", "For whom is it?", "Points card", "Free."),
        ("de", "Für wen ist es?", "Punktekarte", "Kostenlos."),
        ("en", "For whom is it?", "Points card", "Free."),
    ):
        store.facts["language"] = language
        shown = visitor.see()
        assert shown.question == question
        visitor.send(shown.answers[""])
        shown = visitor.see()
        assert title in shown.card("programme:club").text
        assert terms in shown.card("programme:club").text
        with visitor.client.session_transaction() as kept:
            del kept["upsell"]["asked"]
            kept.modified = True


@pytest.mark.parametrize("changed", ["title", "terms", "url", "image"])
def test_a_programme_that_was_changed_is_shown_as_it_is_now(spoken: tuple[Flask, SessionStore], changed: str) -> None:
    """Red when kept HTML is known by the version of the catalogue and not by what the rule says of its programme: old
    terms are then shown until the process ends."""
    app, _ = spoken
    old = {"title": "Old club", "terms": "Old terms", "url": "/old-club", "image": "/old.png"}
    new = {"title": "New club", "terms": "New terms", "url": "/new-club", "image": "/new.png"}
    visitor = Visitor(app).put("laptop")
    for given in (old, {**old, changed: new[changed]}):
        made = Programme(
            url=given["url"], title={"en": given["title"]}, terms={"en": given["terms"]}, image=given["image"]
        )
        put_rules(app, club(offer=made))
        page = visitor.client.get("/cart").text
        for text in {*old.values(), *new.values()}:
            assert (text in page) is (text in given.values()), text


def test_a_bundle_whose_price_was_changed_is_shown_as_it_is_now(spoken: tuple[Flask, SessionStore]) -> None:
    app, store = spoken
    put_rules(app, set_of(discount=None))
    visitor = Visitor(app).put("laptop")
    for bag, card in ((5900, 2290), (6000, 2190), (6000, 2290)):  # the first two sum up to the same
        for ref, price in (("bag", bag), ("card", card)):
            store.shelf[ref] = Product(ref, ref.title(), price, "EUR")
        parts_of(app).offers.amend(["bag", "card"])
        text = visitor.see().card("bag+card").text
        for amount in (bag, card, bag + card):
            assert f"€{amount // 100}.{amount % 100:02}" in text


def test_a_stores_own_question_overrides_ours_and_is_rendered_anew(
    app: Flask, shopper: Visitor, tmp_path: Path
) -> None:
    """Shown red without the question among the templates that are looked at."""
    (tmp_path / "templates" / "upsell").mkdir(parents=True)
    (tmp_path / "templates" / "upsell" / "question.html").write_text(
        "<i>{{ slot.question.words }} {{ request.args.get('n') }}</i>"
    )
    put_rules(app, Rule(name="who", ask=ASK))
    for number in "12":
        assert f"<i>For whom is it? {number}</i>" in shopper.client.get(f"/cart?n={number}").text


# --- how much a session is offered ---------------------------------------------------------------------------------


def test_a_session_is_offered_so_many_products_and_no_more(serve: Serve, store: SessionStore) -> None:
    """Shown red with what was offered not remembered."""
    visitor = Visitor(serve(store, UPSELL_MAX_SESSION=2)).put("laptop")
    assert visitor.see("/cart").products == ["plus", "bag"]
    assert visitor.see("/product/bag").products == []
    assert visitor.see("/checkout").products == ["plus", "bag"], "what was offered already may be again"
    visitor.press("decline", "bag")
    assert visitor.see("/cart").products == ["plus"]


def test_a_bundle_is_one_of_what_a_session_is_offered(serve: Serve, store: SessionStore) -> None:
    app = serve(store, UPSELL_MAX_SESSION=2)
    put_rules(app, set_of(stop=False))
    visitor = Visitor(app).put("laptop")
    assert visitor.see().products == ["plus", "bag+card"]
    assert visitor.see().products == ["plus", "bag+card"]
    assert visitor.see("/product/bag").products == []


def test_without_a_limit_nothing_is_remembered_of_what_was_offered(serve: Serve, store: SessionStore) -> None:
    visitor = Visitor(serve(store, UPSELL_MAX_SESSION=0)).put("laptop")
    assert visitor.see("/cart").products == ["plus", "bag"]
    assert visitor.see("/product/bag").products == ["socks"]
    assert "upsell" not in visitor.remembered()


def test_who_has_no_session_is_not_given_one_and_has_no_limit(serve: Serve, store: SessionStore) -> None:
    visitor = Visitor(serve(store, UPSELL_MAX_SESSION=1))
    for _ in range(2):
        answer = visitor.client.get("/product/laptop")
        assert slot(answer.text).products == ["plus"], "one at a time"
        assert slot(visitor.client.get("/product/bag").text).products == ["socks"]
        assert "Set-Cookie" not in answer.headers
