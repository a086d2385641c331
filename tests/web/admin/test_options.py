"""Options, as an owner sets them."""

from __future__ import annotations

from flask import Flask

from tests.web.admin.conftest import MakeClerk
from tests.web.shop import parts_of

GIVEN = {"auto_approve": "0", "risky_percent": "30", "risky_products": "50"}


def test_an_owner_sets_them(app: Flask, clerk: MakeClerk) -> None:
    olga, options = clerk("owner", "olga"), parts_of(app).desk.options
    page = olga.get("/options").text
    assert "A discount of more percent than this needs a second person." in page
    assert "Last changed by" not in page
    assert olga.post("/options", **{**GIVEN, "risky_percent": "25", "risky_products": ""}).status_code == 303
    assert options.all() == {"auto_approve": 0, "risky_percent": 25, "risky_products": 50}
    page = olga.get("/options").text
    assert "Last changed by olga" in page and 'value="25"' in page
    assert "option changed" in olga.get("/audit?what=option").text


def test_what_is_not_possible_changes_nothing(app: Flask, clerk: MakeClerk) -> None:
    """Planted bug that it shows: those before the wrong one are set."""
    olga, options = clerk("owner"), parts_of(app).desk.options
    for wrong in ("101", "-1", "many", "1.5", "²", "9" * 50):
        answer = olga.post("/options", **{**GIVEN, "auto_approve": "7", "risky_percent": wrong})
        assert answer.status_code == 422
        assert f'value="{wrong}"' in answer.text and 'aria-invalid="true"' in answer.text
    assert options.all() == {"auto_approve": 0, "risky_percent": 30, "risky_products": 50}
