"""Stores to test on: SQLite always, PostgreSQL where FIREWATCH_TEST_POSTGRES_URL names a server."""

from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alerting_samples import BOWL, NORTH, PICTURES, POSTGRES_VARIABLE, intake_into, sighting_of
from empty_stores import empty_sqlite
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from alerting.intake import Intake
from alerting.store import Store

BACKENDS = ("sqlite", "postgresql")


@contextmanager
def postgres_database(template: str = "template1") -> Iterator[str]:
    """The address of a new database like `template`."""
    server = os.environ.get(POSTGRES_VARIABLE)
    if not server:
        pytest.skip(f"{POSTGRES_VARIABLE} names no PostgreSQL server")
    name = f"firewatch_test_{uuid.uuid4().hex[:12]}"
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    yield make_url(server).set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture(params=BACKENDS)
def new_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a place where no store has ever been."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/store.db"
        return
    with postgres_database() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_template() -> Iterator[str]:
    """The name of a database with an empty store."""
    with postgres_database() as url:
        Store.open(url).close()
        yield str(make_url(url).database)


@pytest.fixture(params=BACKENDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty store."""
    if request.param == "sqlite":
        yield empty_sqlite(tmp_path / "store.db")
        return
    with postgres_database(request.getfixturevalue("postgres_template")) as url:
        yield url


@pytest.fixture
def noon() -> datetime:
    return datetime(2026, 11, 24, 4, 0, tzinfo=UTC)


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    opened = Store.open(database_url)
    yield opened
    opened.close()


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[Store]:
    """For tests whose subject is not the database."""
    opened = Store.open(empty_sqlite(tmp_path / "store.db"))
    yield opened
    opened.close()


@pytest.fixture
def intake(store: Store, tmp_path: Path) -> Intake:
    return intake_into(store, tmp_path / "evidence")


@pytest.fixture
def store_with_incident(store: Store, intake: Intake, noon: datetime) -> Store:
    intake.accept(sighting_of(BOWL.at(23.105, 116.4), NORTH, noon), PICTURES, NORTH)
    return store


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MB, mounted for one test."""
    place = tmp_path / "small_disk"
    place.mkdir()
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount a small disk here: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)
