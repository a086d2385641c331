"""What the desk counts in tables of others."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Engine, insert

from flask_upsell.adapters import desk_tables as d
from flask_upsell.adapters.reach import SQLReach


def test_products_within_a_category_and_what_was_approved(engine: Engine) -> None:
    reach = SQLReach(engine, "upsell")
    assert (reach.within("Tea"), reach.approved()) == (0, False)
    with engine.begin() as connection:
        for ref, category, hidden in (
            ("a", "Tea", False), ("b", "Tea/Green", False), ("c", "Teapots", False), ("d", "Tea", True),
            ("e", "T_a/x", False),
        ):  # fmt: skip
            row = {"title": ref, "price": 1, "currency": "EUR", "image": "", "url": "", "brand": ""}
            connection.execute(
                insert(d.catalogue).values(instance="upsell", ref=ref, category=category, hidden=hidden, **row)
            )
        row = {"kind": "complement", "antecedent": "a", "consequent": "b", "who": "ada", "why": ""}
        connection.execute(
            insert(d.verdicts).values(instance="upsell", verdict="approved", at=datetime.now(UTC), **row)
        )
    assert (reach.within("Tea"), reach.within("T_a"), reach.approved()) == (2, 1, True)
    assert (SQLReach(engine, "upsell_b2b").within("Tea"), SQLReach(engine, "upsell_b2b").approved()) == (0, False)
