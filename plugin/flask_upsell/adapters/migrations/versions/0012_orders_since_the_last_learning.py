"""Orders since the last learning, and in which orders it found each product."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

INDEXES = {"product": ["product", "state"], "folded": ["folded_at"], "customer": ["customer"]}


def upgrade() -> None:
    op.create_table(
        "upsell_counted",
        sa.Column("instance", sa.String(length=40), nullable=False),
        sa.Column("learning", sa.String(length=64), nullable=False),
        sa.Column("product", sa.String(length=200), nullable=False),
        sa.Column("orders", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("orders > 0", name=op.f("ck_upsell_counted_orders")),
        sa.PrimaryKeyConstraint("instance", "learning", "product", name=op.f("pk_upsell_counted")),
    )
    op.create_table(
        "upsell_recent",
        sa.Column("instance", sa.String(length=40), nullable=False),
        sa.Column("order_ref", sa.String(length=200), nullable=False),
        sa.Column("product", sa.String(length=200), nullable=False),
        sa.Column("customer", sa.String(length=64), server_default="", nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_by", sa.String(length=64), server_default="", nullable=False),
        sa.Column("folded_in", sa.String(length=64), server_default="", nullable=False),
        sa.Column("folded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('new', 'asked', 'in', 'out')", name=op.f("ck_upsell_recent_state")),
        sa.PrimaryKeyConstraint("instance", "order_ref", "product", name=op.f("pk_upsell_recent")),
    )
    for name, columns in INDEXES.items():
        op.create_index(f"ix_upsell_recent_{name}", "upsell_recent", ["instance", *columns], unique=False)


def downgrade() -> None:
    for name in INDEXES:
        op.drop_index(f"ix_upsell_recent_{name}", table_name="upsell_recent")
    op.drop_table("upsell_recent")
    op.drop_table("upsell_counted")
