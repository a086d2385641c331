"""The book that is measured: 5,000 products as a shop would publish them, each with 20 neighbours and 2 upgrades."""

from __future__ import annotations

import random
from collections.abc import Iterator

from flask_upsell import Cart, Line, MemoryStore, Product, Variant
from flask_upsell.core.affinity import Affinities, Affinity

CATEGORIES = 50
PER_CATEGORY = 100
NEIGHBOURS = 20
CURRENCY = "EUR"
ORDERS = 250_000
MAKES = ("Nordlicht", "Alba & Söhne", "Kestrel", "Ōkami", "Fjell", "Marchetti", "Sunday Works", "Tamarind")
THINGS = ("Laptop Sleeve", "Trail Shoe", "Espresso Cup", "Desk Lamp", "Travel Charger", "Rain Jacket", "Chef's Knife")


def ref(category: int, place: int) -> str:
    return f"SKU-{category:02d}{place:03d}"


def name_of(category: int) -> str:
    return f"{THINGS[category % len(THINGS)]}s {category // len(THINGS) + 1}"


def products() -> list[Product]:
    """Prices rise by about 3 % within a category, so that a neighbour can be an upgrade within the price gap."""
    chance = random.Random(2)
    made = []
    for category in range(CATEGORIES):
        thing, base = THINGS[category % len(THINGS)], chance.randrange(900, 9000)
        for place in range(PER_CATEGORY):
            price = int(base * 1.03**place) // 10 * 10 + 9
            sizes = (
                tuple(Variant(f"{size}", f"Size {size}", price) for size in range(38, 42)) if place % 20 == 7 else ()
            )
            made.append(
                Product(
                    ref(category, place),
                    f"{MAKES[place % len(MAKES)]} {thing} {place + 1:03d}, {chance.choice(('black', 'sand', 'blue'))}",
                    price,
                    CURRENCY,
                    url=f"/product/{thing.lower().replace(' ', '-').replace(chr(39), '')}-{category:02d}{place:03d}",
                    image=f"/static/pictures/{category:02d}/{place:03d}-320x320.webp",
                    category=name_of(category),
                    stock=0 if chance.random() < 0.03 else chance.randrange(1, 400),
                    variants=sizes,
                    attributes={
                        "Weight": f"{400 - place} g",
                        "Warranty": f"{2 + place // 40} years",
                        "Material": chance.choice(("Cotton & linen", "Aluminium", "Recycled PET")),
                        "Finish": ("Plain", "Polished", "Hand-made")[place // 34],
                    },
                )
            )
    return made


def affinities() -> Iterator[tuple[str, Affinities]]:
    """Each product leads to goods of four companion categories and to some that everybody buys."""
    chance = random.Random(3)
    for category in range(CATEGORIES):
        companions = [(category + step) % CATEGORIES for step in (1, 2, 5, 11)]
        for place in range(PER_CATEGORY):
            found = {ref(chance.choice(companions), int(chance.triangular(0, 99, 10))) for _ in range(NEIGHBOURS - 5)}
            while len(found) < NEIGHBOURS:
                found.add(ref((category + chance.choice((1, 2, 3))) % CATEGORIES, chance.randrange(8)))
            bought = chance.randrange(300, 3000)
            leads = [_affinity(chance, consequent, bought) for consequent in sorted(found)]
            dearer = [ref(category, other) for other in (place + 2, place + 5) if other < PER_CATEGORY]
            upgrades = [_affinity(chance, consequent, bought * 4) for consequent in dearer]
            yield ref(category, place), Affinities(_strongest(upgrades), _strongest(leads))


def _affinity(chance: random.Random, consequent: str, base: int) -> Affinity:
    together = chance.randrange(5, base // 3)
    return Affinity(consequent, round(together / base * 3, 4), together, base, chance.randrange(together, 9000), ORDERS)


def _strongest(found: list[Affinity]) -> tuple[Affinity, ...]:
    return tuple(sorted(found, key=lambda affinity: -affinity.weight))


def carts(known: dict[str, Product], count: int) -> list[Cart]:
    """Different carts of five lines each, of categories that lead to one another; their products have upgrades."""
    chance = random.Random(4)
    made = []
    for _ in range(count):
        first = chance.randrange(CATEGORIES)
        refs = [ref((first + step) % CATEGORIES, chance.randrange(PER_CATEGORY - 5)) for step in (0, 1, 2, 3, 5)]
        lines = [Line(f"line-{number}", product, 1, known[product].price) for number, product in enumerate(refs)]
        made.append(Cart(CURRENCY, tuple(lines)))
    return made


def store() -> MemoryStore:
    """The shop, with a cart for its one visitor."""
    made = MemoryStore(products(), currency=CURRENCY, visitor_key="a-visitor-of-the-bench")
    put(made, carts(made.shelf, 1)[0])
    return made


def put(host: MemoryStore, cart: Cart) -> None:
    """Make this the visitor's cart."""
    host.carts[host.visitor_key] = list(cart.lines)
