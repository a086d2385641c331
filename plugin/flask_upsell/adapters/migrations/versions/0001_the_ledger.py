"""The ledger: requests, acceptances, conversions, outbox, counts, affinities, runs."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "upsell_acceptance",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("instance", sa.String(length=40), nullable=False),
        sa.Column("visitor", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("placement", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("offer", sa.String(length=32), nullable=False),
        sa.Column("product", sa.String(length=200), nullable=False),
        sa.Column("variant", sa.String(length=200), nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unit_price", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("line", sa.String(length=200), nullable=False),
        sa.Column("replaced", sa.JSON(), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('accepted', 'undoing', 'undone', 'ordered')", name=op.f("ck_upsell_acceptance_state")
        ),
        sa.CheckConstraint("length(currency) = 3", name=op.f("ck_upsell_acceptance_currency")),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_upsell_acceptance_quantity")),
        sa.CheckConstraint("unit_price >= 0", name=op.f("ck_upsell_acceptance_unit_price")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upsell_acceptance")),
    )
    with op.batch_alter_table("upsell_acceptance", schema=None) as batch_op:
        batch_op.create_index("ix_upsell_acceptance_visitor", ["instance", "visitor", "state"], unique=False)

    op.create_table(
        "upsell_affinity",
        sa.Column("instance", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("antecedent", sa.String(length=200), nullable=False),
        sa.Column("consequent", sa.String(length=200), nullable=False),
        sa.Column("weight", sa.Float(), nullable=False),
        sa.Column("together", sa.BigInteger(), nullable=False),
        sa.Column("base", sa.BigInteger(), nullable=False),
        sa.Column("consequent_orders", sa.BigInteger(), nullable=False),
        sa.Column("orders", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("instance", "kind", "antecedent", "consequent", name=op.f("pk_upsell_affinity")),
    )
    op.create_table(
        "upsell_batch",
        sa.Column("instance", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("folded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("instance", "name", name=op.f("pk_upsell_batch")),
    )
    op.create_table(
        "upsell_conversion",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("instance", sa.String(length=40), nullable=False),
        sa.Column("order_ref", sa.String(length=200), nullable=False),
        sa.Column("acceptance", sa.String(length=32), nullable=False),
        sa.Column("placement", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("product", sa.String(length=200), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("revenue", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("ordered_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_upsell_conversion_quantity")),
        sa.CheckConstraint("revenue >= 0", name=op.f("ck_upsell_conversion_revenue")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upsell_conversion")),
        sa.UniqueConstraint("instance", "acceptance", name="uq_upsell_conversion_acceptance"),
    )
    op.create_table(
        "upsell_count",
        sa.Column("instance", sa.String(length=40), nullable=False),
        sa.Column("placement", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("product", sa.String(length=200), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("shown", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("accepted", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("declined", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("undone", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("converted", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("revenue", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("instance", "placement", "kind", "product", "currency", name=op.f("pk_upsell_count")),
    )
    op.create_table(
        "upsell_outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("instance", sa.String(length=40), nullable=False),
        sa.Column("event", sa.String(length=240), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("folded_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upsell_outbox")),
        sa.UniqueConstraint("instance", "event", name="uq_upsell_outbox_event"),
    )
    with op.batch_alter_table("upsell_outbox", schema=None) as batch_op:
        batch_op.create_index("ix_upsell_outbox_folded_at", ["folded_at"], unique=False)

    op.create_table(
        "upsell_request",
        sa.Column("instance", sa.String(length=40), nullable=False),
        sa.Column("visitor", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("request", sa.String(length=64), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("instance", "visitor", "key", name=op.f("pk_upsell_request")),
    )
    with op.batch_alter_table("upsell_request", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_upsell_request_created_at"), ["created_at"], unique=False)

    op.create_table(
        "upsell_run",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("instance", sa.String(length=40), nullable=False),
        sa.Column("job", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upsell_run")),
    )
    with op.batch_alter_table("upsell_run", schema=None) as batch_op:
        batch_op.create_index("ix_upsell_run_job", ["instance", "job", "started_at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("upsell_run", schema=None) as batch_op:
        batch_op.drop_index("ix_upsell_run_job")

    op.drop_table("upsell_run")
    with op.batch_alter_table("upsell_request", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_upsell_request_created_at"))

    op.drop_table("upsell_request")
    with op.batch_alter_table("upsell_outbox", schema=None) as batch_op:
        batch_op.drop_index("ix_upsell_outbox_folded_at")

    op.drop_table("upsell_outbox")
    op.drop_table("upsell_count")
    op.drop_table("upsell_conversion")
    op.drop_table("upsell_batch")
    op.drop_table("upsell_affinity")
    with op.batch_alter_table("upsell_acceptance", schema=None) as batch_op:
        batch_op.drop_index("ix_upsell_acceptance_visitor")

    op.drop_table("upsell_acceptance")
