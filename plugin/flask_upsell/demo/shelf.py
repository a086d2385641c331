"""Finding products: search, categories and pages, counted and cut by SQL, so that 70,000 products fit too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from flask_upsell.demo.models import Product

PAGE_SIZE: Final = 24
CATEGORIES_SHOWN: Final = 20
# A longer search is no search; it would only make the statement long.
WORDS_USED: Final = 6
BEST_FIRST: Final = (Product.sold.desc(), Product.id)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of products: `number` of `pages` (both from 1), out of `total` products that were found."""

    products: Sequence[Product]
    number: int
    pages: int
    total: int


def biggest_categories(session: Session) -> list[tuple[str, int]]:
    """The categories with the most visible products, and how many; biggest first, then oldest."""
    size = func.count()
    found = session.execute(
        select(Product.category, size)
        .where(Product.hidden.is_(False), Product.category.is_not(None))
        .group_by(Product.category)
        .order_by(size.desc(), func.min(Product.id))
        .limit(CATEGORIES_SHOWN)
    )
    return [(category, number) for category, number in found if category is not None]


def find_page(session: Session, text: str, category: str, number: int) -> Page:
    """The visible products that have every word of `text` and are in `category`; empty strings do not filter.

    A `number` beyond either end gives the nearest page there is.
    """
    wanted = _conditions(text, category)
    total = session.scalar(select(func.count()).select_from(Product).where(*wanted)) or 0
    pages = max(1, -(-total // PAGE_SIZE))
    number = min(max(1, number), pages)
    # The numbers first: an index knows them, so that a late page does not read all products before it.
    ids = select(Product.id).where(*wanted).order_by(*BEST_FIRST).limit(PAGE_SIZE).offset((number - 1) * PAGE_SIZE)
    products = session.scalars(select(Product).where(Product.id.in_(ids)).order_by(*BEST_FIRST)).all()
    return Page(products, number, pages, total)


def _conditions(text: str, category: str) -> list[ColumnElement[bool]]:
    wanted = [Product.hidden.is_(False), *(_has_word(word) for word in text.split()[:WORDS_USED])]
    return [*wanted, Product.category == category] if category else wanted


def _has_word(word: str) -> ColumnElement[bool]:
    # autoescape: a % or _ that someone types is looked for as it stands.
    columns = (Product.title, Product.category, Product.summary)
    return or_(*(column.icontains(word, autoescape=True) for column in columns))
