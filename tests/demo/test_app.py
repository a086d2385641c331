"""The demo store's application: one folder holds all of it."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from flask_upsell import Capability, faults
from flask_upsell.core.affinity import Affinities, Affinity
from flask_upsell.demo import loading
from flask_upsell.demo.app import create_app, engine_of
from flask_upsell.demo.models import CartLine, Order, Product
from flask_upsell.jobs import Parts
from tests.conftest import migrate
from tests.demo.shopper import Shopper
from tests.web.markup import slot

Made = list[Flask]


@pytest.fixture
def made() -> Iterator[Made]:
    """Apps that are closed in the end."""
    apps: Made = []
    yield apps
    for app in apps:
        engine_of(app).dispose()
        here(app).offers.ledger.engine.dispose()  # type: ignore[attr-defined]


def here(app: Flask) -> Parts:
    found = app.extensions["upsell"]
    assert isinstance(found, Parts)
    return found


def make(made: Made, folder: Path, **config: Any) -> Flask:
    app = create_app(folder, **config)
    made.append(app)
    return app


@pytest.fixture
def filled(made: Made, tmp_path: Path, redis_url: str) -> Flask:
    """The demo with its own past, prepared as the command does it, on the Valkey of the tests."""
    more = {"UPSELL_REDIS_URL": redis_url, "UPSELL_REDIS_SECONDS": 1.0, "UPSELL_PRICE_GAP_FLOOR": 500}
    app = make(made, tmp_path / "shop", **more)
    loading.load_own(engine_of(app), lambda *_: None)
    migrate(here(app).offers.ledger.engine)  # type: ignore[attr-defined]
    leads = Affinities((Affinity("LT-1416", 9.0, 60, 400, 70, 6000),), (Affinity("BG-0150", 5.0, 38, 412, 60, 6000),))
    with app.app_context():
        here(app).offers.shelf.publish(here(app).offers.store.catalogue(), [("LT-1408", leads)])
    return app


def test_everything_is_in_the_folder(made: Made, tmp_path: Path) -> None:
    app = make(made, tmp_path / "new" / "shop")
    secret = tmp_path / "new" / "shop" / "secret"
    assert len(secret.read_text()) == 64
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert app.config["SECRET_KEY"] == secret.read_text()
    assert app.config["UPSELL_DATABASE_URL"].endswith("/new/shop/store.db")
    assert app.config["UPSELL_REDIS_URL"].startswith("unix:///")
    again = make(made, tmp_path / "new" / "shop")
    assert again.config["SECRET_KEY"] == app.config["SECRET_KEY"]
    other = make(made, tmp_path / "other")
    assert other.config["SECRET_KEY"] != app.config["SECRET_KEY"]
    assert other.config["UPSELL_REDIS_URL"] != app.config["UPSELL_REDIS_URL"]


def test_what_the_shop_was_filled_with_is_its_settings(made: Made, tmp_path: Path) -> None:
    (tmp_path / "shop.json").write_text(
        json.dumps({"source": {}, "config": {"DEMO_CURRENCY": "USD", "UPSELL_MAX_OFFERS": 1}})
    )
    app = make(made, tmp_path)
    assert (app.config["DEMO_CURRENCY"], here(app).settings.max_offers) == ("USD", 1)
    assert here(make(made, tmp_path, UPSELL_MAX_OFFERS=3)).settings.max_offers == 3


def test_each_page_has_a_strict_policy(filled: Flask) -> None:
    client = filled.test_client()
    for path in ("/", "/product/aster-14", "/cart", "/healthz", "/none", "/upsell/slot/cart"):
        headers = client.get(path).headers
        assert headers["Content-Security-Policy"].startswith("default-src 'self'")
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_the_store_is_reached_by_its_columns(filled: Flask) -> None:
    store = here(filled).offers.store
    with filled.test_request_context("/"):
        assert store.capabilities == frozenset(Capability)
        (laptop,) = store.products(["LT-1408"])
        assert (laptop.title, laptop.price, laptop.currency) == ("Aster 14", 64_900, "EUR")
        assert (laptop.url, laptop.image) == ("/product/aster-14", "/picture/LT-1408.svg")
        assert laptop.attributes["Memory"] == "8 GB"
        (plan,) = store.products(["VD-0050"]) or store.products(["none"]) or (None,)
        assert plan is None or plan.period_months in (None, 1, 12)
        assert sum(1 for _ in store.catalogue()) == 62
        assert len({line.order for line in store.orders()}) == 6000
        assert store.format_money(129_900, "EUR") == "€1,299.00"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://pictures.example/x.jpg", "https://pictures.example/x.jpg"),
        ("http://pictures.example/x.jpg", "/picture/A%2FB%20C.svg"),
        ("javascript:alert(1)", "/picture/A%2FB%20C.svg"),
        (None, "/picture/A%2FB%20C.svg"),
    ],
)
def test_only_pictures_that_are_safe_are_taken_from_elsewhere(filled: Flask, address: str | None, shown: str) -> None:
    with Session(engine_of(filled)) as session:
        session.add(Product(sku="A/B C", slug="abc", title="ABC", price_minor=1, image_url=address))
        session.commit()
    with filled.test_request_context("/"):
        (product,) = here(filled).offers.store.products(["A/B C"])
    assert product.image == shown


def test_the_cart_page_offers_and_an_order_is_a_conversion(filled: Flask) -> None:
    shopper = Shopper(filled.test_client())
    shopper.add("LT-1408")
    shown = slot(shopper.see("/cart"))
    assert shown.products == ["LT-1416", "BG-0150"]
    form = shown.card("BG-0150").forms["accept"]
    same = {"Sec-Fetch-Site": "same-origin"}
    assert shopper.client.post(form.url, data=form.fields, headers=same).location == "/cart"
    answer = shopper.send("/checkout", name="Ada")
    assert "Thank you, Ada" in answer.text
    with filled.app_context():
        here(filled).offers.ledger.fold()
        counts = here(filled).offers.ledger.counts()
    assert sum(count.converted for count in counts) == 1
    assert sum(count.revenue for count in counts) == 5_900


def test_an_order_that_fails_is_no_conversion(filled: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The order's transaction is the conversion's too: what fails after the signal takes both back."""
    shopper = Shopper(filled.test_client())
    shopper.add("LT-1408")
    form = slot(shopper.see("/cart")).card("BG-0150").forms["accept"]
    shopper.client.post(form.url, data=form.fields, headers={"Sec-Fetch-Site": "same-origin"})
    token = shopper.token()
    commit = Session.commit
    with monkeypatch.context() as broken:
        filled.config["PROPAGATE_EXCEPTIONS"] = False

        def fails(self: Session) -> None:
            if any(isinstance(each, Order) for each in self):
                raise OSError("the disk is full")
            commit(self)

        broken.setattr(Session, "commit", fails)
        assert shopper.client.post("/checkout", data={"csrf_token": token, "name": "Ada"}).status_code == 500
    with filled.app_context():
        here(filled).offers.ledger.fold()
        assert sum(count.converted for count in here(filled).offers.ledger.counts()) == 0
    with Session(engine_of(filled)) as session:
        assert len(session.scalars(select(CartLine)).all()) == 2
    assert "Thank you" in shopper.send("/checkout", name="Ada").text
    with filled.app_context():
        here(filled).offers.ledger.fold()
        assert sum(count.converted for count in here(filled).offers.ledger.counts()) == 1


