"""Fill the demo store's database: with its own catalogue and invented past, or with a shop's export.

An export is a folder with orders.csv (order_id, customer_id or empty, ordered_at, product_id, quantity, unit_price) and
products.csv (product_id, title, category or empty, price, optional image, url, stock). Prices are in major units. What
cannot be used is counted by its reason and listed, with its line, in `rejected.csv` of the demo's folder.
"""

from __future__ import annotations

import codecs
import csv
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, insert, select, update

from ..core.money import to_minor
from ..core.ports import Report
from ..core.prices import Prices, Seen, Source
from ..core.product import Product as Offered
from ..errors import BadInput
from .catalogue import CATALOGUE
from .history import past_orders
from .models import Base, Order, OrderLine, Product

ORDERS = ("order_id", "customer_id", "ordered_at", "product_id", "quantity", "unit_price")
PRODUCTS = ("product_id", "title", "category", "price")
CHUNK = 5000
#: Raised when the demo's tables change: an older folder is filled anew.
SCHEMA = 2
#: For how long the demo's own prices have been what they are.
REMEMBERED = timedelta(days=180)
LARGEST_QUANTITY = 10**6
MOST_STOCK = 10**9
#: A row over more lines than this has a quotation mark that is not closed.
MOST_LINES = 50
#: How exports write an instant that is not ISO 8601.
MOMENTS = tuple(day + time for day in ("%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y") for time in (" %H:%M:%S", " %H:%M", ""))
#: Every reason is counted in full; the list stops at so many lines of one reason.
MOST_LISTED = 100_000


class Rejected:
    """Rows that cannot be used: counted by reason, listed in a file."""

    def __init__(self, path: Path) -> None:
        self.counts: Counter[str] = Counter()
        self._file = path.open("w", newline="", encoding="utf-8", errors="replace")
        self._writer = csv.writer(self._file)
        self._writer.writerow(["file", "line", "reason", "row"])

    def add(self, file: str, line: int, reason: str, row: Iterable[str]) -> None:
        self.counts[reason] += 1
        if self.counts[reason] <= MOST_LISTED:
            self._writer.writerow([file, line, reason, *row])

    def close(self) -> None:
        self._file.close()


def load_own(engine: Engine, report: Report) -> dict[str, int]:
    """The demo's own products and past orders."""
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(
            insert(Product),
            [
                {
                    "sku": item.ref,
                    "slug": item.slug,
                    "title": item.title,
                    "category": item.category,
                    "price_minor": item.price,
                    "stock": item.stock,
                    "summary": item.summary,
                    "attributes": item.attributes,
                    "picture": item.picture,
                    "period_months": item.period_months,
                }
                for item in CATALOGUE
            ],
        )
        orders: list[dict[str, Any]] = []
        lines: list[dict[str, Any]] = []
        for number, order in enumerate(past_orders(), start=1):
            orders.append({"id": number, "number": order.ref, "customer": order.customer, "placed_at": order.placed_at})
            lines.extend(
                {
                    "order_id": number,
                    "sku": line.product,
                    "quantity": line.quantity,
                    "unit_price_minor": line.unit_price,
                }
                for line in order.lines
            )
        for done, (table, rows) in enumerate(((Order, orders), (OrderLine, lines))):
            report("Loading past orders", done, 2)
            connection.execute(insert(table), rows)
    report("Loading past orders", 2, 2)
    return {"products": len(CATALOGUE), "orders": len(orders), "lines": len(lines)}


def remember_prices(prices: Prices, products: Iterable[Offered], now: datetime) -> None:
    """The demo's own prices have been what they are for longer than a reduction looks back, also while it was off."""
    asked = [price for product in products for price in product.prices]
    known = prices.history({price.product for price in asked})
    last = {(row.product, row.variant, row.currency): row for rows in known.values() for row in rows if row.own}
    added = []
    for price in asked:
        before = last.get((price.product, price.variant, price.currency))
        if before is None or (before.price == price.price and before.until < now):
            since = now - REMEMBERED if before is None else before.until
            added.append(Seen(price.product, price.variant, price.currency, price.price, since, now, Source.PUBLISHED))
    prices.add(added)


