"""What README and samples say is what the code does."""

from __future__ import annotations

import re
import runpy
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask, render_template_string, session
from flask_login import LoginManager, UserMixin
from sqlalchemy import ForeignKey, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from flask_upsell import FollowUp, Person, Role, flask_login_person, order_placed
from flask_upsell.jobs import parts, run_learning
from flask_upsell.settings import SETTINGS, read
from tests.conftest import SECRET, MakeApp

ROOT = Path(__file__).parents[1]


class Base(DeclarativeBase):
    pass


class Product(Base):
    __tablename__ = "product"
    sku: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    slug: Mapped[str]
    category: Mapped[str | None]
    price_cents: Mapped[int]


class CartLine(Base):
    __tablename__ = "cart_line"
    id: Mapped[int] = mapped_column(primary_key=True)
    cart_key: Mapped[str]
    sku: Mapped[str] = mapped_column(ForeignKey(Product.sku))
    quantity: Mapped[int]
    price_cents: Mapped[int]


class Order(Base):
    __tablename__ = "order"
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str]
    created_at: Mapped[datetime]
    customer_id: Mapped[str | None]


class OrderLine(Base):
    __tablename__ = "order_line"
    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey(Order.id))
    sku: Mapped[str] = mapped_column(ForeignKey(Product.sku))
    quantity: Mapped[int]
    price_cents: Mapped[int]


class LoginUser(UserMixin):  # type: ignore[misc]
    def __init__(self, id: str, role: str, email: str) -> None:
        self.id, self.role, self.email = id, role, email


@pytest.fixture
def shop(redis_url: str, tmp_path: Path) -> Iterator[tuple[Flask, Session]]:
    """A store as README assumes it: its own models, a cart key in the session."""
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    db = Session(engine, expire_on_commit=False)
    db.add_all(Product(sku=s, name=s.title(), slug=s, category=None, price_cents=1000) for s in ("tea", "pot", "cup"))
    for number in range(20):
        db.add(Order(id=number + 1, number=f"N{number}", created_at=datetime(2026, 1, 1, tzinfo=UTC)))
        for sku in ("tea", "pot") if number % 2 else ("cup",):
            db.add(OrderLine(order_id=number + 1, sku=sku, quantity=1, price_cents=1000))
    db.add(CartLine(cart_key="k1", sku="tea", quantity=1, price_cents=1000))
    db.commit()
    app = Flask("readme")
    app.config.update(SECRET_KEY=SECRET, UPSELL_DATABASE_URL=url, UPSELL_REDIS_URL=redis_url, UPSELL_BOOK_SECONDS=0)
    app.config.update(UPSELL_REDIS_SECONDS=1, UPSELL_SLOW_SECONDS=0)
    yield app, db
    db.close()
    engine.dispose()
    parts_of(app).close()


def parts_of(app: Flask) -> Any:
    with app.app_context():
        return parts()


def test_the_lines_of_the_readme_embed_the_extension(shop: tuple[Flask, Session]) -> None:
    app, db = shop
    code = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    assert code is not None
    names = {
        "app": app,
        "db": SimpleNamespace(session=db),
        "session": session,
        "Product": Product,
        "CartLine": CartLine,
        "Order": Order,
        "OrderLine": OrderLine,
    }
    exec(code.group(1), names)
    with app.app_context():
        parts().migrate()
        run_learning(parts(), "readme")

    @app.get("/cart")
    def cart() -> str:
        session["cart"] = "k1"
        return render_template_string('{{ upsell("cart") }}')

    client = app.test_client()
    html = client.get("/cart").text
    assert 'data-upsell-kind="complement" data-upsell-product="pot"' in html
    token, key = re.findall(r'name="(?:token|key)" value="([^"]+)"', html)[:2]
    client.post("/upsell/accept", data={"token": token, "key": key})
    assert [line.sku for line in db.query(CartLine).order_by(CartLine.id)] == ["tea", "pot"]
    with app.test_request_context():
        session["cart"] = "k1"
        order = Order(number="new", created_at=datetime(2026, 2, 1, tzinfo=UTC))
        db.add(order)
        db.flush()
        db.add(OrderLine(order_id=order.id, sku="pot", quantity=1, price_cents=1000))
        db.flush()
        order_placed.send(app, order=order.number, connection=db.connection())
        db.commit()
    parts_of(app).offers.fold()
    counts = parts_of(app).offers.ledger.counts()
    assert sum(c.accepted for c in counts) == sum(c.converted for c in counts) == 1
    assert [(c.product, c.revenue, c.currency) for c in counts if c.converted] == [("pot", 1000, "EUR")]


