"""The audit on SQLite and PostgreSQL: one chain whoever writes, and nothing in it is changed unseen."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, Engine, delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from flask_upsell.adapters import audit_tables as t
from flask_upsell.adapters.audit import PROGRAM, Entry, SQLAudit, acting, telling
from flask_upsell.adapters.dialects import start_writing
from flask_upsell.adapters.memory import memory_ledger
from flask_upsell.adapters.rulebook import SQLRules
from flask_upsell.adapters.secret import SQLSecret
from flask_upsell.core.rule import Learned, Rule, Status
from flask_upsell.core.rulebook import RuleBook
from flask_upsell.core.season import Season
from flask_upsell.errors import BadInput, RuleError
from flask_upsell.settings import read
from tests.adapters.audit_worker import book
from tests.conftest import ROOT, SECRET

NOW = datetime(2026, 5, 4, 12, 0, 0, 123456, tzinfo=UTC)
KEYS = tuple(blake2b(number.encode(), digest_size=32).hexdigest() for number in "123")
Amount = Callable[[int, int], int]


@pytest.fixture
def audit(engine: Engine) -> SQLAudit:
    return SQLAudit(engine, "upsell")


@pytest.fixture
def sqlite() -> Iterator[Engine]:
    """In memory, made without the migrations."""
    engine = memory_ledger().engine
    yield engine
    engine.dispose()


def append(audit: SQLAudit, *subjects: str, what: str = "rule changed") -> None:
    audit.ready()
    with audit.engine.begin() as connection:
        start_writing(connection)
        audit.append(connection, *[Entry(what, subject, '{"a":1}', '{"a":2}') for subject in subjects], at=NOW)


def unguarded(engine: Engine) -> None:
    """What somebody with all rights does first."""
    with engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            names = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all()
            for name in names:
                connection.execute(text(f"DROP TRIGGER {name}"))
        else:
            for table in ("upsell_audit", "upsell_audit_head"):
                connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))


def row(number: int) -> Any:
    return t.audit.c.instance == "upsell", t.audit.c.number == number


# --- what it says ----------------------------------------------------------------------------------------------------


def test_rows_say_who_what_when_and_why_in_order(audit: SQLAudit) -> None:
    with acting("ada", "Black Friday"):
        append(audit, "mug", "bag")
    append(audit, "x" * 300, what="season added")
    first, second, third = audit.history()
    assert (first.number, first.who, first.what, first.subject, first.why) == (
        1, "ada", "rule changed", "mug", "Black Friday",
    )  # fmt: skip
    assert (first.at, first.before, first.after) == (NOW, '{"a":1}', '{"a":2}')
    assert (second.number, second.subject) == (2, "bag")
    assert (third.who, third.why, third.subject) == (PROGRAM, "", "x" * 200)
    assert audit.verify() == type(audit.verify())(3, third.hash)


def test_rows_can_be_looked_for(audit: SQLAudit) -> None:
    with acting("ada"):
        append(audit, "mug", "bag")
    append(audit, "mug", what="season 100% added")
    assert [each.number for each in audit.history(who="ada")] == [1, 2]
    assert [each.number for each in audit.history(subject="mug")] == [1, 3]
    assert [each.number for each in audit.history(what="season 100%")] == [3]
    assert audit.history(what="%") == []
    assert audit.history(since=NOW + timedelta(seconds=1)) == []
    assert [each.number for each in audit.history(most=2)] == [2, 3], "the last ones, oldest first"


def test_odd_names_are_kept_as_far_as_a_database_can(audit: SQLAudit) -> None:
    with acting("a\0b\ud800\n" + "é" * 200, "why\0 \U0001f600"):
        append(audit, "\0")
    (found,) = audit.history()
    assert (found.who, found.why, found.subject) == ("ab?\n" + "é" * 96, "why \U0001f600", "")
    assert not audit.verify().problem


def test_instances_have_chains_of_their_own(sqlite: Engine) -> None:
    audit = SQLAudit(sqlite, "upsell")
    other = SQLAudit(audit.engine, "upsell_b2b")
    append(audit, "a")
    append(other, "b")
    append(other, "c")
    assert (audit.verify().count, other.verify().count) == (1, 2)
    assert audit.history()[0].hash != other.history()[0].hash


def test_what_is_rolled_back_has_no_row(audit: SQLAudit) -> None:
    append(audit, "a")
    with audit.engine.connect() as connection:
        start_writing(connection)
        audit.append(connection, Entry("tested", "b"))
        connection.rollback()
    append(audit, "c")
    assert [each.subject for each in audit.history()] == ["a", "c"]
    assert audit.verify().count == 2


def test_an_empty_audit_is_whole(sqlite: Engine) -> None:
    audit = SQLAudit(sqlite, "upsell")
    assert audit.verify() == type(audit.verify())(0, "")


# --- nobody changes it -----------------------------------------------------------------------------------------------

REFUSED = r"append-only|only goes on"
BY_HAND = [
    "UPDATE upsell_audit SET who = 'bob'",
    "UPDATE upsell_audit SET hash = hash",
    "DELETE FROM upsell_audit",
    "DELETE FROM upsell_audit WHERE number = 3",
    "UPDATE upsell_audit_head SET number = number - 1",
    "UPDATE upsell_audit_head SET hash = 'x'",
    "UPDATE upsell_audit_head SET instance = 'other', number = number + 1",
    "DELETE FROM upsell_audit_head",
]


def test_the_database_refuses_to_change_it(engine: Engine) -> None:
    """Planted bug that it shows: a migration without the triggers."""
    audit = SQLAudit(engine, "upsell")
    append(audit, "a", "b", "c")
    truncating = ["TRUNCATE upsell_audit", "TRUNCATE upsell_audit_head"] * (engine.dialect.name == "postgresql")
    for statement in [*BY_HAND, *truncating]:
        with pytest.raises(DBAPIError, match=REFUSED), engine.begin() as connection:
            connection.execute(text(statement))
        assert audit.verify().count == 3
    append(audit, "d")
    assert audit.verify().count == 4


def test_so_does_a_database_that_was_made_without_migrations(sqlite: Engine) -> None:
    append(SQLAudit(sqlite, "upsell"), "a", "b", "c")
    for statement in BY_HAND:
        with pytest.raises(DBAPIError, match=REFUSED), sqlite.begin() as connection:
            connection.execute(text(statement))


CHANGES: dict[str, Any] = {
    "at": NOW + timedelta(microseconds=1),
    "who": "bob",
    "what": "rule added",
    "subject": "other",
    "before": '{"a":0}',
    "after": "",
    "why": "because",
    "hash": "0" * 64,
    "instance": "other",
}


def edit(connection: Connection, at: int, last: int, column: str) -> int:
    """Returns the row that is to be named."""
    connection.execute(update(t.audit).where(*row(at)).values({column: CHANGES[column]}))
    return at


def remove(connection: Connection, at: int, last: int) -> int:
    connection.execute(delete(t.audit).where(*row(at)))
    return at


def swap(connection: Connection, at: int, last: int) -> int:
    other = at % last + 1
    spare = last + 100
    for before, after in ((at, spare), (other, at), (spare, other)):
        connection.execute(update(t.audit).where(*row(before)).values(number=after))
    return min(at, other)


def cut(connection: Connection, at: int, last: int) -> int:
    connection.execute(delete(t.audit).where(t.audit.c.instance == "upsell", t.audit.c.number >= at))
    return at


def cut_and_say_so(connection: Connection, at: int, last: int) -> int:
    """The head is set back too, as far as that can be done without the key."""
    cut(connection, at, last)
    hash = connection.execute(select(t.audit.c.hash).where(*row(at - 1))).scalar_one_or_none() or ""
    connection.execute(update(t.audit_heads).values(number=at - 1, hash=hash))
    return at - 1


def put_in(connection: Connection, at: int, last: int) -> int:
    """A row between two others."""
    for number in range(last, at - 1, -1):
        connection.execute(update(t.audit).where(*row(number)).values(number=number + 1))
    copied = connection.execute(select(t.audit).where(*row(at + 1))).one()._mapping
    connection.execute(insert(t.audit).values({**copied, "number": at, "who": "bob"}))
    return at


def put_on(connection: Connection, at: int, last: int) -> int:
    """A row at the end."""
    copied = connection.execute(select(t.audit).where(*row(at))).one()._mapping
    connection.execute(insert(t.audit).values({**copied, "number": last + 1}))
    return last + 1


TAMPERINGS: dict[str, Callable[[Connection, int, int], int]] = {
    "remove": remove,
    "swap": swap,
    "cut": cut,
    "put in": put_in,
    "put on": put_on,
    **{
        f"edit {column}": lambda connection, at, last, column=column: edit(connection, at, last, column)  # type: ignore[misc]
        for column in CHANGES
    },
}


@pytest.mark.soak
def test_whatever_is_done_to_any_row_the_first_broken_one_is_named(
    sqlite: Engine, amount: Amount, figure: Callable[[str, object, str], None]
) -> None:
    """Edited, removed, swapped, put in, cut off: at the ends of the chain and at places by chance.

    Planted bugs that it shows: `_hash` leaves a column out, `verify` does not compare with the head (a tail
    that is cut off), or does not look beyond it (a row that was put on).
    """
    rows = amount(60, 10_000)
    audit = SQLAudit(sqlite, "upsell")
    append(audit, *[f"rule-{number}" for number in range(rows)])
    assert audit.verify().count == rows
    unguarded(sqlite)
    done = 0
    for how, tamper in TAMPERINGS.items():
        chance = random.Random(how)
        for at in sorted({1, 2, rows - 1, rows, *(chance.randint(1, rows) for _ in range(amount(4, 20)))}):
            with sqlite.connect() as connection:
                broken = tamper(connection, at, rows)
                connection.commit()
            found = audit.verify()
            assert f"row {broken} " in found.problem, (how, at, found.problem)
            assert found.count == broken - 1
            _put_back(sqlite, audit, rows)
            done += 1
    figure("changes of the audit that were found", f"{done} of {done} in {rows:,} rows", "all")


def _put_back(engine: Engine, audit: SQLAudit, rows: int) -> None:
    """The rows as they were before."""
    with engine.begin() as connection:
        for table in (t.audit, t.audit_heads):
            connection.execute(delete(table))
    # The chain is a function of its rows and the key: the same ones make the same chain.
    append(audit, *[f"rule-{number}" for number in range(rows)])


@pytest.mark.parametrize("at", [1, 2, 7])
def test_a_tail_that_is_cut_off_with_its_head_is_missed(sqlite: Engine, at: int) -> None:
    """The head is signed: it cannot be set back to where nothing is missing by who does not know the key.

    Planted bug that it shows: a head without a signature.
    """
    audit = SQLAudit(sqlite, "upsell")
    append(audit, *"abcdefg")
    unguarded(sqlite)
    with sqlite.begin() as connection:
        left = cut_and_say_so(connection, at, 7)
    if left:
        assert f"after row {left}: upsell_audit_head was changed" in audit.verify().problem
        with sqlite.begin() as connection:
            connection.execute(delete(t.audit_heads))
        assert "row 1 is not what upsell_audit_head says" in audit.verify().problem


def test_a_row_of_another_history_is_found(sqlite: Engine) -> None:
    """Signed with the same key and of the same number, as in a backup.

    Planted bug that it shows: `_hash` without the row before it.
    """
    audit = SQLAudit(sqlite, "upsell")
    append(audit, *"abcde")
    with sqlite.connect() as connection:
        old = connection.execute(select(t.audit).where(*row(3))).one()._mapping
    unguarded(sqlite)
    with sqlite.begin() as connection:
        for table in (t.audit, t.audit_heads):
            connection.execute(delete(table))
    append(audit, *"vwxyz")
    with sqlite.begin() as connection:
        connection.execute(update(t.audit).where(*row(3)).values(**old))
    assert "row 3 was changed" in audit.verify().problem


def test_an_older_state_that_was_put_back_is_missed_by_whoever_noted_the_head(engine: Engine) -> None:
    audit = SQLAudit(engine, "upsell")
    append(audit, *"abc")
    with engine.connect() as connection:
        old = connection.execute(select(t.audit_heads)).one()._mapping
    append(audit, "d")
    noted = audit.verify().head
    append(audit, "e")
    assert not audit.verify(noted).problem
    unguarded(engine)
    with engine.begin() as connection:
        cut(connection, 4, 5)
        connection.execute(update(t.audit_heads).values(**old))
    assert not audit.verify().problem, "nothing in the database tells"
    assert "an older state was put back" in audit.verify(noted).problem


# --- keys ------------------------------------------------------------------------------------------------------------


def test_keys_follow_each_other(engine: Engine) -> None:
    append(SQLAudit(engine, "upsell"), "a", "b")
    for number, keys in enumerate((KEYS[:1], KEYS[:2], KEYS), 3):
        audit = SQLAudit(engine, "upsell", keys)
        if number == 3:
            assert "not signed with one of AUDIT_KEYS" in audit.verify().problem
        append(audit, "c")
        assert audit.verify() == type(audit.verify())(number, audit.history()[-1].hash)
    assert "row 3 was changed, or its key is not among" in SQLAudit(engine, "upsell", KEYS[1:]).verify().problem
    assert "row 3 was changed, or its key is not among" in SQLAudit(engine, "upsell").verify().problem


def test_whoever_can_write_sql_only_cannot_write_an_audit_with_keys(engine: Engine) -> None:
    """He reads the ledger's own secret and makes a whole chain with it.

    Planted bug that it shows: `verify` takes a head that the ledger's own secret has signed.
    """
    append(SQLAudit(engine, "upsell", KEYS[:1]), "a", "b")
    unguarded(engine)
    with engine.begin() as connection:
        connection.execute(delete(t.audit))
        connection.execute(delete(t.audit_heads))
    append(SQLAudit(engine, "upsell"), "a", "forged")
    assert not SQLAudit(engine, "upsell").verify().problem
    assert "not signed with one of AUDIT_KEYS" in SQLAudit(engine, "upsell", KEYS[:1]).verify().problem


# --- settings --------------------------------------------------------------------------------------------------------


def test_settings_are_a_row_when_they_changed(sqlite: Engine) -> None:
    audit = SQLAudit(sqlite, "upsell")

    def start(**config: Any) -> bool:
        return audit.note_settings(telling(read({"SECRET_KEY": SECRET, **config})))

    assert start()
    assert not start()
    assert not start(UPSELL_REDIS_URL="redis://:other@host"), "where Redis is changes nothing that is offered"
    assert start(UPSELL_MAX_OFFERS=3)
    assert start(UPSELL_CONSENT=lambda: True)
    assert start(UPSELL_AUDIT_KEYS=[KEYS[0]])
    rows = audit.history()
    assert [each.what for each in rows] == ["settings"] * 4
    before, after = msgspec.json.decode(rows[1].before), msgspec.json.decode(rows[1].after)
    assert {name for name in after if after[name] != before[name]} == {"max_offers"}
    assert "<lambda>" in rows[2].after


def test_no_secret_is_told_of_settings() -> None:
    """Planted bug that it shows: DATABASE_URL is not among the secrets."""
    told = telling(
        read(
            {
                "UPSELL_KEYS": [KEYS[0]],
                "UPSELL_PSEUDONYM_KEY": KEYS[1],
                "UPSELL_AUDIT_KEYS": [KEYS[2]],
                "UPSELL_REDIS_URL": "redis://:hush@host",
                "UPSELL_QUEUE_URL": "redis://:hush@jobs",
                "UPSELL_DATABASE_URL": "postgresql+psycopg://u:hush@h/d",
            }
        )
    )
    text = msgspec.json.encode(told).decode()
    assert not any(secret in text for secret in (*KEYS, "hush"))
    assert (told["keys"], told["pseudonym_key"], told["audit_keys"]) == (1, True, 1)


# --- every writer of rules -------------------------------------------------------------------------------------------


def seasons(*names: str) -> RuleBook:
    return RuleBook(seasons=tuple([Season(name=name) for name in names]))


def test_every_change_of_rules_leaves_one_row(engine: Engine) -> None:
    rules, audit = SQLRules(engine, "upsell"), SQLAudit(engine, "upsell")

    def said() -> list[tuple[str, str]]:
        found = [(each.what, each.subject) for each in audit.history()[len(known) :]]
        known.extend(found)
        return found

    known: list[tuple[str, str]] = []
    with acting("ada"):
        rules.save(book("a", "b"), NOW)
        assert said() == [("rule added", "a"), ("rule added", "b")]
        rules.save(book("a", "b"), NOW)
        assert said() == []
        rules.save(book("b", "a", "c"), NOW)
        assert sorted(said()) == [("rule added", "c"), ("rule moved", "a"), ("rule moved", "b")]
        rules.set_status("a", Status.PAUSED, NOW)
        assert said() == [("rule changed", "a")]
        rules.set_status("a", Status.PAUSED, NOW)
        assert said() == []
        with pytest.raises(BadInput):
            rules.set_status("nobody", Status.PAUSED, NOW)
        with pytest.raises(RuleError):
            rules.save(book("z"), NOW, expected=1)
        assert said() == []
        both = msgspec.structs.replace(seasons("spring"), ladders={"bags": ("s", "l")})
        rules.save(both, NOW)
        expected = [("rule removed", "b"), ("rule removed", "a"), ("rule removed", "c")]
        assert said() == [*expected, ("season added", "spring"), ("ladder added", "bags")]
        rules.save(msgspec.structs.replace(both, ladders={"bags": ("s", "m")}), NOW)
        assert said() == [("ladder changed", "bags")]
    rows = audit.history()
    assert {each.who for each in rows} == {"ada"}
    changed = rows[-1]
    assert (changed.before, changed.after) == ('["s","l"]', '["s","m"]')
    paused = next(each for each in rows if each.what == "rule changed")
    assert msgspec.json.decode(paused.before, type=Rule) == Rule(name="a", offer=Learned())
    assert msgspec.json.decode(paused.after, type=Rule).status is Status.PAUSED
    assert not audit.verify().problem


@pytest.mark.parametrize("what", ["save", "set_status"])
def test_a_change_that_cannot_be_audited_is_not_made(
    sqlite: Engine, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted bug that it shows: the row is appended in a transaction of its own, after the change."""
    rules = SQLRules(sqlite, "upsell")
    rules.save(book("a"), NOW)

    def full(*_: Any, **__: Any) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(SQLAudit, "append", full)
    with pytest.raises(OSError, match="disk is full"):
        if what == "save":
            rules.save(book("b"), NOW)
        else:
            rules.set_status("a", Status.PAUSED, NOW)
    assert (rules.load(), rules.revision()) == (book("a"), 1)


