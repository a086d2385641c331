"""An offer as the card that a template prints: its prices written out, its words chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..core import offer as core
from ..core.context import Line
from ..core.offer import Basis, Item, Kind, Offer, Placement, Quote, Reason
from ..core.product import Product, Variant, gained
from ..core.rule import Off
from ..core.words import Sentence, say
from .speech import Speech
from .view import Card, Choice, Level, Piece, Progress

#: What chose an offer: evidence from orders, or a rule of the merchant's.
BY_ORDERS = say(
    "Chosen from past orders of this store, by what you look at or have in your cart. Nobody paid for this place."
)
BY_HABIT = say(
    "Chosen from your own past orders, to whose use you agreed, by what you look at or have in your cart. Nobody paid "
    "for this place."
)
BY_PEOPLE = say("Chosen by the people of this store to go with what you look at or have in your cart.")
NEW_CART = say("This goes into a new cart. Nothing is charged now.")
#: The templates of cards.
LOOKS = ("complement", "nearly", "gift", "upgrade", "levels", "bundle", "programme")
RTL_MARK, LTR_MARK = "\u200f", "\u200e"
#: How many differences are compared.
MOST_POINTS = 4

#: The store's way to write an amount (minor units) of a currency.
Money = Callable[[int, str], str]
#: A token and an idempotency key.
Marks = tuple[str, str]


def card(offer: Offer, marks: Sequence[Marks], money: Money, speech: Speech, placement: str = "cart") -> Card:
    """`marks`: of the offer, then of its further levels."""
    product, quote, line, base = offer.product, offer.quote, offer.trigger, offer.base
    currency, reviews = quote.currency, product.reviews
    upgrade = offer.kind is Kind.UPGRADE
    replaces = quote.replaces is not None
    token, key = marks[0]
    return Card(
        id=offer.id,
        kind=offer.kind.value,
        look=look(offer),
        product="+".join([offer.ref, *(level.product.ref for level in offer.levels)]),
        title=titles(offer),
        url=product.page,
        image=product.image,
        price=money(quote.unit_price, currency),
        period=period(product, speech),
        quantity=quote.quantity,
        difference=_difference(product, quote, line, base, money, speech) if upgrade else "",
        total=_more(money(quote.total, currency)) if replaces else money(quote.total, currency),
        reason=speech.tell(offer.reason.sentence),
        token=token,
        key=key,
        replaces=replaces,
        base_title=base.title if upgrade and base else line.product if upgrade else "",
        base_price=money(line.unit_price, currency) if upgrade else "",
        base_period=period(base, speech) if upgrade and base else "",
        base_image=base.image if upgrade and base else None,
        gained=gained(base, product) if upgrade and base else [],
        headline=offer.copy.headline if offer.copy else "",
        benefits=offer.copy.benefits if offer.copy else (),
        because=speech.tell(_because(offer.reason)),
        choices=[Choice(variant.ref, variant.title, money(price, currency)) for variant, price in choice_prices(offer)],
        pieces=[
            Piece(item.product.title, item.product.page, item.product.image, money(alone(item.quote), currency))
            for item in offer.items
        ],
        saving=_saving(offer, money, speech),
        was=_was(quote, money) if not offer.items else "",
        terms=offer.terms,
        rating=_rating(product, speech),
        quote=reviews.quote if reviews else "",
        levels=_levels(offer, marks, money, speech) if offer.levels else [],
        progress=_progress(offer.progress, money, speech) if offer.progress else None,
        note=speech.tell(NEW_CART) if placement == Placement.CONFIRMATION and offer.kind is not Kind.PROGRAMME else "",
    )


def _because(reason: Reason) -> Sentence:
    if reason.basis is Basis.HABIT:
        return BY_HABIT
    return BY_PEOPLE if reason.by_people else BY_ORDERS


def look(offer: Offer) -> str:
    """Which template shows it."""
    if offer.kind is not Kind.COMPLEMENT:
        return "levels" if offer.levels else offer.kind.value
    if offer.gift:
        return "gift"
    return "nearly" if offer.progress else "complement"


def titles(offer: Offer) -> str:
    """The product's title; of a bundle all of them."""
    return " + ".join([item.product.title for item in offer.items]) or offer.product.title


def alone(quote: Quote) -> int:
    """What a product of a bundle costs by itself."""
    return quote.unit_price if quote.normal is None else quote.normal


def choice_prices(offer: Offer) -> list[tuple[Variant, int]]:
    """What each choice of the product that can be bought costs in this offer."""
    own = dict(offer.quote.variants)
    choices = [variant for variant in offer.product.variants if variant.stock is None or variant.stock > 0]
    return [(variant, own.get(variant.ref, variant.price)) for variant in choices]


