"""What the store's session remembers for us: little, in its own cookie, and nothing where there is no session yet."""

from __future__ import annotations

import random
import string
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, session
from flask.sessions import SecureCookieSessionInterface

from flask_upsell.core.context import mark
from flask_upsell.web.memory import MOST_ASKED, MOST_DECLINED, MOST_REMEMBERED, MOST_SEEN, Memory
from flask_upsell.web.view import Notice
from tests.conftest import SECRET

#: What browsers keep of a cookie at least, its name and attributes included (RFC 6265, 6.1).
COOKIE = 4096


@pytest.fixture
def app() -> Flask:
    app = Flask("shop")
    app.secret_key = SECRET
    return app


@pytest.fixture
def browser(app: Flask) -> Iterator[None]:
    """A request of somebody who has a session."""
    with app.test_request_context("/", headers={"Cookie": "session=x"}):
        yield


def marks(*refs: str) -> frozenset[str]:
    return frozenset(map(mark, refs))


# --- questions -----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("browser")
def test_an_answer_and_a_skip_are_both_asked() -> None:
    memory = Memory("upsell")
    assert (memory.asked, memory.answers) == (frozenset(), frozenset())
    memory.answer("who", "me")
    memory.answer("why", "")
    for each in (memory, Memory("upsell")):
        assert each.asked == {"who", "why"}
        assert each.answers == {("who", "me")}
    assert Memory("upsell_b2b").asked == frozenset()


@pytest.mark.usefixtures("browser")
def test_the_last_answer_counts() -> None:
    for answer in ("me", "gift", ""):
        Memory("upsell").answer("who", answer)
        assert Memory("upsell").answers == ({("who", answer)} if answer else frozenset())
        assert Memory("upsell").asked == {"who"}


@pytest.mark.usefixtures("browser")
def test_only_so_many_questions_are_remembered_the_latest_of_them() -> None:
    """What is answered again is the latest. Shown red with an answer put where the question stood."""
    memory = Memory("upsell")
    for number in range(MOST_ASKED):
        memory.answer(f"q{number}", "yes")
    memory.answer("q0", "no")
    memory.answer("more", "yes")
    assert len(memory.asked) == MOST_ASKED
    assert ("q0", "no") in memory.answers
    assert "q1" not in memory.asked
    assert {"q2", "more"} < memory.asked


# --- what was offered ----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("browser")
def test_what_was_offered_is_remembered_once_each() -> None:
    memory = Memory("upsell")
    for refs in (["bag", "card"], ["card", "a+b"], ["bag"]):
        memory.show([mark(ref) for ref in refs])
    assert memory.seen == Memory("upsell").seen == marks("bag", "card", "a+b")
    assert len(session["upsell"]["seen"]) == 4 * 3


@pytest.mark.usefixtures("browser")
def test_only_so_much_of_what_was_offered_is_remembered_the_latest_of_it() -> None:
    memory = Memory("upsell")
    for number in range(MOST_SEEN + 1):
        memory.show([mark(f"product {number}")])
    assert len(memory.seen) == MOST_SEEN
    assert mark("product 0") not in memory.seen
    assert marks("product 1", f"product {MOST_SEEN}") < memory.seen


def test_no_session_is_begun_to_remember_what_was_offered(app: Flask) -> None:
    """Shown red without the look at `_has_session`: each visitor gets a cookie, and shared caches are of no use."""
    with app.test_request_context("/"):
        Memory("upsell").show([mark("bag")])
        assert not session.modified
        assert "upsell" not in session


@pytest.mark.usefixtures("browser")
def test_what_was_seen_already_does_not_write_the_session_again() -> None:
    Memory("upsell").show([mark("bag")])
    session.modified = False
    Memory("upsell").show([mark("bag")])
    assert not session.modified


# --- thanks --------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("browser")
def test_thanks_are_those_of_the_last_order() -> None:
    for sentences in (["One.", "Two."], ["Three."], []):
        Memory("upsell").thank(sentences)
        assert Memory("upsell").thanks == tuple(sentences)


