"""Leaves, the facts they are of, and the openings of what they commit to."""

import sqlalchemy as sa
from alembic import op

from skyhaul.control.store._schema import guards

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables of facts."""
    op.create_table(
        "store",
        sa.Column("one", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("log_key", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "leaves",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False, unique=True),
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "facts",
        sa.Column("leaf", sa.BigInteger, sa.ForeignKey("leaves.number"), primary_key=True, autoincrement=False),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("key", sa.Text),
        sa.Column("subject", sa.Text),
        sa.Column("valid_from", sa.BigInteger, nullable=False),
        sa.Column("valid_to", sa.BigInteger),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("recorded_by", sa.Text, nullable=False),
        sa.Column("shape", sa.Text),
        sa.Index("facts_of_key", "kind", "key"),
    )
    op.create_table(
        "openings",
        sa.Column("leaf", sa.BigInteger, sa.ForeignKey("leaves.number"), primary_key=True, autoincrement=False),
        sa.Column("field", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("salt", sa.LargeBinary),
        sqlite_with_rowid=False,
    )
    for statement in guards(op.get_bind().dialect.name, ("store", "leaves", "facts", "openings")):
        op.execute(statement)
