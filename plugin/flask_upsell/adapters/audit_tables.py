"""The tables of trust: secrets that never rotate, and the audit, whose rows the database itself keeps as they are."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, Connection, String, Table, Text, event

from .tables import UTCDateTime, metadata

#: One for all instances of a database.
secrets = Table(
    "upsell_secret",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("value", String(128), nullable=False),
    Column("made_at", UTCDateTime, nullable=False),
    CheckConstraint("length(value) >= 32", name="value"),
)

#: `number` counts from 1 without gaps; `hash` covers all other columns and the row before it.
audit = Table(
    "upsell_audit",
    metadata,
    Column("instance", String(40), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", UTCDateTime, nullable=False),
    Column("who", String(100), nullable=False),
    Column("what", String(40), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("hash", String(64), nullable=False),
    CheckConstraint("number > 0", name="number"),
)

#: Where each chain ends: so that a tail which was cut off is missed. `mark` is the signature of that.
audit_heads = Table(
    "upsell_audit_head",
    metadata,
    Column("instance", String(40), primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("mark", String(64), nullable=False),
    CheckConstraint("number >= 0", name="number"),
)

REFUSE: dict[str, dict[str, tuple[str, ...]]] = {
    "sqlite": {
        "upsell_audit": (
            "CREATE TRIGGER upsell_audit_update BEFORE UPDATE ON upsell_audit "
            "BEGIN SELECT RAISE(ABORT, 'upsell_audit is append-only'); END",
            "CREATE TRIGGER upsell_audit_delete BEFORE DELETE ON upsell_audit "
            "BEGIN SELECT RAISE(ABORT, 'upsell_audit is append-only'); END",
        ),
        "upsell_audit_head": (
            "CREATE TRIGGER upsell_audit_head_update BEFORE UPDATE ON upsell_audit_head "
            "WHEN NEW.number <= OLD.number OR NEW.instance <> OLD.instance "
            "BEGIN SELECT RAISE(ABORT, 'upsell_audit_head only goes on'); END",
            "CREATE TRIGGER upsell_audit_head_delete BEFORE DELETE ON upsell_audit_head "
            "BEGIN SELECT RAISE(ABORT, 'upsell_audit_head only goes on'); END",
        ),
    },
    "postgresql": {
        "upsell_audit": (
            "CREATE OR REPLACE FUNCTION upsell_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'upsell_audit is append-only'; END $$",
            "CREATE TRIGGER upsell_audit_keep BEFORE UPDATE OR DELETE ON upsell_audit "
            "FOR EACH ROW EXECUTE FUNCTION upsell_audit_refuse()",
            "CREATE TRIGGER upsell_audit_truncate BEFORE TRUNCATE ON upsell_audit "
            "FOR EACH STATEMENT EXECUTE FUNCTION upsell_audit_refuse()",
        ),
        "upsell_audit_head": (
            "CREATE TRIGGER upsell_audit_head_update BEFORE UPDATE ON upsell_audit_head FOR EACH ROW "
            "WHEN (NEW.number <= OLD.number OR NEW.instance <> OLD.instance) EXECUTE FUNCTION upsell_audit_refuse()",
            "CREATE TRIGGER upsell_audit_head_delete BEFORE DELETE ON upsell_audit_head "
            "FOR EACH ROW EXECUTE FUNCTION upsell_audit_refuse()",
            "CREATE TRIGGER upsell_audit_head_truncate BEFORE TRUNCATE ON upsell_audit_head "
            "FOR EACH STATEMENT EXECUTE FUNCTION upsell_audit_refuse()",
        ),
    },
}


def _refuse(table: Table, connection: Connection, **_: Any) -> None:
    for statement in REFUSE[connection.dialect.name][table.name]:
        connection.exec_driver_sql(statement)


# Tables that are made without the migrations (in memory, for tests) are as strict as those that are.
for _table in (audit, audit_heads):
    event.listen(_table, "after_create", _refuse)
