"""Which column of a store's own model is what."""

from __future__ import annotations

from collections.abc import Callable
from string import Formatter
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.orm import InstrumentedAttribute

from ...errors import MappingError

#: What each model must name, and what else it may.
FIELDS = {
    "product": (
        {"ref", "title", "price"},
        {
            "url",
            "image",
            "category",
            "stock",
            "hidden",
            "attributes",
            "period_months",
            "brand",
            "tags",
            "cost",
            "variants",
            "reviews",
        },
    ),
    "cart_line": ({"ref", "cart", "product", "quantity"}, {"unit_price", "variant"}),
    "order": ({"ref", "placed_at"}, {"id", "customer"}),
    "order_line": ({"order", "product", "quantity"}, {"unit_price"}),
}


class Columns:
    """A model and which of its columns is what: `Columns(Product, ref="sku", title=Product.name, url="/p/{slug}")`.

    A name with braces is a pattern over the model's own columns, a function gets the row: both are read, not searched.
    """

    def __init__(self, model: type[Any], **names: str | InstrumentedAttribute[Any] | Callable[[Any], Any]) -> None:
        self.model = model
        self.names: dict[str, str] = {}
        self._made: dict[str, Callable[[Any], Any]] = {}
        for field, given in names.items():
            if isinstance(given, str | InstrumentedAttribute):
                self.names[field] = given if isinstance(given, str) else given.key
            else:
                self._made[field] = given
        known = set(inspect(model).columns.keys())
        for field, name in self.names.items():
            read = {part for _, part, _, _ in Formatter().parse(name) if part is not None} if "{" in name else {name}
            unknown = sorted(part for part in read if part not in known and not ("{" in name and hasattr(model, part)))
            if unknown:
                raise MappingError(
                    f"{model.__name__} has no column {unknown[0]!r} for {field!r}; it has: {', '.join(sorted(known))}"
                )

    def __contains__(self, field: str) -> bool:
        return field in self.names or field in self._made

    def is_column(self, field: str) -> bool:
        return "{" not in self.names.get(field, "{")

    @property
    def fields(self) -> set[str]:
        return self.names.keys() | self._made.keys()

    def column(self, field: str) -> Any:
        return getattr(self.model, self.names[field])

    def read(self, row: Any, field: str, default: Any = None) -> Any:
        if field in self._made:
            return self._made[field](row)
        name = self.names.get(field)
        if name is None:
            return default
        if "{" not in name:
            return getattr(row, name)
        parts = _Attributes(row)
        text = name.format_map(parts)
        return default if None in parts.values() else text

    def key(self, field: str, ref: str) -> Any:
        """A reference as this column's type holds it; None when it cannot be one."""
        kind = getattr(self.column(field).type, "python_type", str)
        try:
            value = kind(ref)
        except (TypeError, ValueError, ArithmeticError):
            return None
        # A number that no database holds is nobody's key.
        return None if isinstance(value, int) and not -(2**63) <= value < 2**63 else value


class _Attributes(dict[str, Any]):
    def __init__(self, row: Any) -> None:
        super().__init__()
        self._row = row

    def __missing__(self, name: str) -> Any:
        self[name] = value = getattr(self._row, name)
        return value


def check(name: str, columns: Columns) -> None:
    """Raise MappingError when a needed column is not named, an unknown one is, or a searched one is none."""
    needed, more = FIELDS[name]
    lacking = needed - columns.fields
    if lacking:
        raise MappingError(f"{name}: say which column of {columns.model.__name__} is {', '.join(sorted(lacking))}")
    unknown = columns.fields - needed - more
    if unknown:
        raise MappingError(
            f"{name}: {', '.join(sorted(unknown))} is not a field; these are: {', '.join(sorted(needed | more))}"
        )
    for field in sorted(columns.fields if name != "product" else {"ref"}):
        if not columns.is_column(field):
            raise MappingError(
                f"{name}: {field} is searched or written, so it must be a column, not a pattern or function"
            )
