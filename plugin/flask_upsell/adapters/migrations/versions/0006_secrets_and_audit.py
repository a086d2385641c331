"""Secrets that never rotate, and the audit of what was changed."""

import secrets
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

SQLITE = (
    "CREATE TRIGGER upsell_audit_update BEFORE UPDATE ON upsell_audit "
    "BEGIN SELECT RAISE(ABORT, 'upsell_audit is append-only'); END",
    "CREATE TRIGGER upsell_audit_delete BEFORE DELETE ON upsell_audit "
    "BEGIN SELECT RAISE(ABORT, 'upsell_audit is append-only'); END",
    "CREATE TRIGGER upsell_audit_head_update BEFORE UPDATE ON upsell_audit_head "
    "WHEN NEW.number <= OLD.number OR NEW.instance <> OLD.instance "
    "BEGIN SELECT RAISE(ABORT, 'upsell_audit_head only goes on'); END",
    "CREATE TRIGGER upsell_audit_head_delete BEFORE DELETE ON upsell_audit_head "
    "BEGIN SELECT RAISE(ABORT, 'upsell_audit_head only goes on'); END",
)
POSTGRESQL = (
    "CREATE OR REPLACE FUNCTION upsell_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'upsell_audit is append-only'; END $$",
    "CREATE TRIGGER upsell_audit_keep BEFORE UPDATE OR DELETE ON upsell_audit "
    "FOR EACH ROW EXECUTE FUNCTION upsell_audit_refuse()",
    "CREATE TRIGGER upsell_audit_truncate BEFORE TRUNCATE ON upsell_audit "
    "FOR EACH STATEMENT EXECUTE FUNCTION upsell_audit_refuse()",
    "CREATE TRIGGER upsell_audit_head_update BEFORE UPDATE ON upsell_audit_head FOR EACH ROW "
    "WHEN (NEW.number <= OLD.number OR NEW.instance <> OLD.instance) EXECUTE FUNCTION upsell_audit_refuse()",
    "CREATE TRIGGER upsell_audit_head_delete BEFORE DELETE ON upsell_audit_head "
    "FOR EACH ROW EXECUTE FUNCTION upsell_audit_refuse()",
    "CREATE TRIGGER upsell_audit_head_truncate BEFORE TRUNCATE ON upsell_audit_head "
    "FOR EACH STATEMENT EXECUTE FUNCTION upsell_audit_refuse()",
)


def upgrade() -> None:
    kept = op.create_table(
        "upsell_secret",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", sa.String(length=128), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(value) >= 32", name=op.f("ck_upsell_secret_value")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_upsell_secret")),
    )
    # Made here, so that nobody has to write one in the midst of an order's transaction.
    now = datetime.now(UTC)
    made = [{"name": name, "value": secrets.token_hex(32), "made_at": now} for name in ("pseudonym", "audit")]
    op.bulk_insert(kept, made)
    op.create_table(
        "upsell_audit",
        sa.Column("instance", sa.String(length=40), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("who", sa.String(length=100), nullable=False),
        sa.Column("what", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.CheckConstraint("number > 0", name=op.f("ck_upsell_audit_number")),
        sa.PrimaryKeyConstraint("instance", "number", name=op.f("pk_upsell_audit")),
    )
    op.create_table(
        "upsell_audit_head",
        sa.Column("instance", sa.String(length=40), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("mark", sa.String(length=64), nullable=False),
        sa.CheckConstraint("number >= 0", name=op.f("ck_upsell_audit_head_number")),
        sa.PrimaryKeyConstraint("instance", name=op.f("pk_upsell_audit_head")),
    )
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)


def downgrade() -> None:
    # Tables take their triggers along.
    op.drop_table("upsell_audit_head")
    op.drop_table("upsell_audit")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION IF EXISTS upsell_audit_refuse()")
    op.drop_table("upsell_secret")
