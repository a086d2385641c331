"""Pairs that go together in a part of the year only, and what is decided of them."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "upsell_seasonal",
        sa.Column("instance", sa.String(length=40), nullable=False),
        sa.Column("antecedent", sa.String(length=200), nullable=False),
        sa.Column("consequent", sa.String(length=200), nullable=False),
        sa.Column("start", sa.String(length=5), nullable=False),
        sa.Column("end", sa.String(length=5), nullable=False),
        sa.Column("together", sa.BigInteger(), nullable=False),
        sa.Column("base", sa.BigInteger(), nullable=False),
        sa.Column("orders", sa.BigInteger(), nullable=False),
        sa.Column("lift", sa.Float(), nullable=False),
        sa.Column("outside_together", sa.BigInteger(), nullable=False),
        sa.Column("outside_base", sa.BigInteger(), nullable=False),
        sa.Column("outside_lift", sa.Float(), nullable=False),
        sa.Column("years", sa.Integer(), nullable=False),
        sa.Column("certainty", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("instance", "antecedent", "consequent", name=op.f("pk_upsell_seasonal")),
    )
    op.create_index("ix_upsell_seasonal_certainty", "upsell_seasonal", ["instance", "certainty"], unique=False)
    # Read from the database, so that whatever else the table has by now stays.
    with op.batch_alter_table("upsell_verdict") as batch_op:
        batch_op.drop_constraint(op.f("ck_upsell_verdict_kind"), type_="check")
        kinds = sa.text("kind IN ('complement', 'upgrade', 'seasonal', 'never')")
        batch_op.create_check_constraint(op.f("ck_upsell_verdict_kind"), kinds)


def downgrade() -> None:
    op.execute("DELETE FROM upsell_verdict WHERE kind = 'seasonal'")
    with op.batch_alter_table("upsell_verdict") as batch_op:
        batch_op.drop_constraint(op.f("ck_upsell_verdict_kind"), type_="check")
        kinds = sa.text("kind IN ('complement', 'upgrade', 'never')")
        batch_op.create_check_constraint(op.f("ck_upsell_verdict_kind"), kinds)
    op.drop_index("ix_upsell_seasonal_certainty", table_name="upsell_seasonal")
    op.drop_table("upsell_seasonal")
