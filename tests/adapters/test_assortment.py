"""Imported products, on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine

from flask_upsell import Product
from flask_upsell.adapters.assortment import SQLAssortment
from flask_upsell.adapters.audit import SQLAudit, acting
from flask_upsell.adapters.curation import SQLCuration
from flask_upsell.adapters.imports import SQLImports
from flask_upsell.errors import StaleError

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
TEA, POT = Product("tea", "Tea", 500, "EUR", tags=("hot",), stock=3), Product("pot", "Pot", 2900, "EUR")


def test_products_are_kept_once_and_all_or_none(engine: Engine) -> None:
    """Planted bugs that it shows: an upload is imported twice; what somebody else imported meanwhile is overwritten."""
    audit = SQLAudit(engine, "upsell")
    kept, others = SQLAssortment(engine, "upsell", audit), SQLAssortment(engine, "upsell_b2b", audit)
    uploads = SQLImports(engine, "upsell", audit)

    def upload() -> str:
        return uploads.keep("products", "goods.csv", b"{}", NOW)

    with acting("ada"):
        first = upload()
        assert kept.put(first, "goods.csv", [TEA, POT], (), {}, NOW)
        assert not kept.put(first, "goods.csv", [TEA], (), {"tea": TEA, "pot": POT}, NOW)
        with pytest.raises(StaleError):
            kept.put(upload(), "goods.csv", [], ["tea"], {}, NOW)
        assert list(kept.all()) == [POT, TEA]
        assert kept.put(upload(), "goods.csv", [], ["tea"], {"tea": TEA, "pot": POT}, NOW)
    assert (kept.count(), others.count(), list(others.all())) == (1, 0, [])
    curation = SQLCuration(engine, "upsell", audit)
    mine = Product("pot", "The store's own", 1, "EUR")
    assert list(curation.catalogue(iter([mine]))) == [mine]
    assert list(curation.catalogue(iter([TEA]))) == [TEA, POT]
    assert (kept.remove(NOW), kept.remove(NOW)) == (1, 0)
    assert sorted(row.what for row in audit.history()) == ["imported products removed", *["products imported"] * 2]
