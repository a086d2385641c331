"""The kill switch: a row while everything is switched off."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "upsell_switch",
        sa.Column("instance", sa.String(40), nullable=False),
        sa.Column("off_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(100), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("instance", name="pk_upsell_switch"),
    )


def downgrade() -> None:
    op.drop_table("upsell_switch")
