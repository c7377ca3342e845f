"""Kills the way from a sighting to its acknowledgement before each of its steps, and lets it be taken up
again.

A step is a call that leaves the process: an SQL statement or commit, a file opened, written, synced, renamed
or removed, a socket connected, written or read. For the n-th step a process of its own does the whole way
and is killed (SIGKILL) before its n-th such call; then another process starts as after a restart and
finishes. The walk ends when a process finishes without having been killed. With a stride of 5 only every
fifth step is walked. On SQLite every walk has its own file, on PostgreSQL its own database, copied from one
that is migrated already. Run by test_crash_walk.py, which has the receiver.

One line of JSON a step: what was to come, whether the sighting had been accepted, and what the store says.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any
from zoneinfo import ZoneInfo

from alerting_samples import BOWL, NORTH, PICTURES, intake_into, sighting_of
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.engine import make_url

import config
from alerting.database import open_engine
from alerting.outbox import Sender
from alerting.store import Store
from alerting.targets import Line, open_line
from firewatch.spool import Spool
from firewatch.spooling import SpoolingSink

STEPS = {
    "execute", "executemany", "commit", "rollback", "open", "write", "connect", "send", "sendall", "recv",
}  # fmt: skip
OF_POSTGRESQL = {"execute", "executemany", "commit", "rollback"}
"""Its library is seen from outside: what it does in C is no call that Python could tell us of."""

OF_THE_SYSTEM = {"fsync", "replace", "rename", "unlink"}
"""Steps only as functions of the module `posix`: texts and times have a `replace`, too."""

FIRE = BOWL.at(23.105, 116.395)


class Databases:
    """An empty, migrated database for every step."""

    def __init__(self, folder: Path, server: str) -> None:
        """`server`: the address of a PostgreSQL server; empty for SQLite."""
        self._folder = folder
        self._server = make_url(server) if server else None
        self._prefix = f"crash_walk_{os.getpid()}_"
        if self._server is not None:
            self._command(f"CREATE DATABASE {self._prefix}template")
        Store.open(self.url("template")).close()

    def url(self, name: str) -> str:
        if self._server is None:
            return f"sqlite:///{self._folder}/{name}.db"
        return self._server.set(database=self._prefix + name).render_as_string(hide_password=False)

    def make(self, name: str) -> str:
        if self._server is None:
            shutil.copy(self._folder / "template.db", self._folder / f"{name}.db")
        else:
            self._command(f"CREATE DATABASE {self._prefix}{name} TEMPLATE {self._prefix}template")
        return self.url(name)

    def drop(self, name: str) -> None:
        if self._server is not None:
            self._command(f"DROP DATABASE {self._prefix}{name} WITH (FORCE)")
            return
        for file in self._folder.glob(f"{name}.db*"):
            file.unlink()

    def _command(self, sql: str) -> None:
        """On a connection of its own: none may be open when the process forks."""
        assert self._server is not None
        engine = create_engine(self._server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        with engine.connect() as connection:
            connection.execute(text(sql))


def main(folder: Path, url: str, stride: int, server: str = "") -> None:
    target = config.DispatchTarget.model_validate(
        {"id": "dispatch", "name": "dispatch", "url": url, "secret": os.environ["CRASH_WALK_SECRET"]}
    )
    databases = Databases(folder, server)
    _warm_up(folder, databases)
    line = open_line(target)
    number, finished = 0, False
    while not finished:
        number += stride
        name = f"step_{number}"
        place, database = folder / name, databases.make(name)
        place.mkdir()
        accepted_in, accepted_out = os.pipe()
        coming_in, coming_out = os.pipe()

        def go(again: bool = False, **how: int) -> bool:
            """Whether it was killed."""
            return _killed(lambda: _go(place, database, target, line, number, again=again, **how))  # noqa: B023

        finished = not go(kill_before=number, accepted=accepted_out, coming=coming_out)
        os.close(accepted_out)
        os.close(coming_out)
        accepted = os.read(accepted_in, 1) == b"1"
        coming = os.read(coming_in, 100).decode()
        os.close(accepted_in)
        os.close(coming_in)
        if not finished:
            assert not go(again=not accepted)
        print(json.dumps({"before": coming, "accepted": accepted, **_found(database)}), flush=True)
        shutil.rmtree(place)
        databases.drop(name)
    databases.drop("template")


def _go(
    place: Path,
    database: str,
    target: config.DispatchTarget,
    line: Line,
    number: int,
    *,
    kill_before: int | None = None,
    accepted: int | None = None,
    coming: int | None = None,
    again: bool = False,
) -> None:
    """The whole way in one process. The first time the smoke is sighted; after a kill that came too early
    for it to be accepted, the camera sees it still and confirms it again."""
    store = _opened(database)
    spool = Spool(place / "spool", [NORTH.id])
    sink = SpoolingSink(spool, intake_into(store, place / "evidence"), [NORTH], ZoneInfo("UTC"))
    sender = Sender(store, [target])
    now = datetime.now(UTC)
    if kill_before is not None:
        _kill_before(kill_before, coming)
    if accepted is not None:
        spool.put(sighting_of(FIRE, NORTH, now, sighting_id=f"first-{number}"), PICTURES)
        os.write(accepted, b"1")
    elif again:
        later = now + timedelta(seconds=10)
        spool.put(sighting_of(FIRE, NORTH, later, sighting_id=f"again-{number}"), PICTURES)
    assert sink.take_in()
    sender.free_leases_of_the_gone()
    while sender.send_next(target, line):
        pass
    sys.setprofile(None)


def _kill_before(number: int, coming: int | None) -> None:
    count = 0

    def watch(frame: FrameType, event: str, called: Any) -> None:
        nonlocal count
        name = _step(frame, event, called)
        if name is None:
            return
        count += 1
        if count == number:
            sys.setprofile(None)
            if coming is not None:
                os.write(coming, name.encode())
            os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(watch)


def _step(frame: FrameType, event: str, called: Any) -> str | None:
    """The name of the step that this event of the interpreter begins, if it does."""
    if event == "call":
        of_postgresql = frame.f_globals.get("__name__", "").startswith("psycopg.")
        name = frame.f_code.co_name
        return name if of_postgresql and name in OF_POSTGRESQL else None
    if event != "c_call":
        return None
    of_the_system = getattr(called.__self__, "__name__", "") == "posix"
    known = OF_THE_SYSTEM if of_the_system else STEPS
    return str(called.__name__) if called.__name__ in known else None


def _killed(body: Callable[[], None]) -> bool:
    """Run `body` in a process of its own; whether it was killed."""
    pid = os.fork()
    if pid == 0:
        try:
            body()
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0, "a process failed of itself"
    return False


def _warm_up(folder: Path, databases: Databases) -> None:
    """What a process loads on first use is loaded once, here: every step is walked by a fresh one."""
    store = _opened(databases.make("warm"))
    intake_into(store, folder / "warm").accept(sighting_of(FIRE, NORTH, datetime.now(UTC)), PICTURES, NORTH)
    store.close()
    databases.drop("warm")


def _opened(database: str) -> Store:
    """The template was migrated already."""
    return Store(open_engine(database))


def _found(database: str) -> dict[str, Any]:
    store = _opened(database)
    incidents = [one.incident_id for one in store.list_incidents().incidents]
    deliveries = [[one.alert_id, one.state] for one in store.deliveries()]
    store.close()
    return {"incidents": incidents, "deliveries": deliveries}


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), *sys.argv[4:])
