"""Sentences that people read, sums and ids."""

from __future__ import annotations

import subprocess
import sys

import pytest

from flask_upsell.core.offer import Code, Dropped, Item, Kind, Offer, Quote, Reason, offer_id

from .build import line, product


def test_a_reason_tells_its_evidence() -> None:
    assert (
        str(Reason(Kind.COMPLEMENT, 38, 412, "Phone 128").sentence)
        == "Bought together in 38 of 412 orders with Phone 128"
    )
    assert str(Reason(Kind.UPGRADE, 57, 248, "Phones").sentence) == "Chosen in 57 of 248 orders of Phones"
    assert str(Reason(Kind.COMPLEMENT, 0, 0, "Tea", True).sentence) == "One more of what is in your cart"


def test_what_was_dropped_says_what_for_what_and_why() -> None:
    assert Dropped(Kind.COMPLEMENT, "case", "phone", Code.IN_CART).sentence == (
        "Complement case for phone was dropped: it is in the cart already."
    )
    assert Dropped(Kind.UPGRADE, "plus", "phone", Code.PRICE_GAP).sentence == (
        "Upgrade plus for phone was dropped: it costs more than the price-gap guard allows."
    )
    assert Dropped(Kind.BUNDLE, "case+pen", "phone", Code.SESSION_FULL, "set").sentence == (
        "Bundle case+pen for phone (rule set) was dropped: enough was offered in this session."
    )


@pytest.mark.parametrize(("replaces", "difference", "total"), [(None, 500, 1500), (0, 500, 1500), (380, 120, 360)])
def test_a_quote_knows_what_accepting_adds(replaces: int | None, difference: int, total: int) -> None:
    quote = Quote("EUR", 500, 3, replaces)
    assert (quote.difference, quote.total) == (difference, total)


def test_an_offer_has_one_id_in_every_process() -> None:
    code = "from flask_upsell.core.offer import *; print(offer_id(Kind.UPGRADE, 'phone', 'plus'))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == offer_id(Kind.UPGRADE, "phone", "plus")


def test_different_offers_have_different_ids() -> None:
    ids = {
        offer_id(kind, trigger, ref) for kind in Kind for trigger in ("a", "ab", "") for ref in ("b", "bb", "abb", "")
    }
    assert len(ids) == len(Kind) * 3 * 4
    assert all(len(each) == 16 for each in ids)


def test_a_bundle_is_referred_to_by_all_its_products() -> None:
    pen, cap = product("pen"), product("cap")
    reason, on = Reason(Kind.BUNDLE, 0, 0, "phone"), line("phone")
    alone = Offer("1", Kind.COMPLEMENT, pen, Quote("EUR", 1000, 1), reason, on, None, 0)
    items = tuple(Item(each, Quote("EUR", 1000, 1)) for each in (pen, cap))
    bundle = Offer("1", Kind.BUNDLE, pen, Quote("EUR", 2000, 1), reason, on, None, 0, items=items)
    assert (alone.ref, bundle.ref) == ("pen", "pen+cap")