def load_export(engine: Engine, folder: Path, currency: str, rejected: Rejected, report: Report) -> dict[str, int]:
    """A shop's export. Raises BadInput when a file or a column is missing; a bad row never stops it."""
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        products = _load_products(connection, folder / "products.csv", currency, rejected, report)
        orders, lines = _load_orders(connection, folder / "orders.csv", currency, rejected, report)
    return {"products": products, "orders": orders, "lines": lines}


def _load_products(connection: Connection, path: Path, currency: str, rejected: Rejected, report: Report) -> int:
    seen: set[str] = set()
    slugs: set[str] = set()

    def rows() -> Iterator[dict[str, Any]]:
        for line, row in rows_of(path, PRODUCTS, "Loading products", rejected, report):
            ref = row["product_id"].strip()
            try:
                if not ref:
                    raise BadInput("product_id", "is empty")
                if ref in seen:
                    raise BadInput("product_id", "is listed twice; the first one counts")
                price = price_of(row["price"], "price", currency)
            except BadInput as error:
                rejected.add(path.name, line, f"product: {error}", row.values())
                continue
            seen.add(ref)
            title = " ".join(row["title"].replace("\0", "").split()) or ref
            yield {
                "sku": ref,
                "slug": _slug(title, ref, slugs),
                "title": title,
                "category": " ".join((row["category"] or "").split()) or None,
                "price_minor": price,
                "stock": _stock(row.get("stock")),
                "image_url": (row.get("image") or "").strip() or None,
                "external_url": (row.get("url") or "").strip() or None,
                "attributes": {},
                "summary": "",
            }

    return _insert(connection, Product, rows())


def _load_orders(
    connection: Connection, path: Path, currency: str, rejected: Rejected, report: Report
) -> tuple[int, int]:
    known = set(connection.scalars(select(Product.sku)))
    numbers: dict[str, int] = {}
    sold: Counter[str] = Counter()
    orders: list[dict[str, Any]] = []

    def rows() -> Iterator[dict[str, Any]]:
        for line, row in rows_of(path, ORDERS, "Loading orders", rejected, report):
            try:
                number, ref = row["order_id"].strip(), row["product_id"].strip()
                if not number:
                    raise BadInput("order_id", "is empty")
                if ref not in known:
                    raise BadInput("product_id", "is not in products.csv")
                quantity, price = pieces_of(row["quantity"], row["unit_price"], currency)
                placed_at = moment_of(row["ordered_at"])
            except BadInput as error:
                rejected.add(path.name, line, f"order line: {error}", row.values())
                continue
            order = numbers.get(number)
            if order is None:
                order = numbers[number] = len(numbers) + 1
                orders.append(
                    {
                        "id": order,
                        "number": number,
                        "customer": row["customer_id"].strip() or None,
                        "placed_at": placed_at,
                    }
                )
                if len(orders) == CHUNK:
                    connection.execute(insert(Order), orders)
                    orders.clear()
            sold[ref] += 1
            yield {"order_id": order, "sku": ref, "quantity": quantity, "unit_price_minor": price}

    lines = _insert(connection, OrderLine, rows())
    if orders:
        connection.execute(insert(Order), orders)
    report("Sorting by sales", 0, len(sold))
    best = update(Product).where(Product.sku == bindparam("ref")).values(sold=bindparam("times"))
    connection.execute(best, [{"ref": ref, "times": times} for ref, times in sold.items()] or [{"ref": "", "times": 0}])
    report("Sorting by sales", len(sold), len(sold))
    return len(numbers), lines


def _insert(connection: Connection, table: type[Any], rows: Iterator[dict[str, Any]]) -> int:
    written = 0
    chunk: list[dict[str, Any]] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == CHUNK:
            connection.execute(insert(table), chunk)
            written += len(chunk)
            chunk = []
    if chunk:
        connection.execute(insert(table), chunk)
    return written + len(chunk)


# --- reading ---------------------------------------------------------------------------------------------------------


