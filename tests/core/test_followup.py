"""What an order leaves to be followed up, and what a mail's decision is made from."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_upsell.core.context import Capability, Cart, Line, Policy
from flask_upsell.core.followup import MOST_TRIES, REST, SENTENCES, FollowUp, State, as_mail, bought
from flask_upsell.core.offer import Placement

from .build import context, customer, line


def left(*rows: tuple[str, int]) -> list[tuple[str, int]]:
    """(product, quantity) of what is left of lines of these."""
    return [(each.product, each.quantity) for each in bought([Line("7", ref, n, 1000) for ref, n in rows])]


@pytest.mark.parametrize(
    ("rows", "kept"),
    [
        ([], []),
        ([("pen", 2)], [("pen", 2)]),
        ([("pen", 2), ("pen", -1)], [("pen", 1)]),
        ([("pen", 2), ("pen", -2)], [("pen", 0)]),
        ([("pen", -2), ("pen", 2), ("cap", 1)], [("pen", 0), ("cap", 1)]),
        ([("pen", 1), ("pen", 3), ("pen", -2)], [("pen", 0), ("pen", 2)]),
        ([("pen", 1), ("pen", -5), ("cap", 1)], [("pen", 0), ("cap", 1)]),
        ([("pen", -1)], []),
        ([("pen", 0)], []),
    ],
)
def test_what_was_returned_is_taken_off(rows: list[tuple[str, int]], kept: list[tuple[str, int]]) -> None:
    assert left(*rows) == kept


def test_a_line_stays_as_it_was_otherwise() -> None:
    one = Line("7", "pen", 2, 990, "blue")
    assert bought([one]) == (one,)
    assert bought([one, Line("8", "pen", -1, 990, "blue")]) == (msgspec.structs.replace(one, quantity=1),)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(-3, 3)), max_size=8))
def test_of_each_product_as_much_is_left_as_was_not_returned(rows: list[tuple[str, int]]) -> None:
    for ref in "abc":
        ordered = sum(n for each, n in rows if each == ref and n > 0)
        returned = -sum(n for each, n in rows if each == ref and n < 0)
        assert sum(n for each, n in left(*rows) if each == ref) == max(0, ordered - returned)
    assert {ref for ref, _ in left(*rows)} == {ref for ref, n in rows if n > 0}, "and it is known what was ordered"


def test_a_mail_knows_no_cart_no_session_and_no_discount() -> None:
    shopper = customer(language="de")
    page = context(
        line("phone", 60_000),
        coupons=["TEN"],
        discount=500,
        visitor=shopper,
        policy=Policy(max_offers=3, max_session=1),
    )
    mail = as_mail(page)
    assert (mail.placement, mail.cart) == (Placement.MAIL, Cart("EUR"))
    assert mail.anchors == (line("phone", 60_000, ref=""),), "there is no line that could be replaced"
    assert mail.capabilities == {Capability.ADD}
    assert mail.policy == Policy(max_offers=3, max_session=0)
    assert (mail.visitor, mail.now) == (shopper, page.now)
    assert mail.room is None


def test_every_state_has_a_sentence() -> None:
    assert set(SENTENCES) == set(State)
    assert len(set(SENTENCES.values())) == len(SENTENCES)
    for state in State:
        assert state.sentence and not state.sentence.endswith(".")


def test_the_sentences_have_the_numbers_of_the_code() -> None:
    assert f"{REST.days} days" in State.RECENT.sentence
    assert f"{MOST_TRIES} times" in State.FAILED.sentence


def test_a_mail_has_the_fields_that_stores_read() -> None:
    """It is public: a field that is taken away or renamed breaks a store's function."""
    names = ("customer", "order", "language", "subject", "html", "text", "unsubscribe", "headers")
    assert FollowUp.__struct_fields__ == names
