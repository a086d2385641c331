"""openapi.json: what there is, as OpenAPI 3.1; and the same as rows for a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from flask import Flask, Response

from ...core.roles import Role
from .counter import Counter, spec_prefix


class Row(msgspec.Struct, frozen=True):
    """An operation as people read it. Of parameters: (name, where, type, sentence); `body` and `answer` are names of
    schemas, "" for none."""

    name: str
    method: str
    path: str
    summary: str
    role: str
    persons: bool
    parameters: tuple[tuple[str, str, str, str], ...]
    body: str
    answer: str
    statuses: tuple[str, ...]


class Shape(msgspec.Struct, frozen=True):
    """A schema as people read it: its members as (name, type, whether it must be there)."""

    name: str
    sentence: str
    members: tuple[tuple[str, str, bool], ...]


def add(counter: Counter) -> None:
    @counter.operation("GET", "/openapi.json", Role.VIEWER, "document")
    def openapi() -> Any:
        """This document"""
        return Response(msgspec.json.encode(counter.api.document()), content_type="application/json")


def document(app: Flask, identifier: str) -> dict[str, Any]:
    """The document of an instance's API."""
    found: dict[str, Any] = app.extensions["flask-smorest"]["apis"][spec_prefix(identifier)]["ext_obj"].document()
    return found


def operations(given: Mapping[str, Any]) -> dict[str, list[Row]]:
    """A document's operations by their tags."""
    found: dict[str, list[Row]] = {}
    for path, methods in given["paths"].items():
        shared = methods.get("parameters", [])
        for method, each in methods.items():
            if method == "parameters":
                continue
            row = _row(path, method, each, shared)
            found.setdefault(each["tags"][0], []).append(row)
    return found


def shapes(given: Mapping[str, Any]) -> list[Shape]:
    """A document's schemas by their names."""
    return [
        Shape(name, each.get("description", ""), tuple(_members(each)))
        for name, each in sorted(given["components"]["schemas"].items())
    ]


def _row(path: str, method: str, given: Mapping[str, Any], shared: list[Mapping[str, Any]]) -> Row:
    parameters = [
        (each["name"], each["in"], _type(each.get("schema", {})), each.get("description", ""))
        for each in [*shared, *given.get("parameters", [])]
    ]
    good = [each for status, each in given["responses"].items() if status in ("200", "201", "202")]
    return Row(
        given["operationId"], method.upper(), path, given.get("summary", ""), given["x-role"], given["x-persons-only"],
        tuple(parameters), _of(given.get("requestBody", {})), _of(good[0]) if good else "", tuple(given["responses"]),
    )  # fmt: skip


def _of(given: Mapping[str, Any]) -> str:
    """The name of the schema of a body."""
    content = given.get("content", {}).get("application/json", {})
    return _type(content["schema"]) if "schema" in content else ""


def _members(given: Mapping[str, Any]) -> Iterator[tuple[str, str, bool]]:
    needed = given.get("required", [])
    for name, each in given.get("properties", {}).items():
        yield name, _type(each), name in needed


def _type(given: Mapping[str, Any]) -> str:
    if "$ref" in given:
        return str(given["$ref"]).rpartition("/")[2]
    if "enum" in given:
        return " | ".join(str(each) for each in given["enum"])
    kind = given.get("type", "any")
    if "items" in given:
        return f"[{_type(given['items'])}]"
    told = " | ".join(kind) if isinstance(kind, list) else str(kind)
    return f"{told} ({given['format']})" if "format" in given else told
