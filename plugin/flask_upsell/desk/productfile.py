"""Products as a table, for stores that give no catalogue."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from ..core.money import exponent, to_minor
from ..core.product import LINKS
from ..core.words import Sentence, say
from ..errors import BadInput
from .orderfile import Forms
from .tablefile import Column, Recognised, Wrong, read, recognise

COLUMNS = (
    Column("ref", say("product"), ("product id", "product", "sku", "ref", "id", "artikelnummer", "codice"), True),
    Column("title", say("title"), ("title", "name", "product name", "bezeichnung", "titolo", "nome"), True),
    Column("price", say("price"), ("price", "unit price", "preis", "prezzo", "prix"), True),
    Column("currency", say("currency"), ("currency", "währung", "valuta", "devise")),
    Column("category", say("category"), ("category", "product type", "kategorie", "categoria")),
    Column("brand", say("brand"), ("brand", "vendor", "manufacturer", "marke", "marca")),
    Column("tags", say("tags"), ("tags", "labels", "keywords")),
    Column("stock", say("stock"), ("stock", "inventory", "quantity", "lagerbestand", "giacenza")),
    Column("hidden", say("hidden"), ("hidden", "not for sale", "versteckt", "nascosto")),
    Column("url", say("page"), ("url", "link", "page", "handle url")),
    Column("image", say("image"), ("image", "image url", "image src", "picture", "bild", "immagine")),
    Column("cost", say("cost of one"), ("cost", "cost per item", "unit cost", "einkaufspreis", "costo")),
)
PRODUCT_COLUMNS = (
    "product_id", "title", "price", "currency", "category", "brand", "stock", "hidden", "url", "image",
)  # fmt: skip
LONGEST = {"ref": 200, "title": 1000, "category": 500, "brand": 200, "url": 2000, "image": 2000, "tags": 2000}
YES = {"yes": True, "true": True, "1": True, "x": True, "y": True, "no": False, "false": False, "0": False, "n": False}
MOST_STOCK, MOST_WRONG = 10**9, 50
#: Product's fields, those that the file has.
Given = dict[str, Any]


class GoodsRead(msgspec.Struct, frozen=True):
    """What a file says. `lines`: reference -> where it is; `replace`: imported products that it does not have are to
    go; `wrong`: how many problems there are in all."""

    products: list[Given]
    columns: dict[str, str]
    unused: tuple[str, ...]
    lines: dict[str, int]
    notes: list[Sentence]
    wrong: int = 0
    replace: bool = False


def read_products(content: bytes, *, currency: str, zone: str, replace: bool = False) -> tuple[GoodsRead, list[Wrong]]:
    """The products of a file, and what is wrong with it. `currency`: of prices that have none. Raises Unreadable."""
    sheet = read(content)
    found = recognise(sheet, COLUMNS)
    forms = Forms(sheet, found, zone, american=False, numbers=("price", "cost"))
    products, lines, wrong, count = list[Given](), dict[str, int](), list[Wrong](), 0
    for line, cells in sheet.rows():
        row = _Row(forms, found, cells, line, currency)
        given = row.read()
        if given["ref"] and given["ref"] in lines:
            told = say("Line {line} is the same product. Keep one of them.", line=lines[given["ref"]])
            row.wrong.append(Wrong(line, found.name("ref"), told))
        lines.setdefault(given["ref"], line)
        count += len(row.wrong)
        wrong += row.wrong[: max(0, MOST_WRONG - len(wrong))]
        if not row.wrong:
            products.append(given)
    if "currency" not in found.places:
        sheet.notes.append(say("Prices are in {currency}.", currency=currency))
    notes = [*sheet.notes, *forms.notes]
    return GoodsRead(products, found.called, found.unused, lines, notes, count, replace), wrong


class _Row:
    """One product; `wrong` is what is wrong with it."""

    def __init__(self, forms: Forms, found: Recognised, cells: list[str], line: int, currency: str) -> None:
        self._forms, self._found, self._cells, self._line = forms, found, cells, line
        self._currency, self.wrong = currency, list[Wrong]()

    def read(self) -> Given:
        there = self._found.places
        given: Given = {"ref": self._text("ref"), "title": self._text("title")}
        for key in ("ref", "title"):
            if not given[key]:
                self._say(key, say("It is empty. Every product needs it."))
        given["currency"] = self._of("currency").upper() or self._currency
        if not _known(given["currency"]):
            self._say("currency", say("{what} is no currency. Write one such as EUR.", what=given["currency"][:40]))
            given["currency"] = self._currency
        given["price"] = self._money("price", given["currency"]) if self._of("price") else None
        if given["price"] is None and not self._of("price"):
            self._say("price", say("It is empty. Write a price such as 12.50."))
        readers: dict[str, Callable[[], Any]] = {
            "category": lambda: self._text("category") or None,
            "brand": lambda: self._text("brand") or None,
            "tags": lambda: [each for part in re.split(r"[,;|]", self._text("tags")) if (each := part.strip())],
            "stock": self._stock,
            "hidden": self._hidden,
            "url": lambda: self._link("url"),
            "image": lambda: self._link("image") or None,
            "cost": lambda: self._money("cost", given["currency"]) if self._of("cost") else None,
        }
        return {**given, **{key: read() for key, read in readers.items() if key in there}}

    def _of(self, key: str) -> str:
        return self._found.of(self._cells, key)

    def _say(self, key: str, told: Sentence) -> None:
        self.wrong.append(Wrong(self._line, self._found.name(key), told))

    def _text(self, key: str) -> str:
        text = " ".join(self._of(key).split()) if key != "ref" else self._of(key)
        if len(text) > LONGEST[key]:
            self._say(key, say("It is longer than {most} characters. Shorten it.", most=LONGEST[key]))
        return text

    def _link(self, key: str) -> str:
        text = self._text(key)
        if text and not text.startswith(LINKS):
            told = say("{what} is no address. Write one that begins with https:// or /.", what=text[:40])
            self._say(key, told)
        return text

    def _money(self, key: str, currency: str) -> int | None:
        text = self._of(key)
        try:
            amount = self._forms.number(text.strip("€$£ "))
            if amount < 0:
                raise InvalidOperation
            return to_minor(amount, currency)
        except (InvalidOperation, BadInput):
            self._say(key, say("{what} is no price. Write one such as 12.50.", what=text[:40]))
            return None

    def _stock(self) -> int | None:
        text = self._of("stock")
        if not text:
            return None
        try:
            number = self._forms.number(text)
            if number != number.to_integral_value() or abs(number) > MOST_STOCK:
                raise InvalidOperation
            return max(0, int(Decimal(number)))
        except InvalidOperation:
            told = say("{what} is no number of pieces. Write one such as 12, or nothing where it is not counted.",
                       what=text[:40])  # fmt: skip
            self._say("stock", told)
            return None

    def _hidden(self) -> bool:
        text = self._of("hidden").lower()
        if text and text not in YES:
            self._say("hidden", say("{what} is neither yes nor no.", what=text[:40]))
        return YES.get(text, False)


def _known(currency: str) -> bool:
    try:
        exponent(currency)
    except BadInput:
        return False
    return True
