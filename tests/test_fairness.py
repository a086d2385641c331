"""Fair selling where no browser is needed: what a rule cannot say, whom a price does not know, and that the price that
is shown is the price that is charged. What shoppers see is in tests/browser/test_fairness.py."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, get_args

import msgspec
import pytest
from babel.messages.pofile import read_po

from flask_upsell import MemoryStore, Product, Variant
from flask_upsell.core.affinity import Affinities, Affinity
from flask_upsell.core.book import Book
from flask_upsell.core.conditions import CONDITIONS
from flask_upsell.core.context import Cart, Context, Line, Policy, Visitor
from flask_upsell.core.decision import decide
from flask_upsell.core.fairness import BEHAVIOUR
from flask_upsell.core.kind import Kind
from flask_upsell.core.money import Money
from flask_upsell.core.rule import (
    AnySource,
    Bundle,
    Class,
    Copy,
    Discount,
    Gap,
    Ladder,
    Off,
    Products,
    Question,
    Rule,
    Second,
)
from flask_upsell.core.rulebook import RuleBook
from flask_upsell.core.rules import RuleSet
from flask_upsell.errors import RuleFileError
from flask_upsell.settings import SETTINGS
from flask_upsell.till import Wanted
from flask_upsell.web.rulefile import load
from flask_upsell.web.ruleschema import SOURCES
from flask_upsell.web.shown import Page, wanted
from flask_upsell.web.written import schema_of
from tests.till.shop import Shop

ROOT = Path(__file__).parents[1]
NOW = datetime(2027, 5, 3, 10, tzinfo=UTC)
#: What no field may be called, whatever it is in: each says what HOUSE_RULES forbid.
UNFAIR = re.compile(
    r"pre.?(select|tick|check|add|chosen)|auto|default_on|checked|opt_?out|count_?down|timer|deadline|urgen|expires_in|"
    r"scarc|left_in|viewer|watching|decline|no_thanks|dismiss|shame|refus|device|browser|user_?agent|score|behavio|"
    r"segment|price_for|personal|struck|strike|compare_at|was_price|regular_price|html|css|script|popup|modal|delay"
)


def structs(part: type[Any], seen: set[Any] | None = None) -> Iterator[tuple[str, str]]:
    """(struct, field as it is written) of a part of rules and all that it holds."""
    seen = seen if seen is not None else set()
    if part in seen:
        return
    seen.add(part)
    for field in msgspec.structs.fields(part):
        yield part.__name__, field.encode_name
        for inner in _within(field.type):
            yield from structs(inner, seen)


def _within(kind: Any) -> Iterator[type[msgspec.Struct]]:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield kind
    for each in get_args(kind):
        yield from _within(each)


def fields() -> set[tuple[str, str]]:
    """All that a merchant can write of a rule, in the core and in files."""
    found = set(structs(Rule))
    for source in get_args(AnySource):
        found |= set(structs(source))
    for kind in CONDITIONS.values():
        found |= set(structs(kind))
    every: list[Any] = [Rule, Discount, Question, Copy, *SOURCES.values(), *CONDITIONS.values()]
    for part in every:
        found |= {(part.__name__, str(field.data_key)) for field in schema_of(part).fields.values()}
    return found


# --- 1, 4, 5, 8: what the schema cannot express ----------------------------------------------------------------------


def test_no_field_can_say_what_is_unfair() -> None:
    """Planted bugs that it shows: `preselected` in Rule, `countdown` in Schedule, `decline` in Copy."""
    names = fields()
    assert len(names) > 90, "all parts are looked at"
    assert [(part, name) for part, name in names if UNFAIR.search(name)] == []
    assert [setting.name for setting in SETTINGS if UNFAIR.search(setting.name.lower())] == []


def test_words_of_a_merchant_are_a_headline_and_benefits() -> None:
    """Nobody can write another "no", another price or markup: there is no field for it."""
    assert {field.name for field in msgspec.structs.fields(Copy)} == {"headline", "benefits"}
    assert {field.name for field in msgspec.structs.fields(Question)} == {"words", "answers"}


@pytest.mark.parametrize(
    "field",
    [
        "preselected: true", "auto_add: true", "countdown: 10", "decline: I hate saving", "was: 99.00 EUR",
        "price_for: {ada: 5.00 EUR}", "copy: {en: {decline: No, I like to pay more}}", "html: <b>x</b>",
        "schedule: {countdown: true}", "discount: {percent: 10, was: 99.00 EUR}", "limits: {show_left: true}",
    ],
)  # fmt: skip
def test_a_file_that_tries_is_refused(tmp_path: Path, field: str) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(f"rules:\n  - name: r\n    offer: {{products: p}}\n    {field}\n", encoding="utf-8")
    with pytest.raises(RuleFileError):
        load([file])


@pytest.mark.parametrize(
    "asked",
    ["has_bought: {product: p}", "order_count: {min: 3}", "days_since_last_order: {min: 90}", "sample: {percent: 50}"],
)
def test_a_price_by_what_somebody_did_is_refused(tmp_path: Path, asked: str) -> None:
    """A rule may ask for it to choose what is shown; with a discount it would be a price by person."""
    file = tmp_path / "rules.yaml"
    text = f"rules:\n  - name: r\n    offer: {{products: p}}\n    audience: {{{asked}}}\n"
    file.write_text(text, encoding="utf-8")
    assert load([file]).rules
    file.write_text(text + "    discount: {percent: 10}\n", encoding="utf-8")
    with pytest.raises(RuleFileError, match="a price may not depend on what a shopper did or on chance"):
        load([file])
    assert len(BEHAVIOUR) == 4


# --- 4, 5: the words -------------------------------------------------------------------------------------------------

#: What presses, shames or tricks, in our languages.
PRESSING = re.compile(
    r"hurry|last chance|only \{|\bleft\b|people are|today only|don.t miss|miss out|"
    r"beeil|nur noch|letzte chance|verpass|sichern sie sich|"
    r"dépêche|dernière chance|plus que|ne manquez|"
    r"date prisa|última oportunidad|solo quedan|no te pierdas|"
    r"affrett|ultima occasione|solo più|non perdere|"
    r"お急ぎ|残り|今だけ|أسرع|فرصة أخيرة|آخر فرصة",
    re.IGNORECASE,
)


def test_no_text_of_ours_presses_or_shames() -> None:
    """In all seven languages; the templates' own words are the keys of the catalogues."""
    for path in sorted((ROOT / "widgets" / "locales").glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file):
                every = [message.id, message.string]
                for text in (
                    each for words in every for each in (words if isinstance(words, tuple | list) else [words])
                ):
                    assert not PRESSING.search(text or ""), (path.name, text)


