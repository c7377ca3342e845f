"""Opening the store: migrations, settings, and stores that must be refused."""

from __future__ import annotations

import contextlib
import os
import threading
from datetime import datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, text
from sqlalchemy.exc import DBAPIError

from alerting import database
from alerting.lifecycle import Status
from alerting.store import Store, StoreError, StoreVersionError
from alerting.tables import Base


def test_an_empty_place_becomes_a_store_with_exactly_the_tables_of_the_program(new_database_url: str) -> None:
    Store.open(new_database_url).close()
    engine = database.open_engine(new_database_url)
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), Base.metadata)
    engine.dispose()
    assert differences == []


def test_each_migration_is_named_after_its_version_and_follows_the_one_before() -> None:
    """What a store's version is compared with is read off the names."""
    newest_first = list(ScriptDirectory.from_config(database.alembic_config()).walk_revisions())
    assert tuple(one.revision for one in reversed(newest_first)) == database.known_versions()


def test_a_store_that_exists_opens_again_with_what_it_held(new_database_url: str, noon) -> None:  # type: ignore[no-untyped-def]
    first = Store.open(new_database_url)
    first.set_camera_state("ridge", "live", noon)
    first.close()
    second = Store.open(new_database_url)
    assert [state.camera_id for state in second.camera_states()] == ["ridge"]
    second.close()


def test_a_store_of_the_first_version_is_brought_up_to_date_with_what_it_held(
    new_database_url: str, noon: datetime
) -> None:
    old = database.open_engine(new_database_url)
    with database.writer(old).begin() as connection:
        settings = database.alembic_config()
        settings.attributes["connection"] = connection
        command.upgrade(settings, "0001")
        incidents = MetaData()
        incidents.reflect(connection, only=["incidents"])
        times = dict.fromkeys(
            ("first_seen_at", "confirmed_at", "last_seen_at", "raised_at", "updated_at"), noon
        )
        connection.execute(
            incidents.tables["incidents"].insert(),
            {
                "incident_id": "inc-old", "status": "confirmed", "label": "smoke", "confidence": 0.7,
                "grid_chain": [], "camera_ids": ["ridge"], "version": 3, "location_method": "bearing_only",
                "bearing_deg": 90.0, "elevation_deg": -1.0, **times,
            },
        )  # fmt: skip
    old.dispose()
    store = Store.open(new_database_url)
    (kept,) = store.list_incidents().incidents
    assert (kept.incident_id, kept.version, kept.camera_ids) == ("inc-old", 3, ("ridge",))
    assert store.count_incidents()[Status.CONFIRMED] == 1
    store.close()


def test_many_processes_may_open_a_new_store_at_the_same_moment(new_database_url: str) -> None:
    failures: list[Exception] = []

    def open_it() -> None:
        try:
            Store.open(new_database_url).close()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_store_of_a_newer_program_is_refused_and_the_message_says_how_to_mend_it(
    new_database_url: str,
) -> None:
    store = Store.open(new_database_url)
    with store.writing() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    store.close()
    with pytest.raises(StoreVersionError, match=r"9999.*newer.*Upgrade the program"):
        Store.open(new_database_url)


def test_sqlite_waits_for_other_writers_keeps_foreign_keys_and_syncs_to_disk(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/store.db")
    with store.reading() as session:
        pragmas = {
            name: session.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "busy_timeout", "foreign_keys", "synchronous")
        }
    store.close()
    assert pragmas == {"journal_mode": "wal", "busy_timeout": 15_000, "foreign_keys": 1, "synchronous": 2}


def test_postgresql_compiles_no_query_and_keeps_the_options_of_its_address(new_database_url: str) -> None:
    if new_database_url.startswith("sqlite"):
        pytest.skip("SQLite compiles none, and its address has no such options")
    engine = database.open_engine(f"{new_database_url}?options=-c%20search_path%3Delsewhere,public")
    for execution in range(2):  # the second connection is the first one, given back and taken again
        with engine.connect() as connection:
            assert connection.scalar(text("SHOW jit")) == "off", execution
            assert connection.scalar(text("SHOW search_path")) == "elsewhere,public"
    engine.dispose()


def test_connections_that_were_needed_at_once_are_closed_again_but_for_those_that_are_kept(
    tmp_path: Path,
) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/store.db", kept_connections=1)

    def connections() -> int:
        """Each has the write-ahead log open once. (SQLite keeps the file itself open for the next one.)"""
        links = [os.readlink(one.path) for one in os.scandir("/proc/self/fd") if os.path.lexists(one.path)]
        return links.count(f"{tmp_path}/store.db-wal")

    with store.reading() as session:
        session.execute(text("SELECT 1"))
        assert connections() == 1
        with contextlib.ExitStack() as at_once:
            for _ in range(4):
                at_once.enter_context(store.reading()).execute(text("SELECT 1"))
            assert connections() == 5
    assert connections() == 1
    store.close()


def test_a_connection_remembers_no_more_of_the_file_than_it_was_told(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/store.db", cache_kib=512)
    with store.reading() as session:
        assert session.execute(text("PRAGMA cache_size")).scalar() == -512
    store.close()


def test_two_writers_never_overlap(new_database_url: str) -> None:
    """Each reads a number, waits, writes it back plus one: without the writer lock a step would be lost."""
    store = Store.open(new_database_url)
    with store.writing() as session:
        session.execute(text("CREATE TABLE counter (value INTEGER)"))
        session.execute(text("INSERT INTO counter VALUES (0)"))

    def count() -> None:
        for _ in range(5):
            with store.writing() as session:
                value = session.execute(text("SELECT value FROM counter")).scalar_one()
                session.execute(text("UPDATE counter SET value = :value"), {"value": value + 1})

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.reading() as session:
        assert session.execute(text("SELECT value FROM counter")).scalar_one() == 20
    store.close()


@pytest.mark.parametrize(
    "statement", ["UPDATE incident_history SET why = 'x'", "DELETE FROM incident_history"]
)
def test_the_database_itself_refuses_to_change_history(store_with_incident: Store, statement: str) -> None:
    with pytest.raises(DBAPIError, match="append-only"), store_with_incident.writing() as session:
        session.execute(text(statement))


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("not a url", "sqlite:///var/firewatch.db"),
        ("sqlite://", "needs a file"),
        ("mysql://host/db", "sqlite or postgresql"),
    ],
)
def test_an_address_that_cannot_work_is_refused_with_an_example_or_a_reason(url: str, message: str) -> None:
    with pytest.raises(StoreError, match=message):
        Store.open(url)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="file"):
        Store.open(f"sqlite:///{tmp_path}/file/store.db")


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_text("no database at all, only words, and enough of them " * 50)
    with pytest.raises(StoreError, match=r"store\.db.*not a database"):
        Store.open(f"sqlite:///{tmp_path}/store.db")
