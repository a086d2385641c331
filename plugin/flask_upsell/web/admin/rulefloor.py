"""Beside the discount of a rule: what some products would cost with it, and how low they may go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from marshmallow import ValidationError

from ...core.offer import SENTENCES
from ...core.rule import Discount, Rule
from ...core.words import Sentence, say
from ...desk.samples import Sample
from ...errors import RuleError
from .. import drafted
from ..written import schema_of
from .rules import Rules

#: The picture's width, in its own units.
WIDTH = 200
NOT_YET = say("As soon as the discount is finished, it is shown here what some products would cost.")
NO_PRODUCTS = say("Choose a product to see what it would cost.")
REFUSED = say("It is not offered like this: {why}.")
PICTURE = say("{title}: {price}, with the discount {now}, never below {least}.")
PICTURE_REFUSED = say("{title}: {price}. The discount is not given.")
PICTURE_FREE = say("{title}: {price}, with the discount {now}. Nothing holds its price.")


class Bar(msgspec.Struct, frozen=True):
    """A sample as it is drawn: `price`, `now` and `least` are places from 0 to WIDTH; `said` tells the picture."""

    sample: Sample
    price: float
    now: float | None
    least: float | None
    said: Sentence
    why: Sentence | None = None


class Floors:
    """What the part of the page about prices shows."""

    def __init__(self, here: Rules) -> None:
        self._here, self._samples, self._offers = here, here.desk.samples, here.desk.offers

    def shown(self, form: Mapping[str, Any], chosen: list[str]) -> tuple[list[Bar], Sentence | None]:
        """(bars, what is told instead of them). `form`: the rule as it is typed."""
        if not form.get("discount"):
            return [], None
        discount = _discount(form["discount"])
        if discount is None:
            return [], NOT_YET
        # The rest of the rule may be unfinished: what it offers is enough.
        rule, _ = drafted.made("rule", {"name": "it", "offer": form.get("offer")})
        try:
            found = self._samples.of(
                discount, rule if isinstance(rule, Rule) else None, self._offers.rules.load(), [*filter(None, chosen)]
            )
        except RuleError:
            found = []
        return [self._bar(each) for each in found], None if found or discount.off.ships_free else NO_PRODUCTS

    def _bar(self, each: Sample) -> Bar:
        whole = max(each.price, each.least or 0, 1)

        def place(minor: int | None) -> float | None:
            return None if minor is None else round(WIDTH * minor / whole, 1)

        money = {
            name: self._here.money(amount, each.currency)
            for name, amount in (("price", each.price), ("now", each.now), ("least", each.least))
            if amount is not None
        }
        said = PICTURE_REFUSED if each.now is None else PICTURE if each.least else PICTURE_FREE
        why = None if each.refused is None else Sentence(REFUSED.words, {"why": SENTENCES[each.refused]})
        told = Sentence(said.words, {"title": each.title, **money})
        return Bar(each, place(each.price) or 0.0, place(each.now), place(each.least), told, why)


def _discount(given: Any) -> Discount | None:
    """As it is typed; None while it is not finished."""
    try:
        kept = drafted.filled(given)
        found: Discount = schema_of(Discount).load(kept)
        return found
    except ValidationError:
        return None
