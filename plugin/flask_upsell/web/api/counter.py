"""What all operations of the API share: who may, what is asked twice, what is answered."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from hashlib import blake2b
from typing import Any

import msgspec
from flask import Flask, Response, g, request
from marshmallow import Schema
from werkzeug.exceptions import NotFound
from werkzeug.routing import RequestRedirect

from ... import faults
from ...adapters.api_requests import Answered, SQLRequests, Taken
from ...adapters.audit import acting
from ...core.roles import Person, Role
from ...desk.machines import ACTS_AS
from ...jobs import Parts
from ..admin.gate import Gate
from ..rates import Pace
from ..widget import keep_private
from .fields import LONGEST_KEY, check_text
from .paging import Paged
from .problems import FAILED, Problem, problem_of
from .spec import Blueprint, OurApi, response_name

View = Callable[..., Any]
LARGEST = 1024 * 1024
NO_KEY = "This key opens nothing here: it is none, or was revoked."
NOBODY = "Send a machine's key (Authorization: Bearer upk_...), or sign in to the store as somebody who works here."
UNTIL = "The draft or other thing that you change must be named as you know it: send If-Match with its ETag."
KEY_HEADER = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[!-~]+$"},
    "description": "Sent again with the same key, the request is not done again but answered the same, for 72 hours.",
}
MATCH_HEADER = {
    "in": "header",
    "name": "If-Match",
    "required": False,
    "schema": {"type": "string"},
    "description": "The ETag of what you change, as you know it.",
}
ETAG = {"ETag": {"schema": {"type": "string"}, "description": "Changes when the answer does."}}
LOCATION = {"Location": {"schema": {"type": "string"}, "description": "Where it is."}}
LINK = {"Link": {"schema": {"type": "string"}, "description": 'The next page: <...>; rel="next".'}}


class Counter:
    """The API of one instance: `operation` registers an address with the role that it takes."""

    def __init__(self, app: Flask, parts: Parts) -> None:
        settings = parts.settings
        self.parts, self.desk, self.identifier = parts, parts.desk, parts.identifier
        self.gate = Gate(parts.identifier, settings.keys, settings.admin_user)
        self.pace = Pace(settings, parts.rates)
        self.requests = SQLRequests(parts.desk.engine, parts.identifier)
        self.prefix = f"{settings.url_prefix}/api/v1"
        self.blueprint = Blueprint(f"{parts.identifier}-api", __name__, url_prefix=self.prefix)
        self.blueprint.before_app_request(self._unrouted)
        self.blueprint.after_request(_guard)
        #: Endpoint -> the role that it takes; what is not in here is not let in.
        self.roles: dict[str, Role] = {}
        self.api = OurApi(
            app,
            spec_prefix(parts.identifier),
            title="Flask-Upsell",
            version="1",
            openapi_version="3.1.0",
            info={"description": DESCRIPTION},
            servers=[{"url": "/"}],
            security=[{"key": []}, {"person": [], "form": []}],
        )
        scheme = self.api.spec.components.security_scheme
        scheme("key", {"type": "http", "scheme": "bearer", "description": "A machine's key, upk_..."})
        cookie = str(app.config.get("SESSION_COOKIE_NAME", "session"))
        scheme("person", {"type": "apiKey", "in": "cookie", "name": cookie, "description": "Who is signed in."})
        scheme("form", {"type": "apiKey", "in": "header", "name": "X-Upsell-CSRF", "description": "`form` of GET /me."})

    @property
    def person(self) -> Person:
        """Who asks."""
        found: Person = g.get(f"_{self.identifier}_asks")
        return found

    @property
    def by_machine(self) -> bool:
        return self.person.name.startswith(ACTS_AS)

    # --- operations --------------------------------------------------------------------------------------------------

    def operation(
        self,
        method: str,
        path: str,
        role: Role,
        tag: str,
        *,
        answer: type[Schema] | None = None,
        status: int = 200,
        query: type[Schema] | None = None,
        body: type[Schema] | None = None,
        may: tuple[int, ...] = (),
        also: tuple[int, ...] = (),
        match: bool = False,
        persons: bool = False,
        untold: str = "",
        largest: int = LARGEST,
    ) -> Callable[[View], View]:
        """The view gets `query` and `body`, as far as there are any, then what is in the path; returns what `answer`
        writes, or that with a status and headers.

        `may`: statuses of problems that are its own; `also`: other good ones. `match`: it wants If-Match. `persons`: no
        machine may. `untold`: a member of the answer that is not kept for those who ask again. `largest`: bytes of a
        body.
        """
        once = method == "POST"

        def add(view: View) -> View:
            blueprint, made = self.blueprint, view
            headers = {**ETAG} if method == "GET" or match else {}
            headers |= LINK if query is not None and issubclass(query, Paged) else {}
            headers |= LOCATION if status in (201, 202) else {}
            for good in also:
                made = blueprint.alt_response(good, schema=answer, headers=headers or None, success=True)(made)
            made = blueprint.response(status, answer, headers=headers or None)(made)
            if body is not None:
                made = blueprint.arguments(body, location="json")(made)
            if query is not None:
                made = blueprint.arguments(query, location="query")(made)
            wrong = {401, 403, 429, *may}
            wrong |= {404} if "<" in path else set()
            wrong |= {400, 413, 415, 422} if body is not None else set()
            wrong |= {422} if query is not None or once or "<" in path else set()
            wrong |= {409} if once else set()
            wrong |= {412, 428} if match else set()
            wrong |= {503} if method != "GET" else set()
            told = made._apidoc
            for each in sorted(wrong | ({304} if method == "GET" else set())):
                told["response"]["responses"][each] = [response_name(each)]
            noted = [KEY_HEADER] * once + [MATCH_HEADER] * match
            told["manual_doc"] = {"operationId": view.__name__, "x-role": role.value, "x-persons-only": persons}
            told.setdefault("arguments", {}).setdefault("parameters", []).extend(noted)

            @wraps(made)
            def guarded(**given: Any) -> Any:
                request.max_content_length = largest
                with faults.about(self.identifier):
                    try:
                        return self._served(made, given, role, persons=persons, once=once, untold=untold)
                    except Exception as error:
                        return self._sorry(error, view.__name__)

            self.roles[view.__name__] = role
            blueprint.route(path, methods=[method], tags=[tag])(guarded)
            return view

        return add

    def _served(
        self, made: View, given: dict[str, Any], role: Role, *, persons: bool, once: bool, untold: str
    ) -> Response:
        self._let_in(role, persons=persons)
        for each in (*given.values(), *request.args.keys(), *request.args.values()):
            check_text(str(each))
        with acting(self.person.name, _why()):
            if once and "Idempotency-Key" in request.headers:
                return self._once(made, given, request.headers["Idempotency-Key"], untold)
            return _conditional(made(**given))

    def _sorry(self, error: Exception, what: str) -> Response:
        problem = problem_of(error)
        if problem is None or problem.status == 500:
            faults.note("api", "%s failed: %s: %s", what, type(error).__name__, error, error=error)
            problem = Problem(500, FAILED)
        return problem.answer()

    def _unrouted(self) -> Response | None:
        """What no operation of ours has the address or method of, below our prefix; the rest is the host's."""
        error = request.routing_exception
        if error is None or isinstance(error, RequestRedirect) or not request.path.startswith(self.prefix + "/"):
            return None
        if isinstance(error, NotFound):
            error = NotFound("Nothing is at this address; openapi.json says what there is.")
        problem = problem_of(error)
        return _guard(problem.answer()) if problem is not None else None

    # --- who ---------------------------------------------------------------------------------------------------------

    def _let_in(self, needed: Role, *, persons: bool) -> None:
        given = request.headers.get("Authorization", "")
        # A browser may send what opens the whole site to it (Basic) along: that is no key.
        machine = given.lower().startswith("bearer ")
        if machine:
            person = self._machine(given[7:].strip())
        else:
            asked = self.gate.person
            if asked is None:
                raise Problem(401, NOBODY, headers={"WWW-Authenticate": 'Bearer realm="Flask-Upsell"'})
            person = asked
        setattr(g, f"_{self.identifier}_asks", person)
        if persons and machine:
            raise Problem(403, "Only a person may do this, signed in to the store.")
        if not person.role.may(needed):
            raise Problem(403, f"The role {person.role} may not do this: it takes the role {needed}.", kind="role")
        if not machine and request.method not in ("GET", "HEAD"):
            self.gate.check(request.headers.get("X-Upsell-CSRF", ""))

    def _machine(self, key: str) -> Person:
        found = self.desk.machines.of(key)
        if found is not None:
            return Person(ACTS_AS + found.name, found.role)
        wait = self.pace.of_keys(key)
        if wait:
            raise Problem(429, "Too many wrong keys. Please wait a moment.", headers={"Retry-After": str(wait)})
        raise Problem(401, NO_KEY, headers={"WWW-Authenticate": 'Bearer realm="Flask-Upsell", error="invalid_token"'})

    # --- once --------------------------------------------------------------------------------------------------------

    def _once(self, made: View, given: dict[str, Any], key: str, untold: str) -> Response:
        if not key.isascii() or not key.isprintable() or " " in key or not 0 < len(key) <= LONGEST_KEY:
            wrong = {"parameter": "Idempotency-Key", "detail": f"is 1 to {LONGEST_KEY} letters, digits and signs"}
            raise Problem(422, "The header Idempotency-Key cannot be used.", kind="invalid", errors=[wrong])
        asked = blake2b(request.get_data(), digest_size=32, key=b"upsell.once")
        asked.update(f"{request.method} {request.full_path}".encode())
        who = self.person.name[:100]
        before = self.requests.begin(who, key, asked.hexdigest(), self.parts.offers.clock())
        if before is Taken.BUSY:
            raise Problem(409, "The same request is under way.", kind="busy", headers={"Retry-After": "1"})
        if before is Taken.OTHER:
            raise Problem(422, "Another request was sent with this Idempotency-Key.", kind="key-reused")
        if isinstance(before, Answered):
            return _again(before)
        try:
            answer: Response = made(**given)
        except BaseException:
            self.requests.drop(who, key)
            raise
        body = answer.get_data(as_text=True)
        if untold:
            body = msgspec.json.encode({**msgspec.json.decode(body), untold: None}).decode()
        location, etag = answer.headers.get("Location", ""), answer.headers.get("ETag", "")
        self.requests.end(who, key, Answered(answer.status_code, body, location, etag))
        return answer

    # --- what is known -----------------------------------------------------------------------------------------------

    def matches(self, etag: str, current: dict[str, Any] | None = None) -> None:
        """Whether the sender knows the thing as it is. Raises Problem: 428 when he does not say, 412 when not."""
        if "If-Match" not in request.headers:
            raise Problem(428, UNTIL)
        if not request.if_match.contains(etag):
            more: dict[str, Any] = {"current": current} if current is not None else {}
            raise Problem(
                412,
                "Somebody else has changed it meanwhile; look at how it is now.",
                kind="stale",
                headers={"ETag": quoted(etag)},
                **more,
            )


