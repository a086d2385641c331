"""`{{ upsell("cart") }}`: a placement's offers as HTML, and nothing at all when there are none."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from secrets import token_hex, token_urlsafe
from typing import Any

import msgspec
from flask import Response, after_this_request, current_app, g, has_request_context, request, session, url_for
from markupsafe import Markup

from .. import faults
from ..core.offer import Decision, Kind, Offer, Placement
from ..core.product import Product, Variant, gained
from ..errors import BadInput
from ..jobs import this_app
from ..offers import Offers
from ..settings import Settings
from ..signals import offers_shown
from ..till import Wanted
from .edge import harmless
from .tokens import Tokens
from .view import Card, Choice, Notice, Slot

WIDGETS = Path(__file__).with_name("widgets")
STATIC, TEMPLATES = WIDGETS / "static", WIDGETS / "templates"
UNSAFE = re.compile(r"[\x00-\x20\x7f\\]")
PLACEMENT = re.compile(r"[a-z][a-z0-9_-]{0,39}\Z")
#: What a session remembers at most of what was declined.
MOST_DECLINED = 50
#: … and in characters: the store's session is one cookie of 4 KB, which is not ours to fill.
MOST_REMEMBERED = 800
#: Where a product's link may lead; anything else (javascript:) is no link.
LINKS = ("/", "https://", "http://")
#: Marks a hole in kept HTML. Random for each process, so that no title can hold one.
HOLE = f"[{token_hex(16)}]"
#: How much HTML a process keeps; one takes about 6 KB.
MOST_BLANKS = 1000
#: What chose an offer: evidence from orders, or a rule of the merchant's.
BY_ORDERS = (
    "Chosen from past orders of this store, by what you look at or have in your cart. Nobody paid for this place."
)
BY_PEOPLE = "Chosen by the people of this store to go with what you look at or have in your cart."
PERIODS = {1: "per month", 12: "per year"}


class Page(msgspec.Struct, frozen=True, array_like=True):
    """Where a widget stands: what it takes to render it again after an action. `back` is a path of this store."""

    placement: str
    products: list[str] | None = None
    back: str = ""


class Shown(msgspec.Struct, frozen=True, array_like=True):
    """The content of a placement's token: its offers in their order. A form says which with "~" and its number."""

    wanted: list[Wanted]
    page: Page


