"""The merchant's pages in large shops, in process, as the server answers them: 5,000 rules and 680,000 suggestions on
SQLite, the same suggestions and 1,000,000 products on PostgreSQL."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from flask import Flask
from sqlalchemy import Engine

from flask_upsell import Person, Product, Role, Upsell
from flask_upsell.adapters.catalogue import SQLCatalogue
from flask_upsell.adapters.migrate import upgrade
from flask_upsell.core.rule import Rule
from flask_upsell.jobs import Parts
from flask_upsell.web.drafted import written
from tests.adapters.test_catalogue import many as goods
from tests.adapters.test_pairs import many as pairs

from . import apps, rules, sample, servers

RULES, PAIRS_OF, PAIRS_EACH, PRODUCTS = 5_000, 34_000, 20, 1_000_000
#: What is typed, letter by letter.
TYPED = tuple("espresso"[:end] for end in range(1, 9)), tuple("tea balot"[:end] for end in range(1, 10))
#: Pages of the list of suggestions: the first, one far behind, each state and kind, and of what is searched.
LISTS = {
    "first": "",
    "deep": "?page=20000",
    "live": "?state=live",
    "waiting": "?state=waiting",
    "approved": "?state=approved",
    "rejected": "?state=rejected",
    "upgrades": "?kind=upgrade",
    "searched": "?q=p000001",
}
ADMIN = "/upsell/admin"


def measure(url: str, seconds: float, say: Callable[[str], None]) -> dict[str, float]:
    """The numbers `desk.*`: milliseconds of the server for a page, median and worst."""
    numbers: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="upsell-bench-") as folder, servers.postgres() as postgres:
        file = f"sqlite:///{Path(folder) / 'desk.db'}"
        numbers |= _rules(_app(url, file), say)
        for name, database in (("sqlite", file), ("postgresql", postgres)):
            say(f"{PAIRS_OF * PAIRS_EACH:,} suggestions on {name}")
            app = _app(url, database)
            numbers |= _suggestions(app, name, say)
        say(f"{PRODUCTS:,} products on postgresql: they are written first")
        numbers |= _picker(_app(url, postgres), say)
    return numbers


def _app(url: str, database: str) -> Flask:
    app = Flask("bench_desk")
    app.config.update(
        SECRET_KEY=apps.SECRET,
        UPSELL_REDIS_URL=url,
        UPSELL_DATABASE_URL=database,
        UPSELL_REDIS_SECONDS=0.25,
        UPSELL_SLOW_SECONDS=0,
        UPSELL_ADMIN_USER=lambda: Person("olga", Role.OWNER),
    )
    Upsell(app, store=sample.store())
    upgrade(_parts(app).desk.engine)
    return app


def _parts(app: Flask) -> Parts:
    found: Parts = app.extensions["upsell"]
    return found


def _timed(act: Callable[[], Any], times: int) -> list[float]:
    """Milliseconds of each."""
    act()
    found = []
    for _ in range(times):
        started = time.perf_counter()
        act()
        found.append((time.perf_counter() - started) * 1e3)
    return found


def _told(name: str, times: Iterable[float]) -> dict[str, float]:
    every = list(times)
    return {f"desk.{name}.p50": statistics.median(every), f"desk.{name}.worst": max(every)}


def _getter(app: Flask, headers: Mapping[str, str] | None = None) -> Callable[[str], None]:
    client = app.test_client()

    def get(path: str) -> None:
        answer = client.get(ADMIN + path, headers=dict(headers or {}))
        if answer.status_code != 200:
            raise RuntimeError(f"{path} is answered by {answer.status_code}: {answer.text[:200]}")

    return get


def _rules(app: Flask, say: Callable[[str], None]) -> dict[str, float]:
    say(f"{RULES:,} rules on sqlite")
    desk = _parts(app).desk
    book = rules._rules([product.ref for product in sample.products()], RULES)
    desk.offers.rules.save(book, datetime.now(UTC))
    desk.offers.publish()
    get, part = _getter(app), _getter(app, {"HX-Request": "true"})
    numbers = _told("rule_list_ms", _timed(lambda: get("/rules"), 30))
    typed = [each for text in TYPED[0] for each in _timed(lambda text=text: part(f"/rules?q={text}"), 5)]  # type: ignore[misc]
    numbers |= _told("rule_search_ms", typed)
    say(f"the linter on {RULES:,} rules, as a worker runs it")
    asked = desk.linting.ask()
    assert asked is not None
    started = time.perf_counter()
    desk.linting.run(asked.id)
    numbers["desk.lint_ms"] = (time.perf_counter() - started) * 1e3
    numbers |= _told("home_ms", _timed(lambda: get("/"), 10))
    say(f"a preview among {RULES:,} rules")
    return numbers | _told("preview_ms", _preview(app, book.rules[0]))


def _preview(app: Flask, rule: Rule) -> list[float]:
    """Of a draft that saves itself while somebody types its label: the page beside the form."""
    desk, client = _parts(app).desk, app.test_client()
    draft = desk.drafts.begin("rule", written("rule", rule.name, rule), rule.name)
    page = client.get(f"{ADMIN}/rules/{draft.id}").text
    token = page.partition('name="csrf" value="')[2].partition('"')[0]
    number = 0

    def save() -> None:
        nonlocal number
        form = {
            "csrf": token, "tab": "bench", "version": str(desk.drafts.get(draft.id).version), "name": rule.name,
            "label": f"Label {number}", "offer.from": "products", "offer.products.products": list(rule.offer.refs),  # type: ignore[union-attr]
        }  # fmt: skip
        number += 1
        answer = client.post(
            f"{ADMIN}/rules/{draft.id}", data=form, headers={"HX-Request": "true", "Sec-Fetch-Site": "same-origin"}
        )
        if answer.status_code != 200 or 'id="told"' not in answer.text:
            raise RuntimeError(f"the preview is answered by {answer.status_code}: {answer.text[:300]}")

    return _timed(save, 20)


def _suggestions(app: Flask, name: str, say: Callable[[str], None]) -> dict[str, float]:
    desk = _parts(app).desk
    started = time.perf_counter()
    _parts(app).offers.ledger.save_affinities(pairs(PAIRS_OF, PAIRS_EACH))
    numbers = {f"desk.learned_s.{name}": time.perf_counter() - started}
    started = time.perf_counter()
    _publish(
        desk.engine, (Product(f"p{n:06}", f"Product {n}", 100 + n * 7919 % 20_000, "EUR") for n in range(PAIRS_OF))
    )
    numbers[f"desk.repriced_s.{name}"] = time.perf_counter() - started
    found, _ = desk.verdicts.pairs(most=200)
    desk.verdicts.approve([(str(each.kind), each.antecedent, each.consequent) for each in found[::2]])
    desk.verdicts.reject([(str(each.kind), each.antecedent, each.consequent) for each in found[1::2]])
    desk.options.set("auto_approve", 40)
    _settle(desk.engine)
    get, slowest = _getter(app), 0.0
    for which, query in LISTS.items():
        times = _timed(lambda query=query: get(f"/suggestions{query}"), 7)  # type: ignore[misc]
        say(f"  {which}: {statistics.median(times):.0f} ms, at worst {max(times):.0f}")
        numbers[f"desk.suggestions_ms.{name}.{which}"] = statistics.median(times)
        slowest = max(slowest, statistics.median(times))
    numbers[f"desk.suggestions_ms.{name}.slowest"] = slowest
    return numbers


def _picker(app: Flask, say: Callable[[str], None]) -> dict[str, float]:
    desk = _parts(app).desk
    started = time.perf_counter()
    _publish(desk.engine, (msgspec.structs.replace(each, currency="EUR") for each in goods(PRODUCTS)))
    numbers = {"desk.products_written_s": time.perf_counter() - started}
    _settle(desk.engine)
    get = _getter(app, {"HX-Request": "true"})
    times: dict[str, list[float]] = {
        text: _timed(lambda text=text: get(f"/pick/product?q={text}"), 5)  # type: ignore[misc]
        for text in (*TYPED[1], "p0001999", "bara tesk", "s t")
    }
    slowest = max(times, key=lambda text: statistics.median(times[text]))
    say(f"  slowest: {slowest!r}")
    numbers |= _told("picker_ms", [each for some in times.values() for each in some])
    return numbers | {"desk.picker_ms.slowest": statistics.median(times[slowest])}


def _publish(engine: Engine, products: Iterable[Product]) -> None:
    for _ in SQLCatalogue(engine, "upsell").kept(products):
        pass


def _settle(engine: Engine) -> None:
    """As a database does by itself some time after so much was written."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE" if engine.dialect.name == "postgresql" else "ANALYZE")
    engine.dispose()