def test_a_no_is_three_words_at_most() -> None:
    for path in sorted((ROOT / "widgets" / "locales").glob("*.po")):
        with path.open("rb") as file:
            catalogue = read_po(file)
        words = str(catalogue["No thanks"].string)
        assert 1 <= len(words.split()) <= 3 and "{" not in words and "!" not in words, path.name


# --- 8: one price for everybody --------------------------------------------------------------------------------------

CATEGORIES = {"tea": "Tea", "cup": "Cups", "pot": "Pots", "jar": "Jars", "mug": "Cups", "tin": "Tins", "set": "Sets"}
GOODS = {
    ref: Product(ref, ref, 1000 + 150 * at, "EUR", category=category, cost=300, attributes={"No": str(at)})
    for at, (ref, category) in enumerate(CATEGORIES.items())
}
LEADS = {
    "tea": Affinities((Affinity("set", 0.5, 20, 80, 30, 900),), (Affinity("cup", 0.5, 30, 90, 40, 900),)),
    "cup": Affinities((Affinity("mug", 0.5, 20, 80, 30, 900),), (Affinity("jar", 0.5, 30, 90, 40, 900),)),
}
LESS = Discount(off=Off.PERCENT, percent=1250)
WITH_TEA: dict[str, Any] = {"lines": {"product": ["tea"]}}
#: Rules that know the shopper choose what is shown; those that name a market or a group have a price for it.
RULES = (
    Rule(name="bought", offer=Products(refs=("jar",)), audience={"has_bought": {"product": ["pot"]}}, priority=9),
    Rule(name="sample", offer=Products(refs=("tin",)), audience={"sample": {"percent": 50}}, priority=8),
    Rule(name="often", offer=Products(refs=("pot",)), audience={"order_count": {"min": 3}}, priority=7),
    Rule(name="campaign", offer=Products(refs=("mug",)), audience={"source": {"is": ["mail"]}}, priority=6),
    Rule(name="cup", offer=Products(refs=("cup",)), when=WITH_TEA, discount=LESS),
    Rule(name="jar", offer=Products(refs=("jar",)), discount=Discount(off=Off.AMOUNT, amount=(Money(120, "EUR"),))),
    Rule(name="tin", offer=Products(refs=("tin", "pot", "mug")), discount=LESS, when={"country": {"is": ["IT", "DE"]}}),
    Rule(name="members", offer=Products(refs=("pot",)), audience={"group": {"is": ["members"]}}, discount=LESS),
)


