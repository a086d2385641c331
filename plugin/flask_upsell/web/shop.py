"""The shopper's routes: a placement again (GET), accept, decline, undo (POST), static files, health."""

from __future__ import annotations

from typing import Any, TypeVar

from flask import Blueprint, Response, jsonify, redirect, request
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from .. import faults
from ..core.ports import Acceptance
from ..core.words import Sentence, say
from ..errors import BadInput, TokenError
from ..jobs import this_app
from ..signals import offer_accepted, offer_declined
from ..till import DECLINED, Outcome, Wanted
from .edge import harmless
from .health import health
from .memory import Memory
from .schemas import read_accept
from .shown import Asking, Page, Shown
from .view import Notice
from .widget import UNSAFE, Widget

LARGEST_BODY = 64 * 1024
#: What is made for one visitor is kept by nobody.
PRIVATE = {"Cache-Control": "private, no-store", "Vary": "Cookie"}
HTML = Headers({"Content-Type": "text/html; charset=utf-8", **PRIVATE})
HEAD = b"<!doctype html><meta charset=utf-8><title>Suggestions</title>"
R = TypeVar("R", bound=AnyResponse)
SORRY = say("That did not work just now. Your cart is as it was.")
OLD = say("This suggestion was too old, so nothing was changed. Here it is again as it is now.")
FOREIGN = say("This suggestion was not made for this cart, so nothing was changed.")
NOT_AGREED = say("Please agree to the recurring payment.")


def blueprint(identifier: str, widget: Widget, parts: Any) -> Blueprint:
    """The routes of one instance. `parts` is what health looks at."""
    shop = Blueprint(
        identifier,
        __name__,
        url_prefix=widget.settings.url_prefix,
        static_folder="widgets/static",
        static_url_path="/static",
        template_folder="widgets/templates",
    )

    shop.register_error_handler(Exception, _sorry)

    @shop.get("/slot/<placement>")
    def slot(placement: str) -> Response:
        if not request.query_string:
            return _html(_again(widget, Page(placement)))
        products = request.args.getlist("product") or None
        elsewhere = frozenset(request.args.getlist("not")[:20])
        return _html(_again(widget, Page(placement, products), elsewhere=elsewhere))

    @shop.post("/accept")
    def accept() -> AnyResponse:
        return _answer(widget, _accept, "offer")

    @shop.post("/decline")
    def decline() -> AnyResponse:
        return _answer(widget, _decline, "offer")

    @shop.post("/answer")
    def answer() -> AnyResponse:
        return _answer(widget, _answered, "answer")

    @shop.post("/undo")
    def undo() -> AnyResponse:
        return _answer(widget, _undo, "undo")

    @shop.get("/healthz")
    def healthz() -> Response:
        report = health(parts)
        response = jsonify(report)
        response.status_code = 200 if report["ok"] else 503
        return _private(response)

    return shop


@harmless("visitor", "")
def _visitor_key(widget: Widget) -> str:
    return widget.offers.store.visitor().key


def _from_here(*, anonymous: bool) -> bool:
    """Whether a browser sent this POST from a page of this site. A visitor without a cart has no secret that the token
    is bound to, so there the browser's word is needed; otherwise its silence is allowed (old browsers, machines)."""
    fetch_site = request.headers.get("Sec-Fetch-Site")
    if fetch_site is not None:
        return fetch_site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    if origin is not None:
        # Without the scheme: behind a proxy that ends TLS the app is spoken to by http.
        return origin.partition("://")[2] == request.host
    return not anonymous


def _answer(widget: Widget, act: Any, purpose: str) -> AnyResponse:
    """Read the token, act, and answer: the placement again for our script, a redirect for a plain form."""
    request.max_content_length = LARGEST_BODY
    if not widget.settings.enabled:
        return _private(redirect(_back(widget, Page("cart")), 303))
    if not _from_here(anonymous=not _visitor_key(widget)):
        return _private(Response("This request came from another site.\n", 403, mimetype="text/plain"))
    page, notice = Page("cart"), None
    fresh = {}
    try:
        visitor = widget.offers.pseudonym(widget.offers.store.visitor().key)
        token = request.form.get("token", "")
        if purpose == "offer":
            token, _, number = token.partition("~")
            shown = widget.tokens.read(purpose, visitor, token, Shown)
            page = shown.page
            if not number.isdecimal() or not number.isascii() or int(number[:4]) >= len(shown.wanted):
                raise TokenError("this token says not which offer is meant")
            said: Any = shown.wanted[int(number)], page
        elif purpose == "answer":
            said = widget.tokens.read(purpose, visitor, token, Asking)
            page = said.page
        else:
            said = widget.tokens.read(purpose, visitor, token, tuple[str, Page])
            page = said[1]
        outcome, notice = act(widget, said)
        if outcome.live is not None:
            fresh = {outcome.live.ref: outcome.live}
            widget.offers.queue.enqueue("amend", outcome.live.ref)
    except TokenError as error:
        faults.note("token", "%s refused: %s", request.path, error)
        notice = Notice(_told(widget, OLD if error.expired else FOREIGN), "sorry")
    except BadInput as error:
        faults.note("bad_input", "%s refused: %s", request.path, error)
        notice = Notice(_told(widget, SORRY), "sorry")
    except Exception as error:
        faults.note("act", "%s failed: %s: %s", request.path, type(error).__name__, error, error=error)
        notice = Notice(_told(widget, SORRY), "sorry")
    if request.headers.get("X-Upsell"):
        return _html(_again(widget, page, notice=notice, fresh=fresh))
    if notice is not None and not notice.undo:
        Memory(widget.identifier).say(page.placement, notice, look=next(iter(fresh), ""))
    return _private(redirect(_back(widget, page), 303))