# --- many writers ----------------------------------------------------------------------------------------------------


def together(url: str, times: int, *given: str) -> list[str]:
    """What processes print that begin at the same moment; last their exit codes."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "plugin"), str(ROOT)])}
    command = [sys.executable, "-m", "tests.adapters.audit_worker", url, str(times), *given]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT, check=False, timeout=600)
    assert done.stdout, done.stderr
    return done.stdout.splitlines()


@pytest.mark.soak
def test_many_writers_make_one_chain(engine: Engine, database_url: str, amount: Amount) -> None:
    """Planted bug that it shows: the head is read without being locked (`with_for_update` and the writing first)."""
    audit = SQLAudit(engine, "upsell")
    SQLRules(engine, "upsell").save(book("shared"), NOW)
    times = amount(10, 300)
    assert together(database_url, times, "one=rows", "two=rows", "three=rules", "four=die") == ["0 0 0 9"]
    rows = audit.history(most=10_000)
    assert [each.number for each in rows] == list(range(1, len(rows) + 1))
    for name in ("one", "two"):
        assert [each.subject for each in rows if each.who == name] == [f"{name}-{n}" for n in range(times)]
    assert len([each for each in rows if each.who == "four"]) == times - 1, "what was not committed is not there"
    assert SQLRules(engine, "upsell").revision() == 1 + len([each for each in rows if each.who == "three"])
    assert audit.verify().count == len(rows)


def test_a_secret_that_many_make_is_one(engine: Engine, database_url: str) -> None:
    """Planted bug that it shows: who made one keeps it, whatever the ledger holds."""
    *said, codes = together(database_url, 1, *(f"{number}=secret" for number in range(6)))
    assert codes == "0 0 0 0 0 0"
    assert len(said) == 6 and len(set(said)) == 1
    assert SQLSecret(engine, "fresh")() == said[0]
    assert len(said[0]) == 64
