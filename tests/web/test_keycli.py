"""`flask upsell keys …`."""

from __future__ import annotations

from flask import Flask

from tests.web.shop import parts_of


def test_keys_are_made_listed_and_revoked(app: Flask) -> None:
    run = app.test_cli_runner().invoke
    made = run(args=["upsell", "keys", "make", "till", "--role", "editor", "--by", "ada"])
    assert made.exit_code == 0, made.output
    key = made.stdout.strip()
    machine = parts_of(app).desk.machines.of(key)
    assert machine is not None
    assert machine.id in made.stderr
    listed = run(args=["upsell", "keys", "list"]).stdout
    assert f"{machine.id} till (editor): made " in listed
    assert "by ada, last used" in listed
    assert key not in listed
    again = run(args=["upsell", "keys", "make", "till", "--role", "viewer"])
    assert (again.exit_code, "already" in again.stderr) == (1, True)
    assert run(args=["upsell", "keys", "revoke", machine.id]).stdout == "till opens nothing any more.\n"
    assert parts_of(app).desk.machines.of(key) is None
    assert ", revoked " in run(args=["upsell", "keys", "list"]).stdout
    assert run(args=["upsell", "keys", "revoke", "none"]).exit_code == 1
