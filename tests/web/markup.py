"""What a browser would see of the slots in an answer: their cards, forms and notices."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any


@dataclass
class Form:
    """A form as it would be sent: where, and its fields."""

    url: str
    method: str
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass
class Card:
    """One offer's element."""

    id: str
    kind: str
    product: str
    text: str = ""
    forms: dict[str, Form] = field(default_factory=dict)
    accepts: list[Form] = field(default_factory=list)
    """The forms that accept, of all levels."""
    boxes: list[tuple[str, str]] = field(default_factory=list)
    """What can be ticked: (name, value). Nothing is ticked beforehand."""


@dataclass
class Slot:
    """One `<upsell-slot>`."""

    placement: str
    refresh: str
    hidden: bool
    cards: list[Card] = field(default_factory=list)
    tone: str | None = None
    notice: str = ""
    undo: Form | None = None

    @property
    def products(self) -> list[str]:
        return [card.product for card in self.cards]

    def card(self, product: str) -> Card:
        return next(card for card in self.cards if card.product == product)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.slots: list[Slot] = []
        self._form: Form | None = None
        self._card: Card | None = None
        self._in_notice = False
        self._depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self._depth += tag == "li"
        if tag == "upsell-slot":
            self.slots.append(Slot(found["placement"], found["data-refresh"], "hidden" in found))
        elif "data-upsell-offer" in found:
            self._card = Card(found["data-upsell-offer"], found["data-upsell-kind"], found["data-upsell-product"])
            self.slots[-1].cards.append(self._card)
        elif "data-upsell-tone" in found:
            self.slots[-1].tone = found["data-upsell-tone"]
        elif "upsell-notice-text" in found.get("class", "").split():
            self._in_notice = True
        elif tag == "form" and "data-upsell-action" in found:
            self._form = Form(found["action"], found["method"])
            if found["data-upsell-action"] == "undo":
                self.slots[-1].undo = self._form
            elif self._card is not None:
                self._card.forms.setdefault(found["data-upsell-action"], self._form)
                if found["data-upsell-action"] == "accept":
                    self._card.accepts.append(self._form)
        elif found.get("type") == "checkbox" and self._card is not None:
            assert "checked" not in found
            self._card.boxes.append((found["name"], found["value"]))
        elif tag in ("input", "select") and self._form is not None:
            self._form.fields[found["name"]] = found.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "li":
            self._depth -= 1
            if not self._depth:
                self._card = None
        elif tag == "p":
            self._in_notice = False

    def handle_data(self, data: str) -> None:
        if self._in_notice:
            self.slots[-1].notice += data
        if self._card is not None:
            self._card.text += data


def slots(html: str) -> list[Slot]:
    """Every slot of a page or fragment, from top to bottom."""
    reader = _Reader()
    reader.feed(html)
    return reader.slots


def slot(html: str) -> Slot:
    """The one slot that must be there."""
    found = slots(html)
    assert len(found) == 1, html[:500]
    return found[0]
