"""Where a mail's unsubscribe link leads: a page that asks (GET), and the answer (POST) of a person or a mail program.

The token in the address is all that is needed: RFC 8058's one click comes without cookie, origin or session.
"""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, Response, current_app, render_template, request

from .. import faults
from ..core.followup import Diary
from ..errors import TokenError
from .edge import Edge, harmless
from .mail import Leaving
from .speech import Languages, Speech
from .tokens import Tokens

#: The address holds the token: it is told to no other site, and to no search engine.
HEADERS = {"Referrer-Policy": "same-origin", "X-Robots-Tag": "noindex"}


def add_unsubscribe(shop: Blueprint, diary: Diary, tokens: Tokens, languages: Languages, edge: Edge) -> None:
    """Add the route to the blueprint of an instance. It works whether mails are sent or not: old ones lead there."""

    @shop.route("/unsubscribe", methods=["GET", "POST"])
    def unsubscribe() -> Response:
        try:
            leaving = tokens.read("unsubscribe", "", request.args.get("token", ""), Leaving)
        except TokenError as error:
            faults.note("token", "%s refused: %s", request.path, error)
            speech = languages.speech(None)
            told = speech.plain("This link does not work. Please take the whole link from the mail.")
            return _page(speech, "sorry", told, 400)
        speech = languages.speech(leaving.language or None)
        if request.method != "POST":
            return _page(
                speech, "ask", speech.plain("Press the button to get no more mails about what goes with your orders.")
            )
        try:
            with edge.patience():
                diary.leave(leaving.customer, datetime.now(UTC))
        except Exception as error:
            faults.note("unsubscribe", "somebody could not unsubscribe: %s", error, error=error)
            return _page(speech, "sorry", speech.plain("That did not work just now. Please try again later."), 503)
        told = speech.plain("Done. You will get no more mails about what goes with your orders.")
        return _page(speech, "done", told)

    mine, view = f"{shop.name}.unsubscribe", f"{unsubscribe.__module__}.{unsubscribe.__name__}"

    @shop.url_value_preprocessor
    @harmless("csrf", None)
    def let_in(endpoint: str | None, values: object) -> None:
        """Before Flask-WTF looks for a token of its own, which no mail program has. It may be set up after us."""
        if endpoint == mine and request.method == "POST":
            exempt = getattr(current_app.extensions.get("csrf"), "exempt", None)
            if exempt is not None:
                exempt(view)


def _page(speech: Speech, state: str, told: str, status: int = 200) -> Response:
    given = {"state": state, "told": told, "language": speech.language, "direction": speech.direction}
    try:
        body, mimetype = render_template("upsell/unsubscribe.html", **given, say=speech.say), "text/html"
    except Exception as error:  # in a template of the store's: what was done is told all the same
        faults.note("render", "the page to unsubscribe: %s: %s", type(error).__name__, error, error=error)
        body, mimetype = told + "\n", "text/plain"
    return Response(body, status, HEADERS, mimetype=mimetype)
