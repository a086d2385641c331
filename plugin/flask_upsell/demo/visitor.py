"""What one request of the demo shop shares: the database session, the visitor's cart, the form token."""

from __future__ import annotations

from collections.abc import Sequence
from hmac import compare_digest
from secrets import token_urlsafe
from typing import cast

from flask import current_app, g, session
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, sessionmaker

from flask_upsell.demo.models import Cart, CartLine


def db() -> Session:
    """This request's database session, closed when the request ends; what was not committed is rolled back."""
    if "demo_db" not in g:
        g.demo_db = cast("sessionmaker[Session]", current_app.extensions["demo_sessions"])()
    return cast(Session, g.demo_db)


def close_db(error: BaseException | None = None) -> None:
    """Give the session's connection back; runs at the end of every app context."""
    opened: Session | None = g.pop("demo_db", None)
    if opened is not None:
        opened.close()


def cart_key() -> str | None:
    """The key of this visitor's cart, None before the first add."""
    key = session.get("cart")
    return key if isinstance(key, str) else None


def open_cart() -> str:
    """The key of this visitor's cart, made now if there was none."""
    key = cart_key()
    if key is None:
        key = session["cart"] = token_urlsafe(24)
    return key


def cart_lines() -> Sequence[CartLine]:
    """This visitor's cart lines with their products, oldest first: one statement, once a request."""
    if "demo_lines" not in g:
        key = cart_key()
        query = select(CartLine).where(CartLine.cart_key == key).options(joinedload(CartLine.product))
        # populate_existing: after forget_cart_lines the rows count, not what this session remembers of them.
        fresh = query.order_by(CartLine.id).execution_options(populate_existing=True)
        g.demo_lines = () if key is None else db().scalars(fresh).all()
    return cast("Sequence[CartLine]", g.demo_lines)


def forget_cart_lines() -> None:
    """The next `cart_lines()` reads again."""
    g.pop("demo_lines", None)


def cart_coupon() -> str | None:
    """The coupon of this visitor's cart."""
    key = cart_key()
    cart = db().get(Cart, key) if key is not None else None
    return cart.coupon if cart is not None else None


def csrf_token() -> str:
    """The token that each form of this visitor carries."""
    if "csrf" not in session:
        session["csrf"] = token_urlsafe(24)
    return cast(str, session["csrf"])


def csrf_valid(given: str) -> bool:
    """Whether a form came from a page of this visitor."""
    known = session.get("csrf")
    return isinstance(known, str) and compare_digest(known.encode(), given.encode())