def rows_of(
    path: Path, needed: tuple[str, ...], step: str, rejected: Rejected, report: Report
) -> Iterator[tuple[int, dict[str, str]]]:
    """(line number, row by column) of a CSV file with a header; comma, semicolon or tab; UTF-8, else Windows-1252."""
    if not path.is_file():
        raise BadInput(str(path), f"there is no such file; it needs the columns {', '.join(needed)}")
    encoding, total = _look(path)
    csv.field_size_limit(2**31 - 1)
    with path.open(newline="", encoding=encoding, errors="replace") as file:
        header = file.readline()
        delimiter = max(",;\t", key=header.count)
        names = [name.strip().strip('"').strip().lower() for name in header.rstrip("\r\n").split(delimiter)]
        missing = [name for name in needed if name not in names]
        if missing:
            raise BadInput(str(path), f"column {', '.join(missing)} is missing; the first line has: {', '.join(names)}")
        reader = csv.reader(file, delimiter=delimiter)
        tell = _every(20_000, lambda done: report(step, done, total))
        first = 0
        for cells in reader:
            tell(reader.line_num)
            lines, first = reader.line_num - first, reader.line_num
            if lines > MOST_LINES:
                reason = f"row: over more than {MOST_LINES} lines; a quotation mark is not closed"
                rejected.add(path.name, first + 1, reason, [" ".join(cells)[:200], f"{lines} lines"])
            elif cells:
                cells += [""] * (len(names) - len(cells))
                yield first + 1, dict(zip(names, cells, strict=False))
    report(step, total, total)


def _every(times: int, act: Callable[[int], None]) -> Callable[[int], None]:
    following = [times]

    def tell(done: int) -> None:
        if done >= following[0]:
            following[0] = done + times
            act(done)

    return tell


def _look(path: Path) -> tuple[str, int]:
    """(encoding, number of lines) of a text file."""
    lines, text = 0, True
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            lines += block.count(b"\n")
            if text:
                try:
                    decoder.decode(block)
                except UnicodeDecodeError:
                    text = False
    return ("utf-8-sig" if text else "cp1252"), max(lines - 1, 1)


def price_of(text: str, field: str, currency: str) -> int:
    try:
        price = to_minor(text.strip(), currency)
    except BadInput:
        price = -1
    if price < 0:
        raise BadInput(field, "is empty, negative or not a number such as 12.50")
    return price


def pieces_of(quantity: str, unit_price: str, currency: str) -> tuple[int, int]:
    """(pieces, price of one in minor units). 0.53 kg is one piece at the price of 0.53 kg."""
    try:
        number = Decimal(quantity.strip())
    except InvalidOperation:
        raise BadInput("quantity", "is not a number") from None
    if not number.is_finite():
        raise BadInput("quantity", "is not a number")
    if number < 0:
        raise BadInput("quantity", "is negative: a return or cancellation, not a purchase")
    if number == 0 or number > LARGEST_QUANTITY:
        raise BadInput("quantity", f"is 0 or more than {LARGEST_QUANTITY:,}")
    try:
        if number == number.to_integral_value():
            return int(number), price_of(unit_price, "unit_price", currency)
        return 1, price_of(str(Decimal(unit_price.strip()) * number), "unit_price", currency)
    except InvalidOperation:
        raise BadInput("unit_price", "is empty, negative or not a number such as 12.50") from None


def moment_of(text: str) -> datetime:
    """An instant in UTC; without a zone it is UTC. 3/4/2026 is in March; 13/4/2026 can only be in April."""
    text = text.strip()
    for form in ("", *MOMENTS):
        try:
            moment = datetime.strptime(text, form) if form else datetime.fromisoformat(text)
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            continue
    raise BadInput("ordered_at", "is not a time such as 2026-11-21 14:05:00")


def _stock(text: str | None) -> int | None:
    """Pieces in stock; what is empty or no number is not counted."""
    try:
        return min(max(int(Decimal((text or "").strip())), 0), MOST_STOCK)
    except (InvalidOperation, ValueError, OverflowError):
        return None


def _slug(title: str, ref: str, taken: set[str]) -> str:
    """A readable, unique name for a product's address."""
    for text in (title, f"{title} {ref}"):
        plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
        slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:80]
        if slug and slug not in taken:
            break
    base, number = slug or "product", 1
    while slug in taken or not slug:
        number += 1
        slug = f"{base}-{number}"
    taken.add(slug)
    return slug
