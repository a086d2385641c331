"""The page of machines' keys: made, shown once, revoked."""

from __future__ import annotations

import re
from html import unescape

from flask import Flask

from tests.web.admin.conftest import MakeClerk
from tests.web.shop import parts_of


def test_a_key_is_shown_once_and_opens(app: Flask, clerk: MakeClerk) -> None:
    olga = clerk("owner", "olga")
    assert "No machine has a key yet" in olga.get("/keys").text
    made = olga.post("/keys", name="till", role="editor")
    assert (made.status_code, made.headers["Cache-Control"]) == (201, "private, no-store")
    found = re.search(r"<code tabindex=\"0\">(upk_[^<]+)</code>", made.text)
    assert found is not None
    key = unescape(found[1])
    answer = app.test_client().get("/upsell/api/v1/me", headers={"Authorization": f"Bearer {key}"})
    assert answer.json == {"name": "machine:till", "role": "editor", "form": ""}
    later = olga.get("/keys").text
    assert key not in later
    assert "till" in later
    id = parts_of(app).desk.machines.all()[0].id
    assert olga.post(f"/keys/{id}/revoke").status_code == 303
    assert "Revoked: till." in olga.get("/keys").text
    assert app.test_client().get("/upsell/api/v1/me", headers={"Authorization": f"Bearer {key}"}).status_code == 401


def test_what_was_typed_is_kept_beside_what_is_wrong(clerk: MakeClerk) -> None:
    olga = clerk("owner")
    olga.post("/keys", name="till", role="editor")
    for name, role in (("till", "viewer"), ("", "viewer"), ("shop & co", "king")):
        answer = olga.post("/keys", name=name, role=role)
        assert answer.status_code == 422
        assert 'class="error"' in answer.text
        assert f'value="{name.replace("&", "&amp;")}"' in answer.text
    assert olga.post("/keys/none/revoke").status_code == 404
