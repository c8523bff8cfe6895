"""The second schema: every call to a model, noted before it is made, with what it may cost and then did."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_PICO = 10**12


def upgrade() -> None:
    """Create the table, and put into it what the exchanges that are there have cost."""
    calls = op.create_table(
        "calls",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("run", sa.Integer, nullable=False, index=True),
        sa.Column("task_id", sa.Text, nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("open", sa.Boolean, nullable=False),
        sa.Column("tokens", sa.BigInteger, nullable=False),
        sa.Column("picodollars", sa.BigInteger),
    )
    names = ("key", "run", "task_id", "at")
    exchanges = sa.table("exchanges", *map(sa.column, names), sa.column("reply", sa.JSON))
    rows = [
        {name: row[name] for name in names} | _billed(row["reply"])
        for row in op.get_bind().execute(sa.select(exchanges)).mappings()
    ]
    if rows:
        op.bulk_insert(calls, rows)


def _billed(reply: dict[str, object]) -> dict[str, object]:
    """Return what an exchange cost, from its reply."""
    dollars = reply["dollars"]
    picos = round(float(dollars) * _PICO) if isinstance(dollars, int | float) else None
    tokens = sum(int(str(reply[f"{side}_tokens"])) for side in ("prompt", "completion"))
    return {"model": reply["model"], "open": False, "tokens": tokens, "picodollars": picos}


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("calls")
