"""Copies of a whole store taken while it is in use, and stores made from such copies.

SQLite is copied with its own online backup, PostgreSQL with `pg_dump` (custom format): both give one
moment of the store. Not for: evidence files, and not for deciding whether a store may be replaced
(`firewatch.backup`).
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from sqlalchemy import inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

from alerting import database
from alerting.database import StoreError, first_line


def kind_of(database_url: str) -> str:
    """`sqlite` or `postgresql`."""
    return make_url(database_url).get_backend_name()


def take(database_url: str, file: Path) -> None:
    """Write a copy of the store to `file`. Raises StoreError."""
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite":
        _copy_sqlite(_file_of(url), file)
    else:
        _run("pg_dump", url, "--format=custom", "--no-owner", f"--file={file}", f"--dbname={url.database}")


def put(file: Path, database_url: str) -> None:
    """Make the store at `database_url` what `file` holds. SQLite: whatever file was there is replaced;
    PostgreSQL: the store's tables are dropped first. Raises StoreError."""
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite":
        target = _file_of(url)
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_name(target.name + ".restoring")
        shutil.copyfile(file, fresh)
        for remains in (
            f"{target}-wal",
            f"{target}-shm",
        ):  # of the store that goes: never to be replayed here
            Path(remains).unlink(missing_ok=True)
        fresh.replace(target)
    else:
        options = ("--clean", "--if-exists", "--no-owner", "--exit-on-error", "--single-transaction")
        _run("pg_restore", url, *options, f"--dbname={url.database}", str(file))
        _gather_statistics(database_url)


def is_empty(database_url: str) -> bool:
    """Nothing would be lost by putting a copy there. Raises StoreError."""
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite" and not _file_of(url).exists():
        return True
    engine = database.open_engine(database_url)
    try:
        return not inspect(engine).get_table_names()
    except SQLAlchemyError as error:
        raise StoreError(f"cannot look into the store: {first_line(error)}") from error
    finally:
        engine.dispose()


def revision_of(database_url: str) -> str | None:
    """The version of the store's tables; None for an empty one. Nothing is migrated."""
    engine = database.open_engine(database_url)
    try:
        with engine.connect() as connection:
            return database.version_of(connection)
    except SQLAlchemyError as error:
        raise StoreError(f"cannot look into the store: {first_line(error)}") from error
    finally:
        engine.dispose()


def is_known(revision: str | None) -> bool:
    """Whether this program knows that version of the tables."""
    return revision is None or revision in database.known_versions()


def faults_of(database_url: str) -> tuple[str, ...]:
    """What the database itself finds wrong with its file (SQLite); PostgreSQL keeps its own checksums."""
    engine = database.open_engine(database_url)
    try:
        with engine.connect() as connection:
            if engine.dialect.name != "sqlite":
                connection.execute(text("SELECT 1"))
                return ()
            found = connection.execute(text("PRAGMA integrity_check(10)")).scalars().all()
            dangling = connection.execute(text("PRAGMA foreign_key_check")).all()
    except SQLAlchemyError as error:
        return (first_line(error),)
    finally:
        engine.dispose()
    return tuple(line for line in found if line != "ok") + tuple(
        f"a row of {row[0]} names a row of {row[2]} that is not there" for row in dangling[:10]
    )


def _gather_statistics(database_url: str) -> None:
    """A dump brings none, and until the server gathers them by itself its plans for a large store are many
    times slower."""
    engine = database.open_engine(database_url)
    try:
        with engine.begin() as connection:
            connection.execute(text("ANALYZE"))
    except SQLAlchemyError as error:
        raise StoreError(f"the store is restored, but ANALYZE failed: {first_line(error)}") from error
    finally:
        engine.dispose()


def _copy_sqlite(source: Path, file: Path) -> None:
    if not source.exists():
        raise StoreError(f"there is no store at {source}")
    try:
        with (
            closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=15)) as live,
            closing(sqlite3.connect(file)) as copy,
        ):
            live.backup(copy, pages=2000, sleep=0.01)
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, nothing beside it
    except sqlite3.Error as error:
        raise StoreError(f"cannot copy the store {source}: {error}") from error


def _file_of(url: URL) -> Path:
    return Path(url.database or "")


def _run(program: str, url: URL, *options: str) -> None:
    """A PostgreSQL program on the store's server; the password goes by the environment, which others cannot
    read, not by the command line, which they can."""
    where = {"PGHOST": url.host, "PGPORT": url.port, "PGUSER": url.username, "PGPASSWORD": url.password}
    environment = os.environ | {name: str(value) for name, value in where.items() if value is not None}
    try:
        done = subprocess.run(
            [program, *options], env=environment, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise StoreError(
            f"{program} is needed to copy a PostgreSQL store; install it (apt-get install postgresql-client)"
        ) from None
    if done.returncode != 0:
        raise StoreError(f"{program} failed: {done.stderr.strip().splitlines()[-1:] or done.returncode}")
