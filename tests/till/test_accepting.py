"""Accept and undo at a rule's price: one product, an upgrade of a line, or a whole bundle and nothing less."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from flask_upsell import Capability, Done, Refused, Variant
from flask_upsell.adapters import tables as t
from flask_upsell.core.kind import Kind
from flask_upsell.core.money import Money
from flask_upsell.core.ports import Count
from flask_upsell.core.rule import Discount, Limits, Off, Products, Programme, Rule, Schedule, Status
from flask_upsell.errors import BadInput
from tests.till.shop import CUP, JAR, PERCENT, SHIRT, WITH_TEA, Shop, cup_rule, set_rule

# --- accepting at the rule's price ---------------------------------------------------------------------------------


def test_the_cart_holds_the_price_that_was_shown(shop: Shop) -> None:
    shop.rule(cup_rule())
    shop.fill("tea")
    assert shop.wanted().unit_price == 1800
    outcome = shop.accept()
    assert outcome.status == "done" and outcome.acceptance is not None
    accepted = outcome.acceptance
    assert (accepted.unit_price, accepted.normal, accepted.off, accepted.rule) == (1800, 2000, 200, "cup")
    assert shop.prices() == [("tea", 1000), ("cup", 1800)]


@pytest.mark.parametrize("change", ["rule paused", "season over", "tea gone", "coupon", "price", "smaller discount"])
def test_what_does_not_hold_any_more_is_asked_again_at_the_new_price(shop: Shop, change: str) -> None:
    """Shown red with `wanted.unit_price` charged."""
    rule = cup_rule(schedule=Schedule(end="2027-02-11T00:00"))
    shop.rule(rule)
    shop.fill("tea", "shirt")
    wanted, new = shop.wanted(), 2000
    if change == "rule paused":
        shop.offers.set_rule("cup", Status.PAUSED)
    elif change == "season over":
        shop.now += timedelta(days=1)
    elif change == "tea gone":
        shop.store.remove(shop.store.cart().lines[0].ref)
    elif change == "coupon":
        shop.store.coupons = ("WELCOME",)
    elif change == "price":
        shop.store.shelf["cup"] = msgspec.structs.replace(CUP, price=3000)
        new = 2700
    else:
        shop.rule(cup_rule(discount=Discount(off=Off.AMOUNT, amount=(Money(100, "EUR"),))))
        new = 1900
    outcome = shop.offers.accept(wanted, "k1")
    assert outcome.status == "changed"
    assert "cup" not in dict(shop.prices())
    if change not in ("tea gone", "rule paused", "season over", "coupon"):
        shop.offers.amend(["cup"])
        assert shop.wanted().unit_price == new
        assert shop.accept("k2").status == "done"


def test_an_upgrade_at_a_discount_and_its_undo(shop: Shop) -> None:
    shop.rule(Rule(name="pot", offer=Products(refs=("pot",), kind=Kind.UPGRADE), when=WITH_TEA, discount=PERCENT))
    shop.fill("tea")
    before = shop.store.cart()
    outcome = shop.accept()
    assert shop.prices() == [("pot", 1080)]
    assert outcome.acceptance is not None
    assert shop.offers.undo(outcome.acceptance.id).status == "undone"
    assert shop.store.cart() == before


def test_a_variant_costs_its_own_price_less_the_discount(shop: Shop) -> None:
    shop.store.shelf["shirt"] = msgspec.structs.replace(
        SHIRT, variants=(Variant("s", "Small", 2000), Variant("l", "Large", 2400))
    )
    shop.offers.publish()
    shop.rule(cup_rule(offer=Products(refs=("shirt",))))
    shop.fill("tea")
    wanted = shop.wanted()
    assert wanted.variants == {"s": 1800, "l": 2160}
    assert shop.offers.accept(wanted, "k1", "l").status == "done"
    assert shop.prices() == [("tea", 1000), ("shirt", 2160)]


def test_a_discount_that_was_shown_for_a_product_page_is_given(shop: Shop) -> None:
    shop.rule(cup_rule(when={"all": [WITH_TEA, {"subtotal": {"max": [[1000, "EUR"]]}}]}))
    shop.fill("shirt", "shirt")
    wanted = shop.wanted(placement="product", products=["tea"])
    assert wanted.unit_price == 1800
    assert shop.offers.accept(wanted, "k1").status == "done"


def test_a_store_that_cannot_price_a_line_offers_at_the_full_price(shop: Shop) -> None:
    shop.store._capabilities = frozenset(Capability) - {Capability.LINE_PRICE}
    shop.rule(cup_rule())
    shop.fill("tea")
    assert shop.wanted().unit_price == 2000
    assert shop.accept().status == "done"
    assert shop.prices() == [("tea", 1000), ("cup", 2000)]


def test_a_limited_discount_needs_a_store_that_asks_for_it(shop: Shop) -> None:
    shop.store._capabilities = frozenset(Capability) - {Capability.GRANT}
    shop.rule(cup_rule(limits=Limits(total=5)))
    shop.fill("tea")
    assert shop.wanted().unit_price == 2000


# --- bundles -------------------------------------------------------------------------------------------------------

EURO_OFF = Discount(off=Off.AMOUNT, amount=(Money(100, "EUR"),))


def recorded(shop: Shop) -> list[tuple[str, str, int, str]]:
    """(kind, product, unit price, state) of all that was accepted, by product."""
    c = t.acceptances.c
    with shop.ledger.engine.connect() as connection:
        rows = connection.execute(t.acceptances.select().order_by(c.product)).all()
    return [(row.kind, row.product, row.unit_price, row.state) for row in rows]


def nothing_happened(shop: Shop, before: Any) -> bool:
    """The cart is as it was, nothing is on record, and the button may be pressed again."""
    with shop.ledger.engine.connect() as connection:
        rows = [connection.execute(table.select()).first() for table in (t.acceptances, t.outbox, t.requests)]
    return bool(shop.store.cart() == before) and rows == [None, None, None]


@pytest.mark.parametrize(
    ("discount", "prices"),
    [(PERCENT, (1800, 1079)), (EURO_OFF, (1937, 1162)), (None, (2000, 1199))],
    ids=["percent", "amount", "none"],
)
def test_the_lines_of_a_bundle_cost_together_what_was_shown(
    shop: Shop, discount: Discount | None, prices: tuple[int, int]
) -> None:
    """Shown red with the discount taken off each product by itself: an amount off is then given twice."""
    shop.rule(set_rule(discount=discount))
    shop.fill("tea")
    wanted = shop.wanted()
    assert (wanted.kind, wanted.product, wanted.title) == (Kind.BUNDLE, "cup+jar", "Cup + Jar")
    assert [(piece.product, piece.unit_price) for piece in wanted.pieces] == [("cup", prices[0]), ("jar", prices[1])]
    outcome = shop.offers.accept(wanted, "k1")
    assert (outcome.status, outcome.text) == ("done", "Added: Cup, Jar.")
    assert shop.prices() == [("tea", 1000), ("cup", prices[0]), ("jar", prices[1])]
    assert sum(prices) == wanted.unit_price


def test_what_is_recorded_of_a_bundle_names_its_first_and_its_own_prices(shop: Shop) -> None:
    shop.rule(set_rule())
    shop.fill("tea")
    first = shop.accepted()
    every = shop.ledger.accepted(first.visitor)
    assert {(each.bundle, each.rule, each.placement) for each in every} == {(first.id, "set", "cart")}
    assert sorted((each.product, each.normal, each.off) for each in every) == [("cup", 2000, 200), ("jar", 1199, 120)]
    lines = {line.product: line.ref for line in shop.store.cart().lines}
    assert {each.product: each.line for each in every} == {"cup": lines["cup"], "jar": lines["jar"]}
    shop.offers.fold()
    assert shop.ledger.counts() == [Count("cart", "bundle", ref, accepted=1) for ref in ("cup", "jar")]


def test_a_store_that_cannot_price_a_line_sells_a_bundle_at_its_own_prices(shop: Shop) -> None:
    shop.store._capabilities = frozenset(Capability) - {Capability.LINE_PRICE}
    shop.rule(set_rule())
    shop.fill("tea")
    assert shop.wanted().unit_price == 3199
    given: list[int | None] = []
    add = shop.store.add

    def heard(product: str, variant: str | None, quantity: int, unit_price: int | None = None) -> Done | Refused:
        given.append(unit_price)
        return add(product, variant, quantity, unit_price)

    shop.store.add = heard  # type: ignore[method-assign]
    assert shop.accept().status == "done"
    assert given == [None, None]
    assert shop.prices() == [("tea", 1000), ("cup", 2000), ("jar", 1199)]


@pytest.mark.parametrize("how", ["refuses", "fails"])
def test_a_bundle_that_the_store_breaks_off_half_way_is_taken_out_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Shown red with `_take_out` that does nothing: the cup stays in the cart."""
    shop.rule(set_rule())
    shop.fill("tea")
    before, add = shop.store.cart(), shop.store.add

    def half(product: str, variant: str | None, quantity: int, unit_price: int | None = None) -> Done | Refused:
        if product != "jar":
            return add(product, variant, quantity, unit_price)
        assert shop.prices()[-1][0] == "cup", "the first is in the cart by now"
        if how == "fails":
            raise ConnectionError("the store's database is gone")
        return Refused("Jars are for members.")

    monkeypatch.setattr(shop.store, "add", half)
    if how == "fails":
        with pytest.raises(ConnectionError):
            shop.accept()
    else:
        outcome = shop.accept()
        assert (outcome.status, outcome.text) == ("refused", "Jars are for members.")
        assert outcome.live == JAR
    assert nothing_happened(shop, before)
    monkeypatch.undo()
    assert shop.accept().status == "done"


