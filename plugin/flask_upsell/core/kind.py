"""How an offer relates to the cart, and where it stands."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """How an offer relates to the cart."""

    COMPLEMENT = "complement"
    UPGRADE = "upgrade"
    BUNDLE = "bundle"
    PROGRAMME = "programme"


class Basis(StrEnum):
    """What chose an offer: a pair of products or a rule, the shopper's own past orders, those of customers who buy
    alike, or that many buy it."""

    PAIR = "pair"
    HABIT = "habit"
    ALIKE = "alike"
    POPULAR = "popular"


class Placement(StrEnum):
    """The named spots on a store's pages, and in its mails."""

    PRODUCT = "product"
    CART = "cart"
    CHECKOUT = "checkout"
    CONFIRMATION = "confirmation"
    MAIL = "mail"
