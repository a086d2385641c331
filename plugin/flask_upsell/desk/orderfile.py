"""Past orders as a file: its lines in order, with what was recognised of numbers and dates."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec

from ..core.money import to_minor
from ..core.words import Sentence, say
from ..errors import BadInput
from .tablefile import Column, Recognised, Sheet, Wrong, read, recognise

COLUMNS = (
    Column(
        "order",
        say("order"),
        ("order id", "order", "order number", "order no", "order ref", "name", "bestellnummer", "ordine", "commande"),
        True,
    ),
    Column(
        "placed_at",
        say("date"),
        ("ordered at", "placed at", "order date", "created at", "date", "paid at", "bestelldatum", "datum", "data"),
        True,
    ),
    Column(
        "product",
        say("product"),
        ("product id", "product", "sku", "lineitem sku", "item sku", "product ref", "artikelnummer", "prodotto"),
        True,
    ),
    Column("quantity", say("quantity"), ("quantity", "qty", "lineitem quantity", "pieces", "menge", "quantità")),
    Column(
        "unit_price", say("price of one"), ("unit price", "price", "lineitem price", "item cost", "preis", "prezzo")
    ),
    Column(
        "customer", say("customer"), ("customer id", "customer", "email", "client", "kunde", "kundennummer", "cliente")
    ),
)
LONGEST_REF, MOST_PIECES = 200, 10**6
#: What is wrong is listed so often; all of it is counted.
MOST_WRONG = 50
_DATE = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})(?:[ T,]+(\d{1,2}):(\d{2})(?::(\d{2}))?)?\Z", re.ASCII)
_OFFSET = re.compile(r" (?=[+-]\d\d:?\d\d\Z|UTC\Z|Z\Z)")
_COMMA = re.compile(r"-?\d+(\.\d{3})*,\d+\Z", re.ASCII)
_POINT = re.compile(r"-?\d+(,\d{3})*\.\d+\Z", re.ASCII)
_THREE = re.compile(r"-?[1-9]\d{0,2},\d{3}\Z", re.ASCII)


class Line(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A line as it is kept: `unit_price` in minor units of the store's currency, `customer` a pseudonym, a negative
    `quantity` a return."""

    order: str
    product: str
    quantity: int
    unit_price: int
    customer: str
    placed_at: datetime


class Orders(msgspec.Struct, frozen=True):
    """What a file says. `products`: reference -> first line; `twice`: lines that are there already, counted once;
    `wrong`: how many problems there are in all."""

    lines: list[Line]
    columns: dict[str, str]
    unused: tuple[str, ...]
    products: dict[str, int]
    returns: int
    twice: int
    wrong: int
    notes: list[Sentence]


class Forms:
    """How the file writes numbers and dates: decided by all of its cells, said in `notes`."""

    def __init__(
        self,
        sheet: Sheet,
        found: Recognised,
        zone: str,
        american: bool,
        numbers: tuple[str, ...] = ("quantity", "unit_price"),
    ) -> None:
        self.zone, self.notes = ZoneInfo(zone), list[Sentence]()
        comma = point = three = 0
        dates = [0, 0, 0]
        naive = ""
        for _, cells in sheet.rows():
            for key in numbers:
                text = found.of(cells, key)
                if "," in text:
                    three += (is_three := _THREE.match(text) is not None)
                    comma += not is_three and _COMMA.match(text) is not None
                point += "." in text and _POINT.match(text) is not None
            text = found.of(cells, "placed_at")
            if (date := _DATE.match(text)) is not None:
                dates[0 if int(date[1]) > 12 else 1 if int(date[3]) > 12 else 2] += date[2] != "."
                naive = naive or text
            elif not naive and text and _naive(text):
                naive = text
        self.comma = comma > point if comma or point else bool(three) and sheet.delimiter in ";\t"
        if self.comma:
            self.notes.append(say("Numbers are written with a comma: 12,50 is twelve and a half."))
        elif three:
            self.notes.append(say("Commas in numbers are read as thousands: 1,250 is more than a thousand."))
        self.day_first = dates[0] > dates[1] if dates[0] or dates[1] else not american
        if sum(dates):
            self.notes.append(
                say("Dates are read as day/month/year.") if self.day_first else say("Dates are read as month/day/year.")
            )
        if naive:
            self.notes.append(
                say("Dates have no time zone, so they are read as those of the store: {zone}.", zone=zone)
            )
        self.moment: Callable[[str], datetime | None] = lru_cache(4096)(self._moment)

    def number(self, text: str) -> Decimal:
        """Raises InvalidOperation."""
        text = text.replace("\u00a0", "").replace(" ", "").replace("'", "")
        text = text.replace(".", "").replace(",", ".") if self.comma and "," in text else text.replace(",", "")
        value = Decimal(text)
        if not value.is_finite() or value.adjusted() > 18:
            raise InvalidOperation
        return value

    def _moment(self, text: str) -> datetime | None:
        """An instant in UTC, to the second; None for what is none."""
        try:
            if (date := _DATE.match(text)) is not None:
                first, second, year, *time = int(date[1]), int(date[3]), int(date[4]), *date.groups()[4:]
                day, month = (first, second) if self.day_first or date[2] == "." else (second, first)
                hour, minute, second = (int(part or 0) for part in time)
                found = datetime(year, month, day, hour, minute, second)
            else:
                found = datetime.fromisoformat(_OFFSET.sub("", text).replace("UTC", "Z"))
            if found.tzinfo is None:
                found = found.replace(tzinfo=self.zone)
            return found.astimezone(UTC).replace(microsecond=0)
        except (ValueError, OverflowError):
            return None