def _difference(product: Product, quote: Quote, line: Line, base: Product | None, money: Money, speech: Speech) -> str:
    """What one unit costs more; a longer period costs no more but less a month, and that is what is said."""
    if _is_longer(product, base):
        months = product.period_months or 1
        monthly = money((quote.unit_price + months // 2) // months, product.currency)
        return speech.plain("{price} a month", price=monthly)
    return _more(money(quote.unit_price - line.unit_price, product.currency))


def _more(amount: str) -> str:
    """With a plus. In an amount that is written from right to left it stands before the figures, as CLDR's signs do."""
    return f"{RTL_MARK}{LTR_MARK}+{amount[1:]}" if amount.startswith(RTL_MARK) else f"+{amount}"


def _is_longer(product: Product, base: Product | None) -> bool:
    return base is not None and bool(product.period_months) and product.period_months != base.period_months


def _saving(offer: Offer, money: Money, speech: Speech) -> str:
    quote = offer.quote
    if offer.items:
        return "" if quote.was is None else money(quote.was - quote.unit_price, quote.currency)
    return _saved(offer.product, offer.quote, offer.trigger, offer.base, money, speech)


def _was(quote: Quote, money: Money) -> str:
    """What a reduced price is measured by; "" when that is not known, for then nothing is claimed."""
    return "" if quote.was is None else money(quote.was, quote.currency)


def _saved(product: Product, quote: Quote, line: Line, base: Product | None, money: Money, speech: Speech) -> str:
    """What a longer period costs less than the shorter one again and again."""
    if base is None or not base.period_months or not product.period_months or not _is_longer(product, base):
        return ""
    less = line.unit_price * product.period_months // base.period_months - quote.unit_price
    if less <= 0:
        return ""
    saving, months = money(less, product.currency), product.period_months
    if months == 12:
        return speech.plain("{saving} less a year", saving=saving)
    return speech.plain("{saving} less in {n} month", "{saving} less in {n} months", saving=saving, n=months)


def period(product: Product, speech: Speech) -> str:
    """How often its price recurs, "" when it does not."""
    match product.period_months:
        case None | 0:
            return ""
        case 1:
            return speech.plain("per month")
        case 12:
            return speech.plain("per year")
        case months:
            return speech.plain("every {n} month", "every {n} months", n=months)


def _rating(product: Product, speech: Speech) -> str:
    reviews = product.reviews
    if reviews is None or reviews.count < 1:
        return ""
    stars = speech.number(round(reviews.average, 1))
    return speech.plain(
        "{stars} of 5 stars, {n} review", "{stars} of 5 stars, {n} reviews", stars=stars, n=reviews.count
    )


def _progress(near: core.Progress, money: Money, speech: Speech) -> Progress:
    missing = money(near.missing, near.currency)
    if near.reward == Off.GIFT:
        words = speech.plain("{missing} more, and a gift is yours", missing=missing)
    else:
        words = speech.plain("{missing} more, and your order ships free", missing=missing)
    return Progress(words, near.there, near.threshold)


def reached(near: core.Progress, money: Money, speech: Speech) -> str:
    """That a threshold is reached."""
    amount = money(near.threshold, near.currency)
    if near.reward == Off.GIFT:
        return speech.plain("You have reached {amount}: a gift is yours.", amount=amount)
    return speech.plain("You have reached {amount}: your order ships free.", amount=amount)


def _levels(offer: Offer, marks: Sequence[Marks], money: Money, speech: Speech) -> list[Level]:
    """The line as it is, and the steps above it."""
    line, base, currency = offer.trigger, offer.base, offer.quote.currency
    steps = [Item(offer.product, offer.quote), *offer.levels]
    every = [*([base] if base else []), *(step.product for step in steps)]
    names = list(dict.fromkeys(name for product in reversed(every) for name in product.attributes))
    differing = [name for name in names if len({product.attributes.get(name) for product in every}) > 1][:MOST_POINTS]

    def points(product: Product) -> list[tuple[str, str]]:
        return [(name, product.attributes[name]) for name in differing if product.attributes.get(name)]

    found = []
    if base is not None:
        price = money(line.unit_price, currency)
        found.append(Level(base.title, "", base.image, price, period(base, speech), points(base), current=True))
    for step, (token, key) in zip(steps, marks, strict=True):
        product, quote = step.product, step.quote
        found.append(
            Level(
                product.title,
                product.page,
                product.image,
                money(quote.unit_price, currency),
                period(product, speech),
                points(product),
                _difference(product, quote, line, base, money, speech),
                money(quote.total, currency) if quote.replaces is None else _more(money(quote.total, currency)),
                _saved(product, quote, line, base, money, speech),
                token,
                key,
                rating=_rating(product, speech),
                quote=product.reviews.quote if product.reviews else "",
                was=_was(quote, money),
            )
        )
    return found