def test_a_bundle_that_cannot_be_recorded_is_taken_out_again(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shown red with `_take_out` that does nothing: both stay in the cart, and nobody can undo them."""
    shop.rule(set_rule())
    shop.fill("tea")
    before = shop.store.cart()

    def full(*_: object) -> None:
        assert len(shop.prices()) == 3
        raise OSError("no disk")

    monkeypatch.setattr(shop.ledger, "record_acceptances", full)
    with pytest.raises(OSError, match="no disk"):
        shop.accept()
    monkeypatch.undo()
    assert nothing_happened(shop, before)


@pytest.mark.parametrize("committed", [False, True])
def test_a_click_that_began_a_cart_is_taken_out_again_when_nobody_knows_of_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, committed: bool
) -> None:
    """It is on record as nobody's, so no later request of the visitor finds it. Planted bug that it shows: it stays in
    the cart as that of a known visitor does, and the order has its discount without a redemption."""
    shop.rule(cup_rule(limits=Limits(total=5)))
    wanted = shop.wanted(placement="product", products=["tea"])
    shop.store.visitor_key, add, record = "", shop.store.add, shop.ledger.record_acceptances

    def begun(*given: Any) -> Done | Refused:
        shop.store.visitor_key = "ada"
        return add(*given)

    def cut(*given: Any) -> bool:
        if committed:
            record(*given)
        raise ConnectionError

    def silent(*_: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(shop.store, "add", begun)
    monkeypatch.setattr(shop.ledger, "record_acceptances", cut)
    monkeypatch.setattr(shop.ledger, "answer", silent)
    with pytest.raises(ConnectionError):
        shop.offers.accept(wanted, "k1")
    monkeypatch.undo()
    assert shop.prices() == []
    shop.fill("cup")
    assert (shop.settle(), shop.order(), shop.prices()) == ([], [], [("cup", 2000)])


CHANGES: dict[str, dict[str, Any]] = {
    "dearer": {"price": 2500},
    "cheaper": {"price": 1500},
    "sold out": {"stock": 0},
    "hidden": {"hidden": True},
    "has choices now": {"variants": (Variant("blue", "Blue", 1199),)},
    "in dollars": {"currency": "USD"},
}


@pytest.mark.parametrize("piece", ["cup", "jar"])
@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        ("dearer", "changed", "The price of {} has changed. Please look again."),
        ("cheaper", "changed", "has changed. Please look again."),
        ("sold out", "refused", "{} is sold out."),
        ("hidden", "refused", "{} is not sold any more."),
        ("has choices now", "refused", "Please choose which {} you would like."),
        ("in dollars", "refused", "{} is priced in USD, your cart is in EUR."),
    ],
)
def test_when_one_of_a_bundle_is_not_what_was_shown_nothing_is_added(
    shop: Shop, piece: str, change: str, status: str, says: str
) -> None:
    shop.rule(set_rule())
    shop.fill("tea")
    wanted, before = shop.wanted(), shop.store.cart()
    shop.change(piece, **CHANGES[change])
    outcome = shop.offers.accept(wanted, "k1")
    assert outcome.status == status
    assert says.format(shop.store.shelf[piece].title) in outcome.text
    assert nothing_happened(shop, before)
    if outcome.live is not None:
        assert outcome.live == shop.store.shelf[outcome.live.ref]


def test_a_bundle_of_what_vanished_is_refused_by_the_name_it_was_shown_with(shop: Shop) -> None:
    shop.rule(set_rule())
    shop.fill("tea")
    wanted, before = shop.wanted(), shop.store.cart()
    del shop.store.shelf["jar"]
    outcome = shop.offers.accept(wanted, "k1")
    assert (outcome.status, outcome.text) == ("refused", "Jar is not sold any more.")
    assert outcome.live is not None and (outcome.live.ref, outcome.live.hidden) == ("jar", True)
    assert nothing_happened(shop, before)


def test_prices_that_changed_but_sum_up_to_the_same_are_asked_again(shop: Shop) -> None:
    """Shown red with the sums compared instead of each price."""
    shop.rule(set_rule(discount=None))
    shop.fill("tea")
    wanted, before = shop.wanted(), shop.store.cart()
    shop.change("cup", price=CUP.price + 100)
    shop.change("jar", price=JAR.price - 100)
    assert shop.offers.accept(wanted, "k1").status == "changed"
    assert nothing_happened(shop, before)


@pytest.mark.parametrize("change", ["rule paused", "tea gone", "coupon", "smaller discount"])
def test_a_bundle_whose_rule_does_not_hold_any_more_is_asked_again(shop: Shop, change: str) -> None:
    shop.rule(set_rule())
    shop.fill("tea", "shirt")
    wanted = shop.wanted()
    if change == "rule paused":
        shop.offers.set_rule("set", Status.PAUSED)
    elif change == "tea gone":
        shop.take_out("tea")
    elif change == "coupon":
        shop.store.coupons = ("WELCOME",)
    else:
        shop.rule(set_rule(discount=EURO_OFF))
    before = shop.store.cart()
    assert shop.offers.accept(wanted, "k1").status == "changed"
    assert nothing_happened(shop, before)


@pytest.mark.parametrize("piece", ["cup", "jar"])
def test_a_bundle_of_which_one_is_in_the_cart_already_is_refused(shop: Shop, piece: str) -> None:
    shop.rule(set_rule())
    shop.fill("tea")
    wanted = shop.wanted()
    shop.fill(piece)
    before = shop.store.cart()
    outcome = shop.offers.accept(wanted, "k1")
    assert (outcome.status, outcome.text) == ("refused", f"{piece.title()} is in your cart already.")
    assert nothing_happened(shop, before)


def test_a_bundle_is_added_once_however_often_it_is_clicked(shop: Shop) -> None:
    shop.rule(set_rule())
    shop.fill("tea")
    wanted = shop.wanted()
    first, again = shop.offers.accept(wanted, "k1"), shop.offers.accept(wanted, "k1")
    assert again == msgspec.structs.replace(first, repeated=True)
    assert len(shop.prices()) == 3
    assert [row[1] for row in recorded(shop)] == ["cup", "jar"]
    with pytest.raises(BadInput, match="key"):
        shop.offers.accept(msgspec.structs.replace(wanted, pieces=wanted.pieces[:1]), "k1")


def test_a_programme_never_goes_into_the_cart(shop: Shop) -> None:
    shop.rule(cup_rule(offer=Programme(url="/club", title={"en": "The club"}), discount=None))
    shop.fill("tea")
    wanted, before = shop.wanted(), shop.store.cart()
    assert wanted.kind is Kind.PROGRAMME
    outcome = shop.offers.accept(wanted, "k1")
    assert (outcome.status, outcome.text) == ("refused", "To join The club, please use its link.")
    assert nothing_happened(shop, before)


# --- undoing bundles -----------------------------------------------------------------------------------------------


def test_undoing_a_bundle_takes_all_of_it_out(shop: Shop) -> None:
    shop.rule(set_rule())
    shop.fill("tea")
    before = shop.store.cart()
    accepted = shop.accepted()
    outcome = shop.offers.undo(accepted.id)
    assert outcome.status == "undone"
    assert outcome.text in ("Undone: Cup, Jar.", "Undone: Jar, Cup.")
    assert shop.store.cart() == before
    assert {row[3] for row in recorded(shop)} == {"undone"}
    shop.offers.fold()
    assert [(each.product, each.undone) for each in shop.ledger.counts()] == [("cup", 1), ("jar", 1)]
    again = shop.offers.undo(accepted.id)
    assert (again.status, again.text) == ("refused", "That was undone already, or ordered.")


@pytest.mark.parametrize(("gone", "left"), [("cup", "Jar"), ("jar", "Cup")])
def test_what_is_left_of_a_bundle_can_be_undone(shop: Shop, gone: str, left: str) -> None:
    shop.rule(set_rule())
    shop.fill("tea")
    accepted = shop.accepted()
    shop.take_out(gone)
    assert shop.offers.undo(accepted.id).text == f"Undone: {left}."
    assert shop.prices() == [("tea", 1000)]
    assert shop.offers.undo(accepted.id).status == "refused"


def test_a_bundle_of_which_nothing_is_left_cannot_be_undone(shop: Shop) -> None:
    shop.rule(set_rule())
    shop.fill("tea")
    accepted = shop.accepted()
    shop.take_out("cup")
    shop.take_out("jar")
    outcome = shop.offers.undo(accepted.id)
    assert outcome.status == "refused" and "is not in your cart any more" in outcome.text
    assert shop.prices() == [("tea", 1000)]


def test_undoing_a_bundle_leaves_what_the_shopper_added_to_it(shop: Shop) -> None:
    shop.rule(set_rule())
    shop.fill("tea")
    accepted = shop.accepted()
    line = next(line for line in shop.store.cart().lines if line.product == "jar")
    shop.store.replace(line.ref, "jar", None, 3, line.unit_price)
    assert shop.offers.undo(accepted.id).status == "undone"
    assert [(line.product, line.quantity) for line in shop.store.cart().lines] == [("tea", 1), ("jar", 2)]


def test_another_visitor_cannot_undo_a_bundle(shop: Shop) -> None:
    shop.rule(set_rule())
    shop.fill("tea")
    accepted = shop.accepted()
    shop.store.visitor_key = "mallory"
    assert shop.offers.undo(accepted.id).status == "refused"
    shop.store.visitor_key = "ada"
    assert len(shop.prices()) == 3


@pytest.mark.parametrize("how", ["refuses", "fails"])
def test_an_undo_of_a_bundle_that_breaks_off_half_way_can_be_done_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Red when the acceptance whose id the button holds is asked for by itself: undone first, it hides the others."""
    ids = iter(["a" * 32, "b" * 32])
    monkeypatch.setattr("flask_upsell.till.accepting.uuid4", lambda: type("Id", (), {"hex": next(ids)}))
    shop.rule(set_rule())
    shop.fill("tea")
    before = shop.store.cart()
    accepted = shop.accepted()
    remove, line = shop.store.remove, shop.store.cart().lines[-1].ref

    def half(ref: str) -> Done | Refused:
        if ref != line:
            return remove(ref)
        if how == "fails":
            raise ConnectionError("the store's database is gone")
        return Refused("Not now.")

    monkeypatch.setattr(shop.store, "remove", half)
    if how == "fails":
        with pytest.raises(ConnectionError):
            shop.offers.undo(accepted.id)
    else:
        assert shop.offers.undo(accepted.id).text == "Undone: Cup."
    monkeypatch.setattr(shop.store, "remove", remove)
    assert shop.offers.undo(accepted.id).status == "undone"
    assert shop.store.cart() == before
