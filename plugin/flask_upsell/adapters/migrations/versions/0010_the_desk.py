"""The desk: drafts, earlier rulebooks, verdicts on suggestions, notes on products, options, the catalogue as it is
searched, results by day, imported order lines, keys of machines."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_AZ = ", ".join(f"'{letter}'" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
LETTERS = "length(currency) = 3 AND " + " AND ".join(f"substr(currency, {n}, 1) IN ({_AZ})" for n in (1, 2, 3))


def upgrade() -> None:
    op.create_table(
        "upsell_api_request",
        sa.Column("instance", sa.String(length=40), nullable=False),
        sa.Column("who", sa.String(length=100), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("request", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("etag", sa.String(length=80), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("instance", "who", "key", name=op.f("pk_upsell_api_request")),
    )
    op.create_index(op.f("ix_upsell_api_request_created_at"), "upsell_api_request", ["created_at"], unique=False)
    op.create_table(
        "upsell_day",
        sa.Column("instance", sa.String(length=40), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("placement", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("rule", sa.String(length=100), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("shown", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("accepted", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("declined", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("undone", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("converted", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("revenue", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint(f"currency = '' AND revenue = 0 OR {LETTERS}", name=op.f("ck_upsell_day_currency")),
        sa.CheckConstraint(
            "shown >= 0 AND accepted >= 0 AND declined >= 0 AND undone >= 0 AND converted >= 0 AND revenue >= 0",
            name=op.f("ck_upsell_day_counted"),
        ),
        sa.PrimaryKeyConstraint("instance", "day", "placement", "kind", "rule", "currency", name=op.f("pk_upsell_day")),
    )
    op.create_table(
        "upsell_draft",
        sa.Column("instance", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("origin", sa.String(length=100), nullable=False),
        sa.Column("base", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("author", sa.String(length=100), nullable=False),
        sa.Column("writer", sa.String(length=100), nullable=False),
        sa.Column("writers", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("action IN ('put', 'remove')", name=op.f("ck_upsell_draft_action")),
        sa.CheckConstraint("kind IN ('rule', 'season', 'ladder')", name=op.f("ck_upsell_draft_kind")),
        sa.CheckConstraint("state IN ('open', 'review')", name=op.f("ck_upsell_draft_state")),
        sa.CheckConstraint("version > 0", name=op.f("ck_upsell_draft_version")),
        sa.PrimaryKeyConstraint("instance", "id", name=op.f("pk_upsell_draft")),
    )
    op.create_table(
        "upsell_draft_step",
        sa.Column("instance", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("back", sa.Text(), nullable=False),
        sa.Column("forth", sa.Text(), nullable=False),
        sa.Column("tab", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("instance", "id", name=op.f("pk_upsell_draft_step")),
    )
    op.create_index(
        "uq_upsell_draft_origin",
        "upsell_draft",
        ["instance", "kind", "origin"],
        unique=True,
        sqlite_where=sa.text("origin <> ''"),
        postgresql_where=sa.text("origin <> ''"),
    )
    op.create_table(
        "upsell_imported_line",
        sa.Column("instance", sa.String(length=40), nullable=False),
        sa.Column("order_ref", sa.String(length=200), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("product", sa.String(length=200), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unit_price", sa.BigInteger(), nullable=False),
        sa.Column("customer", sa.String(length=64), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("unit_price >= 0", name=op.f("ck_upsell_imported_line_unit_price")),
        sa.PrimaryKeyConstraint("instance", "order_ref", "position", name=op.f("pk_upsell_imported_line")),
    )
    op.create_index(
        "ix_upsell_imported_line_placed_at", "upsell_imported_line", ["instance", "placed_at"], unique=False
    )
    op.create_table(
        "upsell_imported_product",
        sa.Column("instance", sa.String(length=40), nullable=False),
        sa.Column("ref", sa.String(length=200), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("instance", "ref", name=op.f("pk_upsell_imported_product")),
    )
    op.create_table(
        "upsell_linted",
        sa.Column("instance", sa.String(length=40), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("findings", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("instance", name=op.f("pk_upsell_linted")),
    )
    op.create_table(
        "upsell_machine_key",
        sa.Column("instance", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("role", sa.String(length=10), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("who", sa.String(length=100), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "role IN ('viewer', 'editor', 'approver', 'owner')", name=op.f("ck_upsell_machine_key_role")
        ),
        sa.PrimaryKeyConstraint("instance", "id", name=op.f("pk_upsell_machine_key")),
    )
    op.create_index("ix_upsell_machine_key_hash", "upsell_machine_key", ["instance", "hash"], unique=True)
    op.create_table(
        "upsell_option",
        sa.Column("instance", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("who", sa.String(length=100), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("instance", "name", name=op.f("pk_upsell_option")),
    )
    op.create_table(
        "upsell_product",
        sa.Column("instance", sa.String(length=40), nullable=False),
        sa.Column("ref", sa.String(length=200), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("category", sa.String(length=500), nullable=False),
        sa.Column("brand", sa.String(length=200), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("stock", sa.BigInteger(), nullable=True),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.Column("image", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.CheckConstraint("price >= 0", name=op.f("ck_upsell_product_price")),
        sa.CheckConstraint(LETTERS, name=op.f("ck_upsell_product_currency")),
        sa.PrimaryKeyConstraint("instance", "ref", name=op.f("pk_upsell_product")),
    )
    op.create_index("ix_upsell_product_category", "upsell_product", ["instance", "category", "ref"], unique=False)
    op.create_table(
        "upsell_facet",
        sa.Column("instance", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=500), nullable=False),
        sa.Column("products", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind IN ('category', 'tag', 'brand')", name=op.f("ck_upsell_facet_kind")),
        sa.PrimaryKeyConstraint("instance", "kind", "name", name=op.f("pk_upsell_facet")),
    )
    op.create_table(
        "upsell_product_note",
        sa.Column("instance", sa.String(length=40), nullable=False),
        sa.Column("ref", sa.String(length=200), nullable=False),
        sa.Column("excluded", sa.Boolean(), nullable=False),
        sa.Column("sensitive", sa.Boolean(), nullable=False),
        sa.Column("fits", sa.Text(), nullable=False),
        sa.Column("who", sa.String(length=100), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("instance", "ref", name=op.f("pk_upsell_product_note")),
    )
    op.create_table(
        "upsell_revision",
        sa.Column("instance", sa.String(length=40), nullable=False),
        sa.Column("revision", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("who", sa.String(length=100), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("changes", sa.Text(), nullable=False),
        sa.Column("writers", sa.Text(), nullable=False),
        sa.Column("book", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("revision > 0", name=op.f("ck_upsell_revision_revision")),
        sa.PrimaryKeyConstraint("instance", "revision", name=op.f("pk_upsell_revision")),
    )
    op.create_table(
        "upsell_upload",
        sa.Column("instance", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("what", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("who", sa.String(length=100), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("run", sa.String(length=32), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "what IN ('rules', 'ladders', 'pairs', 'products', 'orders')", name=op.f("ck_upsell_upload_what")
        ),
        sa.PrimaryKeyConstraint("instance", "id", name=op.f("pk_upsell_upload")),
    )
    op.create_table(
        "upsell_verdict",
        sa.Column("instance", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("antecedent", sa.String(length=200), nullable=False),
        sa.Column("consequent", sa.String(length=200), nullable=False),
        sa.Column("verdict", sa.String(length=10), nullable=False),
        sa.Column("who", sa.String(length=100), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind <> 'never' OR verdict = 'rejected'", name=op.f("ck_upsell_verdict_never")),
        sa.CheckConstraint("kind IN ('complement', 'upgrade', 'never')", name=op.f("ck_upsell_verdict_kind")),
        sa.CheckConstraint("verdict IN ('approved', 'rejected')", name=op.f("ck_upsell_verdict_verdict")),
        sa.PrimaryKeyConstraint("instance", "kind", "antecedent", "consequent", name=op.f("pk_upsell_verdict")),
    )
    op.create_table(
        "upsell_word",
        sa.Column("instance", sa.String(length=40), nullable=False),
        sa.Column(
            "word", sa.String(length=60).with_variant(sa.String(length=60, collation="C"), "postgresql"), nullable=False
        ),
        sa.Column("ref", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("instance", "word", "ref", name=op.f("pk_upsell_word")),
    )
    op.create_index("ix_upsell_word_ref", "upsell_word", ["instance", "ref", "word"], unique=False)
    op.create_table(
        "upsell_pair_level",
        sa.Column("instance", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("sure", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("pairs", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("pairs > 0", name=op.f("ck_upsell_pair_level_pairs")),
        sa.PrimaryKeyConstraint("instance", "kind", "sure", name=op.f("pk_upsell_pair_level")),
    )
    op.add_column("upsell_affinity", sa.Column("sure", sa.Integer(), server_default="0", nullable=False))
    op.add_column("upsell_affinity", sa.Column("worth", sa.Float(), server_default="0", nullable=False))
    op.create_index(
        "ix_upsell_affinity_worth",
        "upsell_affinity",
        ["instance", "worth", "antecedent", "consequent", "kind", "sure"],
        unique=False,
    )
    op.create_index(
        "ix_upsell_affinity_consequent",
        "upsell_affinity",
        ["instance", "consequent", "worth", "antecedent", "kind", "sure"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_index("ix_upsell_affinity_consequent", table_name="upsell_affinity")
    op.drop_index("ix_upsell_affinity_worth", table_name="upsell_affinity")
    with op.batch_alter_table("upsell_affinity", schema=None) as batch_op:
        batch_op.drop_column("worth")
        batch_op.drop_column("sure")
    op.drop_table("upsell_pair_level")
    op.drop_index("ix_upsell_word_ref", table_name="upsell_word")
    op.drop_table("upsell_word")
    op.drop_table("upsell_verdict")
    op.drop_table("upsell_upload")
    op.drop_table("upsell_revision")
    op.drop_table("upsell_product_note")
    op.drop_table("upsell_facet")
    op.drop_index("ix_upsell_product_category", table_name="upsell_product")
    op.drop_table("upsell_product")
    op.drop_table("upsell_option")
    op.drop_index("ix_upsell_machine_key_hash", table_name="upsell_machine_key")
    op.drop_table("upsell_machine_key")
    op.drop_table("upsell_linted")
    op.drop_table("upsell_imported_product")
    op.drop_index("ix_upsell_imported_line_placed_at", table_name="upsell_imported_line")
    op.drop_table("upsell_imported_line")
    op.drop_table("upsell_draft_step")
    op.drop_index("uq_upsell_draft_origin", table_name="upsell_draft")
    op.drop_table("upsell_draft")
    op.drop_table("upsell_day")
    op.drop_index(op.f("ix_upsell_api_request_created_at"), table_name="upsell_api_request")
    op.drop_table("upsell_api_request")
