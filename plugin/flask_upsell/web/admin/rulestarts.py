"""What a first rule is started from."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec

from ...core.words import Sentence, say


class Start(msgspec.Struct, frozen=True):
    """A rule that is nearly finished. `name`: its short name; `written`: as files have it."""

    name: str
    title: Sentence
    sentence: Sentence
    written: dict[str, Any]


_LINES = {"lines": {"match": "any", "category": ""}}
STARTS = (
    Start(
        "goes-well-together",
        say("Goes well together"),
        say("Who has this in the cart is offered that: a case with a phone."),
        {"when": _LINES, "offer": {"products": {"products": "", "kind": "complement"}}},
    ),
    Start(
        "seasonal-treat",
        say("Seasonal treat"),
        say("The same in a season, at a better price: chocolate before Valentine's Day."),
        {
            "schedule": {"seasons": ""},
            "when": _LINES,
            "offer": {"products": {"products": "", "kind": "complement"}},
            "discount": {"off": "percent", "percent": "10"},
        },
    ),
    Start(
        "upgrade",
        say("Upgrade"),
        say("Something better instead of what is in the cart, a little dearer."),
        {"when": _LINES, "offer": {"relative": {"min_percent": "105", "max_percent": "130", "kind": "upgrade"}}},
    ),
    Start(
        "free-delivery-gap",
        say("Free delivery gap"),
        say("Something small that takes the cart to free delivery."),
        {
            "offer": {"gap": {"threshold": "50.00 EUR", "reward": "free_shipping", "category": ""}},
            "most": "1",
            "any_price": "true",
        },
    ),
    Start(
        "thank-you",
        say("Thank-you"),
        say("Who takes the offer gets a code for the next order."),
        {
            "when": _LINES,
            "offer": {"products": {"products": "", "kind": "complement"}},
            "perk": {"code": "", "words": {"en": ""}},
        },
    ),
    Start(
        "new-rule",
        say("Empty"),
        say("Nothing in it yet."),
        {"offer": {"products": {"products": "", "kind": "complement"}}},
    ),
)
BY_NAME = {start.name: start for start in STARTS}


def free_name(wanted: str, taken: Collection[str]) -> str:
    """A name that no rule has: "upgrade", "upgrade-2" …"""
    name, number = wanted[:90], 2
    while name in taken:
        name, number = f"{wanted[:90]}-{number}", number + 1
    return name
