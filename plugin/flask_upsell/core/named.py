"""What rules name in the catalogue: products, categories and tags, in their offers and conditions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from .product import Product, parents
from .rule import Bundle, Category, Gap, Ladder, Products, Rule, Tagged, Tree
from .rulebook import RuleBook
from .trees import NAMES


def touched(book: RuleBook) -> tuple[set[str], set[str], set[str]]:
    """The references, categories and tags that a book names: what must be known of the catalogue."""
    refs, categories, tags = set[str](), set[str](), set[str]()
    for steps in book.ladders.values():
        refs.update(steps)
    for rule in book.rules:
        for what, name in named(rule):
            {"product": refs, "category": categories, "tag": tags}[what].add(name)
    return refs, categories, tags


class Goods:
    """Products, by what rules name them by."""

    def __init__(self, products: Mapping[str, Product]) -> None:
        self.products = products
        self.listed: dict[tuple[str, str], list[Product]] = defaultdict(list)
        for product in products.values():
            self.listed["product", product.ref].append(product)
            for category in parents(product.category):
                self.listed["category", category].append(product)
            for tag in product.tags:
                self.listed["tag", tag].append(product)

    def offered(self, rule: Rule, book: RuleBook) -> list[Product]:
        """The products that a rule can offer, as far as they are known without a cart."""
        if isinstance(rule.offer, Ladder):
            steps = book.ladders.get(rule.offer.name, ())[1:]
            return [self.products[ref] for ref in steps if ref in self.products]
        return [product for what in sources(rule) for product in self.listed.get(what, ())]


def sources(rule: Rule) -> Iterator[tuple[str, str]]:
    """What a rule's offer names: ("product" | "category" | "tag", name)."""
    match rule.offer:
        case Products(refs=refs) | Bundle(refs=refs):
            yield from (("product", ref) for ref in refs)
        case Category(name=name):
            yield "category", name
        case Tagged(name=name):
            yield "tag", name
        case Gap(category=category, tag_=tag, refs=refs):
            yield from (("product", ref) for ref in refs)
            yield from (("category", each) for each in (category,) if each)
            yield from (("tag", each) for each in (tag,) if each)
        case _:
            pass


def named(rule: Rule) -> Iterator[tuple[str, str]]:
    """All that a rule names, in its offer and its conditions; each once."""
    in_conditions = (each for tree in (rule.audience, rule.when) for each in _in_tree(tree))
    gift = [("product", rule.perk.gift)] if rule.perk is not None and rule.perk.gift else []
    yield from dict.fromkeys([*sources(rule), *in_conditions, *gift])


def conditions(tree: Tree | None) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(code, arguments) of all conditions in a tree."""
    for name, given in (tree or {}).items():
        if name in NAMES:
            for child in given:
                yield from conditions(child)
        elif isinstance(given, Mapping):
            yield name, given


def _in_tree(tree: Tree | None) -> Iterator[tuple[str, str]]:
    for _, given in conditions(tree):
        # A store's own conditions name them alike.
        for what in ("product", "category", "tag"):
            yield from ((what, each) for each in given.get(what) or () if isinstance(each, str))