def person(random: Random, **same: Any) -> tuple[Visitor, str, frozenset[tuple[str, str]], frozenset[str]]:
    """Anybody: with or without a name, a past, a language; from anywhere on the net."""
    refs = sorted(GOODS)
    bought = frozenset(random.sample(refs, random.randrange(4))) if random.random() < 0.6 else None
    visitor = Visitor(
        key=f"{random.getrandbits(64):x}",
        customer=random.choice([None, f"c{random.randrange(10**6)}"]),
        language=random.choice([None, "en", "de-AT", "ar", "ja"]),
        orders=random.choice([None, 0, 1, 7, 400]),
        last_order=random.choice([None, NOW - timedelta(days=random.randrange(900))]),
        bought=bought,
        bought_categories=None if bought is None else frozenset(CATEGORIES[ref] for ref in bought),
        source=random.choice(["", "mail", "ads"]),
        perks=frozenset(random.sample(["a", "b"], random.randrange(3))),
        **same,
    )
    asked = frozenset(random.sample(["q1", "q2"], random.randrange(3)))
    return visitor, random.choice(["", "mail", "partner"]), frozenset({("q1", "me")} if asked else ()), asked


def one_price(random: Random, people: int, cart: Cart, book: Book, **same: Any) -> tuple[int, dict[str, set[int]]]:
    """How many offers were made, and all prices that anybody was shown, by product."""
    prices: dict[str, set[int]] = {}
    offers = 0
    for _ in range(people):
        visitor, source, answers, asked = person(random, **same)
        seen = frozenset(f"{random.getrandbits(18):x}" for _ in range(random.randrange(3)))
        declined = frozenset(random.sample(sorted(GOODS), random.randrange(3)))
        context = Context(
            "cart", cart, cart.lines, NOW, visitor, declined, frozenset(), source=source, answers=answers, asked=asked,
            seen=seen, policy=Policy(max_offers=3, complement_times=0),
        )  # fmt: skip
        for offer in decide(context, book, explain=False).offers:
            offers += 1
            prices.setdefault(f"{offer.kind}:{offer.product.ref}", set()).add(offer.quote.total)
    return offers, prices


def shop_book(rules: tuple[Rule, ...] = RULES) -> Book:
    changed = {rule.name: NOW - timedelta(days=5) for rule in rules}
    return Book("1", GOODS, LEADS, rules=RuleSet(RuleBook(rules=rules), "UTC", "1", changed=changed))


CART = Cart("EUR", (Line("1", "tea", 2, 1000), Line("2", "set", 1, 1900)))


def test_ten_thousand_people_see_one_price(
    amount: Callable[[int, int], int], figure: Callable[[str, object, str], None]
) -> None:
    """The same cart, one country, no declared group: who looks decides what is shown, never what it costs. Planted bug
    that it shows: the discount is taken off twice for customers with seven orders."""
    people, random = amount(2_000, 10_000), Random("people")
    offers, prices = one_price(random, people, CART, shop_book(), country="IT")
    figure("prices of one product over people", f"{max(map(len, prices.values()))} ({people:,} people)", "1")
    assert offers > people, "they are offered something"
    assert len(prices) >= 5, "and not all the same"
    assert {product: found for product, found in prices.items() if len(found) > 1} == {}


def test_a_declared_group_and_a_market_are_the_exceptions() -> None:
    """So that the test above can fail: members pay less for a pot, and so does who is in Italy for a tin."""
    random, book = Random("groups"), shop_book()
    _, everybody = one_price(random, 300, CART, book, country="FR")
    _, members = one_price(random, 300, CART, book, country="FR", groups=frozenset({"members"}))
    _, italians = one_price(random, 300, CART, book, country="IT")
    assert everybody["complement:pot"] == {1300} and members["complement:pot"] == {1137}
    assert everybody["complement:tin"] == {1750} and italians["complement:tin"] == {1531}


# --- 2: what is shown is what is charged -----------------------------------------------------------------------------


