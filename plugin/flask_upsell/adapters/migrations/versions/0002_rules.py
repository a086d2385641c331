"""Rules: the rulebook with its rules, seasons and ladders; allowances and redemptions."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def _create_part(name: str, *more: sa.Column | sa.CheckConstraint) -> None:
    op.create_table(
        name,
        sa.Column("instance", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        *more,
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("instance", "name", name=op.f(f"pk_{name}")),
    )


def upgrade() -> None:
    # Which rule brought an accepted offer, and what one unit costs without its discount.
    op.add_column("upsell_acceptance", sa.Column("rule", sa.String(length=100), server_default="", nullable=False))
    op.add_column("upsell_acceptance", sa.Column("normal", sa.BigInteger(), server_default="0", nullable=False))
    op.create_table(
        "upsell_rulebook",
        sa.Column("instance", sa.String(length=40), nullable=False),
        sa.Column("revision", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("revision >= 0", name=op.f("ck_upsell_rulebook_revision")),
        sa.PrimaryKeyConstraint("instance", name=op.f("pk_upsell_rulebook")),
    )
    _create_part(
        "upsell_rule",
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.CheckConstraint("status IN ('draft', 'active', 'paused', 'ended')", name=op.f("ck_upsell_rule_status")),
    )
    _create_part("upsell_season")
    _create_part("upsell_ladder")
    op.create_table(
        "upsell_allowance",
        sa.Column("instance", sa.String(length=40), nullable=False),
        sa.Column("rule", sa.String(length=100), nullable=False),
        sa.Column("scope", sa.String(length=80), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("used >= 0", name=op.f("ck_upsell_allowance_used")),
        sa.PrimaryKeyConstraint("instance", "rule", "scope", name=op.f("pk_upsell_allowance")),
    )
    op.create_table(
        "upsell_redemption",
        sa.Column("instance", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("rule", sa.String(length=100), nullable=False),
        sa.Column("customer", sa.String(length=64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("order_ref", sa.String(length=200), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("customer <> ''", name=op.f("ck_upsell_redemption_customer")),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_upsell_redemption_amount")),
        sa.CheckConstraint("length(currency) = 3", name=op.f("ck_upsell_redemption_currency")),
        sa.PrimaryKeyConstraint("instance", "id", name=op.f("pk_upsell_redemption")),
    )
    with op.batch_alter_table("upsell_redemption", schema=None) as batch_op:
        batch_op.create_index("ix_upsell_redemption_customer", ["instance", "rule", "customer"], unique=False)
        batch_op.create_index("ix_upsell_redemption_day", ["instance", "rule", "day"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("upsell_redemption", schema=None) as batch_op:
        batch_op.drop_index("ix_upsell_redemption_day")
        batch_op.drop_index("ix_upsell_redemption_customer")

    op.drop_table("upsell_redemption")
    op.drop_table("upsell_allowance")
    op.drop_table("upsell_ladder")
    op.drop_table("upsell_season")
    op.drop_table("upsell_rule")
    op.drop_table("upsell_rulebook")
    with op.batch_alter_table("upsell_acceptance", schema=None) as batch_op:
        batch_op.drop_column("normal")
        batch_op.drop_column("rule")
