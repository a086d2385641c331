"""Whatever goes wrong is told as problem+json, inside our prefix and nowhere else."""

from __future__ import annotations

from typing import Any

import flask_smorest
import pytest
from flask import Flask
from flask_wtf import CSRFProtect
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import NotFound

from flask_upsell import Role, Upsell, faults
from flask_upsell.adapters.drafts import SQLDrafts
from tests.conftest import migrate
from tests.web.admin.conftest import by_header
from tests.web.api.conftest import PREFIX, Caller, MakeCaller
from tests.web.conftest import Serve
from tests.web.shop import GOODS, SessionStore, parts_of


def problem(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/problem+json"
    found: dict[str, Any] = answer.json
    assert found["status"] == status
    assert {"type", "title", "detail"} <= set(found)
    return found


def test_addresses_and_methods_that_are_none(caller: MakeCaller) -> None:
    problem(caller().get("/nowhere"), 404)
    problem(caller().get("/rules/none"), 404)
    wrong = caller().delete("/rules")
    problem(wrong, 405)
    assert wrong.headers["Allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize(
    ("body", "type", "status"),
    [
        (b"{}", "text/plain", 415),
        (b"{}", "application/x-www-form-urlencoded", 415),
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b'{"on": NaN}', "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b'"' + b"x" * 1024 * 1024 + b'"', "application/json", 413),
        (b"[]", "application/json", 422),
        (b'{"on": 1}', "application/json", 422),
        (b'{"on": true, "why": "a\\u0000b"}', "application/json", 422),
        (b'{"on": true, "x": 1}', "application/json", 422),
        (b'{"on": true, "why": ' + b"[" * 30 + b"]" * 30 + b"}", "application/json", 422),
    ],
)
def test_bodies_that_are_none(machine: MakeCaller, body: bytes, type: str, status: int) -> None:
    here = machine()
    answer = here.client.put(f"{PREFIX}/switch", data=body, content_type=type, headers=here.headers)
    problem(answer, status)
    assert here.get("/switch").json["on"] is True  # type: ignore[index]


def test_fields_are_named(caller: MakeCaller) -> None:
    found = problem(caller().post("/keys", {"role": "king", "more": 1}), 422)
    assert {each["pointer"] for each in found["errors"]} == {"/name", "/role", "/more"}
    found = problem(caller().get("/rules?limit=0"), 422)
    assert [each["parameter"] for each in found["errors"]] == ["limit"]
    found = problem(caller().post("/explain", {"cart": [{"product": "laptop", "price": "1 eur"}]}), 422)
    assert found["errors"][0]["pointer"] == "/cart/0/price"


def test_what_nobody_expected_is_told_without_what_it_says(caller: MakeCaller, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted bug that it shows: the text of any exception is the detail."""

    def locked(self: SQLDrafts) -> None:
        raise OperationalError("SELECT secret", {}, Exception("locked"))

    monkeypatch.setattr(SQLDrafts, "all", locked)
    answer = caller().get("/drafts")
    problem(answer, 500)
    assert "secret" not in answer.text
    assert faults.seen["api"] == 1


def test_answers_are_private_and_in_no_frame(caller: MakeCaller) -> None:
    for answer in (caller().get("/me"), caller("").get("/me"), caller().get("/nowhere")):
        assert "private" in answer.headers["Cache-Control"]
        assert {"Cookie", "Authorization"} <= set(answer.vary.to_header().split(", "))
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


# --- in an app of somebody else's ------------------------------------------------------------------------------------


def with_an_api(app: Flask) -> None:
    """A host's own API of flask-smorest, and its own pages for what is not there."""
    app.config.update(API_TITLE="Shop", API_VERSION="v1", OPENAPI_VERSION="3.0.2", OPENAPI_URL_PREFIX="/api")
    api = flask_smorest.Api(app)
    pets = flask_smorest.Blueprint("pets", "pets", url_prefix="/pets")

    @pets.route("/")
    @pets.response(200)
    def every() -> list[str]:
        return ["cat"]

    api.register_blueprint(pets)


def test_a_host_with_an_api_and_error_pages_of_its_own_is_as_it_was(serve: Serve) -> None:
    """Planted bug that it shows: flask-smorest's handler of all errors is registered."""
    app = serve(SessionStore(GOODS), UPSELL_ADMIN_USER=by_header)
    commands = set(app.cli.commands)
    with_an_api(app)

    def page(error: NotFound) -> tuple[str, int]:
        return "<h1>We looked everywhere</h1>", 404

    app.register_error_handler(404, page)
    client = app.test_client()
    for path in ("/nowhere", "/upsell/nowhere", "/upsell/apiary", "/upsell/admin/nowhere"):
        answer = client.get(path)
        assert (answer.status_code, answer.text) == (404, "<h1>We looked everywhere</h1>"), path
    assert client.get("/pets/").json == ["cat"]
    document = client.get("/api/openapi.json").json
    assert document is not None
    assert list(document["paths"]) == ["/pets/"]
    problem(Caller(app).get("/nowhere"), 404)
    problem(Caller(app).get("/rules/none"), 404)
    assert Caller(app).get("/openapi.json").json["info"]["title"] == "Flask-Upsell"  # type: ignore[index]
    assert "openapi" not in commands


def test_without_handlers_of_its_own_the_host_answers_as_flask_does(app: Flask) -> None:
    answer = app.test_client().get("/nowhere")
    assert (answer.status_code, answer.mimetype) == (404, "text/html")


def test_two_instances_have_an_api_each(serve: Serve) -> None:
    app = serve(SessionStore(GOODS), UPSELL_ADMIN_USER=by_header)
    Upsell(app, store=SessionStore(GOODS), name="b2b")
    migrate(parts_of(app, "upsell_b2b").offers.ledger.engine)  # type: ignore[attr-defined]
    client, headers = app.test_client(), {"X-Person": "ada:owner"}
    for prefix in ("/upsell", "/upsell-b2b"):
        document = client.get(f"{prefix}/api/v1/openapi.json", headers=headers).json
        assert document is not None
        assert all(path.startswith(f"{prefix}/api/v1/") for path in document["paths"])
        assert client.get(f"{prefix}/admin/api", headers=headers).status_code == 200


def test_beside_flask_wtf_the_api_is_exempt_by_name(serve: Serve) -> None:
    """As plugin/README.md says: machines have no form of the host's, and persons have ours."""
    app = serve(SessionStore(GOODS), UPSELL_ADMIN_USER=by_header)
    protect = CSRFProtect(app)  # type: ignore[no-untyped-call]
    _, key = parts_of(app).desk.machines.make("till", Role.APPROVER)
    assert Caller(app, key=key).put("/switch", {"on": False}).status_code == 400
    protect.exempt(app.blueprints["upsell-api"])  # type: ignore[no-untyped-call]
    assert Caller(app, key=key).put("/switch", {"on": False}).status_code == 200
