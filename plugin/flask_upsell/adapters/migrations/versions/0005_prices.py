"""The price ledger: what products cost, from when to when it was seen."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

LETTERS = ", ".join(f"'{letter}'" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
CURRENCY = " AND ".join(
    ["length(currency) = 3", *(f"substr(currency, {place}, 1) IN ({LETTERS})" for place in (1, 2, 3))]
)


def upgrade() -> None:
    op.create_table(
        "upsell_price",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("instance", sa.String(length=40), nullable=False),
        sa.Column("product", sa.String(length=200), nullable=False),
        sa.Column("variant", sa.String(length=200), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.String(length=10), nullable=False),
        sa.Column("rule", sa.String(length=100), server_default="", nullable=False),
        sa.CheckConstraint("price >= 0", name=op.f("ck_upsell_price_price")),
        sa.CheckConstraint(CURRENCY, name=op.f("ck_upsell_price_currency")),
        sa.CheckConstraint("until >= since", name=op.f("ck_upsell_price_until")),
        sa.CheckConstraint("source IN ('changed', 'published', 'ordered')", name=op.f("ck_upsell_price_source")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upsell_price")),
    )
    with op.batch_alter_table("upsell_price", schema=None) as batch_op:
        batch_op.create_index("ix_upsell_price_product", ["instance", "product", "until"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("upsell_price", schema=None) as batch_op:
        batch_op.drop_index("ix_upsell_price_product")

    op.drop_table("upsell_price")
