"""Before consent: nothing of ours on the device that the shopper did not ask for, and no history."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, session

from flask_upsell import Visitor as Who
from flask_upsell import faults
from flask_upsell.core.context import mark
from flask_upsell.core.rule import Nothing, Products, Rule
from flask_upsell.web.consent import Consent
from tests.web.conftest import Serve
from tests.web.shop import ASK, GOODS, SessionStore, Visitor, put_rules

PAGES = ("/cart", "/checkout", "/product/laptop", "/order?ref=laptop", "/upsell/slot/cart")
#: What a rule may ask of history, and a visitor of whom it is true.
HISTORY: dict[str, Any] = {
    "first_order": {"is": False},
    "order_count": {"min": 2},
    "has_bought": {"product": ["lonely"]},
    "source": {"is": ["letter"]},
}


def no() -> bool:
    return False


def agreed() -> bool:
    """A store that asks; the answer is in its session."""
    return session.get("agreed") is True


class KnownStore(SessionStore):
    """Tells all it knows of a customer, as if everybody had agreed."""

    def visitor(self) -> Who:
        return Who(
            self.visitor_key, "7", frozenset({"club"}), "DE", None, 5, None, frozenset({"lonely"}), None, "letter",
            frozenset({"owed"}),
        )  # fmt: skip


def laptop(app: Flask, **state: Any) -> Visitor:
    """A visitor whose session holds a cart with a laptop, and nothing of ours."""
    visitor = Visitor(app).put("laptop")
    with visitor.client.session_transaction() as kept:
        kept.update(state)
    return visitor


def cookies(visitor: Visitor, path: str, **headers: str) -> list[str]:
    answer = visitor.client.get(path, headers=headers)
    assert answer.status_code == 200
    assert "upsell-slot" in answer.text
    return answer.headers.getlist("Set-Cookie")


# --- nothing on the device -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "consent", [None, no, lambda: None, lambda: 1 / 0, lambda: "yes"], ids=["unset", "no", "none", "raises", "text"]
)
def test_without_consent_no_page_sets_a_cookie(serve: Serve, store: SessionStore, consent: Callable[[], Any]) -> None:
    """Planted bug that it shows: what was shown is remembered whatever the shopper said."""
    visitor = laptop(serve(store, UPSELL_CONSENT=consent))
    for path in PAGES * 2:
        assert cookies(visitor, path) == [], path
    assert "upsell" not in visitor.remembered()


def test_with_consent_what_was_shown_is_remembered(serve: Serve, store: SessionStore) -> None:
    visitor = laptop(serve(store, UPSELL_CONSENT=lambda: True))
    assert cookies(visitor, "/cart")
    assert set(visitor.remembered()["upsell"]) == {"seen"}


def test_global_privacy_control_is_a_no_whatever_was_agreed_to(serve: Serve, store: SessionStore) -> None:
    """Planted bug that it shows: the header is looked for under another name."""
    visitor = laptop(serve(store, UPSELL_CONSENT=lambda: True))
    assert cookies(visitor, "/cart", **{"Sec-GPC": "1"}) == []
    assert cookies(visitor, "/cart", **{"Sec-GPC": "0"})


def test_what_a_shopper_does_is_honoured_without_consent(serve: Serve, store: SessionStore) -> None:
    app = serve(store, UPSELL_CONSENT=None)
    put_rules(app, Rule(name="ask", ask=ASK))
    visitor = laptop(app)
    visitor.press("decline", "bag")
    assert "bag" not in visitor.see().products
    visitor.send(visitor.see().answers["gift"])
    assert not visitor.see().question
    visitor.press("accept", "plus")
    page = visitor.see()
    assert page.undo is not None
    visitor.send(page.undo)
    assert store.lines() == [("laptop", 1, 64900)]
    assert set(visitor.remembered()["upsell"]) == {"no", "asked"}


def test_withdrawn_consent_forgets_with_the_next_page_what_need_not_be_remembered(
    serve: Serve, store: SessionStore
) -> None:
    """Planted bug that it shows: without consent nothing more is remembered, but what was stays."""
    visitor = laptop(serve(store, UPSELL_CONSENT=agreed), agreed=True)
    visitor.see()
    visitor.press("decline", "bag")
    assert set(visitor.remembered()["upsell"]) == {"seen", "no"}
    with visitor.client.session_transaction() as kept:
        kept["agreed"] = False
    assert "bag" not in visitor.see().products
    assert visitor.remembered()["upsell"] == {"no": ["bag"]}
    assert cookies(visitor, "/cart") == [], "once is enough"


def test_an_empty_memory_leaves_no_trace(serve: Serve, store: SessionStore) -> None:
    visitor = laptop(serve(store, UPSELL_CONSENT=no), upsell={"seen": mark("bag")})
    visitor.see()
    assert "upsell" not in visitor.remembered()


# --- no history ------------------------------------------------------------------------------------------------------


def history(app: Flask) -> None:
    """A rule for each condition on history, which hides what was learned; of another product each."""
    rules = [
        Rule(name=code, offer=Products(refs=(ref,)), audience={code: given}, any_price=True)
        for (code, given), ref in zip(HISTORY.items(), ("bag", "card", "socks", "plan"), strict=True)
    ]
    put_rules(app, *rules, Rule(name="end", offer=Nothing()))


def test_history_chooses_only_with_consent(serve: Serve) -> None:
    """Planted bug that it shows: `suggest` is not told of the consent."""
    store = KnownStore(GOODS)
    app = serve(store, UPSELL_CONSENT=agreed, UPSELL_MAX_OFFERS=3, UPSELL_MAX_PAGE=10)
    history(app)
    visitor = laptop(app)
    assert visitor.see().products == []
    with visitor.client.session_transaction() as kept:
        kept["agreed"] = True
    assert visitor.see("/cart?utm_source=letter").products
    visitor.client.get("/cart", headers={"Sec-GPC": "1"})
    assert visitor.see("/cart?utm_source=letter").products, "one page's no is not another one's"


def test_a_campaign_in_the_address_is_history_too(serve: Serve, store: SessionStore) -> None:
    app = serve(store, UPSELL_CONSENT=agreed)
    put_rules(app, Rule(name="letter", offer=Nothing(), audience={"source": {"is": ["letter"]}}))
    visitor = laptop(app)
    assert visitor.see("/cart?utm_source=letter").products
    with visitor.client.session_transaction() as kept:
        kept["agreed"] = True
    assert not visitor.see("/cart?utm_source=letter").products


def test_what_is_declared_owed_or_answered_works_without_consent(serve: Serve) -> None:
    store = KnownStore(GOODS)
    app = serve(store, UPSELL_CONSENT=None)
    for audience in (
        {"group": {"is": ["club"]}},
        {"country": {"is": ["DE"]}},
        {"signed_in": {"is": True}},
        {"perk": {"is": ["owed"]}},
    ):
        put_rules(app, Rule(name="hide", offer=Nothing(), audience=audience))
        assert laptop(app).see().products == [], audience


def test_what_was_bought_before_hides_offers_only_with_consent(serve: Serve) -> None:
    store = KnownStore(GOODS)
    app = serve(store, UPSELL_CONSENT=agreed)
    put_rules(app, Rule(name="lonely", offer=Products(refs=("lonely",)), stop=True))
    visitor = laptop(app)
    assert visitor.see().products == ["lonely"]
    with visitor.client.session_transaction() as kept:
        kept["agreed"] = True
    assert visitor.see().products == []


# --- asking ----------------------------------------------------------------------------------------------------------


def test_a_store_is_asked_once_a_request(serve: Serve, store: SessionStore) -> None:
    asked: list[int] = []

    def count() -> bool:
        asked.append(1)
        return True

    app = serve(store, UPSELL_CONSENT=count)
    visitor = laptop(app)
    visitor.see()
    assert len(asked) == 1
    visitor.see()
    assert len(asked) == 2


def test_a_store_that_raises_has_not_agreed_and_is_counted(serve: Serve, store: SessionStore) -> None:
    def broken() -> bool:
        raise ValueError("ada@example.com")

    visitor = laptop(serve(store, UPSELL_CONSENT=broken))
    assert visitor.see().products
    assert faults.seen["consent"] == 1


def test_without_a_request_nobody_agreed() -> None:
    assert not Consent("upsell", lambda: True).given({})


def test_instances_ask_for_themselves(serve: Serve, store: SessionStore) -> None:
    around: dict[str, Any] = {"REQUEST_METHOD": "GET"}
    assert Consent("upsell", lambda: True).given(around)
    assert not Consent("upsell_b2b", no).given(around)
    assert Consent("upsell", no).given(around), "the first answer of a request holds"
