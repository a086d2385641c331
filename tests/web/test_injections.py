"""SQL and other languages written where names are expected: rows stay as they are, on the command line too."""

from __future__ import annotations

import os
import pickle
from typing import Any

import pytest
from flask import Flask
from redis import Redis
from sqlalchemy import func, inspect, select

from flask_upsell import faults
from flask_upsell.adapters.press import LIVE
from flask_upsell.adapters.tables import metadata
from flask_upsell.core.rule import Products, Rule
from tests.web.conftest import Serve
from tests.web.markup import Form
from tests.web.shop import ASK, GOODS, WITH_LAPTOP, SessionStore, Visitor, parts_of, publish, put_rules

TABLES = ("upsell_acceptance", "upsell_request", "upsell_rule")
PAYLOADS = [
    "'", '"', "';--", "' OR '1'='1", "' OR 1=1 --", '" OR ""="', "1; DROP TABLE upsell_rule", "%", "_", "\\", "\\'",
    *(f"'; DELETE FROM {table}; --" for table in TABLES), *(f"x'); DROP TABLE {table} CASCADE; --" for table in TABLES),
    "' UNION SELECT * FROM upsell_acceptance --", "') ON CONFLICT DO UPDATE SET state='accepted' --", "?", ":id",
    "/*", "%(id)s", "${id}", "a\x00b", "{{ config }}", "<script>alert(1)</script>", "__import__('os').system('x')",
    "'||(SELECT 1)||'", "$$", "0x27", "%27", "\u02bc", "\uff07",
]  # fmt: skip


def state(app: Flask) -> dict[str, int]:
    """Rows of every table; all tables are still there."""
    engine = parts_of(app).offers.ledger.engine  # type: ignore[attr-defined]
    assert set(metadata.tables) <= set(inspect(engine).get_table_names())
    with engine.connect() as connection:
        return {
            name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in metadata.tables.items()
        }


@pytest.fixture
def sold(serve: Serve) -> tuple[Flask, SessionStore, Visitor]:
    """A shop with something in most of its tables."""
    store = SessionStore(GOODS, urls={"cart": "/cart"})
    app = serve(store)
    put_rules(app, Rule(name="q", ask=ASK, when=WITH_LAPTOP), Rule(name="r", offer=Products(refs=("card",))))
    visitor = Visitor(app).put("laptop")
    visitor.press("accept", "plus")
    return app, store, visitor


def test_nothing_that_a_shopper_writes_is_sql(sold: tuple[Flask, SessionStore, Visitor]) -> None:
    """Into every field, the address and the cookie of the session's own; only accepted keys are rows of their own."""
    app, store, visitor = sold
    before, carts = state(app), {key: store.lines(key) for key in store.carts if key}
    card = visitor.see().cards[0]
    for payload in PAYLOADS:
        for action in ("accept", "decline", "undo", "answer"):
            fields: dict[str, Any] = dict.fromkeys(("token", "key", "variant", "answer", "piece", "agreed"), payload)
            assert visitor.send(Form(f"/upsell/{action}", "post", fields)).status_code == 200
        accept = card.forms["accept"]
        for name in ("key", "variant"):
            changed: dict[str, Any] = {name: payload}
            assert visitor.send(accept, **changed).status_code == 200
        query = {"product": payload, "not": payload, "utm_source": payload, "token": payload}
        assert visitor.client.get("/upsell/slot/product", query_string=query).status_code == 200
        assert visitor.client.get("/cart", query_string=query).status_code == 200
        assert visitor.client.post("/upsell/unsubscribe", query_string=query).status_code == 400
    after = state(app)
    assert {name: after[name] - before[name] for name in after if after[name] != before[name]} == {}
    assert {key: store.lines(key) for key in store.carts if key} == carts


@pytest.mark.parametrize("command", [["rules", "pause"], ["rules", "resume"], ["rules", "export"], ["learn", "--here"]])
def test_nothing_on_the_command_line_is_sql(
    sold: tuple[Flask, SessionStore, Visitor], command: list[str], tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = sold[0]
    monkeypatch.chdir(tmp_path)
    before = state(app)
    for payload in [each for each in PAYLOADS if "\x00" not in each and "/" not in each]:
        result = app.test_cli_runner().invoke(args=["upsell", *command, payload])
        assert isinstance(result.exception, SystemExit) or result.exception is None, (payload, result.exception)
    assert state(app) == before


# --- what comes out of Redis ------------------------------------------------------------------------------------------


class Bomb:
    """Whoever unpickles it runs it."""

    def __reduce__(self) -> Any:
        return os.system, ("touch xyz",)


BOMB = pickle.dumps(Bomb())


def test_old_foreign_big_and_pickled_values_under_every_key(
    serve: Serve, redis_url: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pickles, halves, five megabytes, values of another instance and of an older version: pages go on, nothing runs.

    `tests/faults/test_redis_gone.py` puts other garbage there, and values of other types.
    """
    monkeypatch.chdir(tmp_path)
    app = serve(SessionStore(GOODS, urls={"cart": "/cart"}))
    client: Any = Redis.from_url(redis_url)
    put_rules(app, Rule(name="r", offer=Products(refs=("card",))))
    parts_of(app).offers.tally.flush()
    Visitor(app).put("laptop").see()
    parts_of(app).offers.tally.flush()
    old = {key: client.dump(key) for key in client.keys("upsell*")}
    assert len(old) >= 5
    publish(app)
    put_rules(app)
    texts = [BOMB, b"x" * 5_000_000, b"[" * 200_000]
    offers: Any = parts_of(app).offers
    shelf = offers.shelf
    for key in sorted(client.keys("upsell*")):
        kept, kind = client.dump(key), client.type(key)
        for text in [*texts, "half", "foreign"]:
            client.delete(key)
            if kind == b"string":
                value = text if isinstance(text, bytes) else b"b2b" if text == "foreign" else b"1-ab"
                client.set(key, value)
            elif kind == b"hash":
                client.restore(key, 0, kept, replace=True)
                # What says which version is live stays, or nothing else would be read.
                for field, value in client.hgetall(key).items():
                    if field.decode() == LIVE:
                        continue
                    half = value[: len(value) // 2] if text == "half" else b'{"ref":"x"}'
                    client.hset(key, field, text[:300_000] if isinstance(text, bytes) else half)
            else:
                client.set(key, text if isinstance(text, bytes) else b"x")
            shelf._copy = shelf._empty("")
            offers._decided = (("", ""), {})
            visitor = Visitor(app).put("laptop")
            for path in ("/cart", "/upsell/slot/cart", "/upsell/healthz"):
                found = visitor.client.get(path).status_code
                assert found == 200 or (found, path) == (503, "/upsell/healthz"), (key, str(text)[:20], path)
            shelf._breaker.succeeded()
        client.restore(key, 0, kept, replace=True)
    for key, value in old.items():
        client.restore(key, 0, value, replace=True)
    assert Visitor(app).put("laptop").client.get("/cart").status_code == 200
    assert not (tmp_path / "xyz").exists()
    assert faults.seen["book_unreadable"] > 0, "what is no book was really read"
    client.close()
