"""The defaults are the promised ones; a context cannot be changed by what looks at it."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from flask_upsell.core.context import Capability, Policy, Visitor, forgotten, mark

from .build import NOW, context, line


def test_a_plain_context_has_the_promised_defaults() -> None:
    plain = context(line("phone"))
    assert plain.policy == Policy(
        max_offers=2,
        max_upgrades=1,
        price_gap_percent=25,
        price_gap_floor=0,
        complement_times=1,
        max_page=3,
        max_session=20,
    )
    assert plain.visitor == Visitor("", None, frozenset())
    assert plain.declined == plain.shown_elsewhere == plain.asked == plain.seen == frozenset()
    assert plain.capabilities == set(Capability)
    assert plain.now == NOW


def test_a_context_is_frozen() -> None:
    plain = context(line("phone"))
    with pytest.raises(AttributeError):
        plain.cart.lines[0].quantity = 2  # type: ignore[misc]
    with pytest.raises(AttributeError):
        plain.declined = frozenset({"case"})  # type: ignore[misc]


def test_capabilities_are_written_as_settings_and_files_write_them() -> None:
    assert {each.value for each in Capability} == {"add", "replace", "remove", "line_price", "grant", "orders"}


@pytest.mark.parametrize(
    ("most", "seen", "room"),
    [
        (20, 0, None),
        (20, 18, None),
        (20, 19, 1),
        (20, 20, 0),
        (20, 25, 0),
        (2, 0, None),
        (1, 0, 1),
        (0, 25, None),
    ],
)
def test_a_session_has_room_which_is_no_question_while_a_placement_can_be_filled(
    most: int, seen: int, room: int | None
) -> None:
    about = context(policy=Policy(max_session=most, max_offers=2), seen=[f"p{number}" for number in range(seen)])
    assert about.room == room


def test_a_mark_is_short_the_same_in_every_process_and_seldom_that_of_another_product() -> None:
    """Sessions hold marks from before a release."""
    assert (mark("case"), mark(""), mark("\udc80é")) == ("iCCh", "rSXH", "iEkX")
    marks = {mark(f"product-{number}") for number in range(1000)}
    assert len(marks) >= 999
    assert {len(each) for each in marks} == {4}


def test_history_is_forgotten_and_nothing_else() -> None:
    """Red for a field that is new and was not thought of here."""
    known = Visitor(
        "key", "7", frozenset({"members"}), "DE", "de", 3, datetime(2026, 1, 1, tzinfo=UTC), frozenset({"a"}),
        frozenset({"A"}), "letter", frozenset({"thanks"}),
    )  # fmt: skip
    left = msgspec.structs.asdict(forgotten(known))
    assert {name for name, value in left.items() if not value} == {
        "orders", "last_order", "bought", "bought_categories", "source",
    }  # fmt: skip
    assert all(left[name] == value for name, value in msgspec.structs.asdict(known).items() if left[name])
    plain = Visitor("key", "7", frozenset({"members"}))
    assert forgotten(plain) is plain
