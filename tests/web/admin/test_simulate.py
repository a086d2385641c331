"""Simulate: asked on a page, watched, cancelled, read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from flask_upsell import jobs
from flask_upsell.adapters.audit import acting
from flask_upsell.adapters.memory import MemoryQueue
from flask_upsell.core.ports import OrderLine
from flask_upsell.desk import Desk
from tests.web.admin.conftest import MakeClerk, by_header
from tests.web.conftest import Serve
from tests.web.shop import GOODS, SessionStore, parts_of

AT = datetime.now(UTC) - timedelta(days=2)
WRITTEN: dict[str, Any] = {
    "name": "bags",
    "label": "A bag <b>with</b> every laptop",
    "when": {"lines": {"product": "laptop"}},
    "offer": {"products": ["bag"]},
    "discount": {"percent": "10"},
}


@pytest.fixture
def app(serve: Serve) -> Flask:
    """Six laptops were ordered, two of them with a bag."""
    lines = [
        OrderLine(f"o{n}", ref, 1, 64900, AT) for n in range(6) for ref in (("laptop", "bag") if n < 2 else ("laptop",))
    ]
    store = SessionStore(GOODS, orders=lines, urls={"cart": "/cart"})
    made = serve(store, UPSELL_ADMIN_USER=by_header)
    parts_of(made).offers.queue = MemoryQueue()
    return made


@pytest.fixture
def desk(app: Flask) -> Desk:
    return parts_of(app).desk


def begun(desk: Desk, **more: Any) -> str:
    with acting("emil"):
        return desk.drafts.begin("rule", {**WRITTEN, **more}).id


def test_a_draft_is_tried_from_the_form_to_the_figures(app: Flask, desk: Desk, clerk: MakeClerk) -> None:
    draft, emil = begun(desk), clerk("editor", "emil")
    assert f'value="{draft}" checked' in emil.get(f"/simulate?draft={draft}").text
    answer = emil.post("/simulate", drafts=draft, rules="", orders="100", placement="cart")
    assert answer.status_code == 303
    path = answer.headers["Location"].removeprefix("/upsell/admin")
    waiting = emil.get(path).text
    assert "No worker is running" in waiting and "<progress" in waiting
    assert f'hx-get="/upsell/admin{path}/state"' in waiting and ">Refresh</a>" in waiting
    run = path.rpartition("/")[2]
    with app.app_context():
        jobs.simulate("upsell", run)
    done = emil.get(f"{path}/state").text
    assert "hx-trigger" not in done and "<html" not in done
    assert "6 carts would have met it, and 4 would have been shown something." in done
    # Four bags of 59.00 at a tenth less.
    assert "€23.60" in done and "Canvas bag" in done and "instead of €59.00" in done
    assert "A bag &lt;b&gt;with&lt;/b&gt; every laptop" in done
    assert "What past orders cannot say" in done
    assert f'href="/upsell/admin{path}"' in clerk("viewer").get("/simulate").text
    again = emil.post(f"{path}/again")
    assert again.status_code == 303 and again.headers["Location"] != f"/upsell/admin{path}"


def test_what_is_wrong_stands_at_its_field_and_what_was_typed_is_kept(desk: Desk, clerk: MakeClerk) -> None:
    emil = clerk("editor")
    unfinished = begun(desk, offer="")
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"orders": "many"}, "Write a whole number from 1 to 100,000."),
        ({"orders": "100001"}, "Write a whole number"),
        ({"orders": "10"}, "Choose a draft"),
        ({"orders": "10", "rules": "<i>"}, "there is no live rule &#39;&lt;i&gt;&#39;"),
        ({"orders": "10", "drafts": unfinished}, "This draft is not finished"),
        ({"orders": "10", "drafts": "gone"}, "published or thrown away"),
        ({"orders": "10", "rules": "x", "country": "Germany"}, "Write two letters"),
        ({"orders": "10", "rules": "x", "placement": "mail"}, "none of cart"),
    ]
    for fields, words in wrong:
        answer = emil.post("/simulate", group="my group", **fields)
        assert (answer.status_code, words in answer.text) == (422, True), (fields, answer.text[-3000:])
        assert 'value="my group"' in answer.text and f'value="{fields["orders"]}"' in answer.text
    assert desk.simulation.recent() == []


def test_it_is_cancelled_and_only_one_runs_at_a_time(desk: Desk, clerk: MakeClerk) -> None:
    emil = clerk("editor")
    fields: dict[str, Any] = {"drafts": begun(desk), "orders": "10"}
    path = emil.post("/simulate", **fields).headers["Location"].removeprefix("/upsell/admin")
    assert "another simulation is running" in emil.post("/simulate", **fields).text
    assert emil.post(f"{path}/cancel").status_code == 303
    page = emil.get(path).text
    assert "Cancelled." in page and "It was cancelled" in page and "Run it again" in page
    emil.post(f"{path}/cancel")
    assert "It was over already." in emil.get(path).text
    viewer = clerk("viewer").get("/simulate").text
    assert "takes the role editor" in viewer and "cancelled" in viewer


def test_a_run_that_failed_or_broke_off_says_so(app: Flask, desk: Desk, clerk: MakeClerk) -> None:
    emil = clerk("editor")
    run = emil.post("/simulate", drafts=begun(desk), orders="10").headers["Location"].rpartition("/")[2]
    desk.simulation._kept.tell(run, "trying", 3, 10, {"told": "2026-01-01T00:00:00+00:00"})
    assert "It broke off" in emil.get(f"/simulate/{run}").text
    desk.simulation._kept.end(run, "failed", "no <store>", AT, {})
    assert "no &lt;store&gt;" in emil.get(f"/simulate/{run}").text
    assert emil.get("/simulate/none").status_code == 422
