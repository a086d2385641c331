"""What went wrong, as application/problem+json (RFC 9457)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from flask import Response
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.http import HTTP_STATUS_CODES

from ...errors import (
    BadInput,
    BookError,
    LearnError,
    RiskError,
    RuleError,
    RuleFileError,
    StaleError,
    UpsellError,
)
from ..admin.gate import Refusal
from ..yamltext import Path

MEDIA = "application/problem+json"
#: What is special about a problem, beside its status.
KINDS = "urn:flask-upsell:"
FAILED = "That did not work just now, and nothing was changed. Please try again."


class Problem(Exception):
    """`detail` is a sentence for people. `errors`: what is wrong at which field. `more`: other members."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        kind: str = "",
        errors: Sequence[dict[str, str]] = (),
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.kind, self.errors = status, detail, kind, errors
        self.headers, self.more = headers or {}, more

    def answer(self) -> Response:
        body: dict[str, Any] = {
            "type": KINDS + self.kind if self.kind else "about:blank",
            "title": HTTP_STATUS_CODES[self.status],
            "status": self.status,
            "detail": self.detail,
            **({"errors": list(self.errors)} if self.errors else {}),
            **self.more,
        }
        return Response(msgspec.json.encode(body, enc_hook=str), self.status, self.headers, content_type=MEDIA)


def invalid(problems: Iterable[tuple[Path, str]], under: Path = (), *, query: bool = False) -> Problem:
    """422: each problem with where it is, as a JSON pointer into the body, or the name of a parameter."""
    found = []
    for path, sentence in problems:
        steps = (*under, *path)
        if query:
            found.append({"parameter": str(steps[0]) if steps else "", "detail": sentence})
        else:
            found.append({"pointer": pointer(steps), "detail": sentence})
    where = "the query" if query else "the body"
    told = f"{len(found)} things in {where} are wrong." if len(found) > 1 else f"Something in {where} is wrong."
    return Problem(422, told, kind="invalid", errors=found)


def pointer(path: Path) -> str:
    """RFC 6901: ("offer", "products", 0) -> "/offer/products/0"."""
    return "".join(["/" + str(step).replace("~", "~0").replace("/", "~1") for step in path])


def problem_of(error: Exception) -> Problem | None:
    """What an error is to whoever asked; None for one that nobody expected."""
    match error:
        case Problem():
            return error
        case Refusal():
            return Problem(error.status, str(error.told), kind="form" if error.again else "")
        case MethodNotAllowed():
            allowed = ", ".join(sorted(error.valid_methods or ()))
            return Problem(405, f"This address takes only: {allowed}.", headers={"Allow": allowed})
        case HTTPException():
            return Problem(error.code or 500, error.description or "")
        case StaleError():
            return Problem(409, str(error), kind="stale")
        case RiskError():
            risks = [{"code": each.code, "rule": each.rule, "detail": str(each.sentence)} for each in error.risks]  # type: ignore[attr-defined]
            return Problem(409, str(error), kind="risk", risks=risks)
        case BadInput():
            return Problem(422, str(error), kind="invalid", errors=[{"field": error.field, "detail": str(error)}])
        case RuleError(stale=True):
            return Problem(409, str(error), kind="stale")
        case RuleError() | LearnError():
            return Problem(422, str(error), kind="invalid")
        case RuleFileError():
            return Problem(422, str(error), kind="invalid", errors=[{"detail": each} for each in error.problems])
        case BookError():
            told = f"It is kept, but not live yet: {error}."
            return Problem(503, told, kind="not-live", headers={"Retry-After": "5"})
        case UpsellError():
            return Problem(422, str(error))
        case _:
            return None
