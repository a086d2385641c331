"""The demo store's application, as `flask --app` and `flask-upsell demo` make it."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import quote

from flask import Flask, Response, jsonify, session
from sqlalchemy import Engine
from sqlalchemy.orm import sessionmaker

from flask_upsell import Columns, SQLAlchemyStore, Upsell

from ..adapters.ledger import make_engine
from ..jobs import parts
from ..web.health import health
from . import clock, embedded, tongue
from . import gallery as gallery  # its routes
from . import switches as switches
from .club import groups
from .models import CartLine, Order, OrderLine, Product
from .praise import praise
from .staff import SIGN_IN, staff
from .store import store
from .visitor import cart_coupon, cart_key, db, open_cart

CSP = "default-src 'self'; img-src 'self' https: data:; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"


def create_app(folder: str | Path, **config: Any) -> Flask:
    """The store whose database, secret and Valkey live in `folder`. `config` overrides settings."""
    folder = Path(folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    database = f"sqlite:///{folder / 'store.db'}"
    app = Flask(__name__, static_folder=None)
    app.config.update(
        SECRET_KEY=_secret(folder),
        SESSION_COOKIE_SAMESITE="Lax",
        DEMO_CURRENCY="EUR",
        # A conditioner costs more than its shampoo, and milk more than a banana.
        UPSELL_COMPLEMENT_TIMES=4,
        # A machine that shows and learns at once has slow pages, which are no reason to show none.
        UPSELL_SLOW_SECONDS=5,
        # The demo's shoppers have agreed; ?consent=no shows what others are offered.
        UPSELL_CONSENT=switches.agreed,
        UPSELL_ADMIN_USER=staff,
        UPSELL_ADMIN_SIGN_IN=SIGN_IN,
        # The same database: an order and its conversions are one transaction.
        UPSELL_DATABASE_URL=database,
        UPSELL_REDIS_URL=embedded.url(folder),
    )
    known = folder / "shop.json"
    if known.exists():
        app.config.update(json.loads(known.read_text())["config"])
    if app.config.get("DEMO_AGREED"):
        # Those who are invented, or took part in a study, have agreed.
        app.config["UPSELL_CONSENTED"] = list
    app.config.update(config)
    engine = make_engine(database)
    app.extensions["demo_engine"] = engine
    app.extensions["demo_sessions"] = sessionmaker(engine, expire_on_commit=False)
    app.register_blueprint(store)
    Upsell(store=host_store(app.config["DEMO_CURRENCY"])).init_app(app)
    app.extensions["upsell"].offers.clock = clock.now

    @app.after_request
    def strict(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", CSP)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        return response

    @app.get("/healthz")
    def healthz() -> tuple[Response, int]:
        report = health(parts().offers)
        return jsonify(report), 200 if report["ok"] else 503

    return app


def host_store(currency: str) -> SQLAlchemyStore:
    """How the extension reaches the store: its own models, by the names of their columns."""
    return SQLAlchemyStore(
        session=db,
        currency=currency,
        locale=tongue.language,
        product=Columns(
            Product,
            ref="sku",
            title="title",
            price="price_minor",
            category="category",
            stock="stock",
            hidden="hidden",
            attributes="attributes",
            period_months="period_months",
            url="/product/{slug}",
            image=_image,
            reviews=praise,
        ),
        cart_line=Columns(
            CartLine, ref="id", cart="cart_key", product="sku", quantity="quantity", unit_price="unit_price_minor"
        ),
        order=Columns(Order, ref="number", id="id", placed_at="placed_at", customer="customer"),
        order_line=Columns(
            OrderLine, order="order_id", product="sku", quantity="quantity", unit_price="unit_price_minor"
        ),
        cart_key=cart_key,
        start_cart=open_cart,
        customer=lambda: session.get("customer"),
        facts=lambda: {
            "orders": len(session.get("orders", ())),
            "groups": groups(),
            "language": tongue.language(),
        },
        coupons=lambda: [coupon] if (coupon := cart_coupon()) else [],
        grants=True,
        urls={"cart": "/cart", "checkout": "/checkout"},
    )


def engine_of(app: Flask) -> Engine:
    found: Engine = app.extensions["demo_engine"]
    return found


def _image(product: Product) -> str:
    address = product.image_url or ""
    return address if address.startswith("https://") else f"/picture/{quote(product.sku, safe='')}.svg"


def _secret(folder: Path) -> str:
    """Made once for a folder, so that carts survive a restart."""
    path = folder / "secret"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32))
    return path.read_text()
