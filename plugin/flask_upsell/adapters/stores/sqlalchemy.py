"""A store that exists already, reached through its own SQLAlchemy models by naming their columns.

    store = SQLAlchemyStore(
        session=lambda: db.session, currency="EUR",
        product=Columns(Product, ref="sku", title="name", price="price_cents", url="/p/{slug}", stock="stock"),
        cart_line=Columns(CartLine, ref="id", cart="cart_key", product="sku", quantity="quantity", unit_price="cents"),
        order=Columns(Order, ref="number", placed_at="created_at", customer="customer_id"),
        order_line=Columns(OrderLine, order="order_id", product="sku", quantity="quantity", unit_price="price_cents"),
        cart_key=lambda: session.get("cart"))

Nothing is subclassed; nothing of the store changes. Writes go through the store's own session and are committed there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, DateTime, Select, null, select
from sqlalchemy.orm import Session

from ... import faults
from ...core.context import Capability, Cart, Line, Visitor
from ...core.money import exponent, format_money, to_major, to_minor
from ...core.ports import Done, Order, OrderLine, Refused
from ...core.product import Product
from ...errors import BadInput, MappingError
from .columns import Columns, check

MANY = 500


class SQLAlchemyStore:
    """See core.ports.Store. Prices are integers in minor units, or decimals in major units with `minor_units=False`.

    `cart_key()` is the current visitor's cart, `start_cart()` makes one for a visitor who has none. `new_line()` gives
    values for columns of the cart line that are not named. Raises MappingError when a needed column is not named.
    """

    def __init__(
        self,
        *,
        session: Callable[[], Session],
        currency: str,
        product: Columns,
        cart_line: Columns | None = None,
        order: Columns | None = None,
        order_line: Columns | None = None,
        cart_key: Callable[[], str | None] = lambda: None,
        start_cart: Callable[[], str] | None = None,
        customer: Callable[[], str | None] = lambda: None,
        facts: Callable[[], Mapping[str, Any]] = dict,
        coupons: Callable[[], Iterable[str]] = tuple,
        grants: bool = False,
        new_line: Callable[[], Mapping[str, Any]] = dict,
        csrf_field: Callable[[], str | None] = lambda: None,
        urls: Mapping[str, str] | Callable[[], Mapping[str, str]] | None = None,
        locale: str | Callable[[], str] = "en",
        minor_units: bool = True,
    ) -> None:
        given = {"product": product, "cart_line": cart_line, "order": order, "order_line": order_line}
        for name, columns in given.items():
            if columns is not None:
                check(name, columns)
        if (order is None) != (order_line is None):
            raise MappingError("order and order_line belong together: name both or neither")
        exponent(currency)
        self.currency = currency
        self._session, self._product, self._cart_line = session, product, cart_line
        self._order, self._order_line = order, order_line
        self._cart_key, self._start_cart, self._customer, self._coupons = cart_key, start_cart, customer, coupons
        self._new_line, self._csrf_field, self._urls, self._locale = new_line, csrf_field, urls, locale
        self._facts, self._minor = facts, minor_units
        can = set()
        if cart_line is not None:
            can |= {Capability.ADD, Capability.REPLACE, Capability.REMOVE}
            if "unit_price" in cart_line:
                can.add(Capability.LINE_PRICE)
        if order is not None:
            can.add(Capability.ORDERS)
        if grants:
            can.add(Capability.GRANT)
        self._capabilities = frozenset(can)

    @property
    def capabilities(self) -> frozenset[Capability]:
        return self._capabilities

    def visitor(self) -> Visitor:
        return Visitor(self._cart_key() or "", self._customer(), **self._facts())

    # --- cart ------------------------------------------------------------------------------------------------------

    def cart(self, given: object = None) -> Cart:
        """`given`: the cart line objects that the page has loaded already; then no query is made."""
        columns = self._cart_line
        if columns is None:
            return Cart(self.currency)
        if given is not None:
            rows = list(given)  # type: ignore[call-overload]
        else:
            key = self._cart_key()
            rows = (
                []
                if not key
                else self._session()
                .scalars(select(columns.model).where(columns.column("cart") == key).order_by(columns.column("ref")))
                .all()
            )
        prices: dict[str, int] | None = None
        if "unit_price" not in columns:
            prices = {p.ref: p.price for p in self.products([str(columns.read(row, "product")) for row in rows])}
        lines = []
        for row in rows:
            product, variant = columns.read(row, "product"), columns.read(row, "variant")
            try:
                price = self._to_minor(columns.read(row, "unit_price")) if prices is None else prices[str(product)]
                quantity = int(columns.read(row, "quantity"))
                if product is None:
                    raise BadInput("product", "there is none")
            except (TypeError, ValueError, KeyError) as error:
                faults.note("cart_line_unusable", "cart line %r is left out: %s", columns.read(row, "ref"), error)
                continue
            ref = str(columns.read(row, "ref"))
            lines.append(Line(ref, str(product), quantity, price, None if variant is None else str(variant)))
        return Cart(self.currency, tuple(lines), tuple(self._coupons()))

    def add(self, product: str, variant: str | None, quantity: int, unit_price: int | None = None) -> Done | Refused:
        columns = self._needed_cart_line()
        found = self._sellable(product, variant, quantity)
        if isinstance(found, Refused):
            return found
        key = self._cart_key() or (self._start_cart() if self._start_cart else None)
        if not key:
            return Refused("There is no cart to put it in.")
        values = {
            **self._new_line(),
            columns.names["cart"]: key,
            columns.names["product"]: columns.key("product", product),
            columns.names["quantity"]: quantity,
        }
        self._set_price_and_variant(values, found if unit_price is None else unit_price, variant)
        row = columns.model(**values)
        self._session().add(row)
        self._commit()
        return Done(str(columns.read(row, "ref")))

    def replace(
        self, line: str, product: str, variant: str | None, quantity: int, unit_price: int | None = None
    ) -> Done | Refused:
        columns = self._needed_cart_line()
        row = self._line(line)
        if row is None:
            return Refused("That line is not in the cart any more.")
        found = self._sellable(product, variant, quantity)
        if isinstance(found, Refused):
            return found
        values = {columns.names["product"]: columns.key("product", product), columns.names["quantity"]: quantity}
        self._set_price_and_variant(values, found if unit_price is None else unit_price, variant)
        for name, value in values.items():
            setattr(row, name, value)
        self._commit()
        return Done(line)

    def remove(self, line: str) -> Done | Refused:
        row = self._line(line)
        if row is None:
            return Refused("That line is not in the cart any more.")
        self._session().delete(row)
        self._commit()
        return Done("")

    def _commit(self) -> None:
        """Keep it, or leave the store a session that it can go on with."""
        try:
            self._session().commit()
        except Exception:
            self._session().rollback()
            raise

    def _needed_cart_line(self) -> Columns:
        if self._cart_line is None:
            raise MappingError("this store has no cart_line columns, so nothing can be put into its cart")
        return self._cart_line

    def _line(self, ref: str) -> Any:
        columns = self._needed_cart_line()
        key, cart = columns.key("ref", ref), self._cart_key()
        if key is None or not cart:
            return None
        return (
            self._session()
            .scalars(select(columns.model).where(columns.column("ref") == key, columns.column("cart") == cart))
            .one_or_none()
        )

    def _set_price_and_variant(self, values: dict[str, Any], price: int, variant: str | None) -> None:
        columns = self._needed_cart_line()
        if "unit_price" in columns:
            values[columns.names["unit_price"]] = price if self._minor else to_major(price, self.currency)
        if "variant" in columns:
            values[columns.names["variant"]] = variant

    def _sellable(self, ref: str, variant: str | None, quantity: int) -> int | Refused:
        """What one unit costs, in minor units."""
        found = next(iter(self.products([ref])), None)
        if found is None or found.hidden:
            return Refused("This product is not sold any more.")
        chosen = found.variant(variant) if variant and found.variants else None
        if chosen is None and variant and found.variants:
            return Refused("This choice is not sold any more.")
        enough = found.has(quantity) if chosen is None else chosen.stock is None or chosen.stock >= quantity
        if quantity < 1 or not enough:
            return Refused("There is not enough in stock.")
        return found.price if chosen is None else chosen.price

    # --- catalogue and orders --------------------------------------------------------------------------------------

    def products(self, refs: Sequence[str]) -> list[Product]:
        columns = self._product
        keys = [key for key in (columns.key("ref", ref) for ref in dict.fromkeys(refs)) if key is not None]
        found: list[Product] = []
        for start in range(0, len(keys), MANY):
            rows = self._session().scalars(
                select(columns.model)
                .where(columns.column("ref").in_(keys[start : start + MANY]))
                .execution_options(populate_existing=not self._session().dirty)
            )
            found.extend(product for product in map(self._to_product, rows) if product is not None)
        return found

    def catalogue(self) -> Iterator[Product]:
        query = select(self._product.model).order_by(self._product.column("ref")).execution_options(yield_per=2000)
        rows = self._session().scalars(query)
        try:
            for row in rows:
                product = self._to_product(row)
                if product is not None:
                    yield product
        finally:  # a reader that stops early leaves no cursor behind
            rows.close()

    def _to_product(self, row: Any) -> Product | None:
        read = self._product.read
        try:
            stock, months, cost = read(row, "stock"), read(row, "period_months"), read(row, "cost")
            return Product(
                ref=str(read(row, "ref")),
                title=str(read(row, "title") or read(row, "ref")),
                price=self._to_minor(read(row, "price")),
                currency=self.currency,
                url=str(read(row, "url", "") or ""),
                image=read(row, "image") or None,
                category=read(row, "category") or None,
                stock=None if stock is None else int(stock),
                hidden=bool(read(row, "hidden", False)),
                attributes={str(k): str(v) for k, v in (read(row, "attributes") or {}).items()},
                period_months=None if months is None else int(months),
                brand=read(row, "brand") or None,
                tags=tuple([str(tag) for tag in read(row, "tags") or ()]),
                cost=None if cost is None else self._to_minor(cost),
                variants=tuple(read(row, "variants") or ()),
                reviews=read(row, "reviews"),
            )
        except Exception as error:  # functions of the store are in here
            faults.note("product_unusable", "product %r cannot be offered: %s", read(row, "ref"), error)
            return None

    def orders(self, since: datetime | None = None) -> Iterator[OrderLine]:
        if self._order is None:
            return
        query = self._order_lines()
        if since is not None:
            placed_at = self._order.column("placed_at")
            instant = since.astimezone(UTC)
            # A column without a zone holds UTC, as everything in here does.
            naive = isinstance(placed_at.type, DateTime) and not placed_at.type.timezone
            query = query.where(placed_at >= (instant.replace(tzinfo=None) if naive else instant))
        rows = self._session().execute(query.execution_options(yield_per=10_000))
        try:
            for row in rows:
                line = self._to_order_line(row)
                if line is not None:
                    yield line
        finally:
            rows.close()

    def order(self, ref: str, connection: object = None) -> Order | None:
        if self._order is None:
            return None
        query = self._order_lines().where(self._order.column("ref") == self._order.key("ref", ref))
        execute = connection.execute if isinstance(connection, Connection) else self._session().execute
        found = execute(query).all()
        if not found:
            return None
        lines = [line for line in map(self._to_order_line, found) if line is not None]
        return Order(
            ref,
            self.currency,
            tuple(Line("", line.product, line.quantity, line.unit_price) for line in lines),
            lines[0].customer if lines else None,
        )

    def _order_lines(self) -> Select[Any]:
        order, line = self._order, self._order_line
        assert order is not None and line is not None
        nothing = null()
        return select(
            order.column("ref"),
            line.column("product"),
            line.column("quantity"),
            order.column("placed_at"),
            line.column("unit_price") if "unit_price" in line else nothing,
            order.column("customer") if "customer" in order else nothing,
        ).join_from(line.model, order.model, line.column("order") == order.column("id" if "id" in order else "ref"))

    def _to_order_line(self, row: Any) -> OrderLine | None:
        ref, product, quantity, placed_at, price, customer = row
        try:
            if product is None:
                raise BadInput("product", "there is none")
            return OrderLine(
                str(ref),
                str(product),
                int(quantity),
                self._to_minor(price) if self._order_line and "unit_price" in self._order_line else 0,
                placed_at if placed_at.tzinfo else placed_at.replace(tzinfo=UTC),
                None if customer is None else str(customer),
            )
        except (TypeError, ValueError, AttributeError) as error:
            faults.note("order_line_unusable", "a line of order %r is left out: %s", ref, error)
            return None

    def _to_minor(self, price: Any) -> int:
        if price is None:
            raise BadInput("price", "there is none")
        if self._minor:
            return int(price)
        return to_minor(price if isinstance(price, Decimal) else str(price), self.currency)

    def forked(self) -> None:
        """In a new process: connections that were inherited belong to the parent."""
        bind = self._session().get_bind()
        bind.engine.dispose(close=False)

    # --- pages -----------------------------------------------------------------------------------------------------

    def format_money(self, minor: int, currency: str) -> str:
        return format_money(minor, currency, self._locale() if callable(self._locale) else self._locale)

    def csrf_field(self) -> str | None:
        return self._csrf_field()

    def urls(self) -> Mapping[str, str]:
        return (self._urls() if callable(self._urls) else self._urls) or {}
