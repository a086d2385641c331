"""The shopper's routes: a placement again (GET), accept, decline, undo (POST), static files, health."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, redirect, request
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from .. import faults
from ..core.ports import Acceptance, Rates
from ..core.words import Sentence, say
from ..errors import BadInput, TokenError
from ..jobs import this_app
from ..signals import offer_accepted, offer_declined
from ..till import DECLINED, Outcome, Wanted
from .edge import harmless
from .health import health, may_read
from .memory import Memory
from .metrics import add_metrics, refused
from .origin import from_here
from .rates import TOO_MANY, Pace, too_many
from .schemas import read_accept
from .shown import Asking, Page, Shown
from .spans import mark, span
from .view import Notice
from .widget import PLACEMENT, UNSAFE, Widget, keep_private, root

LARGEST_BODY = 64 * 1024
#: How many products of an address or a page are looked at.
MOST_PRODUCTS = 20
#: On all that comes from here. In no frame: a click there is not one that a shopper knows of. (A store that answers
#: with a policy of its own may say otherwise by `frame-ancestors`, which browsers believe first.)
GUARDED = {"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff"}
HTML = Headers(
    {
        "Content-Type": "text/html; charset=utf-8",
        "Cache-Control": "private, no-store",
        "Vary": "Cookie",
        **GUARDED,
    }
)
HEAD = b"<!doctype html><meta charset=utf-8><title>Suggestions</title>"
SORRY = say("That did not work just now. Your cart is as it was.")
OLD = say("This suggestion was too old, so nothing was changed. Here it is again as it is now.")
FOREIGN = say("This suggestion was not made for this cart, so nothing was changed.")
NOT_AGREED = say("Please agree to the recurring payment.")


def blueprint(identifier: str, widget: Widget, parts: Any, rates: Rates) -> Blueprint:
    """The routes of one instance. `parts` is what health looks at."""
    pace = Pace(widget.settings, rates)
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
        if wait := pace.of_readings():
            return too_many(wait)
        if not request.query_string:
            return _html(_again(widget, Page(placement)))
        products = request.args.getlist("product") or None
        elsewhere = frozenset(request.args.getlist("not")[:MOST_PRODUCTS])
        return _html(_again(widget, Page(placement, products), elsewhere=elsewhere))

    @shop.post("/accept")
    def accept() -> AnyResponse:
        with widget.edge.budget():
            return _answer(widget, pace, _accept, "offer")

    @shop.post("/decline")
    def decline() -> AnyResponse:
        with widget.edge.budget():
            return _answer(widget, pace, _decline, "offer")

    @shop.post("/answer")
    def answer() -> AnyResponse:
        with widget.edge.budget():
            return _answer(widget, pace, _answered, "answer")

    @shop.post("/undo")
    def undo() -> AnyResponse:
        with widget.edge.budget():
            return _answer(widget, pace, _undo, "undo")

    @shop.get("/healthz")
    def healthz() -> Response:
        if not may_read(widget.settings):
            return refused()
        with widget.edge.patience():
            report = health(parts)
        response = jsonify(report)
        response.status_code = 200 if report["ok"] else 503
        return response

    @shop.after_request
    def guard(response: Response) -> Response:
        if isinstance(response, Ready):
            return response
        for name, value in GUARDED.items():
            response.headers.setdefault(name, value)
        return response if request.endpoint == f"{identifier}.static" else keep_private(response)

    if widget.meter is not None:
        add_metrics(shop, widget.meter, parts, lambda: may_read(widget.settings), widget.edge)
    return shop


@harmless("visitor", "")
def _visitor_key(widget: Widget) -> str:
    return widget.offers.store.visitor().key


def _answer(widget: Widget, pace: Pace, act: Any, purpose: str) -> AnyResponse:
    """Read the token, act, and answer: the placement again for our script, a redirect for a plain form."""
    with faults.about(widget.identifier):
        return _answered_with(widget, pace, act, purpose)


def _answered_with(widget: Widget, pace: Pace, act: Any, purpose: str) -> AnyResponse:
    request.max_content_length = LARGEST_BODY
    if not widget.settings.enabled:
        return redirect(_back(widget, Page("cart")), 303)
    visitor = _visitor_key(widget)
    if not from_here(anonymous=not visitor):
        return Response("This request came from another site.\n", 403, mimetype="text/plain")
    page, notice = Page("cart"), None
    fresh = {}
    try:
        # Granting fails closed: what may change a cart is counted even while Redis is away.
        if wait := pace.of_clicks(visitor, surely=act is _accept):
            return _wait(widget, purpose, wait)
        said, page = _read(widget, purpose)
        outcome, notice = act(widget, said)
        if outcome.live is not None:
            fresh = {outcome.live.ref: outcome.live}
            widget.offers.queue.enqueue("amend", outcome.live.ref)
    except TokenError as error:
        faults.note("token", "%s refused: %s", request.path, error)
        page, way_back = _stood(widget, purpose)
        # Too old is one that was made here and for this visitor, so the way back may be shown again too.
        undo = widget.undo_token(visitor, way_back, page) if error.expired and way_back else ""
        notice = Notice(_told(widget, OLD if error.expired else FOREIGN), "sorry", undo)
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
    return redirect(_back(widget, page), 303)


def _read(widget: Widget, purpose: str) -> tuple[Any, Page]:
    """What the token of the form says: what `act` is given, and the page on which the form stood. Raises TokenError."""
    visitor, token = widget.offers.store.visitor().key, request.form.get("token", "")
    if purpose == "answer":
        asking = widget.tokens.read(purpose, visitor, token, Asking)
        faults.decided("", asking.page.placement)
        return asking, asking.page
    if purpose == "undo":
        way_back = widget.tokens.read(purpose, visitor, token, tuple[str, Page])
        faults.decided("", way_back[1].placement)
        return way_back, way_back[1]
    token, _, number = token.partition("~")
    shown = widget.tokens.read(purpose, visitor, token, Shown)
    faults.decided(shown.decision, shown.page.placement)
    if number not in map(str, range(len(shown.wanted))):
        raise TokenError("this token says not which offer is meant")
    return (shown.wanted[int(number)], shown.page), shown.page


def _stood(widget: Widget, purpose: str) -> tuple[Page, str]:
    """Where the form of a token that is no good stood, else the cart's; and the acceptance that it would undo.

    Nobody vouches for the page. It only says which placement is shown again, as anybody may ask for it, and where in
    this store the shopper goes back to.
    """
    token = request.form.get("token", "").partition("~")[0]
    page, way_back = Page("cart"), ""
    if purpose == "undo":
        way_back, page = widget.tokens.peek(token, tuple[str, Page]) or (way_back, page)
    elif purpose == "answer":
        page = getattr(widget.tokens.peek(token, Asking), "page", page)
    else:
        page = getattr(widget.tokens.peek(token, Shown), "page", page)
    known = PLACEMENT.match(page.placement) and len(page.products or ()) <= MOST_PRODUCTS
    return page if known else Page("cart"), way_back


def _wait(widget: Widget, purpose: str, seconds: int) -> Response:
    """One click too many. The sentence is in the slot when the browser is back on its page."""
    page, _ = _stood(widget, purpose)
    text = _told(widget, TOO_MANY)
    if not request.headers.get("X-Upsell"):
        Memory(widget.identifier).say(page.placement, Notice(text, "sorry"))
    return too_many(seconds, text, _back(widget, page))


@harmless("back", "/")
def _back(widget: Widget, page: Page) -> str:
    """The page on which the form stood, as its token says; else the store's page of that placement."""
    own = page.back if page.back.startswith("/") else ""
    urls = {} if own else widget.offers.store.urls()
    back = own or urls.get(page.placement) or urls.get("cart") or "/"
    return "/" if UNSAFE.search(back) or back.startswith("//") else back


