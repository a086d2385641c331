"""Sources: where a rule's candidates come from, best first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from .book import Book
from .conditions import Scene
from .context import Cart, Line
from .offer import Candidate, Kind, Progress
from .product import Product
from .rule import Bundle, Category, Gap, Ladder, Learned, Products, Programme, Relative, Rule, Second, Tagged
from .rules import Working

#: Of a category or tag so many of the most bought are looked at.
MOST_LISTED = 50
#: What an attribute says when a product has not what it names.
NO = ("", "0", "no", "false")
#: How many steps of a ladder are compared with the line.
LEVELS = 2
#: A programme's reference, before its rule's name: it is no product.
PROGRAMME = "programme:"

Matched = Sequence[tuple[Line, Product | None]]
#: Learned candidates of some lines: (lines, kind) -> candidates, best first.
Learn = Callable[[Sequence[Line], Kind], Iterator[Candidate]]


def lists(working: Working, matched: Matched) -> list[str]:
    """The keys of the book's lists that `candidates` will read."""
    source = working.rule.offer
    if isinstance(source, Category):
        return ["c:" + source.name]
    if isinstance(source, Tagged):
        return ["t:" + source.name]
    if isinstance(source, Gap):
        return ["c:" + source.category] if source.category else ["t:" + source.tag_] if source.tag_ else []
    if isinstance(source, Relative):
        return ["c:" + product.category for _, product in matched if product is not None and product.category]
    return []


def refs(working: Working, matched: Matched, book: Book) -> list[str]:
    """The products that `candidates` will look at."""
    source = working.rule.offer
    if isinstance(source, Products | Bundle):
        return list(source.refs)
    if isinstance(source, Ladder):
        return [ref for line, _ in matched for ref in above(source, line, book)]
    if isinstance(source, Gap) and source.refs:
        return list(source.refs)
    if isinstance(source, Second):
        return [line.product for line, _ in matched]
    return [ref for key in lists(working, matched) for ref in book.lists.get(key, ())[:MOST_LISTED]]


def candidates(working: Working, matched: Matched, scene: Scene, book: Book, learned: Learn) -> Iterator[Candidate]:
    """Best first. A complement goes with the first matched line; an upgrade takes the place of each in turn. Nothing
    goes with what is sensitive while there is anything else."""
    matched = [each for each in matched if each[1] is None or not each[1].sensitive] or matched
    found = _found(working, matched, scene, book, learned) if matched else iter(())
    boost = working.rule.boost
    if not boost:
        return found
    return iter(sorted(found, key=lambda candidate: _place(book.products.get(candidate.ref), boost)))


def _place(product: Product | None, boost: Sequence[str]) -> int:
    """The first of the attributes or tags that a product has."""
    if product is not None:
        for place, name in enumerate(boost):
            if name in product.tags or product.attributes.get(name, "").strip().lower() not in NO:
                return place
    return len(boost)


def _found(working: Working, matched: Matched, scene: Scene, book: Book, learned: Learn) -> Iterator[Candidate]:
    rule, source = working.rule, working.rule.offer
    if isinstance(source, Learned):
        for candidate in learned([line for line, _ in matched], source.kind):
            yield Candidate(candidate.kind, candidate.ref, candidate.trigger, candidate.affinity, candidate.score, rule)
    elif isinstance(source, Products | Category | Tagged):
        found = refs(working, matched, book)
        for line, _ in matched if source.kind is Kind.UPGRADE else matched[:1]:
            yield from _listed(found, source.kind, line, rule)
    elif isinstance(source, Ladder):
        for line, _ in matched:
            yield from _listed(above(source, line, book), Kind.UPGRADE, line, rule)
    elif isinstance(source, Relative):
        for line, product in matched:
            if product is not None:
                yield from _listed(_like(source, line, product, book), source.kind, line, rule)
    elif isinstance(source, Bundle):
        yield Candidate(Kind.BUNDLE, "+".join(source.refs), matched[0][0], None, 0.0, rule, source.refs)
    elif isinstance(source, Programme):
        yield Candidate(Kind.PROGRAMME, PROGRAMME + rule.name, matched[0][0], None, 0.0, rule)
    elif isinstance(source, Second):
        for line, _ in matched:
            if line.ref and scene.context.cart.units(line.product) == 1:
                yield Candidate(Kind.COMPLEMENT, line.product, line, None, 0.0, rule)
    elif isinstance(source, Gap):
        yield from _listed(_closing(source, working, matched, scene, book), Kind.COMPLEMENT, matched[0][0], rule)


def brings(working: Working, matched: Matched, candidate: Candidate, scene: Scene, book: Book, learned: Learn) -> bool:
    """Whether a rule offers the same product; as an upgrade, for the same line."""
    source = working.rule.offer
    if isinstance(source, Second) != candidate.again:
        return False
    if isinstance(source, Products | Category | Tagged) and candidate.ref not in refs(working, matched, book):
        return False
    return any(
        (each.ref, each.kind) == (candidate.ref, candidate.kind)
        and (each.kind is not Kind.UPGRADE or each.trigger == candidate.trigger)
        for each in candidates(working, matched, scene, book, learned)
    )


def _listed(found: Sequence[str], wanted: Kind, line: Line, rule: Rule) -> Iterator[Candidate]:
    kind = Kind.UPGRADE if wanted is Kind.UPGRADE else Kind.COMPLEMENT
    for place, ref in enumerate(found):
        yield Candidate(kind, ref, line, None, float(-place), rule)


def above(ladder: Ladder, line: Line, book: Book) -> tuple[str, ...]:
    steps = book.rules.ladders.get(ladder.name, ())
    if line.product not in steps:
        return ()
    at = steps.index(line.product)
    return steps[at + 1 : at + 1 + (max(ladder.steps, LEVELS) if ladder.compare else ladder.steps)]


def _like(source: Relative, line: Line, base: Product, book: Book) -> list[str]:
    """Products of the category that have the same values, within the price range; most bought first."""
    found = []
    for ref in book.lists.get("c:" + (base.category or ""), ())[:MOST_LISTED]:
        product = book.products.get(ref)
        if product is None or ref == base.ref or product.currency != base.currency:
            continue
        percent = product.price * 100
        if percent < source.min_percent * line.unit_price:
            continue
        if source.max_percent is not None and percent > source.max_percent * line.unit_price:
            continue
        if all(_value(product, name) == _value(base, name) for name in source.same):
            found.append(ref)
    return found


def _value(product: Product, name: str) -> str | None:
    return product.brand if name == "brand" else product.attributes.get(name)


def progress(gap: Gap, cart: Cart) -> Progress | None:
    """How near the cart is to the threshold; None in a currency that it has no amount in."""
    goal = next((money.amount for money in gap.threshold if money.currency == cart.currency), 0)
    there = sum(line.unit_price * line.quantity for line in cart.lines)
    return Progress(gap.reward, goal, there, cart.currency) if goal else None


def _closing(source: Gap, working: Working, matched: Matched, scene: Scene, book: Book) -> list[str]:
    """What closes the gap, the cheapest first; nothing once the threshold is reached."""
    near = progress(source, scene.context.cart)
    if near is None or not near.missing:
        return []
    known = [book.products.get(ref) for ref in refs(working, matched, book)]
    closing = [
        product
        for product in known
        if product is not None and product.currency == near.currency and product.price >= near.missing
    ]
    return [product.ref for product in sorted(closing, key=lambda product: (product.price, product.ref))]
