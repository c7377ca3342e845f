"""Kills the way from a sighting to its acknowledgement before each of its steps, and lets it be taken up
again.

A step is a call that leaves the process: an SQL statement or commit, a file opened, written, synced, renamed
or removed, a socket connected, written or read. For the n-th step a process of its own does the whole way
and is killed (SIGKILL) before its n-th such call; then another process starts as after a restart and
finishes. The walk ends when a process finishes without having been killed. With a stride of 5 only every
fifth step is walked. Run by test_crash_walk.py, which has the receiver.

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
OF_THE_SYSTEM = {"fsync", "replace", "rename", "unlink"}
"""Steps only as functions of the module `posix`: texts and times have a `replace`, too."""

FIRE = BOWL.at(23.105, 116.395)


def main(folder: Path, url: str, stride: int) -> None:
    target = config.DispatchTarget.model_validate(
        {"id": "dispatch", "name": "dispatch", "url": url, "secret": os.environ["CRASH_WALK_SECRET"]}
    )
    template = folder / "template.db"
    _warm_up(folder, template)
    line = open_line(target)
    number, finished = 0, False
    while not finished:
        number += stride
        place = folder / f"step-{number}"
        place.mkdir()
        shutil.copy(template, place / "store.db")
        accepted_in, accepted_out = os.pipe()
        coming_in, coming_out = os.pipe()

        def first(place: Path = place, number: int = number, out: int = accepted_out) -> None:
            _go(place, target, line, number, kill_before=number, accepted=out, coming=coming_out)  # noqa: B023

        finished = not _killed(first)
        os.close(accepted_out)
        os.close(coming_out)
        accepted = os.read(accepted_in, 1) == b"1"
        coming = os.read(coming_in, 100).decode()
        os.close(accepted_in)
        os.close(coming_in)
        if not finished:
            assert not _killed(lambda: _go(place, target, line, number, again=not accepted))  # noqa: B023
        print(json.dumps({"before": coming, "accepted": accepted, **_found(place)}), flush=True)
        shutil.rmtree(place)


def _go(
    place: Path,
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
    store = _opened(place / "store.db")
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

    def watch(_frame: FrameType, event: str, called: Any) -> None:
        nonlocal count
        if event != "c_call":
            return
        of_the_system = getattr(called.__self__, "__name__", "") == "posix"
        if called.__name__ not in (OF_THE_SYSTEM if of_the_system else STEPS):
            return
        count += 1
        if count == number:
            sys.setprofile(None)
            if coming is not None:
                os.write(coming, called.__name__.encode())
            os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(watch)


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


def _warm_up(folder: Path, template: Path) -> None:
    """What a process loads on first use is loaded once, here: every step is walked by a fresh one."""
    Store.open(f"sqlite:///{template}").close()
    shutil.copy(template, folder / "warm.db")
    store = _opened(folder / "warm.db")
    intake_into(store, folder / "warm").accept(sighting_of(FIRE, NORTH, datetime.now(UTC)), PICTURES, NORTH)
    store.close()


def _opened(database: Path) -> Store:
    """The template was migrated already."""
    return Store(open_engine(f"sqlite:///{database}"))


def _found(place: Path) -> dict[str, Any]:
    store = _opened(place / "store.db")
    incidents = [one.incident_id for one in store.list_incidents().incidents]
    deliveries = [[one.alert_id, one.state] for one in store.deliveries()]
    store.close()
    return {"incidents": incidents, "deliveries": deliveries}


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
