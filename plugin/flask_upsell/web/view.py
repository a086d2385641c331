"""What the templates see: texts ready to print, no decisions. Structs, because templates read attributes fastest."""

from __future__ import annotations

import msgspec


class Choice(msgspec.Struct, frozen=True):
    """A variant that can be bought; `price` is written out."""

    ref: str
    title: str
    price: str


class Piece(msgspec.Struct, frozen=True):
    """A product of a bundle; `price` is that in the bundle."""

    title: str
    url: str
    image: str | None
    price: str


class Question(msgspec.Struct, frozen=True):
    """A question with its answers, (key, words). `token` says which one it is."""

    words: str
    answers: tuple[tuple[str, str], ...]
    token: str


class Card(msgspec.Struct, frozen=True):
    """One offer. All prices are written out in the shopper's way.

    `kind` is "complement" or "upgrade". `replaces` is true when accepting swaps a cart line (base_* say which);
    `difference` is what one unit costs more, `total` what accepting adds to the cart. `period` is "", "per month",
    "per year" or "every n months". `gained` has (attribute, old or "", new). `headline` and `benefits` are the
    merchant's words, if there are any; `because` says what chose it. `pieces` are the products of a bundle, `saving`
    what they cost less together than one by one. Of a programme `url` leads to it and `terms` say what follows.
    """

    id: str
    kind: str
    product: str
    title: str
    url: str
    image: str | None
    price: str
    period: str
    quantity: int
    difference: str
    total: str
    reason: str
    token: str
    key: str
    replaces: bool = False
    base_title: str = ""
    base_price: str = ""
    base_period: str = ""
    base_image: str | None = None
    gained: list[tuple[str, str, str]] = []
    choices: list[Choice] = []
    headline: str = ""
    benefits: tuple[str, ...] = ()
    because: str = ""
    pieces: list[Piece] = []
    saving: str = ""
    terms: str = ""


class Notice(msgspec.Struct, frozen=True):
    """What just happened, for the shopper. `tone` is "done" or "sorry"; `undo` a token when it can be undone."""

    text: str
    tone: str = "done"
    undo: str = ""


class Slot(msgspec.Struct, frozen=True):
    """One placement. Empty means: no cards, no notice, no question, no thanks. `csrf` is a ready hidden field (Markup)
    or ""."""

    placement: str
    cards: list[Card]
    notice: Notice | None
    accept_url: str
    decline_url: str
    undo_url: str
    refresh_url: str
    csrf: str = ""
    answer_url: str = ""
    question: Question | None = None
    thanks: tuple[str, ...] = ()