def test_a_line_with_options_and_coupon_is_restored_by_an_undo(filled: Flask) -> None:
    shopper = Shopper(filled.test_client())
    shopper.add("LT-1408", "2")
    shopper.send("/cart/coupon", coupon="WELCOME10")
    with Session(engine_of(filled)) as session:
        line = session.scalars(select(CartLine)).one()
        line.options, line.unit_price_minor = {"engraving": "Ada"}, 64_000
        before = (line.id, line.sku, line.quantity, line.unit_price_minor, dict(line.options))
        session.commit()
    form = slot(shopper.see("/cart")).card("LT-1416").forms["accept"]
    same = {"Sec-Fetch-Site": "same-origin"}
    shopper.client.post(form.url, data=form.fields, headers=same)
    page = slot(shopper.see("/cart"))
    assert page.undo is not None
    with Session(engine_of(filled)) as session:
        assert session.scalars(select(CartLine.sku)).one() == "LT-1416"
    shopper.client.post(page.undo.url, data=page.undo.fields, headers=same)
    with Session(engine_of(filled)) as session:
        line = session.scalars(select(CartLine)).one()
        assert (line.id, line.sku, line.quantity, line.unit_price_minor, dict(line.options)) == before
    assert "Coupon WELCOME10" in shopper.see("/cart")


def test_without_valkey_the_shop_goes_on_and_health_says_so(made: Made, tmp_path: Path) -> None:
    faults.seen.clear()
    app = make(made, tmp_path / "shop")
    loading.load_own(engine_of(app), lambda *_: None)
    migrate(here(app).offers.ledger.engine)  # type: ignore[attr-defined]
    shopper = Shopper(app.test_client())
    shopper.add("LT-1408")
    assert slot(shopper.see("/cart")).hidden
    answer = app.test_client().get("/healthz")
    assert answer.status_code == 503
    assert answer.get_json()["missing"] == ["redis", "worker"]
    assert "Thank you" in shopper.send("/checkout", name="Ada").text


def test_a_cart_outlives_a_restart(made: Made, filled: Flask, tmp_path: Path) -> None:
    shopper = Shopper(filled.test_client())
    shopper.add("LT-1408")
    cookie = shopper.client.get_cookie("session")
    assert cookie is not None
    again = make(made, tmp_path / "shop")
    client = again.test_client()
    client.set_cookie("session", cookie.value)
    assert 'data-sku="LT-1408"' in Shopper(client).see("/cart")
