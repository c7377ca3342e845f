"""Opening the database: engine settings that keep SQLite and PostgreSQL honest, and migrations.

Writers are serialised (BEGIN IMMEDIATE on SQLite, one advisory lock on PostgreSQL): the write rate is low,
two workers that confirm the same fire at the same moment must see each other, and event ids must become
visible in their order, or a page that reads "everything after 41" would skip a slower 40 for ever.
"""

from __future__ import annotations

import functools
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_TIMEOUT_MS = 15_000
"""How long a writer waits for another; a transaction of ours takes milliseconds."""

_WRITER_LOCK = 0x46_49_52_45  # "FIRE"; any constant that nobody else on this server uses
_WRITER_OPTION = "firewatch_writer"


KEPT_CONNECTIONS = 5
"""Stay open once they were needed at the same moment; each with its memory and its files."""
MOST_CONNECTIONS = 15
CACHE_KIB = 16_384
"""Of pages of the file, each connection: for lists and maps among a million incidents."""
SMALL_CACHE_KIB = 1024
"""For processes that write a state, a sighting or a delivery now and then and read little: each of these
fills a cache a little more, and what is filled stays."""


class StoreError(Exception):
    """The store cannot be opened or used."""


class StoreVersionError(StoreError):
    """The store was written by a newer program."""


def open_engine(
    database_url: str, kept_connections: int = KEPT_CONNECTIONS, cache_kib: int = CACHE_KIB
) -> Engine:
    """An engine with safe settings; nothing is migrated yet."""
    try:
        url = make_url(database_url)
    except ArgumentError as error:
        raise StoreError(
            "storage.database_url is no database address; write for example sqlite:///var/firewatch.db"
            " or postgresql+psycopg://user@host/firewatch"
        ) from error
    backend = url.get_backend_name()
    if backend == "sqlite":
        return _open_sqlite(url, kept_connections, cache_kib)
    if backend == "postgresql":
        return _open_postgresql(url, kept_connections)
    raise StoreError(f"storage.database_url names '{backend}'; the store runs on sqlite or postgresql")


def writer(engine: Engine) -> Engine:
    """The same engine, whose transactions take the writer lock when they begin."""
    return engine.execution_options(**{_WRITER_OPTION: True})


def reader(engine: Engine) -> Engine:
    """The same engine, whose transactions see one moment of the store. (A PostgreSQL writer must not: it has
    to see what was committed while it waited for the lock.)"""
    if engine.dialect.name == "postgresql":
        return engine.execution_options(isolation_level="REPEATABLE READ")
    return engine


def migrate(engine: Engine) -> None:
    """Bring the schema to this program's version; refuse a store written by a newer one."""
    try:
        with engine.connect() as connection:
            if _is_current(connection):
                return
        with writer(engine).begin() as connection:
            if not _is_current(connection):  # another process may have migrated meanwhile
                # Alembic is 12 MB, and a fifth of a second: most processes find a store that is current.
                from alembic import command

                config = alembic_config()
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
    except SQLAlchemyError as error:
        raise StoreError(f"cannot open the store at {_printable(engine.url)}: {first_line(error)}") from error


def _open_sqlite(url: URL, kept: int, cache_kib: int) -> Engine:
    if url.database in (None, "", ":memory:"):
        raise StoreError("storage.database_url needs a file: a store in memory would forget its alerts")
    assert url.database is not None
    try:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot make the folder of the store {url.database}: {error.strerror}") from error
    engine = create_engine(url, pool_size=kept, max_overflow=MOST_CONNECTIONS - kept)

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, below
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        _write_ahead(cursor)
        cursor.execute("PRAGMA synchronous = FULL")  # a committed alert survives a power cut
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute(f"PRAGMA cache_size = -{cache_kib}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A reader that turns writer later would fail at once with "database is locked", without waiting:
        # writers take the lock when they begin.
        is_writer = connection.get_execution_options().get(_WRITER_OPTION, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writer else "BEGIN")

    return engine


def _write_ahead(cursor: sqlite3.Cursor) -> None:
    """Put the file into WAL mode, which it then keeps. SQLite does not wait for another process that is doing
    the same at this moment, whatever the busy timeout says (<https://sqlite.org/wal.html>, "Sometimes Queries
    Return SQLITE_BUSY In WAL Mode"), so we do."""
    deadline_s = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
            if not busy or time.monotonic() > deadline_s:
                raise
            time.sleep(0.02)


def _open_postgresql(url: URL, kept: int) -> Engine:
    try:
        engine = create_engine(url, pool_pre_ping=True, pool_size=kept, max_overflow=MOST_CONNECTIONS - kept)
    except ModuleNotFoundError as error:
        raise StoreError(
            f"a PostgreSQL store needs the driver '{error.name}': install firewatch[postgres] and write the"
            " address as postgresql+psycopg://..."
        ) from error

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        # No query of ours runs long enough to be worth compiling; compiling one takes longer than the query.
        # Said here and not as an option of the connection, which would replace those of the address.
        with connection.cursor() as cursor:
            cursor.execute("SET jit = off")
        connection.commit()  # or it would be taken back with the first transaction that is

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if connection.get_execution_options().get(_WRITER_OPTION, False):
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITER_LOCK})")

    return engine


def alembic_config() -> Config:
    """For Alembic's own commands; they take the connection from `attributes["connection"]`."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


@functools.cache
def known_versions() -> tuple[str, ...]:
    """The versions of the tables this program knows, oldest first: each migration's file begins with its own
    (`v0019_...`)."""
    return tuple(sorted(file.name[1:5] for file in (MIGRATIONS / "versions").glob("v[0-9]*.py")))


def version_of(connection: Connection) -> str | None:
    """The version of the store's tables, as Alembic wrote it there; None for an empty store."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(
        text("SELECT version_num FROM alembic_version")
    ).scalar_one_or_none()
    return found


def _is_current(connection: Connection) -> bool:
    version, known = version_of(connection), known_versions()
    if version is not None and version not in known:
        raise StoreVersionError(
            f"the store at {_printable(connection.engine.url)} has version {version},"
            " which this program does not know: it was written by a newer one. Upgrade the program, or"
            " restore the backup made before the upgrade."
        )
    return version == known[-1]


def _printable(url: URL) -> str:
    return url.render_as_string(hide_password=True)


def first_line(error: Exception) -> str:
    """What the database itself said, without the statement that SQLAlchemy adds."""
    return str(error.__cause__ or error).splitlines()[0]