@harmless("back", "/")
def _back(widget: Widget, page: Page) -> str:
    """The page on which the form stood, as its token says; else the store's page of that placement."""
    urls = {} if page.back else widget.offers.store.urls()
    back = page.back or urls.get(page.placement) or urls.get("cart") or "/"
    return "/" if UNSAFE.search(back) or back.startswith("//") else back


def _accept(widget: Widget, said: tuple[Wanted, Page]) -> tuple[Outcome, Notice]:
    wanted, page = said
    form = read_accept(request.form)
    if wanted.months and not form.agreed:
        outcome = Outcome("refused", NOT_AGREED)
    else:
        outcome = widget.offers.accept(wanted, form.key, form.variant, form.ticked if wanted.pieces else None)
    text = _told(widget, outcome.said)
    if outcome.status != "done" or outcome.acceptance is None:
        return outcome, Notice(text, "sorry")
    accepted = outcome.acceptance
    if not outcome.repeated:
        # A repeated answer may come from a click that knew no session yet: it must not replace the first one's.
        Memory(widget.identifier).accept(accepted.id, text, accepted.line, accepted.product, accepted.placement)
        _tell(accepted)
    visitor = widget.offers.pseudonym(widget.offers.store.visitor().key)
    return outcome, Notice(text, "done", widget.undo_token(visitor, accepted.id, page))


def _decline(widget: Widget, said: tuple[Wanted, Page]) -> tuple[Outcome, Notice]:
    wanted = said[0]
    # First of all it is remembered: a shopper's "no" holds even when it cannot be counted.
    memory = Memory(widget.identifier)
    for product in (wanted.product, *wanted.also):
        memory.decline(product)
    try:
        outcome = widget.offers.decline(wanted)
    except Exception as error:
        faults.note("decline", "a decline is not counted: %s", error)
        outcome = DECLINED
    _tell_declined(wanted.product, wanted.kind, wanted.placement)
    return outcome, Notice(_told(widget, outcome.said), "done")


def _answered(widget: Widget, asking: Asking) -> tuple[Outcome, None]:
    """Remember an answer; anything that is none of them is a skip."""
    said = request.form.get("answer", "")
    Memory(widget.identifier).answer(asking.rule, said if said in asking.answers else "")
    return Outcome("answered", Sentence("")), None


def _undo(widget: Widget, said: tuple[str, Page]) -> tuple[Outcome, Notice]:
    outcome = widget.offers.undo(said[0])
    Memory(widget.identifier).forget_last()
    return outcome, Notice(_told(widget, outcome.said), "done" if outcome.status == "undone" else "sorry")


def _told(widget: Widget, said: Sentence) -> str:
    """In the shopper's language, as far as that is known."""
    return widget.languages.speech(_language(widget) or None).tell(said)


@harmless("visitor", "")
def _language(widget: Widget) -> str:
    return widget.offers.store.visitor().language or ""


@harmless("signal", None)
def _tell(accepted: Acceptance) -> None:
    offer_accepted.send(this_app(), acceptance=accepted)


@harmless("signal", None)
def _tell_declined(product: str, kind: str, placement: str) -> None:
    offer_declined.send(
        this_app(),
        product=product,
        kind=kind,
        placement=placement,
    )


def _again(widget: Widget, page: Page, **given: Any) -> str:
    if not widget.settings.enabled:
        return ""
    try:
        return widget.render(page, **given)
    except Exception as error:
        faults.note("render", "placement %r failed: %s: %s", page.placement, type(error).__name__, error, error=error)
        return ""


def _sorry(error: Exception) -> AnyResponse:
    """What is raised where nothing else catches it: a page that asks again, or the page that the shopper came from."""
    if isinstance(error, HTTPException):
        return Response(error.get_body(), error.code, error.get_headers())
    faults.note("edge", "%s failed: %s: %s", request.path, type(error).__name__, error, error=error)
    if request.method == "POST" and not request.headers.get("X-Upsell"):
        response = redirect(f"{request.script_root}/", 303)
        response.headers.update(PRIVATE)
        return response
    return Response(HEAD, 503 if request.path.endswith("/healthz") else 200, headers=HTML.copy())


def _html(body: str) -> Response:
    # Ready bytes and headers: werkzeug's own way to them takes three times as long. Each response has headers of its
    # own, for it does not copy what it is given, and a cookie set on one would be set on all.
    return Response([HEAD + body.encode()], headers=HTML.copy())


def _private(response: R) -> R:
    """No cache between here and the browser keeps it."""
    response.headers.update(PRIVATE)
    return response
