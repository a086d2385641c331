"""Orders to be followed up by a mail, and who wants none."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "upsell_follow_up",
        sa.Column("instance", sa.String(length=40), nullable=False),
        sa.Column("order_ref", sa.String(length=200), nullable=False),
        sa.Column("customer", sa.String(length=64), nullable=False),
        sa.Column("language", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("claim", sa.String(length=32), server_default="", nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("customer <> ''", name=op.f("ck_upsell_follow_up_customer")),
        sa.CheckConstraint("tries >= 0", name=op.f("ck_upsell_follow_up_tries")),
        sa.CheckConstraint(
            "state IN ('due', 'claimed', 'sending', 'sent', 'no_offer', 'no_order', 'unsubscribed', 'recent', 'late', "
            "'failed', 'unclear')",
            name=op.f("ck_upsell_follow_up_state"),
        ),
        sa.PrimaryKeyConstraint("instance", "order_ref", name=op.f("pk_upsell_follow_up")),
    )
    with op.batch_alter_table("upsell_follow_up", schema=None) as batch_op:
        batch_op.create_index("ix_upsell_follow_up_next", ["instance", "state", "next_at"], unique=False)
        batch_op.create_index("ix_upsell_follow_up_customer", ["instance", "customer"], unique=False)
    op.create_table(
        "upsell_unsubscribed",
        sa.Column("instance", sa.String(length=40), nullable=False),
        sa.Column("customer", sa.String(length=64), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("customer <> ''", name=op.f("ck_upsell_unsubscribed_customer")),
        sa.PrimaryKeyConstraint("instance", "customer", name=op.f("pk_upsell_unsubscribed")),
    )


def downgrade() -> None:
    op.drop_table("upsell_unsubscribed")
    with op.batch_alter_table("upsell_follow_up", schema=None) as batch_op:
        batch_op.drop_index("ix_upsell_follow_up_customer")
        batch_op.drop_index("ix_upsell_follow_up_next")

    op.drop_table("upsell_follow_up")