def _why() -> str:
    """The reason that was given. Headers are bytes, which WSGI hands on as Latin-1; UTF-8 is meant where it can be."""
    given = request.headers.get("X-Upsell-Why", "")[:1000]
    try:
        return given.encode("latin-1").decode()[:500]
    except UnicodeError:
        return given[:500]


def spec_prefix(identifier: str) -> str:
    """What flask-smorest calls the API of an instance: no setting of the host's or of ours begins so."""
    return f"_{identifier}_rest_".upper()


def quoted(etag: str) -> str:
    return f'"{etag}"'


def missing(what: str) -> Problem:
    return Problem(404, f"There is no {what} of this name.")


def _conditional(answer: Response) -> Response:
    """With an ETag of its own, and 304 where the sender has it already."""
    if request.method not in ("GET", "HEAD") or answer.status_code != 200:
        return answer
    if "ETag" not in answer.headers:
        answer.set_etag(blake2b(answer.get_data(), digest_size=12).hexdigest())
    etag = answer.get_etag()[0]
    if etag and request.if_none_match.contains_weak(etag):
        same = Response(status=304)
        same.set_etag(etag)
        return same
    return answer


def _again(before: Answered) -> Response:
    answer = Response(before.body, before.status, content_type="application/json")
    answer.headers["Idempotent-Replayed"] = "true"
    for name, value in (("Location", before.location), ("ETag", before.etag)):
        if value:
            answer.headers[name] = value
    return answer


def _guard(answer: Response) -> Response:
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.vary.add("Authorization")
    return keep_private(answer)


DESCRIPTION = """\
What the pages of the admin do, for machines. Errors are application/problem+json (RFC 9457). Lists come by pages: a
limit, a cursor, and a Link to the next page. Money is in minor units of its currency, times are UTC. What is
changed is a row of the audit, with the reason that the header X-Upsell-Why gives."""
