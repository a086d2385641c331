"""`{{ upsell("cart") }}`: a placement's offers as HTML, and nothing at all when there are none."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from hashlib import blake2b
from itertools import count
from pathlib import Path
from secrets import token_hex, token_urlsafe
from time import perf_counter
from typing import Any

import msgspec
from flask import Response, after_this_request, current_app, g, has_request_context, request, url_for
from markupsafe import Markup, escape

from .. import faults
from ..core.context import mark
from ..core.money import format_money
from ..core.offer import Decision, Placement
from ..core.product import Product
from ..errors import BadInput
from ..jobs import this_app
from ..offers import Offers
from ..settings import Settings
from ..signals import offers_shown
from .blanks import ASKING, CSRF, HOLE, KEY, TOKEN, Blank, keep, looks_of, marks_of
from .cards import LOOKS, Money, card, reached
from .consent import Consent
from .edge import Edge, harmless
from .memory import Memory, environ
from .metrics import FAILED, NONE, OFF, OFFERS, Meter
from .shown import Asking, Page, Shown, counted, parts, wanted
from .spans import mark as mark_span
from .spans import span
from .speech import Languages, Speech
from .tokens import Tokens
from .view import Notice, Question, Slot

WIDGETS = Path(__file__).with_name("widgets")
STATIC, TEMPLATES = WIDGETS / "static", WIDGETS / "templates"
ASSETS = ("upsell.css", "upsell.js")
UNSAFE = re.compile(r"[\x00-\x20\x7f\\]")
PLACEMENT = re.compile(r"[a-z][a-z0-9_-]{0,39}\Z")
#: An amount whose figures show how they are grouped.
PROBE = 123_456_789


class Widget:
    """The template global of one instance."""

    def __init__(
        self,
        identifier: str,
        settings: Settings,
        offers: Offers,
        tokens: Tokens,
        languages: Languages,
        edge: Edge,
        meter: Meter | None = None,
    ) -> None:
        self.identifier, self.settings, self.offers, self.tokens = identifier, settings, offers, tokens
        self.languages, self.edge, self.meter = languages, edge, meter
        self.consent = Consent(identifier, settings.consent)
        self._show = edge.shows("render", Markup(""), self._left_out)(self._called)
        self.again = edge.shows("render", Markup(""), self._left_out)(self.render)
        self._placements: set[str] = {placement.value for placement in Placement} - {Placement.MAIL.value}
        self._blanks: dict[object, Blank] = {}
        self._numbered: dict[object, Blank] = {}
        self._heads: dict[object, tuple[str, str, str]] = {}

    @harmless("render", Markup(""))
    def __call__(
        self, placement: str, *, cart: object = None, product: str | None = None, products: Sequence[str] | None = None
    ) -> Markup:
        """The placement's offers.

        `cart`: cart lines that the page has loaded already (in the store adapter's form), which saves a query.
        `product`: the product that the page shows. `products`: what was just ordered.
        """
        with faults.about(self.identifier, placement):
            return self._show(placement, cart, product, products)

    def _called(self, placement: str, cart: object, product: str | None, products: Sequence[str] | None) -> Markup:
        if not self.settings.enabled:
            self._left_out(placement)
            return Markup("")
        about = None if products is None else [str(each) for each in products]
        page = Page(placement, [str(product)] if product is not None else about, _here())
        html = self._linked() + self.render(page, cart=cart)
        self._placements.add(placement)
        if has_request_context():
            after_this_request(keep_private)
        return html

    def _left_out(self, place: str | Page, *_: object, **__: object) -> None:
        """Count a placement in which nothing may be shown."""
        if self.meter is not None:
            self.meter.decided(self._label(place if isinstance(place, str) else place.placement), OFF)

    def _label(self, placement: str) -> str:
        """Anybody may ask for a placement of any name."""
        return placement if placement in self._placements else "other"

    @harmless("render", Markup(""))
    def head(self) -> Markup:
        """The stylesheet and the script, once a page; by itself before the first widget, or where a page calls it."""
        return self._linked()

    def _linked(self) -> Markup:
        flag = f"_{self.identifier}_assets"
        if not self.settings.assets or getattr(g, flag, False) or not self.settings.enabled:
            return Markup("")
        setattr(g, flag, True)
        prefix = self._prefix(environ())
        start, middle, end = self._heads.get(prefix) or keep(self._heads, prefix, _assets(prefix))
        nonce = Markup(' nonce="{}"').format(self.settings.csp_nonce()) if self.settings.csp_nonce else ""
        return Markup(f"{start}{nonce}{middle}{nonce}{end}")  # noqa: S704 (made of what was escaped)

    def _prefix(self, around: Mapping[str, Any]) -> str:
        """Where our routes are; an app may be mounted below a path."""
        return (root() if around.get("SCRIPT_NAME") else "") + self.settings.url_prefix

    def render(self, page: Page, **given: Any) -> Markup:
        """One placement; counted and timed. May raise. See `_placed`."""
        if self.meter is None:
            return self._placed(page, **given)[0]
        began, outcome = perf_counter(), FAILED
        try:
            html, outcome = self._placed(page, **given)
            return html
        finally:
            self.meter.rendered(self._label(page.placement), outcome, perf_counter() - began)

    def _placed(
        self,
        page: Page,
        *,
        cart: object = None,
        notice: Notice | None = None,
        fresh: Mapping[str, Product] | None = None,
        elsewhere: frozenset[str] = frozenset(),
    ) -> tuple[Markup, str]:
        """One placement, with a notice about what just happened, and whether it has offers; may raise."""
        placement, store = page.placement, self.offers.store
        if not PLACEMENT.match(placement):
            raise BadInput("placement", f"{placement!r} is not a name such as 'cart' (letters a-z, digits, - and _)")
        around = environ()
        memory, consent = Memory(self.identifier, around), self.consent.given(around)
        if not consent:
            memory.keep_what_must()
        if notice is None and (said := memory.take_said(placement)):
            notice = Notice(said["text"], said["tone"])
            # What was wrong in the book a moment ago is shown as it is in the store.
            fresh = {p.ref: p for p in store.products([said["look"]])} if said["look"] else None
        beside: set[str] = g.setdefault(f"_{self.identifier}_shown", set()) if has_request_context() else set()
        with span("upsell.suggest", self.identifier, placement=placement) as here_span:
            decision = self.offers.suggest(
                placement,
                cart=cart,
                products=page.products,
                fresh=fresh,
                declined=memory.declined,
                elsewhere=elsewhere | beside,
                source=_campaign(around) if consent else "",
                answers=memory.answers,
                asked=memory.asked,
                seen=memory.seen,
                consent=consent,
            )
            mark_span(here_span, offers=len(decision.offers), version=decision.version)
        here = store.visitor()
        visitor, speech = here.key, self.languages.speech(here.language)
        if notice is None and memory.has_notice:
            notice = self._remembered(memory, page, visitor, cart)
        offers, question = decision.offers, decision.question
        thanks = memory.thanks if placement == Placement.CONFIRMATION else ()
        blank = self._blank(page, decision, notice, bool(fresh), around, thanks, speech)
        token = key = csrf = asking = id = ""
        if offers:
            id = token_hex(6)
            faults.decided(id)
            every = [each for offer in offers for each in wanted(offer, page)]
            token = self.tokens.sign("offer", visitor, Shown(every, page, id))
            # An offer is one name, whatever it is made of: so many are counted on a page.
            beside.update(["+".join(parts(offer)) for offer in offers])
            key = token_urlsafe(16)
        if question is not None:
            keys = [answer for answer, _ in question.answers]
            asking = self.tokens.sign("answer", visitor, Asking(question.rule, keys, page))
        if offers or notice or question:
            csrf = str(self.csrf())
        # What our own template, autoescaped, has made, with the store's field and tokens (A-Z a-z 0-9 - _ . =).
        html = Markup(blank.filled({TOKEN: token, KEY: key, CSRF: csrf, ASKING: asking}))  # noqa: S704 (see above)
        # Anybody may ask for a placement of any name; what no page has is not counted.
        if offers and placement in self._placements:
            self.offers.tally.add([(placement, *each) for offer in offers for each in counted(offer)])
            self._announce(decision, id)
            if consent and self.offers.policy.max_session:
                memory.show(mark(offer.ref) for offer in offers)
        if offers:
            return html, OFFERS
        return html, OFF if self.offers.off else NONE

    def _blank(
        self,
        page: Page,
        decision: Decision,
        notice: Notice | None,
        fresh: bool,
        around: Mapping[str, Any],
        thanks: tuple[str, ...],
        speech: Speech,
    ) -> Blank:
        """The slot's HTML with holes for what is made anew each time: token, key, CSRF field.

        The same offers at the same prices look the same, so what our own templates made of them is kept.
        """
        offers, prefix = decision.offers, self._prefix(around)
        refresh = self._refresh_url(page, prefix)
        if notice is not None or fresh or thanks or not self._templates_are_ours:
            return self._made(page, decision, notice, prefix, refresh, thanks, speech)
        # The store may write amounts in a way of its own.
        amount = self.offers.store.format_money(PROBE, offers[0].quote.currency) if offers else ""
        written = (amount, speech.language)
        # A decision that is kept is known by its number; another one may still show the same.
        known: Blank | None
        if decision.number and (known := self._numbered.get((decision.number, prefix, refresh, written))) is not None:
            return known
        looks = tuple([looks_of(offer) for offer in offers])
        key = (decision.version, prefix, refresh, written, looks, decision.question, decision.reached)
        if (known := self._blanks.get(key)) is None:
            known = keep(self._blanks, key, self._made(page, decision, notice, prefix, refresh, (), speech))
        if decision.number:
            keep(self._numbered, (decision.number, prefix, refresh, written), known)
        return known

    def _made(
        self,
        page: Page,
        decision: Decision,
        notice: Notice | None,
        prefix: str,
        refresh: str,
        thanks: tuple[str, ...],
        speech: Speech,
        money: Money | None = None,
    ) -> Blank:
        money, asked, near = money or self.offers.store.format_money, decision.question, decision.reached
        numbers = count()
        slot = Slot(
            page.placement,
            [card(offer, marks_of(offer, numbers), money, speech, decision.placement) for offer in decision.offers],
            notice,
            f"{prefix}/accept",
            f"{prefix}/decline",
            f"{prefix}/undo",
            refresh,
            Markup(f"{HOLE}{CSRF}{HOLE}"),  # noqa: S704 (a mark of ours)
            f"{prefix}/answer",
            Question(asked.words, asked.answers, f"{HOLE}{ASKING}{HOLE}") if asked is not None else None,
            thanks,
            speech.language,
            speech.direction,
            reached(near, money, speech) if near is not None else "",
        )
        template = current_app.jinja_env.get_template("upsell/slot.html")
        return Blank(template.render(slot=slot, say=speech.say).split(HOLE))

    def preview(
        self,
        decision: Decision,
        language: str,
        *,
        notice: Notice | None = None,
        thanks: tuple[str, ...] = (),
        place: str = "",
    ) -> Markup:
        """A decision as shoppers of a language would see it, for people who theme or check it. Its buttons do nothing:
        they have no tokens. `place`: the slot's name, so that a page can have several of one placement."""
        speech, page = self.languages.speech(language), Page(place or decision.placement)

        def money(minor: int, currency: str) -> str:
            return format_money(minor, currency, language)

        blank = self._made(page, decision, notice, self._prefix(environ()), "", thanks, speech, money)
        return Markup(blank.filled({TOKEN: "", KEY: "", CSRF: "", ASKING: ""}))  # noqa: S704 (made by our template)

    @cached_property
    def _templates_are_ours(self) -> bool:
        """Whether the templates are those of this package, which print their slot and nothing else.

        A store's own may look at the request or the clock; and while somebody works on one, nothing is kept.
        """
        environment = current_app.jinja_env
        names = [f"upsell/{name}.html" for name in ("slot", "question", "parts", *LOOKS)]
        files = [environment.get_template(name).filename for name in names]
        return not environment.auto_reload and all(str(TEMPLATES) in str(file) for file in files)

    @harmless("signal", None)
    def _announce(self, decision: Decision, id: str) -> None:
        if offers_shown.receivers:
            offers_shown.send(this_app(), decision=msgspec.structs.replace(decision, id=id))

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
        url = url_for(f"{self.identifier}.slot", placement=page.placement, product=page.products[:20], _external=False)
        return prefix + url[url.index("/slot/") :]

    def csrf(self) -> Markup:
        """The store's own field; else Flask-WTF's, where the store uses it. Ours is the signed, visitor-bound token."""
        field = self.offers.store.csrf_field()
        if field:
            return Markup(field)  # noqa: S704 (the store says that it is HTML)
        if self._store_has_csrf:
            token: Any = current_app.jinja_env.globals["csrf_token"]
            return Markup('<input type="hidden" name="csrf_token" value="{}">').format(token())
        return Markup("")

    @cached_property
    def _store_has_csrf(self) -> bool:
        """Asked at the first request, when all extensions are there."""
        return "csrf" in current_app.extensions and "csrf_token" in current_app.jinja_env.globals


def keep_private(response: Response) -> Response:
    """What has tokens in it belongs to one visitor: no cache may hand it to another."""
    _keep_private(response)
    return response


@harmless("private", None)
def _keep_private(response: Response) -> None:
    control = response.headers.get("Cache-Control", "")
    if "private" not in control and "no-store" not in control:
        response.headers["Cache-Control"] = "private, no-store"
    if "Vary" in response.headers:
        response.vary.add("Cookie")
    else:
        response.headers["Vary"] = "Cookie"


def _assets(prefix: str) -> tuple[str, str, str]:
    """The two elements without what differs from page to page: a nonce for each."""
    hashes = [blake2b((STATIC / name).read_bytes(), digest_size=6).hexdigest() for name in ASSETS]
    css, js = [escape(f"{prefix}/static/{name}?v={hash}") for name, hash in zip(ASSETS, hashes, strict=True)]
    return f'<link rel="stylesheet" href="{css}"', f'>\n<script type="module" src="{js}"', "></script>\n"


def _campaign(around: Mapping[str, Any]) -> str:
    """The campaign in the page's address; an address without a query, as most are, is not parsed for it."""
    return request.args.get("utm_source", "")[:100] if around.get("QUERY_STRING") else ""


def _here() -> str:
    """The path of the page that is being rendered, for the way back; never one that leads to another host."""
    if not has_request_context() or request.method not in ("GET", "HEAD"):
        return ""
    # What browsers or libraries drop or turn around in an address (tabs, line ends, backslashes) is spelled out.
    path = UNSAFE.sub(lambda found: f"%{ord(found[0]):02X}", request.full_path.rstrip("?").lstrip("/\\"))
    return root() + "/" + path


def root() -> str:
    """The path below which the app is mounted, never another host: a proxy may hand on what it was told."""
    root = UNSAFE.sub("", request.script_root).strip("/")
    return f"/{root}" if root else ""
