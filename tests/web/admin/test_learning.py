"""The page of learning: what there is to learn from, a test from its form to its figures, cancelled and taken back."""

from __future__ import annotations

from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest
from flask import Flask

from flask_upsell import jobs
from flask_upsell.adapters.memory import MemoryQueue
from flask_upsell.desk import Desk
from flask_upsell.desk.backtests import OPTION
from flask_upsell.web.backtestcli import chart
from tests.learn.histories import couples, goods
from tests.web.admin.conftest import MakeClerk, by_header
from tests.web.conftest import Serve
from tests.web.shop import SessionStore, parts_of

LINES = couples(300)


@pytest.fixture
def app(serve: Serve) -> Flask:
    store = SessionStore(goods(LINES), orders=LINES, urls={"cart": "/cart"})
    made = serve(store, UPSELL_ADMIN_USER=by_header)
    parts_of(made).offers.queue = MemoryQueue()
    return made


@pytest.fixture
def desk(app: Flask) -> Desk:
    return parts_of(app).desk


def test_a_test_from_the_form_to_the_figures(app: Flask, desk: Desk, clerk: MakeClerk) -> None:
    emil = clerk("editor", "emil")
    nothing = emil.get("/learning").text
    assert "Nothing was learned yet" in nothing and "No test was made yet." in nothing
    assert emil.post("/learning", minutes="2").status_code == 303
    (run,) = desk.backtests.recent()
    waiting = emil.get("/learning").text
    assert "No worker is running" in waiting and 'hx-get="/upsell/admin/learning/state"' in waiting
    assert emil.post("/learning", minutes="3").status_code == 422
    with app.app_context():
        jobs.backtest("upsell", run.id)
        jobs.learn("upsell")
    page = emil.get("/learning").text
    assert "In 100 of 100 carts the hidden product is among our first three" in page
    assert "tried on 46 carts after that" in page and "Ours, with past orders" in page
    assert page.count('class="ours"') == 2 and page.count('class="other"') == 4
    assert "300 orders have two or more products. 60 pairs were found" in page
    assert page.count(">enough</span>") == 1 and "Import the orders of a whole year" in page
    part = emil.get("/learning/state").text
    assert "<html" not in part and "hx-trigger" not in part
    assert "style=" not in part and "counted in orders from Jan 1, 2026" in emil.get("/suggestions").text


def test_the_chart_is_the_commands_picture_too(app: Flask, desk: Desk) -> None:
    """A whole file: well-formed, in colours of its own, each bar as long as its rate on the scale, told in words."""
    desk.backtests.here(parts_of(app).parameters, 1, choose=False, tuned=True, report=lambda *_: None)
    last = desk.backtests.last()
    assert last is not None and last.result is not None
    with app.app_context():
        picture = chart(last.result)
    space = "{http://www.w3.org/2000/svg}"
    root = ElementTree.fromstring(picture)
    assert root.tag == f"{space}svg" and root.get("width") and root.get("aria-labelledby") == "hits-title hits-desc"
    bars = {name: root.findall(f"{space}rect[@class='{name}']") for name in ("ours", "other")}
    assert [float(bar.get("width", "0")) for bar in bars["ours"]] == [400.0, 400.0]
    popular = next(row for row in last.result.complements if row.method == "popular")
    assert float(bars["other"][0].get("width", "0")) == round(400 * popular.hit_3.value, 1)
    assert all(bar.get("fill") for each in bars.values() for bar in each)
    described = root.find(f"{space}desc")
    assert described is not None and "Ours, nobody known: 100 %, between" in (described.text or "")


def test_what_is_wrong_stands_at_its_field(clerk: MakeClerk) -> None:
    emil = clerk("editor")
    for minutes in ("", "0", "121", "many", "-1"):
        answer = emil.post("/learning", minutes=minutes)
        assert answer.status_code == 422 and "Write a whole number from 1 to 120." in answer.text
        assert f'value="{minutes}"' in answer.text


def test_a_test_is_cancelled(app: Flask, desk: Desk, clerk: MakeClerk) -> None:
    emil = clerk("editor")
    emil.post("/learning", minutes="2", choose="1")
    (run,) = desk.backtests.recent()
    assert run.asked.choose
    emil.post(f"/learning/{run.id}/cancel")
    assert "Cancelled." in emil.get("/learning").text
    emil.post(f"/learning/{run.id}/cancel")
    assert "It was over already." in emil.get("/learning").text
    with app.app_context():
        assert jobs.backtest("upsell", run.id) == {}


def test_what_was_chosen_is_shown_and_taken_back(desk: Desk, clerk: MakeClerk) -> None:
    desk.backtests._options.set(OPTION, {"ridge": 50.0, "of_another_version": 2.0}, datetime.now(UTC))
    anna = clerk("approver")
    page = anna.get("/learning").text
    assert "how many orders say something: 50" in page and "of_another_version: 2" in page
    assert "Use the usual ones again" not in clerk("editor").get("/learning").text
    anna.post("/learning/forget")
    assert desk.backtests.chosen().chosen == {} and "The usual ones are used." in anna.get("/learning").text


def test_what_failed_is_told(desk: Desk, clerk: MakeClerk) -> None:
    id = desk.backtests.start()
    desk.backtests._kept.end(id, "failed", "there are <too> few orders", datetime.now(UTC), {})
    assert "It did not work: there are &lt;too&gt; few orders" in clerk("viewer").get("/learning").text
    assert "To start a test takes the role editor." in clerk("viewer").get("/learning").text
