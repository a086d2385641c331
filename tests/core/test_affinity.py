"""The evidence gives support, confidence and lift."""

from __future__ import annotations

import pytest

from flask_upsell.core.affinity import NONE, Affinities, Affinity

# 412 of 2,000 orders had the phone, 100 had the case, 38 had both.
CASE = Affinity("case", 0.2, together=38, base=412, consequent_orders=100, orders=2000)


def test_support_is_the_share_of_all_orders() -> None:
    assert CASE.support == pytest.approx(0.019)


def test_confidence_is_the_share_of_the_base() -> None:
    assert CASE.confidence == pytest.approx(38 / 412)


def test_lift_is_confidence_over_the_consequents_own_share() -> None:
    assert CASE.lift == pytest.approx((38 / 412) / (100 / 2000))


def test_lift_is_one_for_what_is_bought_together_by_chance() -> None:
    assert Affinity("bag", 0.1, together=20, base=200, consequent_orders=200, orders=2000).lift == pytest.approx(1)


def test_none_leads_nowhere() -> None:
    assert Affinities((), ()) == NONE