def made_shop(random: Random) -> Shop:
    """A catalogue, a cart and rules at random; the visitor can accept whatever is offered."""
    refs = [f"p{number}" for number in range(9)]
    goods = []
    for ref in refs:
        price = random.choice([0, 1, 99, 333, 1000, 1999, 45_000, random.randrange(1, 90_000)])
        variants = (Variant("s", "S", price), Variant("l", "L", price + 77)) if random.random() < 0.15 else ()
        goods.append(
            Product(ref, ref.upper(), price, "EUR", category=random.choice("AB"), variants=variants, cost=price // 3,
                    attributes={"No": ref}, stock=random.choice([None, 500]))
        )  # fmt: skip
    shop = Shop(now=NOW, store=MemoryStore(goods, visitor_key="ada"))
    for ref in random.sample(refs, random.randrange(1, 4)):
        shop.store.add(ref, None, random.randrange(1, 6))
    return shop


def made_rule(random: Random, number: int) -> Rule:
    refs = random.sample([f"p{each}" for each in range(9)], 4)
    amount = (Money(random.randrange(1, 2_000), "EUR"),)
    discount = random.choice(
        [
            None,
            Discount(off=Off.PERCENT, percent=random.randrange(1, 10_001)),
            Discount(off=Off.PERCENT, percent=random.randrange(1, 5_001), most=amount),
            Discount(off=Off.AMOUNT, amount=amount),
            Discount(off=Off.PRICE, price=amount),
            Discount(off=Off.GIFT),
            Discount(off=Off.FREE_SHIPPING),
            Discount(off=Off.PERCENT, percent=1_000, combines=(Class.ORDER,), with_rules=("r0", "r1", "r2")),
        ]
    )
    offer: Any = random.choice(
        [
            Products(refs=tuple(refs)),
            Products(refs=tuple(refs), kind=Kind.UPGRADE),
            Bundle(refs=tuple(refs[: random.randrange(2, 4)])),
            Gap(threshold=(Money(random.randrange(100, 200_000), "EUR"),), refs=tuple(refs)),
            Ladder(name="steps", compare=random.random() < 0.5),
            Second(),
        ]
    )
    if isinstance(offer, Bundle) and discount is not None and discount.off is Off.GIFT:
        discount = None
    return Rule(name=f"r{number}", offer=offer, discount=discount, any_price=True, gap_percent=5_000, most=3)


def due(shop: Shop) -> int:
    return sum(line.unit_price * line.quantity for line in shop.store.cart().lines)


def steps(shop: Shop) -> list[tuple[int, Wanted]]:
    """What each button on the page says it adds, and what its token says."""
    found = []
    for offer in shop.offers.suggest("cart").offers:
        totals = [offer.quote.total, *[level.quote.total for level in offer.levels]]
        found += list(zip(totals, wanted(offer, Page("cart")), strict=True))
    return found


def test_what_is_shown_is_what_is_charged(
    amount: Callable[[int, int], int], figure: Callable[[str, object, str], None]
) -> None:
    """Random catalogues, carts and rules: each button is pressed in a cart of its own, and undone. Planted bugs that it
    shows: an upgrade's quantity left out of what it adds; the cap of a discount forgotten when it is accepted."""
    random, accepted, wrong, count = Random("charged"), 0, [], amount(100, 15_000)
    for number in range(count):
        shop = made_shop(random)
        rules = tuple(made_rule(random, at) for at in range(random.randrange(1, 4)))
        shop.offers.rules.save(RuleBook(rules=rules, ladders={"steps": ("p0", "p1", "p2", "p3")}), NOW)
        shop.offers.publish()
        for place, (said, asked) in enumerate(steps(shop)):
            before, lines = due(shop), shop.store.cart().lines
            variant = "l" if asked.variants else None
            outcome = shop.offers.accept(asked, f"k{number}-{place}", variant)
            if outcome.status != "done" or outcome.acceptance is None:
                wrong.append((number, asked.product, outcome.text))
                continue
            shown = asked.variants["l"] if variant else said
            accepted += 1
            if due(shop) - before != shown:
                wrong.append((number, asked.product, f"{due(shop) - before} instead of {shown}"))
            shop.offers.undo(outcome.acceptance.id)
            now = shop.store.cart().lines
            if [(line.product, line.quantity, line.unit_price) for line in now] != [
                (line.product, line.quantity, line.unit_price) for line in lines
            ]:
                wrong.append((number, asked.product, "undone is not as before"))
    figure("charged otherwise than shown", f"{len(wrong)} of {accepted:,} buttons", "0")
    assert wrong == []
    assert accepted > count // 2, "there is something to press"
