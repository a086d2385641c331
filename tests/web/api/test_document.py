"""openapi.json is OpenAPI 3.1, says all that there is, and is what the page about the API shows."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from flask_upsell.web.api.document import document, operations, shapes
from tests.web.admin.conftest import Clerk
from tests.web.api import test_matrix
from tests.web.api.conftest import PREFIX, MakeCaller


@pytest.fixture
def given(app: Flask) -> dict[str, Any]:
    return document(app, "upsell")


def test_it_is_openapi(caller: MakeCaller, given: dict[str, Any]) -> None:
    """By the schema of OpenAPI 3.1 itself; and what it refers to is there."""
    answer = caller("viewer").get("/openapi.json")
    assert answer.json == given
    assert given["openapi"].startswith("3.1.")
    assert [str(error) for error in OPENAPI_31_VALIDATOR.iter_errors(given)] == []
    for ref in set(re.findall(r'"\$ref": ?"#/([^"]+)"', answer.text)):
        found: Any = given
        for step in ref.split("/"):
            found = found[step]


def test_it_has_every_operation_with_its_role(given: dict[str, Any]) -> None:
    told = {
        (method.upper(), re.sub(r"\{\w+\}", "*", path.removeprefix(PREFIX))): each["x-role"]
        for path, methods in given["paths"].items()
        for method, each in methods.items()
        if method != "parameters"
    }
    assert told == {
        (method, re.sub(r"<[^>]+>", "*", path)): role for (method, path), role in test_matrix.VERDICTS.items()
    }
    ids = [
        each["operationId"] for methods in given["paths"].values() for each in methods.values() if "operationId" in each
    ]
    assert len(set(ids)) == len(told)


def test_errors_are_problems_in_it(given: dict[str, Any]) -> None:
    for name, each in given["components"]["responses"].items():
        if name != "NotModified":
            assert list(each["content"]) == ["application/problem+json"], name


def test_the_page_shows_it_without_anything_foreign(app: Flask, given: dict[str, Any]) -> None:
    page = Clerk(app, "viewer").get("/api").text
    for rows in operations(given).values():
        for row in rows:
            assert f"<strong>{row.method}</strong> {row.path}</code>" in page
            assert row.summary
    for shape in shapes(given):
        assert f'id="s-{shape.name}"' in page
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page)
    assert "Keys of machines" not in page
    assert "/upsell/admin/keys" in Clerk(app, "owner").get("/api").text
