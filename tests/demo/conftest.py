"""A small app around the demo shop, on SQLite, with an extension that offers nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from shutil import copyfile

import pytest
from flask import Flask
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

from flask_upsell.demo.catalogue import CATALOGUE, Item
from flask_upsell.demo.models import Base, Product
from flask_upsell.demo.store import store
from tests.demo.shopper import Shopper


def as_product(item: Item) -> Product:
    """A row of the shop's own table."""
    return Product(
        sku=item.ref,
        slug=item.slug,
        title=item.title,
        category=item.category,
        price_minor=item.price,
        stock=item.stock,
        summary=item.summary,
        attributes=item.attributes,
        period_months=item.period_months,
        picture=item.picture,
    )


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the whole catalogue, a sold out, a hidden, an unlimited product, and one of three pieces."""
    path = tmp_path_factory.mktemp("shop") / "shop.db"
    engine = create_engine(f"sqlite:///{path}")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all(as_product(item) for item in CATALOGUE)
        extras = (("X-SOLD-OUT", 0, False), ("X-HIDDEN", 5, True), ("X-ENDLESS", None, False), ("X-THREE", 3, False))
        for sku, stock, hidden in extras:
            slug = sku.lower()
            session.add(
                Product(sku=sku, slug=slug, title=f"Extra {slug}", price_minor=1000, stock=stock, hidden=hidden)
            )
        session.commit()
    engine.dispose()
    return path


@pytest.fixture
def app(filled: Path, tmp_path: Path) -> Iterator[Flask]:
    """The shop on a database of its own."""
    app = Flask("demo_try_out")
    app.config.update(SECRET_KEY="only for tests", DEMO_CURRENCY="EUR", TESTING=True)
    engine = create_engine(f"sqlite:///{copyfile(filled, tmp_path / 'shop.db')}")
    app.extensions["demo_sessions"] = sessionmaker(engine)
    app.register_blueprint(store)
    app.jinja_env.globals["upsell"] = lambda placement, **context: ""
    yield app
    engine.dispose()


@pytest.fixture
def sessions(app: Flask) -> sessionmaker[Session]:
    """For looking into the shop's tables."""
    found = app.extensions["demo_sessions"]
    assert isinstance(found, sessionmaker)
    return found


@pytest.fixture
def shopper(app: Flask) -> Shopper:
    """One visitor."""
    return Shopper(app.test_client())


@pytest.fixture
def stranger(app: Flask) -> Shopper:
    """Another visitor."""
    return Shopper(app.test_client())
