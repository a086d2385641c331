"""flask-smorest in an app of somebody else's: it keeps to our prefix, and the host's own pages and commands stay as
they are."""

from __future__ import annotations

import threading
from typing import Any

import flask_smorest
from flask import Flask
from flask_smorest.utils import prepare_response
from marshmallow import Schema, fields
from werkzeug.http import HTTP_STATUS_CODES

from .fields import Reader
from .problems import MEDIA

#: What goes wrong here.
PROBLEMS = (400, 401, 403, 404, 409, 412, 413, 415, 422, 428, 429, 503)


def response_name(status: int) -> str:
    """What the document calls an answer without a body of its own."""
    return f"Problem{status}" if status >= 400 else "NotModified"


class Wrong(Schema):
    """One thing that is wrong: `pointer` into the body (RFC 6901), `parameter` of the query, or a `field` by name."""

    detail = fields.String(required=True)
    pointer = fields.String()
    parameter = fields.String()
    field = fields.String()


class Risk(Schema):
    """Why it takes a second person."""

    code = fields.String(required=True)
    rule = fields.String(required=True)
    detail = fields.String(required=True)


class ProblemDetails(Schema):
    """RFC 9457. `current` is how the thing is now, where somebody else was faster."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    errors = fields.List(fields.Nested(Wrong))
    risks = fields.List(fields.Nested(Risk))
    current = fields.Dict()


class OurApi(flask_smorest.Api):  # type: ignore[misc]
    """Without what flask-smorest does to the whole app: its handler would answer the host's 404 in JSON, and its group
    of commands would take the name `openapi`."""

    ERROR_SCHEMA = ProblemDetails
    DEFAULT_ERROR_RESPONSE_NAME = None

    def __init__(self, app: Flask, prefix: str, **spec: Any) -> None:
        before = app.cli.commands.get("openapi")
        self._untold: list[Blueprint] = []
        self._telling = threading.Lock()
        super().__init__(app, spec_kwargs=spec, config_prefix=prefix)
        app.cli.commands.pop("openapi", None)
        if before is not None:
            app.cli.add_command(before)

    def register_blueprint(self, blueprint: Blueprint) -> None:
        """Its routes. To say of each what it takes and answers takes ten times as long, so that waits for a reader."""
        self._app.extensions["flask-smorest"]["blp_name_to_api"][blueprint.name] = self
        self._app.register_blueprint(blueprint)
        self._untold.append(blueprint)

    def document(self) -> dict[str, Any]:
        """All that is registered, as OpenAPI, with what our schemas say of themselves."""
        with self._telling:
            while self._untold:
                blueprint = self._untold.pop()
                blueprint.register_views_in_doc(self, self._app, self.spec, name=blueprint.name, parameters=None)
                self.spec.tag({"name": blueprint.name, "description": blueprint.description})
            for key, name in self.ma_plugin.converter.refs.items():
                if said := key[0].__dict__.get("__doc__"):
                    self.spec.components.schemas[name]["description"] = " ".join(said.split())
            found: dict[str, Any] = self.spec.to_dict()
        return found

    def _register_error_handlers(self) -> None:
        """None: the blueprint answers for itself."""

    def _register_etag_headers(self) -> None:
        """None: operations name their own."""

    def _register_pagination_header(self) -> None:
        """None either."""

    def _register_responses(self) -> None:
        for status in (304, *PROBLEMS):
            response: dict[str, Any] = {"description": HTTP_STATUS_CODES[status]}
            if status >= 400:
                response["schema"] = ProblemDetails
                prepare_response(response, self.spec, MEDIA)
            self.spec.components.response(response_name(status), response, lazy=True)


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc]
    """Reads what is sent as we do."""

    ARGUMENTS_PARSER = Reader()
