"""Keys of machines: made once, kept as hashes, found, revoked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from flask_upsell import Role
from flask_upsell.adapters.audit import SQLAudit, acting
from flask_upsell.adapters.machines import TELL_USE_EVERY, SQLMachines
from flask_upsell.desk.machines import LONGEST_NAME, PREFIX, Machines, hashed
from flask_upsell.errors import BadInput

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.fixture
def clock() -> list[datetime]:
    return [NOW]


@pytest.fixture
def machines(engine: Engine, clock: list[datetime]) -> Machines:
    return Machines(SQLMachines(engine, "upsell", SQLAudit(engine, "upsell")), lambda: clock[0])


def test_a_key_opens_for_its_machine_until_it_is_revoked(machines: Machines, engine: Engine) -> None:
    """Planted bug that it shows: what was revoked still opens."""
    with acting("ada"):
        till, key = machines.make(" till ", Role.EDITOR)
    assert (till.name, till.role, till.who, key[:4]) == ("till", Role.EDITOR, "ada", PREFIX)
    assert machines.of(key) == till
    for other in ("", "upk_", key[:-1], key + "x", key.upper(), hashed(key), "upk_é"):
        assert machines.of(other) is None, other
    others = Machines(SQLMachines(engine, "b2b", SQLAudit(engine, "b2b")), lambda: NOW)
    assert others.of(key) is None
    assert machines.revoke(till.id).revoked_at == NOW
    assert machines.of(key) is None
    with pytest.raises(BadInput, match="no key has the id"):
        machines.revoke("nobody")


def test_a_key_is_nowhere(machines: Machines, engine: Engine) -> None:
    """Planted bug that it shows: the audit tells the key."""
    _, key = machines.make("till", Role.OWNER)
    with engine.connect() as connection:
        kept = [
            str(connection.execute(text(f"SELECT * FROM {name}")).all())
            for name in ("upsell_machine_key", "upsell_audit")
        ]
    assert all(key not in each and key[4:20] not in each for each in kept)
    assert hashed(key) in kept[0]
    assert hashed(key) not in kept[1]


def test_when_it_was_used_is_told_by_the_minute(machines: Machines, clock: list[datetime]) -> None:
    _, key = machines.make("till", Role.VIEWER)
    used: Callable[[], datetime | None] = lambda: machines.all()[0].used_at  # noqa: E731
    machines.of(key)
    assert used() == NOW
    clock[0] = NOW + TELL_USE_EVERY - timedelta(seconds=1)
    machines.of(key)
    assert used() == NOW
    clock[0] = NOW + TELL_USE_EVERY
    machines.of(key)
    assert used() == NOW + TELL_USE_EVERY


@pytest.mark.parametrize("name", ["", "  ", "x" * (LONGEST_NAME + 1), "a\nb"])
def test_names(machines: Machines, name: str) -> None:
    with pytest.raises(BadInput, match="is no name"):
        machines.make(name, Role.VIEWER)


def test_a_name_is_free_again_when_its_key_is_revoked(machines: Machines) -> None:
    first, _ = machines.make("till", Role.VIEWER)
    with pytest.raises(BadInput, match="already"):
        machines.make("till", Role.OWNER)
    machines.revoke(first.id)
    machines.make("till", Role.OWNER)
    assert [each.name for each in machines.all()] == ["till", "till"]


def test_making_and_revoking_are_in_the_audit(machines: Machines, engine: Engine) -> None:
    with acting("ada", "new till"):
        till, _ = machines.make("till", Role.VIEWER)
        machines.revoke(till.id)
        machines.revoke(till.id)
    rows = SQLAudit(engine, "upsell").history()
    assert [(row.who, row.what, row.subject, row.why) for row in rows] == [
        ("ada", "key made", till.id, "new till"),
        ("ada", "key revoked", till.id, "new till"),
    ]
