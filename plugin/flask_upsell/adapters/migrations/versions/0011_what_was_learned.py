"""What was learned beside the evidence of pairs, and who agreed that his orders are used."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "upsell_learning",
        sa.Column("instance", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("revision", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("lessons", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("model", sa.LargeBinary(), nullable=True),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('writing', 'live', 'gone')", name=op.f("ck_upsell_learning_state")),
        sa.CheckConstraint("state <> 'live' OR model IS NOT NULL", name=op.f("ck_upsell_learning_whole")),
        sa.PrimaryKeyConstraint("instance", "id", name=op.f("pk_upsell_learning")),
    )
    live = sa.text("state = 'live'")
    op.create_index(
        "uq_upsell_learning_live",
        "upsell_learning",
        ["instance"],
        unique=True,
        sqlite_where=live,
        postgresql_where=live,
    )
    op.create_table(
        "upsell_lesson",
        sa.Column("instance", sa.String(length=40), nullable=False),
        sa.Column("learning", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("customer", sa.String(length=64), server_default="", nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("kind IN ('lead', 'crowd', 'habits')", name=op.f("ck_upsell_lesson_kind")),
        sa.CheckConstraint("(kind = 'lead') = (customer = '')", name=op.f("ck_upsell_lesson_customer")),
        sa.PrimaryKeyConstraint("instance", "learning", "kind", "name", name=op.f("pk_upsell_lesson")),
    )
    op.create_index("ix_upsell_lesson_customer", "upsell_lesson", ["instance", "customer"], unique=False)
    op.create_table(
        "upsell_consent",
        sa.Column("instance", sa.String(length=40), nullable=False),
        sa.Column("customer", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("customer <> ''", name=op.f("ck_upsell_consent_customer")),
        sa.PrimaryKeyConstraint("instance", "customer", name=op.f("pk_upsell_consent")),
    )


def downgrade() -> None:
    op.drop_table("upsell_consent")
    op.drop_index("ix_upsell_lesson_customer", table_name="upsell_lesson")
    op.drop_table("upsell_lesson")
    op.drop_index("uq_upsell_learning_live", table_name="upsell_learning")
    op.drop_table("upsell_learning")