def _naive(text: str) -> bool:
    try:
        return datetime.fromisoformat(_OFFSET.sub("", text).replace("UTC", "Z")).tzinfo is None
    except ValueError:
        return False


def read_orders(
    content: bytes, *, currency: str, zone: str, now: datetime, pseudonym: Callable[[str], str], american: bool = False
) -> tuple[Orders, list[Wrong]]:
    """The lines of a file, order by order, and what is wrong with it. Raises Unreadable.

    `american`: 3/4/2026 is in March where the file does not tell. Without a quantity a line is of one piece; 0.53 kg
    are one piece at the price of 0.53 kg. An order's date and customer may stand in its first line only.
    """
    sheet = read(content)
    found = recognise(sheet, COLUMNS)
    forms = Forms(sheet, found, zone, american)
    known = lru_cache(50_000)(pseudonym)
    orders: dict[str, list[Line]] = {}
    seen: set[Line] = set()
    products: dict[str, int] = {}
    wrong: list[Wrong] = []
    counts: Counter[str] = Counter()
    for number, cells in sheet.rows():
        ref, product = found.of(cells, "order"), found.of(cells, "product")
        first = orders.get(ref, [None])[0]
        at = forms.moment(date) if (date := found.of(cells, "placed_at")) else first.placed_at if first else None
        quantity, price, problems = _amounts(forms, found, cells, number, currency)
        problems += _problems(found, number, ref, product, at, date, now)
        if problems or at is None:
            counts["wrong"] += len(problems)
            wrong += problems[: max(0, MOST_WRONG - len(wrong))]
            continue
        given = found.of(cells, "customer")
        customer = known(given) if given else first.customer if first else ""
        line = Line(ref, product, quantity, price, customer, at)
        if line in seen:
            counts["twice"] += 1
            continue
        seen.add(line)
        counts["returns"] += quantity < 0
        products.setdefault(product, number)
        orders.setdefault(ref, []).append(line)
    return Orders(
        [line for lines in orders.values() for line in lines], found.called, found.unused, products,
        counts["returns"], counts["twice"], counts["wrong"], [*sheet.notes, *forms.notes],
    ), wrong  # fmt: skip


def _amounts(
    forms: Forms, found: Recognised, cells: list[str], number: int, currency: str
) -> tuple[int, int, list[Wrong]]:
    """(pieces, price of one in minor units, what is wrong)."""
    wrong: list[Wrong] = []
    quantity, price = Decimal(1), Decimal(0)
    if text := found.of(cells, "quantity"):
        try:
            quantity = forms.number(text)
            if not quantity or abs(quantity) > MOST_PIECES:
                told = say("It is 0 or more than {most}. Write how many were bought.", most=MOST_PIECES)
                wrong.append(Wrong(number, found.name("quantity"), told))
        except InvalidOperation:
            told = say("{what} is no number. Write one such as 2; a return is -2.", what=text[:40])
            wrong.append(Wrong(number, found.name("quantity"), told))
    if text := found.of(cells, "unit_price"):
        try:
            price = forms.number(text.strip("€$£ "))
        except InvalidOperation:
            price = Decimal(-1)
        if price < 0:
            told = say("{what} is no price. Write one such as 12.50.", what=text[:40])
            wrong.append(Wrong(number, found.name("unit_price"), told))
    if wrong:
        return 0, 0, wrong
    if quantity != quantity.to_integral_value():
        quantity, price = Decimal(1).copy_sign(quantity), price * abs(quantity)
    try:
        return int(quantity), to_minor(price, currency), wrong
    except BadInput:
        told = say("{what} is no price. Write one such as 12.50.", what=found.of(cells, "unit_price")[:40])
        return 0, 0, [Wrong(number, found.name("unit_price"), told)]


def _problems(
    found: Recognised, number: int, ref: str, product: str, at: datetime | None, date: str, now: datetime
) -> Iterator[Wrong]:
    for key, text in (("order", ref), ("product", product)):
        if not text:
            yield Wrong(number, found.name(key), say("It is empty. Every line needs it."))
        elif len(text) > LONGEST_REF:
            told = say("It is longer than {most} characters, which no reference is.", most=LONGEST_REF)
            yield Wrong(number, found.name(key), told)
    if at is None:
        told = say("{what} is no date. Write one such as 2026-11-21 14:05.", what=date[:40] or "-")
        yield Wrong(number, found.name("placed_at"), told)
    elif at > now:
        yield Wrong(number, found.name("placed_at"), say("It is in the future. Write when the order was placed."))
    elif at.year < 1990:
        yield Wrong(number, found.name("placed_at"), say("It is long before any shop. Write the year in full."))