class Widget:
    """The template global of one instance."""

    def __init__(self, identifier: str, settings: Settings, offers: Offers, tokens: Tokens) -> None:
        self.identifier, self.settings, self.offers, self.tokens = identifier, settings, offers, tokens
        self._placements: set[str] = {placement.value for placement in Placement}
        self._blanks: dict[object, list[tuple[bool, str]]] = {}
        self._assets = {
            name: blake2b((STATIC / name).read_bytes(), digest_size=6).hexdigest()
            for name in ("upsell.css", "upsell.js")
        }

    @harmless("render", Markup(""))
    def __call__(
        self, placement: str, *, cart: object = None, product: str | None = None, products: Sequence[str] | None = None
    ) -> Markup:
        """The placement's offers.

        `cart`: cart lines that the page has loaded already (in the store adapter's form), which saves a query.
        `product`: the product that the page shows. `products`: what was just ordered.
        """
        if not self.settings.enabled:
            return Markup("")
        about = None if products is None else [str(each) for each in products]
        page = Page(placement, [str(product)] if product is not None else about, _here())
        html = self.head() + self.render(page, cart=cart)
        self._placements.add(placement)
        if has_request_context():
            after_this_request(_keep_private)
        return html

    @harmless("render", Markup(""))
    def head(self) -> Markup:
        """The stylesheet and the script, once a page; by itself before the first widget, or where a page calls it."""
        flag = f"_{self.identifier}_assets"
        if not self.settings.assets or getattr(g, flag, False) or not self.settings.enabled:
            return Markup("")
        setattr(g, flag, True)
        nonce = Markup(' nonce="{}"').format(self.settings.csp_nonce()) if self.settings.csp_nonce else Markup("")
        return Markup('<link rel="stylesheet" href="{}"{}>\n<script type="module" src="{}"{}></script>\n').format(
            self._asset("upsell.css"), nonce, self._asset("upsell.js"), nonce
        )

    def _asset(self, name: str) -> str:
        return f"{self._prefix()}/static/{name}?v={self._assets[name]}"

    def _prefix(self) -> str:
        """Where our routes are; an app may be mounted below a path."""
        return (request.script_root if has_request_context() else "") + self.settings.url_prefix

    def render(
        self,
        page: Page,
        *,
        cart: object = None,
        notice: Notice | None = None,
        fresh: Mapping[str, Product] | None = None,
        elsewhere: frozenset[str] = frozenset(),
    ) -> Markup:
        """One placement, with a notice about what just happened; may raise."""
        if not PLACEMENT.match(page.placement):
            raise BadInput(
                "placement", f"{page.placement!r} is not a name such as 'cart' (letters a-z, digits, - and _)"
            )
        memory = Memory(self.identifier)
        if notice is None and (said := memory.take_said(page.placement)):
            notice = Notice(said["text"], said["tone"])
            # What was wrong in the book a moment ago is shown as it is in the store.
            fresh = {p.ref: p for p in self.offers.store.products([said["look"]])} if said["look"] else None
        decision = self.offers.suggest(
            page.placement,
            cart=cart,
            products=page.products,
            fresh=fresh,
            declined=memory.declined,
            elsewhere=elsewhere,
            source=_campaign(),
        )
        visitor = self.offers.pseudonym(self.offers.store.visitor().key)
        if notice is None and memory.has_notice:
            notice = self._remembered(memory, page, visitor, cart)
        offers = decision.offers
        blank = self._blank(page, decision, notice, bool(fresh))
        values = {"c": self._csrf() if offers or notice else ""}
        if offers:
            values["t"] = self.tokens.sign("offer", visitor, Shown([_wanted(offer, page) for offer in offers], page))
            for number in range(len(offers)):
                values[f"k{number}"] = token_urlsafe(16)
        # What our own template, autoescaped, has made, with the store's field and tokens (A-Z a-z 0-9 - _ . =).
        html = Markup("".join([values[part] if hole else part for hole, part in blank]))  # noqa: S704
        # Anybody may ask for a placement of any name; what no page has is not counted.
        if offers and page.placement in self._placements:
            self.offers.tally.add([(page.placement, offer.kind.value, offer.product.ref) for offer in offers])
            self._announce(decision)
        return html

    def _blank(self, page: Page, decision: Decision, notice: Notice | None, fresh: bool) -> list[tuple[bool, str]]:
        """The slot's HTML with holes for what is made anew each time: token (t), keys (k0, …), CSRF field (c).

        The same offers at the same prices look the same, so what our own templates made of them is kept.
        """
        offers, prefix = decision.offers, self._prefix()
        refresh = self._refresh_url(page, prefix)
        # How the store writes amounts tells which language the page is in.
        money = self.offers.store.format_money
        said_in = tuple(
            [
                money(amount, offer.quote.currency)
                for offer in offers
                for amount in (offer.quote.unit_price, offer.quote.total, offer.trigger.unit_price, 123456789)
            ]
        )
        prices = tuple([(offer.id, offer.quote, offer.trigger.unit_price, offer.rule, offer.copy) for offer in offers])
        key = (decision.version, prefix, refresh, said_in, prices)
        keep = notice is None and not fresh and self._templates_are_ours
        if keep and (known := self._blanks.get(key)) is not None:
            return known
        slot = Slot(
            page.placement,
            [
                self._card(offer, f"{HOLE}t{HOLE}~{number}", f"{HOLE}k{number}{HOLE}")
                for number, offer in enumerate(offers)
            ],
            notice,
            f"{prefix}/accept",
            f"{prefix}/decline",
            f"{prefix}/undo",
            refresh,
            Markup(f"{HOLE}c{HOLE}"),  # noqa: S704
        )
        parts = current_app.jinja_env.get_template("upsell/slot.html").render(slot=slot).split(HOLE)
        blank = [(number % 2 == 1, part) for number, part in enumerate(parts)]
        if keep:
            if len(self._blanks) >= MOST_BLANKS:
                self._blanks.clear()
            self._blanks[key] = blank
        return blank

    @cached_property
    def _templates_are_ours(self) -> bool:
        """Whether the templates are those of this package, which print their slot and nothing else.

        A store's own may look at the request or the clock; and while somebody works on one, nothing is kept.
        """
        environment = current_app.jinja_env
        names = ("upsell/slot.html", "upsell/complement.html", "upsell/upgrade.html")
        files = [environment.get_template(name).filename for name in names]
        return not environment.auto_reload and all(str(TEMPLATES) in str(file) for file in files)

    @harmless("signal", None)
    def _announce(self, decision: Decision) -> None:
        if offers_shown.receivers:
            offers_shown.send(this_app(), decision=decision)

    def _remembered(self, memory: Memory, page: Page, visitor: str, cart: object) -> Notice | None:
        """The last acceptance, while it can be undone."""
        last = memory.last
        if last and page.placement in (last["placement"], "cart"):
            lines = self.offers.store.cart(cart).lines
            if any(line.ref == last["line"] and line.product == last["product"] for line in lines):
                return Notice(last["text"], "done", self.undo_token(visitor, last["id"], page))
        return None

    def undo_token(self, visitor: str, id: str, page: Page) -> str:
        return self.tokens.sign("undo", visitor, [id, page])

    def _refresh_url(self, page: Page, prefix: str) -> str:
        if page.products is None:
            return f"{prefix}/slot/{page.placement}"
        return url_for(f"{self.identifier}.slot", placement=page.placement, product=page.products[:20], _external=False)

    def _csrf(self) -> Markup | str:
        """The store's own field; else Flask-WTF's, where the store uses it. Ours is the signed, visitor-bound token."""
        field = self.offers.store.csrf_field()
        if field:
            return Markup(field)  # noqa: S704 (the store says that it is HTML)
        if "csrf" in current_app.extensions and "csrf_token" in current_app.jinja_env.globals:
            token: Any = current_app.jinja_env.globals["csrf_token"]
            return Markup('<input type="hidden" name="csrf_token" value="{}">').format(token())
        return ""

    def _card(self, offer: Offer, token: str, key: str) -> Card:
        product, quote, line, base = offer.product, offer.quote, offer.trigger, offer.base
        money, currency = self.offers.store.format_money, quote.currency
        upgrade = offer.kind is Kind.UPGRADE
        replaces = quote.replaces is not None
        prices = [price for _, price in _choice_prices(offer)]
        return Card(
            id=offer.id,
            kind=offer.kind.value,
            product=product.ref,
            title=product.title,
            url=product.url if product.url.startswith(LINKS) else "",
            image=product.image,
            price=money(quote.unit_price, currency),
            period=_period(product),
            quantity=quote.quantity,
            difference=self._difference(offer) if upgrade else "",
            total=("+" if replaces else "") + money(quote.total, currency),
            reason=offer.reason.sentence,
            token=token,
            key=key,
            replaces=replaces,
            base_title=base.title if upgrade and base else line.product if upgrade else "",
            base_price=money(line.unit_price, currency) if upgrade else "",
            base_period=_period(base) if upgrade and base else "",
            base_image=base.image if upgrade and base else None,
            gained=gained(base, product) if upgrade and base else [],
            headline=offer.copy.headline if offer.copy else "",
            benefits=offer.copy.benefits if offer.copy else (),
            because=BY_ORDERS if offer.reason.base else BY_PEOPLE,
            choices=[
                Choice(v.ref, v.title, money(price, currency))
                for v, price in zip(_choices(product), prices, strict=True)
            ],
        )

    def _difference(self, offer: Offer) -> str:
        """What one unit costs more; a longer period costs no more but less a month, and that is what is said."""
        money, product, base = self.offers.store.format_money, offer.product, offer.base
        if base is not None and product.period_months and product.period_months != base.period_months:
            months = product.period_months
            return f"{money((offer.quote.unit_price + months // 2) // months, product.currency)} a month"
        return "+" + money(offer.quote.unit_price - offer.trigger.unit_price, product.currency)