def block(word: str) -> str:
    """The README's code that has this in it."""
    (found,) = [
        each for each in re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S) if word in each
    ]
    return str(found)


def test_the_readme_lets_staff_into_the_admin(make_app: MakeApp) -> None:
    user = SimpleNamespace(is_authenticated=True, is_staff=False, email="ada@shop.example")
    app = Flask("config")
    exec(block("UPSELL_ADMIN_USER="), {"app": app, "current_user": user, "Person": Person, "Role": Role})
    shop = make_app(**app.config.get_namespace("UPSELL_", lowercase=False, trim_namespace=False))
    assert shop.test_client().get("/upsell/admin/").headers["Location"].startswith("/login?next=")
    user.is_staff = True
    assert "ada@shop.example" in shop.test_client().get("/upsell/admin/").text


def test_the_line_of_the_readme_lets_users_of_flask_login_in(make_app: MakeApp) -> None:
    app = Flask("config")
    exec(block("flask_login_person("), {"app": app, "flask_login_person": flask_login_person})
    shop = make_app(**app.config.get_namespace("UPSELL_", lowercase=False, trim_namespace=False))
    users = {"7": LoginUser("7", "editor", "ada@shop.example"), "8": LoginUser("8", "", "bob@shop.example")}
    manager = LoginManager(shop)
    manager.user_loader(users.get)
    manager.login_view = "/login"
    client = shop.test_client()
    assert client.get("/upsell/admin/").headers["Location"] == "/login?next=/upsell/admin/"
    for id, status in (("7", 200), ("8", 403)):
        with client.session_transaction() as kept:
            kept["_user_id"] = id
        answer = client.get("/upsell/admin/")
        assert (answer.status_code, users[id].email in answer.text) == (status, status == 200)


def test_the_function_of_the_readme_sends_a_mail() -> None:
    code = block("UPSELL_FOLLOW_UP=")
    app, sent = Flask("mails"), list[EmailMessage]()
    people = SimpleNamespace(get=lambda model, key: SimpleNamespace(email=f"{key}@customers.example"))
    mailer = SimpleNamespace(send_message=sent.append)
    names = {"app": app, "db": SimpleNamespace(session=people), "User": object, "mailer": mailer}
    exec(code, {**names, "EmailMessage": EmailMessage})
    given = read({**app.config, "SECRET_KEY": SECRET})
    assert given.site_url == "https://shop.example" and given.follow_up is not None
    headers = {"List-Unsubscribe": "<https://shop.example/u>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    given.follow_up(FollowUp("42", "1001", "de", "Goes well with tea", "<p>A pot", "A pot", "", headers))
    (mail,) = sent
    assert (mail["To"], mail["Subject"]) == ("42@customers.example", "Goes well with tea")
    assert headers.items() <= dict(mail.items()).items()
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]


def test_the_sample_settings_are_all_settings_with_their_defaults() -> None:
    sample = runpy.run_path(str(ROOT / "config" / "settings.py"))
    given = {name: value for name, value in sample.items() if name.startswith("UPSELL_")}
    assert given == {f"UPSELL_{setting.name}": setting.default for setting in SETTINGS}
    text = (ROOT / "config" / "settings.py").read_text().replace("\n# ", " ")
    for setting in SETTINGS:
        assert setting.sentence in text


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "plugin/README.md", "widgets/README.md"])
def test_paths_that_a_document_names_exist(document: str) -> None:
    named = re.findall(r"`([\w.-]+(?:/[\w.*-]+)+/?)`", (ROOT / document).read_text())
    package = ROOT / "plugin" / "flask_upsell"
    bases = [ROOT, ROOT / "plugin", package, package / "web", package / "learn", ROOT / "widgets" / "templates"]
    for path in named:
        assert any(list(base.glob(path.rstrip("/"))) for base in bases), f"{document} names {path}"
