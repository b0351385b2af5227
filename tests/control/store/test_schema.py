"""A store of an earlier schema is brought up to date; one of a later is left alone."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from skyhaul.control.log import Log
from skyhaul.control.store._database import Database
from skyhaul.control.store._schema import APPEND_ONLY, HEAD, METADATA, REVISIONS, missing_guards
from skyhaul.errors import StoreError
from tests.control.store.conftest import Place
from tests.control.worlds import ask, known, world


def script(connection: sa.Connection | None = None) -> Config:
    config = Config(stdout=io.StringIO())
    config.set_main_option("script_location", "skyhaul.control.store:migrations")
    if connection is not None:
        config.attributes["connection"] = connection
    return config


def test_the_revisions_are_those_of_the_migrations() -> None:
    scripts = ScriptDirectory.from_config(script())
    assert tuple(found.revision for found in scripts.walk_revisions())[::-1] == REVISIONS


def test_migrations_lead_to_the_tables_that_the_code_has(place: Place) -> None:
    with place.create() as store, store._database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []
        assert missing_guards(connection) == []
    assert {*APPEND_ONLY, "openings"} == METADATA.tables.keys()


@pytest.mark.parametrize("revision", REVISIONS[:-1])
def test_an_earlier_store_is_brought_up_to_date_when_it_is_opened(place: Place, revision: str) -> None:
    database = Database(place.database)
    with database.writing() as connection:
        command.upgrade(script(connection), revision)
    Log.create(place.log, place.key).close()
    with Log.open(place.log, place.key) as log:
        key = str(log.key)
    with database.writing() as connection:
        connection.execute(METADATA.tables["store"].insert().values(one=1, log_key=key, created_at=0))
    database.close()
    with pytest.raises(StoreError, match=rf"is of an earlier schema \({revision}; now {HEAD}\)"):
        place.read()
    with place.open() as store:
        store.append(world(), by="clerk")
        assert store.append_decisions([ask(known())], by="plan").leaves
    assert place.verify().ok


def test_a_later_store_is_left_alone(place: Place) -> None:
    with place.create() as store:
        store.append(world(), by="clerk")
        with store._database.writing() as connection:
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    for opened in (place.open, place.read):
        with pytest.raises(StoreError, match=r"was written by a later Skyhaul \(schema 9999, this one has .*update it"):
            opened()


def test_a_database_of_something_else_is_left_alone(place: Place) -> None:
    database = Database(place.database)
    with database.writing() as connection:
        connection.exec_driver_sql("CREATE TABLE songs (name text)")
    database.close()
    for opened in (place.create, place.open, place.read):
        with pytest.raises(StoreError, match="has tables, but they are not a store's"):
            opened()
    assert not Path(place.log).exists()


def test_stores_in_two_schemas_of_a_database_do_not_know_of_each_other(new_place: Callable[[str], Place]) -> None:
    one, other = new_place("postgresql"), new_place("postgresql")
    with one.create() as first, other.create() as second:
        with first._database.writing() as connection:
            second.append(world(), by="clerk")  # the other's lock is not in the way
            connection.exec_driver_sql("DROP TRIGGER facts_append_only ON facts")
        assert len(first.facts()) == 0
    assert other.verify().ok
    assert [finding.what for finding in one.verify().findings] == [
        "the guard facts_append_only against changes is missing or another"
    ]
