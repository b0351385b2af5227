"""Decisions that changed the state of a terminal."""

import sqlalchemy as sa
from alembic import op

from skyhaul.control.store._schema import guards

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table of decisions."""
    op.create_table(
        "decisions",
        sa.Column("leaf", sa.BigInteger, sa.ForeignKey("leaves.number"), primary_key=True, autoincrement=False),
        sa.Column("terminal", sa.Text, nullable=False),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.Column("known_at", sa.BigInteger, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("code", sa.Integer, nullable=False),
        sa.Column("rate_bps", sa.Double),
        sa.Index("decisions_of_terminal", "terminal", "time"),
    )
    for statement in guards(op.get_bind().dialect.name, ("decisions",)):
        op.execute(statement)