def _wanted(offer: Offer, page: Page) -> Wanted:
    """The offer as its token remembers it."""
    product, quote, line = offer.product, offer.quote, offer.trigger
    replaces = quote.replaces is not None
    return Wanted(
        offer=offer.id,
        kind=offer.kind,
        placement=page.placement,
        product=product.ref,
        title=product.title,
        unit_price=quote.unit_price,
        currency=quote.currency,
        quantity=quote.quantity,
        line=line.ref if replaces else "",
        replaced=line.product if replaces else "",
        replaces=quote.replaces or 0,
        variants=dict(_choice_prices(offer)) if product.variants else {},
        rule=offer.rule,
        trigger=line.product if offer.rule else "",
    )


def _choices(product: Product) -> list[Variant]:
    return [v for v in product.variants if v.stock is None or v.stock > 0]


def _choice_prices(offer: Offer) -> list[tuple[str, int]]:
    """What each choice of the product costs in this offer."""
    own = dict(offer.quote.variants)
    return [(variant.ref, own.get(variant.ref, variant.price)) for variant in _choices(offer.product)]


def _keep_private(response: Response) -> Response:
    """A page with tokens in it belongs to one visitor: no cache may hand it to another."""
    control = response.headers.get("Cache-Control", "")
    if "private" not in control and "no-store" not in control:
        response.headers["Cache-Control"] = "private, no-store"
    return response