def _accept(widget: Widget, said: tuple[Wanted, Page]) -> tuple[Outcome, Notice]:
    wanted, page = said
    form = read_accept(request.form)
    with span("upsell.accept", widget.identifier, placement=wanted.placement, kind=str(wanted.kind)) as here:
        if wanted.months and not form.agreed:
            outcome = Outcome("refused", NOT_AGREED)
        else:
            outcome = widget.offers.accept(wanted, form.key, form.variant, form.ticked if wanted.pieces else None)
        mark(here, outcome=outcome.status)
    text = _told(widget, outcome.said)
    if outcome.status != "done" or outcome.acceptance is None:
        return outcome, Notice(text, "sorry")
    accepted = outcome.acceptance
    if not outcome.repeated:
        # A repeated answer may come from a click that knew no session yet: it must not replace the first one's.
        Memory(widget.identifier).accept(accepted.id, text, accepted.line, accepted.product, accepted.placement)
        _acted(widget, wanted, "accepted")
        _tell(accepted)
    return outcome, Notice(text, "done", widget.undo_token(widget.offers.store.visitor().key, accepted.id, page))


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
    _acted(widget, wanted, "declined")
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
    undone = outcome.status == "undone"
    if undone and widget.meter is not None:
        widget.meter.acted(said[1].placement, "undone")
    return outcome, Notice(_told(widget, outcome.said), "done" if undone else "sorry")


@harmless("metrics", None)
def _acted(widget: Widget, wanted: Wanted, action: str) -> None:
    faults.log.info("%s: %s %s", action, wanted.kind, wanted.product, extra={"upsell_reason": action})
    if widget.meter is not None:
        widget.meter.acted(wanted.placement, action)


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
    with faults.about(widget.identifier, page.placement):
        return widget.again(page, **given)


def _sorry(error: Exception) -> AnyResponse:
    """What is raised where nothing else catches it: a page that asks again, or the page that the shopper came from."""
    if isinstance(error, HTTPException):
        return Response(error.get_body(), error.code, error.get_headers())
    faults.note("edge", "%s failed: %s: %s", request.path, type(error).__name__, error, error=error)
    if request.method == "POST" and not request.headers.get("X-Upsell"):
        return redirect(f"{root()}/", 303)
    return Response(HEAD, 503 if request.path.endswith("/healthz") else 200, headers=HTML.copy())


class Ready(Response):
    """Has all its headers already."""


def _html(body: str) -> Response:
    # Ready bytes and headers: werkzeug's own way to them takes three times as long. Each response has headers of its
    # own, for it does not copy what it is given, and a cookie set on one would be set on all.
    return Ready([HEAD + body.encode()], headers=HTML.copy())
