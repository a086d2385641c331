"""What a draft would show: a cart is decided over the live rules with the draft among them, and drawn as shoppers see
it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING

import msgspec
from markupsafe import Markup

from ...adapters.drafts import Draft
from ...core.book import Book
from ...core.conditions import CONDITIONS
from ...core.lint import Finding, lint
from ...core.named import conditions, named
from ...core.offer import SENTENCES, Decision, RuleCode, Verdict
from ...core.product import parents
from ...core.rule import Rule, Status
from ...core.rulebook import RuleBook
from ...core.rules import RuleSet
from ...core.trees import grow
from ...core.words import Sentence, reason, say
from ...desk.drafts import merged
from ...errors import BadInput, RuleError, UpsellError
from ..goldencarts import run_cart
from ..goldenfile import CartLine, GoldenCart
from ..phrases import Pen, condition_phrase

if TYPE_CHECKING:
    from .rules import Rules

#: How many of a cart's reasons are told.
MOST_TOLD = 12
#: Of books with more rules only those are looked at that the cart could meet.
MOST_RULES = 400
#: How far back recent carts go.
RECENT = timedelta(days=30)
#: The most lines of a cart that is typed.
MOST_LINES = 20


class Look(msgspec.Struct, frozen=True):
    """What somebody chose beside the preview: a cart ("of the rule", or lines as typed), when, who, where."""

    cart: str = ""
    at: str = ""
    zone: str = ""
    group: str = ""
    country: str = ""
    language: str = ""
    placement: str = "cart"

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Look:
        return cls(
            **{name: given.get(f"look.{name}", "").strip()[:500] or default for name, default in DEFAULTS.items()}
        )


DEFAULTS = {field.name: field.default for field in msgspec.structs.fields(Look)}


class Seen(msgspec.Struct):
    """The preview as it is printed. `html`: the widget; `why`: what became of this rule; `others` and `dropped`: what
    else decided; `problem`: why nothing could be decided."""

    html: Markup = Markup("")
    why: str = ""
    good: bool = False
    cart: list[str] = []
    others: list[str] = []
    dropped: list[str] = []
    findings: list[Finding] = []
    problem: Sentence | str = ""


VERDICTS = {
    RuleCode.APPLIED: say("It is shown."),
    RuleCode.NOT_ACTIVE: say("It is not live: its status says so."),
    RuleCode.SPENT: say("Its limits are used up."),
    RuleCode.GOAL_MET: say("Its goal is met."),
    RuleCode.OTHER_PLACEMENT: say("It is for other pages: {detail}."),
    RuleCode.OUT_OF_SEASON: say("It is not its time at this instant."),
    RuleCode.AUDIENCE: say("It is for other shoppers; it asks that {detail}."),
    RuleCode.CONDITIONS: say("This cart does not meet its conditions; it asks that {detail}."),
    RuleCode.CONSENT: say("It asks for the shopper's history, which is not used without consent."),
    RuleCode.STOPPED: say("The rule {detail} applies, and stops all below it."),
    RuleCode.NOTHING_LEFT: say("It applies, but none of its products can be offered here."),
}


class Preview:
    """Of the rules of one instance."""

    def __init__(self, here: Rules) -> None:
        self._here, self._offers, self._admin = here, here.desk.offers, here.admin
        self._last: tuple[object, list[str]] = (None, [])
        self._triggers: tuple[object, dict[str, frozenset[str] | None]] = (None, {})
        self._some: list[str] = []

    def live(self) -> Book:
        return self._offers.shelf.read(())

    def carts(self, rule: Rule | None) -> list[tuple[str, str]]:
        """Carts to choose from: (lines, what it is called)."""
        found = [("", self._admin.speech.plain("What the rule is about"))]
        found += [(cart, self._named(cart)) for cart in self._recent()]
        return found

    def _recent(self) -> list[str]:
        """The last carts that were ordered, as far as the store tells them; looked up again every ten minutes."""
        now = self._offers.clock()
        key = (now.date(), now.hour, now.minute // 10)
        if self._last[0] != key:
            self._last = (key, self._ordered())
        return self._last[1]

    def _ordered(self) -> list[str]:
        orders: dict[str, list[str]] = {}
        try:
            since = self._offers.clock() - RECENT
            for line in islice(self._offers.store.orders(since), 200):
                if line.quantity > 0:
                    orders.setdefault(line.order, []).append(f"{line.quantity} x {line.product}")
        except Exception:  # a store may raise anything, and not every one tells its orders
            return []
        several = [lines for lines in orders.values() if len(lines) < 6]
        return [", ".join(lines) for lines in several[-3:]]

    def _named(self, cart: str) -> str:
        lines = lines_of(cart)
        titles = self._here.titles(line.product for line in lines)
        return ", ".join(titles.get(line.product, line.product) for line in lines)

    # --- deciding ----------------------------------------------------------------------------------------------------

    def seen(self, draft: Draft, rule: Rule | None, look: Look) -> Seen:
        seen = Seen()
        if rule is None:
            seen.problem = say("The preview comes as soon as the rule is finished.")
            return seen
        book = self.live()
        try:
            lines = lines_of(look.cart) or self._about(rule, book)
            live = book.rules.book if book.version else self._offers.rules.load()
            together = merged(self._near(live, lines, {rule.name, draft.origin}), [(draft, rule)])
            seen.findings = self._findings(together, rule)
            if not lines:
                seen.problem = say("Type the references of some products to see what this rule does with them.")
                return seen
            decision = self._decide(together, lines, look)
            self._tell(seen, decision, rule, lines, look)
        except (UpsellError, LookupError) as error:
            seen.problem = reason(error) if isinstance(error, UpsellError) else str(error)
        return seen

    def _near(self, live: RuleBook, lines: tuple[CartLine, ...], names: set[str]) -> RuleBook:
        """Of a large book the rules that such a cart could meet, which decide alike, and those of these names."""
        if len(live.rules) <= MOST_RULES:
            return live
        if self._triggers[0] is not live:
            self._triggers = (live, {rule.name: _triggers(rule) for rule in live.rules if rule.status is Status.ACTIVE})
        products = self._offers.shelf.read([line.product for line in lines]).products
        here = {f"p:{line.product}" for line in lines}
        for line in lines:
            product = products.get(line.product)
            if product is not None:
                here |= {f"c:{name}" for name in parents(product.category)} | {f"t:{tag}" for tag in product.tags}
                here.add(f"b:{product.brand}")
        known = self._triggers[1]
        kept = [
            rule
            for rule in live.rules
            if rule.name in names or (rule.name in known and not here.isdisjoint(known[rule.name] or here))
        ]
        return msgspec.structs.replace(live, rules=tuple(kept))

    def _decide(self, together: RuleBook, lines: tuple[CartLine, ...], look: Look) -> Decision:
        offers, zone = self._offers, look.zone or self._offers.zone
        refs = [line.product for line in lines]
        book = offers.shelf.read(refs)
        if not book.version:
            raise RuleError(self._admin.speech.plain("Nothing is published yet, so there are no products to look at."))
        live = book.rules
        rules = RuleSet(together, offers.zone, live.version, live.spent, live.sold, live.changed)
        products = {ref: product for ref in refs if (product := book.products.get(ref)) is not None}
        cart = GoldenCart(
            name=self._admin.speech.plain("the cart"),
            cart=lines,
            at=look.at.replace(" ", "T")[:16] or None,
            zone=zone,
            placement=look.placement,
            groups=tuple([each.strip() for each in look.group.split(",") if each.strip()]),
            country=look.country.upper() or None,
            language=look.language or None,
        )
        return run_cart(
            cart,
            msgspec.structs.replace(book, rules=rules),
            products,
            zone=zone,
            now=offers.clock(),
            policy=offers.policy,
            capabilities=offers.store.capabilities,
        )

    def _about(self, rule: Rule, book: Book) -> tuple[CartLine, ...]:
        """A cart of what the rule's conditions name; without any, of what is bought most."""
        lines: dict[str, int] = {}
        for code, given in conditions(rule.when):
            if code != "lines" or given.get("match") == "none":
                continue
            units, each = int(given.get("units", 1)), given.get("match") == "all"
            keys = [f"c:{name}" for name in given.get("category", ())] + [f"t:{name}" for name in given.get("tag", ())]
            book.list_ahead(keys)
            refs = list(given.get("product", ())) + [ref for key in keys for ref in book.lists.get(key, ())[:1]]
            for ref in refs if each else refs[:1]:
                lines[str(ref)] = max(lines.get(str(ref), 1), units)
        if not lines:
            named_here = [ref for what, ref in named(rule) if what == "product"]
            first = next((ref for ref in self._first() if ref not in named_here), None)
            lines = {first: 1} if first else {}
        return tuple([CartLine(product=ref, quantity=count) for ref, count in lines.items()])

    def _first(self) -> list[str]:
        """Some products that the store sells, looked up once."""
        if not self._some:
            with suppress(Exception):  # a store may raise anything
                self._some = [each.ref for each in islice(self._offers.catalogue(), 20) if not each.hidden]
        return self._some

    # --- telling -----------------------------------------------------------------------------------------------------

    def _tell(self, seen: Seen, decision: Decision, rule: Rule, lines: tuple[CartLine, ...], look: Look) -> None:
        speech = self._admin.speech
        language = look.language or self._admin.settings.language
        titles = self._here.titles([line.product for line in lines] + [each.product for each in decision.trace])
        seen.cart = [
            f"{line.quantity} \N{MULTIPLICATION SIGN} {titles.get(line.product, line.product)}" for line in lines
        ]
        seen.html = self._admin.widget.preview(decision, language)
        verdicts = {verdict.rule: verdict for verdict in decision.rules}
        mine = verdicts.get(rule.name)
        if mine is not None:
            seen.why, seen.good = self._verdict(mine), mine.code is RuleCode.APPLIED
        seen.others = [
            f"{verdict.rule}: {speech.tell(VERDICTS[verdict.code])}"
            for verdict in decision.rules
            if verdict.rule != rule.name and verdict.code is RuleCode.APPLIED
        ][:MOST_TOLD]
        mine_first = sorted(decision.trace, key=lambda each: each.rule != rule.name)
        seen.dropped = [
            f"{titles.get(each.product, each.product)}: {speech.tell(SENTENCES[each.code])}"
            for each in mine_first[:MOST_TOLD]
        ]

    def _verdict(self, verdict: Verdict) -> str:
        speech = self._admin.speech
        pen = Pen(speech, self._here.money)
        detail, (code, _, given) = verdict.detail, verdict.detail.partition(" ")
        if code in CONDITIONS:
            with suppress(msgspec.DecodeError):
                detail = str(condition_phrase(code, msgspec.json.decode(given), pen).striptags())
        return speech.plain(VERDICTS[verdict.code].words, detail=detail)

    def _findings(self, book: RuleBook, rule: Rule) -> list[Finding]:
        """What the linter says of the draft among the live rules, and products that the store does not have."""
        if rule.status in (Status.DRAFT, Status.ENDED):
            return []
        found = lint(book, zone=self._offers.zone, now=self._offers.clock())
        return [each for each in found if rule.name in (each.rule, each.other)]


def _triggers(rule: Rule) -> frozenset[str] | None:
    """See `Condition.triggers`; None for a rule that any cart could meet."""
    try:
        return grow(rule.when).triggers() if rule.when else None
    except BadInput:
        return None


def lines_of(cart: str) -> tuple[CartLine, ...]:
    """ "2 x tea, mug" as lines; what cannot be a number of pieces is a part of the reference."""
    found = []
    for each in [part.strip() for part in cart.replace("\n", ",").split(",")][:MOST_LINES]:
        count, x, ref = each.partition(" x ")
        if x and count.strip().isdecimal() and 0 < int(count) < 10_000 and ref.strip():
            found.append(CartLine(product=ref.strip(), quantity=int(count)))
        elif each:
            found.append(CartLine(product=each))
    return tuple(found)
