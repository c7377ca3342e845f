"""Real processes, really killed: restarted, rested, stopped, and never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from firewatch.supervision import EXIT_UNUSABLE, ProcessSpec, ProcessUnusableError, RestartPolicy, Supervisor

LIMIT_S = 60.0
SLEEP = "import time; time.sleep(600)"
DEAF = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); "
    "time.sleep(600)"
)


def python(name: str, code: str, **more: object) -> ProcessSpec:
    return ProcessSpec(name, (sys.executable, "-c", code), **more)  # type: ignore[arg-type]


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def until(condition: Callable[[], bool], supervisor: Supervisor | None = None) -> bool:
    """Whether the condition came true in good time, while the supervisor does its rounds."""
    deadline_s = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline_s:
        if supervisor is not None:
            supervisor.check()
        if condition():
            return True
        time.sleep(0.05)
    return False


@pytest.fixture
def supervise() -> Iterator[Callable[..., Supervisor]]:
    made: list[Supervisor] = []

    def make(*specs: ProcessSpec, policy: RestartPolicy | None = None, **more: Any) -> Supervisor:
        made.append(Supervisor(specs, policy=policy, **more))
        return made[-1]

    yield make
    for supervisor in made:
        supervisor.stop()


def test_a_killed_process_is_started_again(supervise: Callable[..., Supervisor]) -> None:
    supervisor = supervise(python("a", SLEEP), python("b", SLEEP))
    supervisor.check()
    first = supervisor.process_ids()
    os.kill(first["a"], signal.SIGKILL)
    assert until(lambda: supervisor.process_ids().get("a", first["a"]) != first["a"], supervisor)
    assert supervisor.process_ids()["b"] == first["b"]


def test_a_process_that_keeps_dying_rests(supervise: Callable[..., Supervisor], tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    code = f"open({str(starts)!r}, 'a').write('x')"
    policy = RestartPolicy(most=2, within_s=60, rest_s=3600)
    supervisor = supervise(python("a", code), python("b", SLEEP), policy=policy)
    assert until(lambda: starts.exists() and starts.stat().st_size == 3, supervisor)
    assert until(lambda: "a" not in supervisor.process_ids(), supervisor)
    for _ in range(10):
        supervisor.check()
    assert starts.stat().st_size == 3
    assert "b" in supervisor.process_ids()


def test_a_process_that_hangs_is_killed_and_started_again(
    supervise: Callable[..., Supervisor], tmp_path: Path
) -> None:
    spec = python("a", SLEEP, heartbeat=tmp_path / "beats" / "a", heartbeat_limit_s=0.5)
    supervisor = supervise(spec)
    supervisor.check()
    first = supervisor.process_ids()["a"]
    assert until(lambda: supervisor.process_ids().get("a", first) != first, supervisor)


def test_a_process_that_hangs_may_end_by_itself_first(
    supervise: Callable[..., Supervisor], tmp_path: Path
) -> None:
    ended = tmp_path / "ended"
    code = (
        "import pathlib, signal, sys, time\n"
        f"signal.signal(signal.SIGTERM, lambda *_: (pathlib.Path({str(ended)!r}).touch(), sys.exit(0)))\n"
        "time.sleep(600)"
    )
    spec = python("a", code, heartbeat=tmp_path / "beats" / "a", heartbeat_limit_s=2.0)
    supervisor = supervise(spec)
    assert until(ended.exists, supervisor)


def test_a_process_that_hangs_and_does_not_listen_is_killed(
    supervise: Callable[..., Supervisor], tmp_path: Path
) -> None:
    spec = python("a", DEAF, heartbeat=tmp_path / "beats" / "a", heartbeat_limit_s=2.0)
    supervisor = supervise(spec, grace_s=0.2)
    supervisor.check()
    first = supervisor.process_ids()["a"]
    assert until(lambda: supervisor.process_ids().get("a", first) != first, supervisor)


def test_deaths_are_told_with_the_pause_before_the_next_start(
    supervise: Callable[..., Supervisor],
) -> None:
    told: list[tuple[str, float]] = []
    policy = RestartPolicy(most=1, within_s=60, rest_s=3600)
    supervisor = supervise(
        python("a", "pass"), policy=policy, on_death=lambda spec, pause_s: told.append((spec.name, pause_s))
    )
    assert until(lambda: len(told) == 2, supervisor)
    assert told == [("a", 0.0), ("a", 3600)]


def test_a_process_that_shows_life_is_left_alone(
    supervise: Callable[..., Supervisor], tmp_path: Path
) -> None:
    beat = tmp_path / "a"
    code = f"import pathlib, time\nwhile True: pathlib.Path({str(beat)!r}).touch(); time.sleep(0.05)"
    supervisor = supervise(python("a", code, heartbeat=beat, heartbeat_limit_s=5))
    supervisor.check()
    first = supervisor.process_ids()["a"]
    before = beat.stat().st_mtime_ns
    assert until(lambda: beat.stat().st_mtime_ns > before, supervisor)
    assert supervisor.process_ids()["a"] == first


def test_a_clock_that_is_set_back_by_years_kills_no_process_and_hides_no_hang(
    supervise: Callable[..., Supervisor], tmp_path: Path
) -> None:
    beat, go_on = tmp_path / "a", tmp_path / "go_on"
    code = (
        "import os, pathlib, time\n"
        f"beat, go_on = pathlib.Path({str(beat)!r}), pathlib.Path({str(go_on)!r})\n"
        "for second in range(10**6):\n"
        "    if go_on.exists(): os.utime(beat, (second, second))\n"
        "    time.sleep(0.05)\n"
    )
    go_on.touch()
    supervisor = supervise(python("a", code, heartbeat=beat, heartbeat_limit_s=2.0))
    supervisor.check()
    first = supervisor.process_ids()["a"]
    assert until(lambda: 60 < beat.stat().st_mtime < 10**6, supervisor)  # some three seconds
    assert supervisor.process_ids()["a"] == first
    go_on.unlink()
    assert until(lambda: supervisor.process_ids().get("a", first) != first, supervisor)


def test_a_process_that_cannot_work_as_configured_stops_everything(
    supervise: Callable[..., Supervisor],
) -> None:
    supervisor = supervise(python("good", SLEEP), python("bad", f"raise SystemExit({EXIT_UNUSABLE})"))
    with pytest.raises(ProcessUnusableError, match="bad"):
        supervisor.run()
    assert supervisor.process_ids() == {}


def test_stopping_ends_processes_that_do_not_listen(
    supervise: Callable[..., Supervisor], tmp_path: Path
) -> None:
    log = tmp_path / "log"
    supervisor = supervise(python("deaf", DEAF, log=log), python("good", SLEEP))
    supervisor.check()
    assert until(lambda: log.exists() and log.read_text() != "")
    pids = list(supervisor.process_ids().values())
    supervisor.stop()
    assert not any(is_alive(pid) for pid in pids)


def test_stopping_ends_what_a_process_has_started(
    supervise: Callable[..., Supervisor], tmp_path: Path
) -> None:
    grandchild = tmp_path / "pid"
    code = (
        "import pathlib, subprocess, sys, time\n"
        f"made = subprocess.Popen([sys.executable, '-c', {DEAF!r}])\n"
        f"pathlib.Path({str(grandchild)!r}).write_text(str(made.pid))\n"
        "time.sleep(600)"
    )
    supervisor = supervise(python("parent", code))
    supervisor.check()
    assert until(lambda: grandchild.exists() and grandchild.read_text() != "")
    supervisor.stop()
    assert until(lambda: not is_alive(int(grandchild.read_text())))


def test_the_output_of_a_process_goes_to_its_log(
    supervise: Callable[..., Supervisor], tmp_path: Path
) -> None:
    log = tmp_path / "logs" / "a.log"
    spec = python("a", "import os; print('hello', os.environ['WORD'], flush=True); " + SLEEP, log=log)
    supervisor = supervise(ProcessSpec(spec.name, spec.command, environment={"WORD": "hill"}, log=log))
    supervisor.check()
    assert until(lambda: log.read_text() == "hello hill\n")


SUPERVISING = """
import sys
from firewatch.supervision import ProcessSpec, Supervisor
specs = [ProcessSpec(str(number), (sys.executable, "-c", sys.argv[1])) for number in range(2)]
supervisor = Supervisor(specs)
supervisor.run(lambda: print(*supervisor.process_ids().values(), flush=True))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_process_outlives_its_supervisor(number: signal.Signals) -> None:
    root = Path(__file__).resolve().parents[2]
    running = subprocess.Popen(
        [sys.executable, "-c", SUPERVISING, DEAF], stdout=subprocess.PIPE, text=True, cwd=root
    )
    try:
        assert running.stdout is not None
        pids: list[int] = []
        while len(pids) < 2:
            pids = [int(word) for word in running.stdout.readline().split()]
        running.send_signal(number)
        code = running.wait(LIMIT_S)
        assert until(lambda: not any(is_alive(pid) for pid in pids))
        assert code == (0 if number != signal.SIGKILL else -signal.SIGKILL)
    finally:
        with suppress(ProcessLookupError):
            running.kill()
        running.communicate()
