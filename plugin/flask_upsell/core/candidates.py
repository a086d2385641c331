"""Look up: everything that the rules and the book lead to from the lines of a context, best first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .affinity import BILLION, Affinities
from .book import Book
from .conditions import Scene
from .context import MOST_LINES, Context, Line
from .offer import Candidate, Kind
from .rules import Working, stops
from .sources import Learn, Matched, candidates, lists, refs
from .taste import NOTHING, Model, page, signals, voices

#: How many upgrades of each line, and complements, a decision looks at before it is made; seldom more.
FIRST_UPGRADES, FIRST_COMPLEMENTS = 2, 8
#: How many of all that might be bought next are worth a look.
MOST_LIKELY = 60


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
    """A line's upgrades first, then complements by their weights summed over the lines; with a model and a `scene`, by
    all that is known of cart and shopper.

    Ties are broken by reference, so that a decision never flickers.
    """
    led = [(line, book.leads_to(line.product)) for line in anchors[:MOST_LINES] if line.quantity > 0]
    weights: dict[str, int] = {}
    for _, leads in led:
        for ref, weight in leads.weights.items():
            weights[ref] = weights.get(ref, 0) + weight
    complements = sorted(sorted(weights), key=weights.__getitem__, reverse=True)
    if book.model is not None and scene is not None and led:
        scores = likely(led, book, book.model, scene.context)
        complements, weights = [ref for _, ref in scores], {ref: round(score * BILLION) for score, ref in scores}
    first, later = complements[:FIRST_COMPLEMENTS], complements[FIRST_COMPLEMENTS:]
    for _, leads in led:
        first += [affinity.consequent for affinity in leads.upgrades[:FIRST_UPGRADES]]
        later += [affinity.consequent for affinity in leads.upgrades[FIRST_UPGRADES:]]
    book.expect(first, later)
    upgrades = [(-a.weight, a.consequent, line.ref, line, a) for line, leads in led for a in leads.upgrades]
    upgrades.sort(key=_without_values)
    for _, ref, _, line, affinity in upgrades:
        yield Candidate(Kind.UPGRADE, ref, line, affinity, affinity.weight)
    for ref in complements:
        yield _complement(ref, weights[ref] / BILLION, led)


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


def _complement(ref: str, score: float, led: list[tuple[Line, Affinities]]) -> Candidate:
    """The candidate with the evidence of the line that speaks most for it; without any when no line does."""
    leading = [each for each in led if ref in each[1].weights]
    if not leading:
        return Candidate(Kind.COMPLEMENT, ref, led[0][0], None, score)
    line, leads = max(leading, key=lambda each: each[1].weights[ref])
    affinity = next(affinity for affinity in leads.complements if affinity.consequent == ref)
    return Candidate(Kind.COMPLEMENT, ref, line, affinity, score)


def likely(
    led: Sequence[tuple[Line, Affinities]], book: Book, model: Model, context: Context
) -> list[tuple[float, str]]:
    """(score, product) of all that may be bought next, the likeliest first."""
    cart = {line.product: leads for line, leads in led}
    customer = context.visitor.customer if context.consent else None
    habits = book.habits.get(customer, NOTHING) if customer else NOTHING
    if not habits.baskets:
        book.ask_ahead([str(who) for who, _ in voices(cart, model)])
    found = list(signals(cart, model, book.crowd, habits, context.now.timestamp()))
    weights = model.known if habits.baskets else model.unknown
    return weights.scored(found, page(cart, habits))[:MOST_LIKELY]
