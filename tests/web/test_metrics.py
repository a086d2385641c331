"""`/upsell/metrics`: what is counted, who may read it, and what it costs; the dashboard asks for what is there."""

from __future__ import annotations

import builtins
import json
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families
from redis import Redis
from sqlalchemy import update

from flask_upsell import MemoryStore, faults
from flask_upsell.adapters import tables as t
from flask_upsell.adapters.breaker import Breaker
from flask_upsell.web import metrics
from flask_upsell.web.metrics import Meter
from tests.conftest import MakeApp, products
from tests.web.conftest import Serve
from tests.web.shop import SessionStore, Visitor, parts_of, put_rules, set_of

CONFIG = Path(__file__).parents[2] / "config"


def read(app: Flask, path: str = "/upsell/metrics") -> dict[str, float]:
    """Samples by how they are written, without our own name."""
    answer = app.test_client().get(path)
    assert answer.status_code == 200, answer.text
    return parsed(answer.text)


def parsed(text: str) -> dict[str, float]:
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f"{key}={value}" for key, value in sorted(sample.labels.items()) if key != "upsell")
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def test_decisions_are_counted_by_placement_and_outcome(app: Flask, shopper: Visitor) -> None:
    shopper.see()
    shopper.see()
    Visitor(app).client.get("/cart")
    found = read(app)
    assert found["upsell_decisions_total{outcome=offers,placement=cart}"] == 2
    assert found["upsell_decisions_total{outcome=none,placement=cart}"] == 1
    assert found["upsell_render_seconds_count{placement=cart}"] == 3
    assert 0 < found["upsell_render_seconds_sum{placement=cart}"] < 60


def test_a_switched_off_upsell_is_counted_as_off(serve: Serve, store: SessionStore) -> None:
    app = serve(store, UPSELL_ENABLED=False)
    app.test_client().get("/cart")
    assert read(app)["upsell_decisions_total{outcome=off,placement=cart}"] == 1


def test_what_the_kill_switch_leaves_out_is_counted_as_off(app: Flask, shopper: Visitor) -> None:
    parts_of(app).offers.switch_off("ada", "a wrong price")
    parts_of(app).offers.shelf.read(())
    shopper.see()
    assert read(app)["upsell_decisions_total{outcome=off,placement=cart}"] == 1


def test_what_the_edge_leaves_out_is_counted_as_off(app: Flask, shopper: Visitor, monkeypatch: Any) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(parts_of(app).offers, "suggest", lambda *_, **__: 1 / 0)
        for _ in range(10):
            shopper.client.get("/cart")
    shopper.client.get("/cart")
    shopper.client.get("/upsell/slot/cart")
    found = read(app)
    assert found["upsell_decisions_total{outcome=failed,placement=cart}"] == 10
    assert found["upsell_decisions_total{outcome=off,placement=cart}"] == 2


def test_what_fails_is_counted_as_failed_with_its_reason(app: Flask, shopper: Visitor, monkeypatch: Any) -> None:
    monkeypatch.setattr(parts_of(app).offers, "suggest", lambda *_, **__: 1 / 0)
    shopper.client.get("/cart")
    found = read(app)
    assert found["upsell_decisions_total{outcome=failed,placement=cart}"] == 1
    assert found["upsell_faults_total{reason=render}"] == 1


def test_made_up_placements_are_one_label(app: Flask) -> None:
    """Planted bug that it shows: the placement of the address as a label, of which anybody can make a million."""
    client = app.test_client()
    for number in range(20):
        client.get(f"/upsell/slot/made-up-{number}")
    found = read(app)
    assert found["upsell_decisions_total{outcome=none,placement=other}"] == 20
    assert not [name for name in found if "made-up" in name]
    assert found["upsell_request_seconds_count{route=slot}"] == 20


def test_what_shoppers_did_is_counted(app: Flask, shopper: Visitor) -> None:
    shopper.press("accept", "bag")
    shopper.send(shopper.see().undo)
    shopper.press("decline", "plus")
    found = read(app)
    for action in ("accepted", "undone", "declined"):
        assert found[f"upsell_actions_total{{action={action},placement=cart}}"] == 1, action
    assert found["upsell_request_seconds_count{route=accept}"] == 1
    assert not [name for name in found if "bag" in name or "plus" in name], "no products in labels"


def test_faults_are_counted_from_before_the_app_was_made_and_after(make_app: MakeApp) -> None:
    faults.note("earlier", "something")
    app = make_app()
    faults.note("earlier", "something")
    faults.seen["silent"] += 2
    found = read(app)
    assert found["upsell_faults_total{reason=earlier}"] == 2
    assert found["upsell_faults_total{reason=silent}"] == 2


