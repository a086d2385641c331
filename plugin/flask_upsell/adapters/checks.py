"""What tables refuse, in SQL that SQLite and PostgreSQL both have."""

from __future__ import annotations

from string import ascii_uppercase

from sqlalchemy import Index, text


def letters(column: str) -> str:
    """True for three letters A to Z: what every currency looks like."""
    known = ", ".join(f"'{letter}'" for letter in ascii_uppercase)
    each = [f"substr({column}, {place}, 1) IN ({known})" for place in (1, 2, 3)]
    return f"length({column}) = 3 AND {' AND '.join(each)}"


def unique_where(name: str, where: str, *columns: str) -> Index:
    """Unique among the rows for which `where` holds."""
    condition = text(where)
    return Index(name, *columns, unique=True, sqlite_where=condition, postgresql_where=condition)
