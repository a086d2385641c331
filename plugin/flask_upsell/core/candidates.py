"""Look up: everything that the rules and the book lead to from the lines of a context, best first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

from .affinity import BILLION, Affinities
from .book import Book
from .conditions import Scene
from .context import MOST_LINES, Context, Line
from .leaning import leaned
from .offer import Basis, Candidate, Kind
from .rules import Working, stops
from .sources import Learn, Matched, candidates, lists, refs
from .taste import AGREE, NOTHING, Bought, Habits, Model, page, signals, voices

#: How many upgrades of each line, and complements, a decision looks at before it is made; seldom more.
FIRST_UPGRADES, FIRST_COMPLEMENTS = 2, 8
#: How many of all that might be bought next are worth a look.
MOST_LIKELY = 60
#: In fewer orders together a pair is no evidence that is told.
TOLD = 5
#: Lines with what each leads to.
Led = Sequence[tuple[Line, Affinities]]


def look_up(scene: Scene, book: Book) -> Iterator[Candidate]:
    """Candidates from the best down: those of the rules that apply, in their order, then what was learned.

    Made one by one, because most are never looked at.
    """
    applying = scene.applying = [(working, working.matched(scene)) for working in book.rules.matching(scene)]
    if applying:
        _expect(applying, book)
    learn = learned_in(book)
    for working, matched in applying:
        yield from candidates(working, matched, scene, book, learn)
    if not applying or not stops(applying[-1][0].rule):
        yield from learned(scene.context.anchors, book, scene)


def learned(anchors: Sequence[Line], book: Book, scene: Scene | None = None) -> Iterator[Candidate]:
    """A line's upgrades first, by the shopper's taste where that is known; then complements: those that a merchant
    approved, then all by their weights summed over the lines; with a model and a `scene`, by all that is known of cart
    and shopper.

    Ties are broken by reference, so that a decision never flickers.
    """
    led = [(line, book.leads_to(line.product)) for line in anchors[:MOST_LINES] if line.quantity > 0]
    basis = None
    if book.model is not None and scene is not None and led:
        likely_ones = Likely(led, book, book.model, scene.context)
        scores, basis = likely_ones.ranked(), likely_ones.basis
    else:
        weights: dict[str, int] = {}
        for _, leads in led:
            for ref, weight in leads.weights.items():
                weights[ref] = weights.get(ref, 0) + weight
        ranked = sorted(sorted(weights), key=weights.__getitem__, reverse=True)
        scores = [(weights[ref] / BILLION, ref) for ref in ranked]
    strict = book.model is not None and book.model.strict
    scores = decided(led, scores, TOLD if book.model is not None else 0, strict=strict)
    complements = [ref for _, ref in scores]
    first, later = complements[:FIRST_COMPLEMENTS], complements[FIRST_COMPLEMENTS:]
    taste = b""
    if scene is not None and any(leads.turns for _, leads in led):
        taste = habits_of(scene.context, book).taste
    steps = [(line, leaned(leads, taste)) for line, leads in led]
    for _, found in steps:
        first += [affinity.consequent for _, affinity in found[:FIRST_UPGRADES]]
        later += [affinity.consequent for _, affinity in found[FIRST_UPGRADES:]]
    book.expect(first, later)
    upgrades = [(-share, a.consequent, line.ref, line, a) for line, found in steps for share, a in found]
    upgrades.sort(key=_without_values)
    for share, ref, _, line, affinity in upgrades:
        yield Candidate(Kind.UPGRADE, ref, line, affinity, -share)
    for score, ref in scores:
        yield _complement(ref, score, led, book, basis)


def decided(
    led: Led, scores: list[tuple[float, str]], least: int = 0, *, strict: bool = False
) -> list[tuple[float, str]]:
    """What a merchant lets through of these (score, product), and what was approved first. `least`: orders together
    that are evidence; `strict`: nothing that no line leads to."""
    never = {ref for _, leads in led for ref in leads.never}
    rejected = {ref for _, leads in led for ref in leads.rejected}
    approved = {ref for _, leads in led for ref in leads.approved} - never
    if not (strict or never or rejected or approved):
        return scores
    lead_to = approved.union(*[leads.weights for _, leads in led])
    # What is not offered for one line may be for another that has evidence for it.
    known = [leads.evidence.get(ref) for ref in rejected for _, leads in led]
    out = never | (rejected - approved - {each.consequent for each in known if each and each.together >= least})
    scores = [each for each in scores if each[1] not in out and (not strict or each[1] in lead_to)]
    unknown = approved - {ref for _, ref in scores}
    chosen = [each for each in scores if each[1] in approved] + [(0.0, ref) for ref in sorted(unknown)]
    return chosen + [each for each in scores if each[1] not in approved]


def learned_in(book: Book) -> Learn:
    """What was learned for some lines, of one kind."""
    return lambda lines, kind: (candidate for candidate in learned(lines, book) if candidate.kind is kind)


def _expect(applying: Sequence[tuple[Working, Matched]], book: Book) -> None:
    """Ask for all that these rules will look at together: first their lists, then the products in them."""
    keys = [key for working, matched in applying for key in lists(working, matched)]
    if keys:
        book.list_ahead(keys)
    wanted = [ref for working, matched in applying for ref in refs(working, matched, book)]
    if wanted:
        book.expect(wanted, ())


def _without_values(upgrade: tuple[float, str, str, Line, object]) -> tuple[float, str, str]:
    return upgrade[:3]


def _complement(ref: str, score: float, led: Led, book: Book, basis: Callable[[str], Basis] | None) -> Candidate:
    """The candidate with the evidence of the line that speaks most for it, or what else chose it."""
    # Few orders may be one customer's, and nobody is told what that one bought.
    least = TOLD if book.model is not None else 0
    leading = [each for each in led if ref in each[1].evidence and each[1].evidence[ref].together >= least]
    approving = [each for each in led if ref in each[1].approved]
    if not approving:
        found = basis(ref) if basis is not None else Basis.PAIR if leading else Basis.ALIKE
        if found is Basis.HABIT or not leading:
            line = leading[0][0] if leading else _about(ref, led, book)
            return Candidate(Kind.COMPLEMENT, ref, line, None, score, basis=found)
    if not leading:
        return Candidate(Kind.COMPLEMENT, ref, approving[0][0] if approving else led[0][0], None, score)
    line, leads = max(leading, key=lambda each: each[1].weights[ref])
    return Candidate(Kind.COMPLEMENT, ref, line, leads.evidence[ref], score)


def _about(ref: str, led: Led, book: Book) -> Line:
    """The first line that it may be offered for."""
    free = [line for line, leads in led if ref not in leads.rejected and not _is_sensitive(line, book)]
    return free[0] if free else led[0][0]


def likely(led: Led, book: Book, model: Model, context: Context) -> list[tuple[float, str]]:
    """(score, product) of all that may be bought next, the likeliest first."""
    return Likely(led, book, model, context).ranked()


def habits_of(context: Context, book: Book) -> Habits:
    """Those of the shopper: none without consent."""
    name = context.visitor.customer if context.known_as is None else context.known_as
    return book.habits.get(name, NOTHING) if name and context.consent else NOTHING


class Likely:
    """What may be bought next, by all that is known of a cart and a shopper; nothing is made of what is sensitive."""

    def __init__(self, led: Led, book: Book, model: Model, context: Context) -> None:
        self._book, self._model, self._now = book, model, context.now.timestamp()
        self._cart = {line.product: leads for line, leads in led if not _is_sensitive(line, book)}
        self._habits = habits_of(context, book) if model.personal else NOTHING

    def ranked(self) -> list[tuple[float, str]]:
        """See `likely`."""
        cart, model, book, habits = self._cart, self._model, self._book, self._habits
        if not cart:
            return []
        if not habits.baskets:
            book.ask_ahead([str(who) for who, _ in voices(cart, model)])
        found = list(signals(cart, model, book.crowd, habits, self._now))
        weights = model.known if habits.baskets else model.unknown
        return weights.scored(found, page(cart, habits))[:MOST_LIKELY]

    def basis(self, ref: str) -> Basis:
        """What speaks for a product, beside pairs that are told."""
        if ref in self._habits.places:
            return Basis.HABIT
        saying = sum([any(each[0] == ref for each in bought.items) for bought in self._alike])
        if saying >= AGREE or any(ref in leads.evidence for leads in self._cart.values()):
            return Basis.ALIKE
        return Basis.POPULAR

    @cached_property
    def _alike(self) -> list[Bought]:
        """What customers bought who were asked."""
        if self._habits.baskets:
            return []
        every = [self._book.crowd.get(str(who)) for who, _ in voices(self._cart, self._model)]
        return [bought for bought in every if bought is not None]


def _is_sensitive(line: Line, book: Book) -> bool:
    """Whether nothing is to be made of it."""
    product = book.products.get(line.product)
    return product is not None and product.sensitive