@pytest.mark.usefixtures("browser")
def test_thanks_are_few() -> None:
    Memory("upsell").thank(f"{number}." for number in range(9))
    assert Memory("upsell").thanks == ("0.", "1.", "2.")


# --- one request ---------------------------------------------------------------------------------------------------


def test_what_one_part_of_a_request_remembers_another_one_knows(app: Flask) -> None:
    """A visitor's first click, before any cookie. Red when only the cookie tells whether there is a session: the
    question is asked again in the very answer to its answer."""
    with app.test_request_context("/upsell/answer", method="POST"):
        Memory("upsell").answer("who", "me")
        assert Memory("upsell").asked == {"who"}


def test_what_is_said_does_not_replace_what_was_declined(app: Flask) -> None:
    """A visitor's first click, before any cookie and without a script. Red when only the cookie tells whether there is
    a session: the "no" is then forgotten in favour of the notice about it."""
    with app.test_request_context("/upsell/decline", method="POST"):
        Memory("upsell").decline("bag")
        Memory("upsell").say("cart", Notice("All right."))
        assert session["upsell"]["no"] == ["bag"]
        assert session["upsell"]["said"]["text"] == "All right."


def test_a_session_that_holds_something_else_is_none_of_ours(app: Flask) -> None:
    with app.test_request_context("/", headers={"Cookie": "session=x"}):
        session["upsell"] = ["not", "ours"]
        memory = Memory("upsell")
        assert (memory.declined, memory.asked, memory.answers, memory.seen, memory.thanks, memory.last) == (
            frozenset(), frozenset(), frozenset(), frozenset(), (), None)  # fmt: skip


# --- the cookie ----------------------------------------------------------------------------------------------------

LATIN = string.ascii_letters + string.digits
#: Three hundred different characters, as a page in Chinese has.
CHINESE = "".join(chr(0x4E00 + 7 * number) for number in range(300))


def fill(memory: Memory, name: int, key: int, letters: str) -> None:
    """All that a session can remember, as long as it can be, and nothing of it twice, so that it cannot be made
    shorter. `name`, `key`: characters of a rule's name and of an answer's key; `letters`: of what shoppers read."""
    chance = random.Random(7)

    def text(length: int, letters: str = LATIN) -> str:
        return "".join(chance.choices(letters, k=length))

    for _ in range(MOST_DECLINED):
        memory.decline(text(40))
    memory.show([mark(text(9)) for _ in range(MOST_SEEN)])
    for _ in range(MOST_ASKED):
        memory.answer(text(name), text(key))
    memory.thank([text(200, letters) for _ in range(3)])
    memory.accept(text(32), text(200, letters), text(36), text(36), "checkout")
    memory.say("cart", Notice(text(200, letters)), look=text(36))


@pytest.mark.parametrize(
    ("name", "key", "letters"),
    [(20, 8, LATIN), (100, 40, LATIN), (20, 8, CHINESE)],
    ids=["usual names", "the longest names", "in Chinese"],
)
def test_all_that_is_remembered_fits_into_a_cookie(app: Flask, name: int, key: int, letters: str) -> None:
    """With what a store needs of its own. Browsers drop a cookie that is too large, and the cart with it."""
    with app.test_request_context("/", headers={"Cookie": "session=x"}):
        session["cart"] = "a-store-s-own-key-of-36-characters.."
        fill(Memory("upsell"), name, key, letters)
        assert sum(map(len, session["upsell"]["no"])) <= MOST_REMEMBERED
        assert len(session["upsell"]["asked"]) == MOST_ASKED
        signer = SecureCookieSessionInterface().get_signing_serializer(app)
        assert signer is not None
        assert len(f"session={signer.dumps(dict(session))}; HttpOnly; Path=/") < COOKIE


def test_without_a_secret_key_nothing_is_remembered_and_nothing_raised(app: Flask) -> None:
    app.secret_key = None
    with app.test_request_context("/", headers={"Cookie": "session=x"}):
        memory: Any = Memory("upsell")
        memory.answer("who", "me")
        memory.show([mark("bag")])
        memory.thank(["Thanks."])
        assert Memory("upsell").asked == frozenset()
