"""Unsubscribing: a link that asks, a button that does, one click of a mail program; and nothing for anybody else."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, request
from flask_wtf import CSRFProtect
from sqlalchemy import select
from werkzeug.test import TestResponse

from flask_upsell import MemoryStore, Upsell, faults
from flask_upsell.adapters import tables as t
from flask_upsell.core.followup import Plan, State
from flask_upsell.web import speech
from flask_upsell.web.mail import Leaving
from flask_upsell.web.tokens import Tokens
from tests.conftest import SECRET, MakeApp
from tests.web.shop import GOODS, SessionStore, parts_of

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def link(value: object = Leaving("pseudonym"), identifier: str = "upsell", purpose: str = "unsubscribe") -> str:
    """As it stands in a mail, without the site."""
    token = Tokens((SECRET,), identifier, 1800).sign(purpose, "", value)
    return f"/{identifier.replace('_', '-')}/unsubscribe?token={token}"


def left(app: Flask, name: str = "upsell") -> list[str]:
    """Who wants no more mails."""
    engine = parts_of(app, name).offers.ledger.engine  # type: ignore[attr-defined]
    with engine.connect() as connection:
        return sorted(connection.execute(select(t.unsubscribed.c.customer)).scalars())


class Page(HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def page(response: TestResponse) -> Page:
    """A whole page that a strict policy lets through, and that nobody keeps."""
    assert response.mimetype == "text/html"
    assert "no-store" in response.headers["Cache-Control"] and "private" in response.headers["Cache-Control"]
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert "Set-Cookie" not in response.headers
    assert response.text.startswith("<!doctype html>")
    found = Page(response.text)
    assert not {"script", "style", "link", "img", "a"} & {tag for tag, _ in found.tags}
    assert not any(name == "style" or name.startswith("on") for _, attrs in found.tags for name in attrs)
    assert [tag for tag, _ in found.tags].count("h1") == 1
    return found


def buttons(found: Page) -> int:
    return sum(tag == "button" for tag, _ in found.tags)


def test_the_link_asks_and_the_button_does(app: Flask) -> None:
    client = app.test_client()
    asked = page(client.get(link()))
    assert "Press the button to get no more mails" in asked.text
    (form,) = [attrs for tag, attrs in asked.tags if tag == "form"]
    assert form == {"method": "post"}, "to the same address, token included"
    assert buttons(asked) == 1
    assert left(app) == []
    done = client.post(link())
    assert done.status_code == 200
    assert "Done. You will get no more mails" in page(done).text
    assert buttons(page(done)) == 0
    assert left(app) == ["pseudonym"]


@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_looking_changes_nothing(app: Flask, method: str) -> None:
    """Scanners of mails open every link. Shown red with the `if` about the method left out."""
    client = app.test_client()
    for _ in range(3):
        assert getattr(client, method)(link()).status_code == 200
    assert left(app) == []


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_there_is_no_other_way(app: Flask, method: str) -> None:
    assert getattr(app.test_client(), method)(link()).status_code == 405
    assert left(app) == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "null"},
        {"Origin": "https://mail.example", "Sec-Fetch-Site": "cross-site"},
        {"User-Agent": "a mail provider", "Content-Type": "application/x-www-form-urlencoded"},
    ],
    ids=str,
)
@pytest.mark.parametrize("body", [b"List-Unsubscribe=One-Click", b"", b"\xff=\0", b"x" * 100_000], ids=len)
def test_one_click_needs_the_token_alone(app: Flask, headers: dict[str, str], body: bytes) -> None:
    """RFC 8058: no cookie, no origin of ours, no redirect."""
    response = app.test_client(use_cookies=False).post(link(), data=body, headers=headers)
    assert (response.status_code, left(app)) == (200, ["pseudonym"])


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("order", ["before", "after"])
def test_one_click_passes_the_stores_csrf_protection(make_app: MakeApp, order: str, strict: bool) -> None:
    """Whichever is set up first. Nothing else of ours does. Shown red without `let_in`."""
    store = MemoryStore(GOODS)
    app = make_app(store)
    if order == "before":
        app = Flask("protected")
        app.config.from_mapping(make_app(store).config)
        CSRFProtect(app)  # type: ignore[no-untyped-call]
        Upsell(app, store=store)
    else:
        CSRFProtect(app)  # type: ignore[no-untyped-call]
    app.config["WTF_CSRF_SSL_STRICT"] = strict
    client = app.test_client(use_cookies=False)
    answer = client.post(link(), data=ONE_CLICK, base_url="https://shop.example")
    assert (answer.status_code, left(app)) == (200, ["pseudonym"])
    for path in ("accept", "decline", "undo", "answer"):
        assert client.post(f"/upsell/{path}", base_url="https://shop.example").status_code == 400
    parts_of(app).close()


def test_doing_it_again_is_fine(app: Flask) -> None:
    client = app.test_client()
    before = datetime.now(UTC)
    for _ in range(3):
        assert client.post(link(), data=ONE_CLICK).status_code == 200
    engine = parts_of(app).offers.ledger.engine  # type: ignore[attr-defined]
    with engine.connect() as connection:
        ((instance, customer, at),) = connection.execute(select(t.unsubscribed)).all()
    assert (instance, customer) == ("upsell", "pseudonym")
    assert before - timedelta(seconds=1) <= at <= datetime.now(UTC)


def test_a_link_of_years_ago_still_works(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shown red with the age of other tokens."""
    old, now = link(), time.time()
    monkeypatch.setattr(time, "time", lambda: now + 5 * 366 * 86_400)
    assert app.test_client().post(old).status_code == 200
    assert left(app) == ["pseudonym"]


