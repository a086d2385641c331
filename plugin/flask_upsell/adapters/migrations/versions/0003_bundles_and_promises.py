"""Bundles, whose products are accepted together; promises for the next purchase."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("upsell_acceptance", sa.Column("bundle", sa.String(length=32), server_default="", nullable=False))
    op.add_column("upsell_acceptance", sa.Column("beside", sa.String(length=100), server_default="", nullable=False))
    op.create_table(
        "upsell_promise",
        sa.Column("instance", sa.String(length=40), nullable=False),
        sa.Column("order_ref", sa.String(length=200), nullable=False),
        sa.Column("rule", sa.String(length=100), nullable=False),
        sa.Column("customer", sa.String(length=64), nullable=False),
        sa.Column("perk", sa.JSON(), nullable=False),
        sa.Column("promised_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("customer <> ''", name=op.f("ck_upsell_promise_customer")),
        sa.PrimaryKeyConstraint("instance", "order_ref", "rule", name=op.f("pk_upsell_promise")),
    )
    with op.batch_alter_table("upsell_promise", schema=None) as batch_op:
        batch_op.create_index("ix_upsell_promise_customer", ["instance", "customer"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("upsell_promise", schema=None) as batch_op:
        batch_op.drop_index("ix_upsell_promise_customer")

    op.drop_table("upsell_promise")
    with op.batch_alter_table("upsell_acceptance", schema=None) as batch_op:
        batch_op.drop_column("beside")
        batch_op.drop_column("bundle")