def _campaign() -> str:
    """The campaign in the page's address; an address without a query, as most are, is not parsed for it."""
    if not has_request_context() or not request.environ.get("QUERY_STRING"):
        return ""
    return request.args.get("utm_source", "")[:100]


def _here() -> str:
    """The path of the page that is being rendered, for the way back; never one that leads to another host."""
    if not has_request_context() or request.method not in ("GET", "HEAD"):
        return ""
    # What browsers or libraries drop or turn around in an address (tabs, line ends, backslashes) is spelled out.
    path = UNSAFE.sub(lambda found: f"%{ord(found[0]):02X}", request.full_path.rstrip("?").lstrip("/\\"))
    return request.script_root + "/" + path


def _period(product: Product) -> str:
    months = product.period_months
    return "" if not months else PERIODS.get(months, f"every {months} months")


class Memory:
    """What the store's session cookie remembers for us: declined products, the last acceptance, what to say next."""

    def __init__(self, identifier: str) -> None:
        self._key = identifier
        # Without a cookie there is no session yet: looking into it would only make Flask save it.
        has_session = has_request_context() and "HTTP_COOKIE" in request.environ
        kept = session.get(identifier) if has_session else None
        self._kept: dict[str, Any] = kept if isinstance(kept, dict) else {}

    @property
    def declined(self) -> frozenset[str]:
        return frozenset(self._kept.get("no", ()))

    @property
    def has_notice(self) -> bool:
        return "last" in self._kept

    @property
    def last(self) -> dict[str, str] | None:
        return self._kept.get("last")

    def take_said(self, placement: str) -> dict[str, str] | None:
        said: dict[str, str] | None = self._kept.get("said")
        if said is None or said["placement"] != placement:
            return None
        del self._kept["said"]
        self._save()
        return said

    def say(self, placement: str, notice: Notice, look: str = "") -> None:
        """For the next page (no JavaScript): a notice, and a product that the book may not know well yet."""
        self._kept["said"] = {"placement": placement, "text": notice.text[:160], "tone": notice.tone, "look": look}
        self._save()

    def decline(self, product: str) -> None:
        kept = [*(p for p in self._kept.get("no", ()) if p != product), product][-MOST_DECLINED:]
        while len(kept) > 1 and sum(map(len, kept)) > MOST_REMEMBERED:
            del kept[0]
        self._kept["no"] = kept
        self._save()

    def accept(self, id: str, text: str, line: str, product: str, placement: str) -> None:
        self._kept["last"] = {"id": id, "text": text[:160], "line": line, "product": product, "placement": placement}
        self._save()

    def forget_last(self) -> None:
        if self._kept.pop("last", None) is not None:
            self._save()

    def _save(self) -> None:
        try:
            session[self._key] = self._kept
        except RuntimeError as error:  # a store without a secret key has no session
            faults.note("no_session", "nothing can be remembered for this visitor: %s", error)
