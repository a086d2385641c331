"""Beginnings: a product that nobody bought yet, a store without orders, a store without categories."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace
from redis import Redis

from flask_upsell import MemoryStore, Product, jobs
from flask_upsell.adapters.schema import metadata
from flask_upsell.core.rule import Category, Rule
from flask_upsell.core.rulebook import RuleBook
from flask_upsell.desk.readiness import Level, readiness
from tests.conftest import MakeApp
from tests.learned_shop import NOW, everybody, goods, history
from tests.web.shop import parts_of

THEMES = ("anise", "birch", "cedar", "daisy", "elder", "fennel", "ginger", "hazel")


def of_themes() -> list[Product]:
    """The learned shop's goods, those of a theme in one category. Eight categories of five, and all else by itself."""

    def sorted_(product: Product) -> Product:
        if product.ref[0] != "t":
            return replace(product, title="Fresh milk", category=None)
        theme = THEMES[int(product.ref[1])]
        return replace(product, title=f"Thing of {theme}, {product.ref[3]}", category=theme)

    return [sorted_(product) for product in goods()]


def offered(app: Any, *refs: str) -> list[Any]:
    offers = parts_of(app).offers
    store: Any = offers.store
    store.empty_cart()
    with app.app_context():
        for ref in refs:
            store.add(ref, None, 1)
        return list(offers.suggest("cart").offers)


def shop_of(make_app: MakeApp, products: Iterable[Product], lines: Any) -> Any:
    app = make_app(MemoryStore(products, orders=lines), UPSELL_CONSENTED=everybody)
    parts_of(app).offers.clock = lambda: NOW
    return app


def learn(app: Any) -> dict[str, Any]:
    with app.app_context():
        return jobs.learn("upsell")


def test_a_new_product_leads_to_what_its_kind_leads_to(make_app: MakeApp) -> None:
    """It has a category, or a title like others. Planted bug that it shows: what was never bought is not among
    `part_of`."""
    new = Product("new", "Just arrived", 1000, "EUR", url="/new", category="daisy")
    loose = Product("loose", "Another ginger", 1000, "EUR", url="/loose")
    app = shop_of(make_app, [*of_themes(), new, loose], history())
    learn(app)
    assert offered(app, "new")[0].product.ref.startswith("t3-")
    assert offered(app, "loose")[0].product.ref.startswith("t6-")


def test_a_store_without_orders_has_its_rules_and_is_told_what_to_do(make_app: MakeApp) -> None:
    app = shop_of(make_app, of_themes(), [])
    figures = learn(app)
    assert (figures["orders"], figures["affinities"], figures["coverage"]) == (0, 0, 0)
    assert offered(app, "t0-0") == []
    offers = parts_of(app).offers
    offers.rules.save(RuleBook(rules=(Rule(name="more", offer=Category(name="fennel")),)), NOW)
    offers.publish_rules()
    assert [each.product.ref for each in offered(app, "t0-0")] == ["t5-0", "t5-1"]
    told = {part.name: part for part in readiness(figures)}
    assert {part.level for part in told.values()} == {Level.NOT_ENOUGH}
    assert "There are no orders yet" in str(told["complements"].todo) and all(part.todo for part in told.values())


def test_kinds_from_titles_make_upgrades_and_are_nowhere_to_be_seen(make_app: MakeApp) -> None:
    """Neither in SQL nor in Redis, nor in a sentence. Planted bug that it shows: the reason names the base's title."""

    def priced(product: Product) -> Product:
        theme, place = (int(product.ref[1]), int(product.ref[3])) if product.ref[0] == "t" else (9, 0)
        return replace(product, category=None, price=500 * 2**theme * (10 + place) // 10)

    steep = [priced(each) for each in of_themes()]
    app = shop_of(make_app, steep, history(300))
    figures = learn(app)
    assert figures["upgrades"] > 0 and figures["readiness"]["sorted"] == 0 < figures["readiness"]["found"]
    (up,) = [each for each in offered(app, "t3-0") if each.kind == "upgrade"]
    assert up.product.ref.startswith("t3-") and up.product.category is None
    assert str(up.reason.sentence).endswith("orders of products like it")
    offers: Any = parts_of(app).offers
    with offers.ledger.engine.connect() as connection:
        rows = [row for table in metadata.sorted_tables for row in connection.execute(table.select())]
    kept = [repr(value) for row in rows for value in row if not isinstance(value, bytes) or value[:1] in (b"{", b"[")]
    client: Any = Redis.from_url(app.config["UPSELL_REDIS_URL"])
    for key in client.scan_iter("upsell:*"):
        if client.type(key) == b"hash":
            kept += [repr(value) for value in client.hgetall(key).values()]
    client.close()
    assert len(kept) > 100 and not [text for text in kept if "\\x1f" in text or "u001f" in text]
