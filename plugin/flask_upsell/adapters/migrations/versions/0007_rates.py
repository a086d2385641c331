"""Clicks of a minute, counted while Redis is away."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "upsell_rate",
        sa.Column("instance", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("minute", sa.BigInteger(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.CheckConstraint("taken > 0", name=op.f("ck_upsell_rate_taken")),
        sa.PrimaryKeyConstraint("instance", "name", "minute", name=op.f("pk_upsell_rate")),
    )


def downgrade() -> None:
    op.drop_table("upsell_rate")
