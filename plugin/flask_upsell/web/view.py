"""What the templates see: texts ready to print, no decisions. Structs, because templates read attributes fastest."""

from __future__ import annotations

import msgspec


class Choice(msgspec.Struct, frozen=True):
    """A variant that can be bought; `price` is written out."""

    ref: str
    title: str
    price: str


class Piece(msgspec.Struct, frozen=True):
    """A product of a bundle; `price` is what it costs alone."""

    title: str
    url: str
    image: str | None
    price: str


class Level(msgspec.Struct, frozen=True):
    """One of several steps side by side. `current` is what the shopper has. `points`: (attribute, value) of what
    differs between the steps. `difference`, `total`, `period`, `saving`, `was`: see Card."""

    title: str
    url: str
    image: str | None
    price: str
    period: str
    points: list[tuple[str, str]]
    difference: str = ""
    total: str = ""
    saving: str = ""
    token: str = ""
    key: str = ""
    choices: list[Choice] = []
    rating: str = ""
    quote: str = ""
    current: bool = False
    was: str = ""


class Progress(msgspec.Struct, frozen=True):
    """How near the cart is to a threshold: in words, and as `value` of `most`."""

    words: str
    value: int
    most: int


class Question(msgspec.Struct, frozen=True):
    """A question with its answers, (key, words). `token` says which one it is."""

    words: str
    answers: tuple[tuple[str, str], ...]
    token: str


class Card(msgspec.Struct, frozen=True):
    """One offer. All prices are written out in the shopper's way.

    `look` is its template's name: "complement", "upgrade", "levels", "bundle", "nearly", "gift" or "programme"; `kind`
    what it counts as. `replaces` is true when accepting swaps a cart line (base_* say which); `difference` is what one
    unit costs more, `total` what accepting adds to the cart. `period` is "", or how often the price recurs; `saving`
    what a longer period or a bundle costs less. `was`: the lowest price of the 30 days before a reduction, "" when that
    is not known; many laws allow to show no other one, nor a percentage. `gained` has (attribute, old or "", new).
    `headline` and `benefits` are the merchant's words, if there are any; `because` says what chose it. `rating` and
    `quote` are what buyers say. `pieces` are the products of a bundle, `levels` steps side by side. Of a programme
    `url` leads to it and `terms` say what follows. `note`: what accepting does here, where that is not plain.
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
    look: str = "complement"
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
    was: str = ""
    terms: str = ""
    rating: str = ""
    quote: str = ""
    levels: list[Level] = []
    progress: Progress | None = None
    note: str = ""


class Notice(msgspec.Struct, frozen=True):
    """What just happened, for the shopper. `tone` is "done" or "sorry"; `undo` a token when it can be undone."""

    text: str
    tone: str = "done"
    undo: str = ""


class Slot(msgspec.Struct, frozen=True):
    """One placement. Empty means: no cards, no notice, no question, no thanks, nothing reached. `csrf` is a ready
    hidden field (Markup) or "". `language` is BCP 47, `direction` "ltr" or "rtl"; `reached` says which threshold the
    cart has reached."""

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
    language: str = "en"
    direction: str = "ltr"
    reached: str = ""
