"""openapi.json: what there is, as OpenAPI 3.1."""

from __future__ import annotations

from typing import Any

import msgspec
from flask import Response

from ...core.roles import Role
from .counter import Counter


def add(counter: Counter) -> None:
    @counter.operation("GET", "/openapi.json", Role.VIEWER, "document")
    def openapi() -> Any:
        """This document"""
        return Response(msgspec.json.encode(document(counter)), content_type="application/json")


def document(counter: Counter) -> dict[str, Any]:
    """The document of an instance's API; names of operations are those of the views."""
    found: dict[str, Any] = counter.api.spec.to_dict()
    return found
