"""A visitor of the demo shop in tests, and ways to look at what the visit left behind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from flask.testing import FlaskClient
from sqlalchemy import event, select
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.test import TestResponse

from flask_upsell.demo.models import CartLine

Sessions = sessionmaker[Session]


class Shopper:
    """A visitor with a cookie jar, who fills in forms as a browser does."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def see(self, path: str) -> str:
        """The text of a page that must be there."""
        answer = self.client.get(path)
        assert answer.status_code == 200, (path, answer.status)
        return answer.text

    def token(self) -> str:
        """The form token that the shop put into this visitor's session."""
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.see("/product/aster-14"))
        assert found is not None
        return found[1]

    def send(self, path: str, **fields: str) -> TestResponse:
        """Send a form and follow the redirect that must come."""
        answer = self.client.post(path, data={"csrf_token": self.token(), **fields})
        assert answer.status_code == 303, (path, answer.status, answer.text[:200])
        return self.client.get(answer.location)

    def add(self, sku: str, quantity: str = "1") -> TestResponse:
        """Put pieces into the cart."""
        return self.send("/cart/add", sku=sku, quantity=quantity)

    def line(self, sku: str) -> str:
        """The id of the cart line of a product."""
        found = re.search(rf'data-line="(\d+)" data-sku="{sku}"', self.see("/cart"))
        assert found is not None, sku
        return found[1]


def stored(sessions: Sessions) -> list[tuple[str, int]]:
    """Each cart line in the database: reference and quantity."""
    with sessions() as session:
        return [(line.sku, line.quantity) for line in session.scalars(select(CartLine).order_by(CartLine.id))]


def due(page: str) -> str:
    """The total that a page shows."""
    found = re.search(r'class="due"><dt>Total</dt><dd>([^<]+)<', page)
    assert found is not None
    return found[1]


@contextmanager
def statements(sessions: Sessions) -> Iterator[list[str]]:
    """The SQL that is sent meanwhile."""
    sent: list[str] = []

    def remember(_c: object, _u: object, statement: str, *_rest: object) -> None:
        sent.append(statement)

    engine = sessions.kw["bind"]
    event.listen(engine, "before_cursor_execute", remember)
    yield sent
    event.remove(engine, "before_cursor_execute", remember)
