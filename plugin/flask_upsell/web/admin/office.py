"""What the pages of the admin share: routes with roles, forms, messages, the frame around a page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cached_property, wraps
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, get_month_names
from flask import Blueprint, Response, redirect, render_template, request, session, url_for
from markupsafe import Markup
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.urls import iri_to_uri
from werkzeug.wrappers import Response as AnyResponse

from ... import faults
from ...adapters.audit import acting
from ...core.money import format_money
from ...core.roles import Person, Role
from ...core.words import Sentence, reason, say
from ...desk import Desk
from ...errors import UpsellError
from ...jobs import Parts
from ..speech import SOURCE, Languages, Speech
from ..widget import STATIC, Widget, keep_private
from ..yamltext import Path as Steps
from .gate import ROLES, Gate, Refusal, Said

Answer = str | AnyResponse
View = Callable[..., Answer]
WORDS = Path(__file__).parents[1] / "widgets" / "locales" / "admin"
#: Pages of the menu: (endpoint, words). One that is not there is left out.
MENU = (
    ("home", say("Home")),
    ("rules", say("Rules")),
    ("seasons", say("Seasons")),
    ("suggestions", say("Suggestions")),
    ("learning", say("Learning")),
    ("products", say("Products")),
    ("simulate", say("Simulate")),
    ("publish", say("Publish")),
    ("files", say("Import and export")),
    ("audit", say("Audit")),
    ("api", say("API")),
    ("help", say("Help")),
)
#: Nothing but our own files, in no frame; pictures are the store's, wherever they are.
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https: data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; frame-src 'self'"
)
FAILED = say("That did not work just now, and nothing was changed. Please try again.")
TOO_LARGE = say("This is larger than {most} MB, so nothing was read. Split it into parts.")
LARGEST_FORM = 1024 * 1024


class Admin:
    """The admin of one instance: `page` and `act` register routes, each with the role that it takes."""

    def __init__(self, parts: Parts, widget: Widget, desk: Desk) -> None:
        self.parts, self.widget, self.desk = parts, widget, desk
        self.identifier, self.settings = parts.identifier, parts.settings
        self.gate = Gate(parts.identifier, parts.settings.keys, parts.settings.admin_user)
        self.languages = Languages(parts.settings.language, WORDS)
        self.zone = ZoneInfo(parts.settings.zone)
        self.blueprint = Blueprint(
            f"{self.identifier}-admin",
            __name__,
            url_prefix=f"{parts.settings.url_prefix}/admin",
            template_folder="../widgets/templates",
        )
        #: Endpoint -> the role that it takes; what is not in here is not let in.
        self.roles: dict[str, Role] = {}
        self.blueprint.after_request(guard)

    # --- routes ------------------------------------------------------------------------------------------------------

    def page(self, path: str, role: Role = Role.VIEWER, name: str = "") -> Callable[[View], View]:
        """A page, or a part of one, that is only looked at (GET)."""
        return self._route(path, role, name, "GET")

    def act(self, path: str, role: Role, name: str = "", largest: int = LARGEST_FORM) -> Callable[[View], View]:
        """A form that changes something (POST): of this person's own, recorded under his name, with his reason when the
        form has a field `why`. `largest`: bytes of the form with its files."""
        return self._route(path, role, name, "POST", largest)

    def _route(
        self, path: str, role: Role, name: str, method: str, largest: int = LARGEST_FORM
    ) -> Callable[[View], View]:
        def add(view: View) -> View:
            endpoint = name or view.__name__
            self.roles[endpoint] = role

            @wraps(view)
            def guarded(**given: Any) -> Answer:
                request.max_content_length = largest
                try:
                    person = self.gate.let_in(role)
                    with faults.about(self.identifier):
                        if method == "GET":
                            return view(**given)
                        self.gate.check_form()
                        with acting(person.name, request.form.get("why", "")[:500]):
                            return view(**given)
                except Refusal as refusal:
                    return self._refused(refusal)
                except RequestEntityTooLarge:
                    return self.sorry(say(TOO_LARGE.words, most=largest // 1_000_000), 413)
                except HTTPException:
                    raise
                except UpsellError as error:
                    return self.sorry(reason(error), 422)
                except Exception as error:
                    faults.note("admin", "%s failed: %s: %s", endpoint, type(error).__name__, error, error=error)
                    return self.sorry(FAILED, 500)

            self.blueprint.add_url_rule(path, endpoint, guarded, methods=[method])
            return view

        return add

    # --- answers -----------------------------------------------------------------------------------------------------

    @property
    def person(self) -> Person:
        """Who asks; only behind the gate."""
        found = self.gate.person
        if found is None:
            raise LookupError("nobody is signed in")
        return found

    @property
    def speech(self) -> Speech:
        """In the language that the person chose here, else that of his own at the store, else his browser's."""
        person, chosen = self.gate.person, session.get(self._chosen)
        if isinstance(chosen, str) and chosen in dict(self.tongues):
            return self.languages.speech(chosen)
        if person is not None and person.language:
            return self.languages.speech(person.language)
        return self.languages.speech(request.accept_languages.best_match(self.languages.names))

    @cached_property
    def tongues(self) -> list[tuple[str, str]]:
        """The languages that the admin is written in: (BCP 47, its own name)."""
        codes = [SOURCE, *sorted(path.stem for path in WORDS.glob("*.po") if path.stem != SOURCE)]
        return [(code, Locale.parse(code, sep="-").get_display_name(code) or code) for code in codes]

    def choose(self, language: str) -> None:
        """Remember it for this person's visit."""
        if language in dict(self.tongues):
            session[self._chosen] = language

    @property
    def _chosen(self) -> str:
        return f"_{self.identifier}_language"

    def show(self, template: str, status: int = 200, **values: Any) -> Response:
        """A page or a part of one: `upsell/admin/TEMPLATE.html` with `values` and all that pages share."""
        speech = self.speech
        html = render_template(
            f"upsell/admin/{template}.html",
            **values,
            admin=self,
            person=self.gate.person,
            say=speech.say,
            tell=speech.tell,
            number=speech.number,
            money=self.money,
            day=lambda day: format_date(day, "medium", locale=speech.language.replace("-", "_")),
            moment=lambda at: self.moment(at, speech),
            language=speech.language,
            direction=speech.direction,
            roles=ROLES,
        )
        return Response(html, status)

    def money(self, minor: int, currency: str) -> str:
        return format_money(minor, currency, self.speech.language)

    def moment(self, at: datetime, speech: Speech | None = None) -> Markup:
        """An instant in the store's zone, as a <time>."""
        language = (speech or self.speech).language.replace("-", "_")
        local = at.astimezone(self.zone)
        written = format_datetime(local, "medium", locale=language)
        return Markup('<time datetime="{}" title="{}">{}</time>').format(at.isoformat(), self.settings.zone, written)

    def url(self, endpoint: str, **given: Any) -> str:
        return url_for(f"{self.blueprint.name}.{endpoint}", **given)

    def has(self, endpoint: str) -> bool:
        return endpoint in self.roles

    def may(self, endpoint: str) -> bool:
        """Whether the person may open it, for links and buttons."""
        person = self.gate.person
        return endpoint in self.roles and person is not None and person.role.may(self.roles[endpoint])

    def go(self, endpoint: str, said: Sentence | str = "", tone: str = "done", **given: Any) -> AnyResponse:
        """To another page, which tells what was done."""
        if said:
            self.say(said, tone)
        return redirect(self.url(endpoint, **given), 303)

    def back(self, path: str) -> AnyResponse:
        """To a page of the admin by its path, else to the first one."""
        home = self.url("home")
        ours = path.startswith(home) and "\\" not in path and path.isprintable()
        return redirect(path if ours else home, 303)

    def say(self, said: Sentence | str, tone: str = "done") -> None:
        """Tell it at the top of the next page."""
        text = self.speech.tell(said)
        session[self._said] = [*session.get(self._said, ())[-4:], [text[:500], tone]]

    def said(self) -> list[Said]:
        """What was to be told, once."""
        return [Said(*each) for each in session.pop(self._said, ())] if self._said in session else []

    @property
    def _said(self) -> str:
        return f"_{self.identifier}_desk"

    def sorry(self, told: Sentence | str, status: int) -> Response:
        """A page, or above one of which a part was asked for, that says what was wrong. What was typed is still in the
        browser, and so is the part, which may be asked for again."""
        text = self.speech.tell(told)
        if request.headers.get("HX-Request"):
            part = self.show("sorry_part", status, told=text)
            part.headers.update({"HX-Retarget": "#said", "HX-Reswap": "innerHTML"})
            return part
        return self.show("sorry", status, told=text)

    def _refused(self, refusal: Refusal) -> Answer:
        partly = bool(request.headers.get("HX-Request"))
        if self.gate.person is None and request.method == "GET" and not partly:
            sign_in = self.settings.admin_sign_in or self.gate.sign_in
            if sign_in:
                more = "&" if "?" in sign_in else "?"
                return redirect(f"{sign_in}{more}{_next(request.full_path.rstrip('?'))}", 303)
        return self.sorry(refusal.told, refusal.status)

    # --- for templates -----------------------------------------------------------------------------------------------

    def form(self) -> Markup:
        """The hidden fields of every form."""
        field = Markup('<input type="hidden" name="csrf" value="{}">').format(self.gate.form_token())
        return field + self.widget.csrf()

    def menu(self) -> list[tuple[str, Sentence, bool]]:
        """(address, words, whether it is here)."""
        here = (request.endpoint or "").rpartition(".")[2]
        return [(self.url(name), words, here.startswith(name)) for name, words in MENU if self.may(name)]

    @property
    def here(self) -> str:
        """The page itself, to come back to: of a form that was sent, the first page."""
        return request.full_path.rstrip("?") if request.method == "GET" else self.url("home")

    @property
    def in_help(self) -> bool:
        return self._page == "help"

    @property
    def help_section(self) -> str:
        """The section of the help that is about this page."""
        return self._page if self._page in dict(MENU) or self._page == "options" else "decision"

    @property
    def _page(self) -> str:
        return (request.endpoint or "").rpartition(".")[2].partition("_")[0]

    def month(self, number: int) -> str:
        """The name of a month, short."""
        return str(get_month_names("abbreviated", "stand-alone", self.speech.language.replace("-", "_"))[number])

    def told(self, problems: Iterable[tuple[Steps, str]]) -> list[tuple[Steps, str]]:
        """What is wrong at each place, in the language of who reads it."""
        tell = self.speech.tell
        return [(path, tell(told)) for path, told in problems]

    def why(self, error: Exception) -> str:
        """What an error says, in that language too."""
        return self.speech.tell(reason(error))

    def told_pairs(self, pairs: Iterable[tuple[str, Sentence]]) -> list[tuple[str, str]]:
        """(value, words) for a choice."""
        tell = self.speech.tell
        return [(value, tell(words)) for value, words in pairs]

    def file(self, name: str) -> str:
        """The address of a file of ours, another one when the file is another one."""
        made = (STATIC / "admin" / name).stat().st_mtime_ns
        return url_for(f"{self.identifier}.static", filename=f"admin/{name}", v=f"{made:x}")


def _next(path: str) -> str:
    return "next=" + iri_to_uri(path).replace("&", "%26").replace("?", "%3F").replace("#", "%23")


def guard(response: Response) -> Response:
    """On all that comes from here: of one person, in no frame, with nothing of others in it."""
    response.headers.setdefault("Content-Security-Policy", CSP)
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "private, no-store"
    return keep_private(response)
