"""Clicks that can be taken over from a killed process; more that the tables refuse."""

from string import ascii_uppercase

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

COUNTED = ("shown", "accepted", "declined", "undone", "converted", "revenue")
STATES = "'accepted', 'undoing', 'undone', 'ordered'"


def _letters() -> str:
    known = ", ".join(f"'{letter}'" for letter in ascii_uppercase)
    return "length(currency) = 3 AND " + " AND ".join(f"substr(currency, {n}, 1) IN ({known})" for n in (1, 2, 3))


#: table -> name of a check -> (before, after)
CHECKS = {
    "upsell_acceptance": {
        "state": (f"state IN ({STATES})", f"state IN ('intended', {STATES})"),
        "currency": ("length(currency) = 3", _letters()),
        "normal": (None, "normal >= 0 AND (normal = 0 OR unit_price <= normal)"),
    },
    "upsell_conversion": {"currency": (None, _letters())},
    "upsell_count": {
        "counted": (None, " AND ".join(f"{name} >= 0" for name in COUNTED)),
        "currency": (None, f"currency = '' AND revenue = 0 OR {_letters()}"),
    },
    "upsell_redemption": {"currency": ("length(currency) = 3", _letters())},
}


def _change(table: str, before: int, after: int) -> None:
    # Read from the database, so that whatever else the table has by now stays.
    with op.batch_alter_table(table) as batch_op:
        for name, versions in CHECKS[table].items():
            if versions[before] is not None:
                batch_op.drop_constraint(op.f(f"ck_{table}_{name}"), type_="check")
            if versions[after] is not None:
                batch_op.create_check_constraint(op.f(f"ck_{table}_{name}"), sa.text(versions[after]))


def upgrade() -> None:
    op.add_column("upsell_request", sa.Column("before", sa.JSON(), nullable=True))
    op.add_column("upsell_acceptance", sa.Column("key", sa.String(length=64), server_default="", nullable=False))
    op.add_column("upsell_acceptance", sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True))
    # What was being undone when the store was stopped for this may be undone again.
    op.execute("UPDATE upsell_acceptance SET state = 'accepted' WHERE state = 'undoing'")
    for table in CHECKS:
        _change(table, 0, 1)
    _index("uq_upsell_acceptance_key", "key <> ''", ["instance", "visitor", "key", "product"])
    only = "state = 'intended' AND visitor <> '' AND (bundle = '' OR bundle = id)"
    _index("uq_upsell_acceptance_intended", only, ["instance", "visitor"])


def _index(name: str, where: str, columns: list[str]) -> None:
    condition = sa.text(where)
    op.create_index(name, "upsell_acceptance", columns, unique=True, sqlite_where=condition, postgresql_where=condition)


def downgrade() -> None:
    op.drop_index("uq_upsell_acceptance_intended", "upsell_acceptance")
    op.drop_index("uq_upsell_acceptance_key", "upsell_acceptance")
    op.execute("DELETE FROM upsell_acceptance WHERE state = 'intended'")
    for table in CHECKS:
        _change(table, 1, 0)
    with op.batch_alter_table("upsell_acceptance") as batch_op:
        batch_op.drop_column("claimed_at")
        batch_op.drop_column("key")
    with op.batch_alter_table("upsell_request") as batch_op:
        batch_op.drop_column("before")