def foreign_links() -> list[str]:
    good = link()
    head, _, token = good.partition("?token=")
    return [
        head,
        f"{head}?token=",
        f"{head}?token=pseudonym",
        good[:-1],
        good[:-9] + ("A" if good[-9] != "A" else "B") + good[-8:],
        f"{head}?token={token[1:]}",
        f"{head}?token=%00%FF",
        f"{head}?token=" + "x" * 5_000,
        head + "?token=" + link(identifier="upsell_b2b").partition("=")[2],
        head + "?token=" + link(purpose="undo").partition("=")[2],
        head + "?token=" + link(purpose="offer").partition("=")[2],
        link("pseudonym"),
        link([]),
        link([7]),
        link(None),
    ]


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_link_that_is_not_ours_is_refused_with_a_sentence(app: Flask, method: str) -> None:
    client = app.test_client()
    texts = set()
    for bad in foreign_links():
        response = getattr(client, method)(bad)
        assert response.status_code == 400, bad
        found = page(response)
        assert buttons(found) == 0
        texts.add(found.text)
    (told,) = texts
    assert "This link does not work. Please take the whole link from the mail." in told, "and nothing tells why"
    assert left(app) == []
    assert faults.seen["token"] == len(foreign_links())


def test_a_token_is_no_way_to_a_cart(app: Flask, store: SessionStore) -> None:
    """Each purpose has a key of its own."""
    client = app.test_client()
    token = link().partition("=")[2]
    for path in ("accept", "decline", "undo", "answer"):
        client.post(f"/upsell/{path}", data={"token": token}, headers={"Sec-Fetch-Site": "same-origin"})
    assert store.lines() == []
    assert faults.seen["token"] == 4


def test_instances_are_left_one_by_one(make_app: MakeApp) -> None:
    app = make_app(MemoryStore(GOODS))
    Upsell(app, store=MemoryStore(GOODS), name="b2b")
    assert app.test_client().post(link(identifier="upsell_b2b")).status_code == 200
    plan = Plan("1", "pseudonym", "", datetime.now(UTC))
    assert parts_of(app, "upsell_b2b").diary.barred(plan, plan.due) is State.UNSUBSCRIBED
    assert parts_of(app).diary.barred(plan, plan.due) is None
    parts_of(app, "upsell_b2b").close()


def test_it_works_while_nobody_is_written_to_and_while_all_is_off(make_app: MakeApp) -> None:
    """Old mails lead there."""
    app = make_app(MemoryStore(GOODS), UPSELL_ENABLED=False)
    assert parts_of(app).follow_ups is None
    assert app.test_client().post(link()).status_code == 200
    assert left(app) == ["pseudonym"]


def test_what_cannot_be_written_is_not_told_as_done(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        raise ConnectionError("the database at 10.0.0.7 is gone")

    monkeypatch.setattr(parts_of(app).diary, "leave", gone)
    response = app.test_client().post(link(), data=ONE_CLICK)
    assert response.status_code == 503
    assert "That did not work just now. Please try again later." in page(response).text
    assert "10.0.0.7" not in response.text
    assert faults.seen["unsubscribe"] == 1


def test_a_store_has_its_own_page(app: Flask, tmp_path: Path) -> None:
    own = tmp_path / "templates" / "upsell"
    own.mkdir(parents=True)
    (own / "unsubscribe.html").write_text(
        "{% if wrong %}{{ wrong.wrong.wrong }}{% endif %}<b>{{ state }} {{ shop }}</b>"
    )

    @app.context_processor
    def about() -> dict[str, Any]:
        return {"shop": "The shop", "wrong": request.args.get("wrong")}

    client = app.test_client()
    assert client.get(link()).text == "<b>ask The shop</b>"
    assert client.post(link()).text == "<b>done The shop</b>"
    assert client.get("/upsell/unsubscribe").text == "<b>sorry The shop</b>"
    broken = client.post(link() + "&wrong=1")
    assert (broken.status_code, broken.mimetype) == (200, "text/plain")
    assert broken.text.startswith("Done."), "what was done is told all the same"


def test_the_page_is_in_the_mails_language(make_app: MakeApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech, "LOCALES", tmp_path)
    (tmp_path / "de.po").write_text('msgid "Unsubscribe"\nmsgstr "Abbestellen"\n')
    (tmp_path / "ar.po").write_text('msgid "Unsubscribe"\nmsgstr "إلغاء"\n')
    client = make_app(MemoryStore(GOODS)).test_client()
    for language, lang, direction, word in (
        ("de-AT", "de", "ltr", "Abbestellen"),
        ("ar", "ar", "rtl", "إلغاء"),
        ("fr", "en", "ltr", "Unsubscribe"),
        ("", "en", "ltr", "Unsubscribe"),
    ):
        found = page(client.get(link(Leaving("pseudonym", language))))
        assert ("html", {"lang": lang, "dir": direction}) in found.tags
        assert found.text.count(word) == 3, "title, heading, button"
