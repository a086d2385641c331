"""For a store's own Alembic: leave our tables alone. All of ours begin with "upsell_".

In the store's `env.py`:

    from flask_upsell.migrations import include_name

    context.configure(connection=connection, target_metadata=metadata, include_name=include_name)

Flask-Migrate takes it as `Migrate(app, db, include_name=include_name)`. `include_object` does the same for who prefers
that one. A filter of the store's own calls ours first: `return include_name(*given) and …`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PREFIX = "upsell_"


def include_name(name: str | None, kind: str, parents: Mapping[str, Any]) -> bool:
    """Whether the store's autogenerate is to look at what the database has by this name."""
    return not (_is_ours(name) if kind == "table" else _is_ours(parents.get("table_name")))


def include_object(thing: Any, name: str | None, kind: str, reflected: bool, compare_to: Any) -> bool:
    """The same, for objects."""
    table = getattr(thing, "table", None)
    return not (_is_ours(name) if kind == "table" else table is not None and _is_ours(table.name))


def _is_ours(table: str | None) -> bool:
    return table is not None and table.startswith(PREFIX)
