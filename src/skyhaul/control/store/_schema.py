"""The tables, and bringing a database to them."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from skyhaul.errors import StoreError

# Revisions of the schema, oldest first: one module of `migrations/versions` each.
REVISIONS = ("0001", "0002")
HEAD = REVISIONS[-1]

METADATA = sa.MetaData()

# What the store belongs to: one row.
STORE = sa.Table(
    "store",
    METADATA,
    sa.Column("one", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("log_key", sa.Text, nullable=False),  # public key of the log, name+id+base64
    sa.Column("created_at", sa.BigInteger, nullable=False),
)

# Every record as the log has it; the number is that of the entry. All instants are nanoseconds since 1970, UTC.
LEAVES = sa.Table(
    "leaves",
    METADATA,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", sa.BigInteger, nullable=False, unique=True),
    sa.Column("record", sa.Text, nullable=False),  # fact, decision or erasure
    sa.Column("body", sa.Text, nullable=False),  # canonical JSON
)

FACTS = sa.Table(
    "facts",
    METADATA,
    sa.Column("leaf", sa.BigInteger, sa.ForeignKey("leaves.number"), primary_key=True, autoincrement=False),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("key", sa.Text),  # null where it names a party
    sa.Column("subject", sa.Text),  # null where it names a party
    sa.Column("valid_from", sa.BigInteger, nullable=False),
    sa.Column("valid_to", sa.BigInteger),
    sa.Column("recorded_at", sa.BigInteger, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("recorded_by", sa.Text, nullable=False),
    sa.Column("shape", sa.Text),  # GeoJSON
    sa.Index("facts_of_key", "kind", "key"),
)

# Values and salts behind the commitments in the leaves: the only table in which anything is ever erased.
OPENINGS = sa.Table(
    "openings",
    METADATA,
    sa.Column("leaf", sa.BigInteger, sa.ForeignKey("leaves.number"), primary_key=True, autoincrement=False),
    sa.Column("field", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),  # canonical JSON
    sa.Column("salt", sa.LargeBinary),  # null once the value is erased and another stands in for it
    sqlite_with_rowid=False,
)

# Decisions that changed the state of a terminal.
DECISIONS = sa.Table(
    "decisions",
    METADATA,
    sa.Column("leaf", sa.BigInteger, sa.ForeignKey("leaves.number"), primary_key=True, autoincrement=False),
    sa.Column("terminal", sa.Text, nullable=False),
    sa.Column("time", sa.BigInteger, nullable=False),
    sa.Column("known_at", sa.BigInteger, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("code", sa.Integer, nullable=False),
    sa.Column("rate_bps", sa.Double),
    sa.Index("decisions_of_terminal", "terminal", "time"),
)

APPEND_ONLY = ("store", "leaves", "facts", "decisions")


def guards(dialect: str, tables: Iterable[str]) -> Iterable[str]:
    """Statements that make a database refuse to change or remove rows; of openings only a value may be erased."""
    if dialect == "postgresql":
        yield (
            "CREATE OR REPLACE FUNCTION skyhaul_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
        )
    for table in tables:
        changes = ("DELETE",) if table == "openings" else ("UPDATE", "DELETE")
        if dialect == "postgresql":
            events = " OR ".join((*changes, "TRUNCATE"))
            yield (
                f"CREATE TRIGGER {table}_append_only BEFORE {events} ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION skyhaul_refuse()"
            )
            continue
        for change in changes:
            yield (
                f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        # INSERT OR REPLACE would remove rows without asking the trigger above.
        key = {"store": "one = NEW.one", "leaves": "number = NEW.number", "facts": "leaf = NEW.leaf OR id = NEW.id"}
        same = key.get(table, "leaf = NEW.leaf" + (" AND field = NEW.field" if table == "openings" else ""))
        yield (
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "
            f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same}) "
            f"BEGIN SELECT RAISE(ABORT, '{table} has that row already'); END"
        )
    if "openings" in tables:
        yield from _erasing_only(dialect)


def _erasing_only(dialect: str) -> Iterable[str]:
    allowed = "NEW.leaf = OLD.leaf AND NEW.field = OLD.field AND NEW.salt IS NULL AND OLD.salt IS NOT NULL"
    if dialect == "postgresql":
        yield (
            f"CREATE TRIGGER openings_erase_only BEFORE UPDATE ON openings FOR EACH ROW WHEN (NOT ({allowed})) "
            "EXECUTE FUNCTION skyhaul_refuse()"
        )
    else:
        yield (
            f"CREATE TRIGGER openings_erase_only BEFORE UPDATE ON openings WHEN NOT ({allowed}) "
            "BEGIN SELECT RAISE(ABORT, 'openings is append-only'); END"
        )


def missing_guards(connection: sa.Connection) -> list[str]:
    """Names of the triggers that should keep the tables append-only and are not there, switched off, or others."""
    dialect = connection.dialect.name
    expected = {
        words[2]: statement
        for statement in guards(dialect, (*APPEND_ONLY, "openings"))
        if (words := statement.split())[1] == "TRIGGER"
    }
    if dialect == "postgresql":
        query = (
            "SELECT tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid WHERE NOT tgisinternal "
            "AND tgenabled = 'O' AND relnamespace = current_schema()::regnamespace"
        )
        there = {name: expected.get(name, "") for (name,) in connection.exec_driver_sql(query)}
    else:
        query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
        there = {str(row[0]): str(row[1]) for row in connection.exec_driver_sql(query)}
    return sorted(name for name, statement in expected.items() if there.get(name) != statement)


def revision_of(connection: sa.Connection) -> str | None:
    """The revision a database is at, None where it has no tables; StoreError where they are not a store's."""
    names = set(sa.inspect(connection).get_table_names())
    if not names:
        return None
    if "alembic_version" not in names:
        raise StoreError("has tables, but they are not a store's", mend="give a database of its own")
    revision = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    if revision is None:
        return None
    if revision not in REVISIONS:
        raise StoreError(f"was written by a later Skyhaul (schema {revision}, this one has {HEAD})", mend="update it")
    return str(revision)


def migrate(connection: sa.Connection) -> None:
    """Bring a database to the present schema, in the transaction that is open."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "skyhaul.control.store:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