def test_an_open_breaker_is_seen(app: Flask) -> None:
    breaker = parts_of(app).breakers["redis"]
    assert read(app)["upsell_breaker_open{backend=redis}"] == 0
    for _ in range(3):
        breaker.failed()
    assert read(app)["upsell_breaker_open{backend=redis}"] == 1
    breaker.succeeded()
    assert read(app)["upsell_breaker_open{backend=redis}"] == 0


def test_the_state_of_everything_is_asked_at_a_scrape(app: Flask, shopper: Visitor, redis_url: str) -> None:
    found = read(app)
    assert (found["upsell_database_up"], found["upsell_redis_up"], found["upsell_worker_seen"]) == (1, 1, 0)
    assert (found["upsell_outbox_rows"], found["upsell_outbox_age_seconds"], found["upsell_queue_jobs"]) == (0, 0, 0)
    assert 0 <= found["upsell_book_age_seconds"] < 60
    version = parts_of(app).offers.shelf.published()[0]  # type: ignore[index]
    assert found[f"upsell_book_info{{version={version}}}"] == 1
    assert "upsell_rules_age_seconds" not in found, "there are no rules"

    shopper.press("decline", "plus")
    put_rules(app, set_of())
    engine = parts_of(app).offers.ledger.engine  # type: ignore[attr-defined]
    with engine.begin() as connection:
        connection.execute(update(t.outbox).values(created_at=datetime.now(UTC) - timedelta(seconds=500)))
    parts_of(app).offers.queue.enqueue("fold")
    client = Redis.from_url(redis_url)
    client.zadd("upsell:{jobs}:workers", {"one": time.time() + 15})
    client.close()
    found = read(app)
    assert found["upsell_outbox_rows"] == 1
    assert 500 <= found["upsell_outbox_age_seconds"] < 600
    assert (found["upsell_queue_jobs"], found["upsell_worker_seen"]) == (1, 1)
    assert 0 <= found["upsell_rules_age_seconds"] < 60
    assert [name for name in found if name.startswith("upsell_rules_info{version=")]


def test_without_backends_the_rest_is_there(make_app: MakeApp, tmp_path: Path) -> None:
    app = make_app(UPSELL_REDIS_URL=f"unix://{tmp_path}/nobody.sock")
    engine = parts_of(app).offers.ledger.engine  # type: ignore[attr-defined]
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE upsell_outbox")
    found = read(app)
    assert (found["upsell_database_up"], found["upsell_redis_up"]) == (0, 0)
    assert "upsell_outbox_rows" not in found and "upsell_queue_jobs" not in found
    assert read(app)["upsell_faults_total{reason=scrape}"] >= 2


# --- who may read -----------------------------------------------------------------------------------------------------

PATHS = ("/upsell/metrics", "/upsell/healthz")


def test_the_world_reads_nothing(app: Flask) -> None:
    """Planted bug that it shows: a proxy on this machine, whose own address every request has."""
    strangers: list[tuple[str, dict[str, str]]] = [
        ("203.0.113.7", {}),
        ("10.0.0.5", {}),
        ("", {}),
        ("not an address", {}),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}),
        ("127.0.0.1", {"Forwarded": "for=127.0.0.1"}),
        ("127.0.0.1", {"X-Real-IP": "127.0.0.1"}),
    ]
    for path in PATHS:
        for address, headers in strangers:
            answer = app.test_client().get(path, environ_base={"REMOTE_ADDR": address}, headers=headers)
            assert answer.status_code == 403, (path, address, headers)
            assert "UPSELL_METRICS" in answer.text and "upsell_" not in answer.text
            assert answer.headers["Cache-Control"] == "private, no-store"


def test_this_machine_reads_all(app: Flask) -> None:
    for path in PATHS:
        for address in ("127.0.0.1", "127.8.8.8", "::1"):
            assert app.test_client().get(path, environ_base={"REMOTE_ADDR": address}).status_code in (200, 503)


def test_the_store_says_who_reads(serve: Serve, store: SessionStore) -> None:
    let_in: list[bool] = []
    app = serve(store, UPSELL_METRICS=lambda: let_in[0])
    for path in PATHS:
        let_in[:] = [True]
        far = {"REMOTE_ADDR": "203.0.113.7"}
        assert app.test_client().get(path, environ_base=far).status_code in (200, 503)
        let_in[0] = False
        assert app.test_client().get(path).status_code == 403
        let_in.clear()  # it raises now
        assert app.test_client().get(path).status_code == 403


# --- the library is an extra ------------------------------------------------------------------------------------------


def test_without_the_library_there_is_no_route_and_all_else_is_there(
    serve: Serve, store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.partition(".")[0] == "prometheus_client":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(metrics, "find_spec", lambda _: None)
    monkeypatch.setattr(builtins, "__import__", without)
    app = serve(store)
    assert app.test_client().get("/upsell/metrics").status_code == 404
    visitor = Visitor(app).put("laptop")
    visitor.press("accept", "bag")
    assert store.lines()[-1][0] == "bag"


def test_where_counting_cannot_begin_the_store_starts(
    make_app: MakeApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "file" / "below"))
    app = make_app()
    assert app.test_client().get("/upsell/metrics").status_code == 404
    assert faults.seen["metrics"] == 1


