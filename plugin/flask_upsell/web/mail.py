"""A follow-up as a mail: its words and prices in the customer's language, as HTML and as text. Nothing is sent here."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec
from flask import current_app

from ..core.followup import REST, FollowUp, Plan
from ..core.money import format_money
from ..core.offer import Decision, Offer
from ..core.ports import Order
from .cards import period
from .speech import Languages, Speech
from .tokens import Tokens

#: How many of the bought products are named; the others are counted.
MOST_NAMED = 3
#: Characters of a title, in the mail and in its subject.
MOST_TITLE, MOST_SUBJECT = 200, 60
#: What parts words or lines (spaces that must not break, as in prices, stay), and what is not seen: control characters
#: and halves of characters.
APART = re.compile(r"[\t-\r\x1c-\x20\x85\u2028\u2029]+")
UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
#: What an address may hold as it is, in a mail and its headers.
PLAIN = re.compile(r"[^!#-;=?-\[\]_a-z~]")


class Offered(msgspec.Struct, frozen=True):
    """One offer. `url` and `image` ("" for none) are absolute; the price is written out, with its period."""

    title: str
    url: str
    image: str
    price: str
    reason: str
    because: str


class Mail(msgspec.Struct, frozen=True):
    """What the templates get. All texts are one line each. `bought`: titles, `more`: how many were bought beside those;
    `unsubscribe` is an absolute URL; there is one mail in so many `days`. `language` (BCP 47) and `direction` ("ltr",
    "rtl") are those of our words."""

    language: str
    direction: str
    subject: str
    bought: tuple[str, ...]
    more: int
    offers: tuple[Offered, ...]
    unsubscribe: str
    days: int = REST.days


class Leaving(msgspec.Struct, frozen=True, array_like=True):
    """The content of an unsubscribe token: the customer's pseudonym, and the mail's language (BCP 47)."""

    customer: str
    language: str = ""


class Writer:
    """Writes the mails of one instance. `site`: what links begin with ("https://shop.example"); `prefix`: the path of
    our routes."""

    def __init__(self, site: str, prefix: str, tokens: Tokens, languages: Languages) -> None:
        self._site, self._prefix, self._tokens, self._languages = site, prefix, tokens, languages

    def write(self, plan: Plan, order: Order, bought: Sequence[str], decision: Decision) -> FollowUp:
        """The mail for an order, with the titles of what was `bought` and at least one offer. Needs an app context; may
        raise."""
        language = plan.language
        speech = self._languages.speech(language or None)
        titles = [one_line(title) for title in bought]
        token = self._tokens.sign("unsubscribe", "", Leaving(plan.customer, language))
        mail = Mail(
            language=speech.language,
            direction=speech.direction,
            subject=one_line(_subject(speech, decision.offers[0]), 2 * MOST_TITLE),
            bought=tuple(titles[:MOST_NAMED]),
            more=len(titles[MOST_NAMED:]),
            offers=tuple([self._offered(offer, speech, language) for offer in decision.offers]),
            unsubscribe=f"{self._site}{self._prefix}/unsubscribe?token={token}",
        )
        headers = {"List-Unsubscribe": f"<{mail.unsubscribe}>"}
        if self._site.startswith("https:"):  # what RFC 8058 asks for
            headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        return FollowUp(
            customer=order.customer or "",
            order=order.ref,
            language=language,
            subject=mail.subject,
            html=_render("upsell/mail.html", mail=mail, say=speech.say),
            text=_laid_out(_render("upsell/mail.txt", mail=mail, say=speech.plain)),
            unsubscribe=mail.unsubscribe,
            headers=headers,
        )

    def _offered(self, offer: Offer, speech: Speech, language: str) -> Offered:
        product = offer.product
        because = speech.plain("Chosen by the people of this store to go with what you bought.")
        if not offer.reason.by_people:
            because = speech.plain(
                "Chosen from past orders of this store, by what you bought. Nobody paid for this place."
            )
        return Offered(
            title=one_line(product.title),
            url=self._link(product.page),
            image=self._link(product.image or ""),
            price=one_line(_price(offer, speech, language or speech.language)),
            reason=one_line(speech.tell(offer.reason.sentence), 3 * MOST_TITLE),
            because=because,
        )

    def _link(self, url: str) -> str:
        """Absolute, and plain enough to stand anywhere; "" for what is no link."""
        plain = PLAIN.sub(_escaped, url)
        if plain.startswith("//"):
            return f"https:{plain}"
        if plain.startswith("/"):
            return self._site + plain
        return plain if plain.startswith(("https://", "http://")) else ""


def one_line(text: str, most: int = MOST_TITLE) -> str:
    """In one line, without what cannot be seen, and not too long: no title can break a mail's layout or headers."""
    line = UNSEEN.sub("", APART.sub(" ", text)).strip()
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def _escaped(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8", "replace"))


def _subject(speech: Speech, first: Offer) -> str:
    if first.base is None:
        return speech.plain("Goes well with your order")
    return speech.plain("Goes well with {title}", title=one_line(first.base.title, MOST_SUBJECT))


def _price(offer: Offer, speech: Speech, language: str) -> str:
    """Of one unit. No discount is told of: a mail leads to the product's page, where there is none."""
    product = offer.product
    prices = {each.price for each in product.variants if each.stock is None or each.stock > 0} or {product.price}
    price = format_money(min(prices), product.currency, language)
    if len(prices) > 1:
        price = speech.plain("from {price}", price=price)
    return f"{price} {period(product, speech)}".rstrip()


def _render(template: str, **given: object) -> str:
    return current_app.jinja_env.get_template(template).render(**given)


def _laid_out(text: str) -> str:
    """However the store's Jinja treats line ends: no spaces at their ends, and one empty line at most."""
    lines = "\n".join(line.rstrip() for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", lines).strip() + "\n"