def test_two_instances_and_two_apps_count_for_themselves(make_app: MakeApp) -> None:
    one, other = make_app(), make_app(MemoryStore(products()), name="b2b")
    parts_of(one)
    with one.test_request_context():
        one.jinja_env.globals["upsell"]("cart")  # type: ignore[operator]
    assert read(one)["upsell_decisions_total{outcome=none,placement=cart}"] == 1
    answer = other.test_client().get("/upsell-b2b/metrics").text
    assert "upsell_decisions_total{" not in answer
    assert 'upsell="upsell_b2b"' in answer and 'upsell="upsell"' not in answer


def test_openmetrics_is_spoken_where_it_is_asked_for(app: Flask) -> None:
    answer = app.test_client().get("/upsell/metrics", headers={"Accept": "application/openmetrics-text"})
    assert answer.content_type.startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


def test_a_metric_that_raises_costs_no_offer(app: Flask, shopper: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk does so, where processes share their counts in files."""
    meter = app.jinja_env.globals["upsell"].meter  # type: ignore[attr-defined]
    monkeypatch.setattr(meter, "_rendered", {"cart": lambda seconds: 1 / 0})
    assert shopper.see().cards
    assert faults.seen["metrics"] == 1


def test_counting_costs_a_page_little(figure: Callable[[str, object, str], None]) -> None:
    """As a ratio to what any page does: sign one token. A count that looks its labels up each time takes a third more
    than that alone."""
    from itsdangerous import URLSafeTimedSerializer

    signer = URLSafeTimedSerializer("k" * 32)
    meter = Meter("upsell", {"redis": Breaker()})

    def a_slice(act: Callable[[], object]) -> float:
        began = time.perf_counter()
        for _ in range(100):
            act()
        return (time.perf_counter() - began) / 100

    # In turn, and of each the fastest of many: what else the machine does holds up both.
    acts = (
        lambda: meter.rendered("cart", "offers", 0.0004),
        lambda: signer.dumps({"placement": "cart", "offers": [1, 2, 3]}),
    )
    counted, signed = map(min, zip(*[[a_slice(act) for act in acts] for _ in range(100)], strict=True))
    figure("metrics.count_us", f"{counted * 1e6:.2f}", "about 2")
    figure("metrics.count_vs_token", f"{counted / signed:.2f}", "<= 0.5")
    assert counted < signed / 2


# --- what is made from it ---------------------------------------------------------------------------------------------


def names_in(expression: str) -> set[str]:
    return set(re.findall(r"\bupsell_[a-z_]+", expression))


@pytest.fixture
def printed(app: Flask, shopper: Visitor) -> set[str]:
    """Names of all metrics, printed by an app in which everything has happened."""
    shopper.press("accept", "bag")
    put_rules(app, set_of())
    faults.note("something", "happened")
    return {name.partition("{")[0] for name in read(app)}


def test_the_dashboard_asks_for_metrics_that_are_there(printed: set[str]) -> None:
    board = json.loads((CONFIG / "grafana.json").read_text())
    assert {"title", "uid", "schemaVersion", "panels", "templating", "time"} <= set(board)
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids)) >= 10
    asked: set[str] = set()
    for panel in board["panels"]:
        assert {"title", "type", "gridPos", "id"} <= set(panel)
        place = panel["gridPos"]
        assert place["x"] >= 0 and place["x"] + place["w"] <= 24 and place["h"] > 0
        if panel["type"] == "row":
            continue
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        letters = [target["refId"] for target in panel["targets"]]
        assert len(set(letters)) == len(letters) >= 1
        for target in panel["targets"]:
            assert names_in(target["expr"]), target
            assert 'upsell=~"$upsell"' in target["expr"], target["expr"]
            asked |= names_in(target["expr"])
    known = {f"{name}_bucket" for name in printed} | printed
    assert asked <= known, asked - known
    ours = {re.sub(r"_(bucket|count|sum|created|total)$", "", name) for name in printed}
    shown = {re.sub(r"_(bucket|count|sum|total)$", "", name) for name in asked}
    assert ours == shown, "no metric without a panel"


def test_the_alerts_ask_for_metrics_that_are_there(printed: set[str]) -> None:
    rules = [
        rule for group in yaml.safe_load((CONFIG / "alerts.yaml").read_text())["groups"] for rule in group["rules"]
    ]
    assert len({rule["alert"] for rule in rules}) == len(rules) >= 6
    for rule in rules:
        assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
        assert names_in(rule["expr"]) and names_in(rule["expr"]) <= printed, rule["expr"]
        assert re.fullmatch(r"\d+[mh]", rule["for"])
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert {"summary", "description"} <= set(rule["annotations"])
