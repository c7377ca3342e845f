"""The bundle installed where a systemd really runs: own user, hardening, watchdog, restart, upgrade, reboot.

The machine is a small Debian, made with mmdebstrap and booted with systemd-nspawn, with a loopback of its own
and no other network; its cameras play files and its receiver is the simulator's. Each test goes on where the
one before ended.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from firewatch.bundle import build

NEEDED = ("systemd-nspawn", "mmdebstrap", "nsenter")
DEBIAN, ITS_PYTHON = "bookworm", (3, 11)
PACKAGES = "systemd,systemd-sysv,dbus,libpam-systemd,python3,python3-venv,ca-certificates,tzdata,procps"
WHY_NOT = (
    "only root can boot a machine"
    if os.geteuid() != 0
    else f"the bundle's Python must be that of Debian {DEBIAN}"
    if sys.version_info[:2] != ITS_PYTHON
    else "not installed: " + ", ".join(name for name in NEEDED if shutil.which(name) is None)
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1700),
    pytest.mark.skipif(not WHY_NOT.endswith(": "), reason=WHY_NOT),
]

PROGRAMS = "/opt/firewatch/.venv"
CLEAN = (
    "env", "-i", "HOME=/root", "LANG=C.UTF-8",
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
)  # fmt: skip
SECRET = "a secret of the test"
RECEIVER = "http://127.0.0.1:8090"
CAMERA = """
  - {{id: {name}, name: {name}, source: example/near_fire.mp4, lat_deg: 23.07643, lon_deg: 116.42143,
     mast_height_m: 30, pose: {{azimuth_deg: 330, tilt_deg: -6, hfov_deg: 50}}}}"""
TOLD = f"""
dispatch: [{{id: county, name: county, url: '{RECEIVER}/alerts', secret: '${{DISPATCH_SECRET}}'}}]
"""
PROCESSES = ("centre", "sender", "worker", "live")


class Machine:
    """A root folder with a systemd in it; commands run inside as root."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._nspawn: subprocess.Popen[bytes] | None = None

    def boot(self) -> None:
        """Raises AssertionError with what it said when it does not come up."""
        log = self.root.with_name("boot.log")
        options = ["--quiet", "--boot", "--keep-unit", "--register=no", "--private-network", "--console=pipe"]
        with log.open("wb") as out:
            self._nspawn = subprocess.Popen(
                ["systemd-nspawn", *options, f"--directory={self.root}"],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            )  # fmt: skip
        assert until(lambda: self.says("systemctl is-system-running") in ("running", "degraded")), (
            log.read_text()
        )

    def power_off(self) -> None:
        if self._nspawn is not None and self._nspawn.poll() is None:
            self.says("systemctl poweroff")
            try:
                self._nspawn.wait(60)
            except subprocess.TimeoutExpired:
                self._nspawn.kill()
                self._nspawn.wait()

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        assert self._nspawn is not None
        children = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children").read_text().split()
        if not children:
            return subprocess.CompletedProcess(command, 1, "", "the machine does not run")
        return subprocess.run(
            ["nsenter", f"--target={children[0]}", "--all", "--wdns=/root", *CLEAN, "sh", "-c", command],
            capture_output=True, text=True, check=False, timeout=900,
        )  # fmt: skip

    def says(self, command: str) -> str:
        """What it prints, however it ends."""
        return self.run(command).stdout.strip()

    def does(self, command: str) -> str:
        """What it prints; it must succeed."""
        answer = self.run(command)
        assert answer.returncode == 0, f"{command}: {answer.stdout}{answer.stderr}"
        return answer.stdout.strip()

    def process_ids(self) -> dict[str, str]:
        """Of the processes of the service, by the names of their modules."""
        found = {}
        for line in self.says("ps -C python -o pid=,args=").splitlines():
            pid, *arguments = line.split()
            for one in arguments:
                if one.startswith("firewatch.processes."):
                    found[one.rpartition(".")[2]] = pid
        return found

    def asks(self, url: str, body: object = None) -> str:
        """What the address answers to the body."""
        code = (
            "import sys, urllib.request as r; "
            "q = r.Request(sys.argv[1], sys.argv[2].encode() or None, {'content-type': 'application/json'}); "
            "print(r.urlopen(q, timeout=5).read().decode())"
        )
        told = "" if body is None else json.dumps(body)
        return self.says(f"python3 -c \"{code}\" {url} '{told}'")

    def rows(self, query: str) -> list[list[object]]:
        """Of the store."""
        code = (
            "import json, sqlite3; "
            "s = sqlite3.connect('file:/var/lib/firewatch/firewatch.db?mode=ro', uri=True); "
            f"print(json.dumps(s.execute('{query}').fetchall()))"
        )
        rows: list[list[object]] = json.loads(self.does(f'python3 -c "{code}"'))
        return rows

    def incidents(self) -> set[str]:
        return {str(incident_id) for (incident_id,) in self.rows("select incident_id from incidents")}

    def received(self) -> list[str]:
        """The alerts that the receiver keeps, each as often as it kept it."""
        kept = json.loads(self.asks(f"{RECEIVER}/api/alerts"))["alerts"]
        return sorted(one["alert"]["alert_id"] for one in kept)

    def sent(self) -> list[str]:
        """The alerts that the store has to deliver, or has delivered."""
        return sorted(str(alert_id) for (alert_id,) in self.rows("select alert_id from deliveries"))


def until(condition: Callable[[], bool], limit_s: float = 120.0) -> bool:
    deadline_s = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.5)
    return True


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Installed as the documentation says; its service is not started yet."""
    folder = tmp_path_factory.mktemp("systemd")
    made = subprocess.run(
        ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={PACKAGES}", DEBIAN, str(folder / "root")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if made.returncode:
        pytest.skip(f"no Debian can be made here: {made.stderr[-300:]}")
    with tarfile.open(build(folder / "bundle.tar.gz")) as archive:
        archive.extractall(folder / "root" / "root", filter="data")
    machine = Machine(folder / "root")
    try:
        machine.boot()
    except AssertionError as error:
        machine.power_off()
        pytest.skip(f"no systemd boots here: {str(error)[-300:]}")
    try:
        machine.does("/root/firewatch-bundle/install.sh")
        etc = machine.root / "etc" / "firewatch"
        first = (etc / "deployment.yaml").read_text(encoding="utf-8")
        head, _cameras, rest = first.partition("cameras:")
        rest = rest[rest.index("\nstorage:") :]
        cameras = "cameras:" + "".join(CAMERA.format(name=name) for name in ("north", "south"))
        (etc / "deployment.yaml").write_text(head + cameras + TOLD + rest, encoding="utf-8")
        (etc / "secrets.env").write_text(f'DISPATCH_SECRET="{SECRET}"\n')
        machine.does(
            f"systemd-run --quiet --unit=receiver --property=DynamicUser=yes --setenv=SECRET='{SECRET}' "
            f"{PROGRAMS}/bin/python -m simulator.receiver --port 8090 --secret-env SECRET"
        )
        yield machine
    finally:
        machine.power_off()
        shutil.rmtree(folder)  # more than a gigabyte


def test_the_service_runs_as_its_own_user_and_sees_its_cameras(machine: Machine) -> None:
    machine.does("systemctl enable --now firewatch firewatch-backup.timer")
    assert until(lambda: set(machine.process_ids()) == set(PROCESSES))
    users = machine.says(f"ps -o user:20= -p {','.join(machine.process_ids().values())}").split()
    assert set(users) == {"firewatch"}
    assert until(lambda: "ready" in machine.asks("http://127.0.0.1:8080/readyz"))
    log = machine.root / "var" / "log" / "firewatch" / "worker-1.log"
    assert until(lambda: log.read_text().count("camera live") == 2), log.read_text()
    assert machine.says("find /var/lib/firewatch /var/log/firewatch ! -user firewatch") == ""
    assert machine.says("stat -c %a /var/lib/firewatch /var/log/firewatch").split() == ["750", "750"]


def test_a_restart_loses_neither_an_incident_nor_a_message_that_waits(machine: Machine) -> None:
    assert until(lambda: "fail" in machine.asks(f"{RECEIVER}/control", {"mode": "fail"}))
    assert until(lambda: bool(machine.sent())), machine.says("journalctl -u firewatch -n 50")
    incidents = machine.incidents()
    machine.does("systemctl restart firewatch")
    assert machine.incidents() >= incidents
    machine.asks(f"{RECEIVER}/control", {"mode": "ok"})
    assert until(lambda: machine.rows("select distinct state from deliveries") == [["delivered"]])
    assert until(lambda: machine.received() == machine.sent()), (machine.received(), machine.sent())


def test_whichever_process_hangs_is_started_again(machine: Machine) -> None:
    assert until(lambda: set(machine.process_ids()) == set(PROCESSES))
    before = machine.process_ids()
    machine.does(f"kill -STOP {' '.join(before.values())}")
    assert until(lambda: set(machine.process_ids()) == set(PROCESSES)
                 and not set(machine.process_ids().values()) & set(before.values()), 180)  # fmt: skip
    assert machine.says("systemctl show --property=NRestarts --value firewatch") == "0"


def test_a_supervisor_that_hangs_is_ended_by_the_watchdog_and_started_again(machine: Machine) -> None:
    machine.does("kill -STOP $(systemctl show --property=MainPID --value firewatch)")
    assert until(lambda: machine.says("systemctl show --property=NRestarts --value firewatch") == "1")
    assert until(lambda: machine.says("systemctl is-active firewatch") == "active")
    assert until(lambda: set(machine.process_ids()) == set(PROCESSES))


def test_a_killed_supervisor_takes_its_processes_along_and_is_started_again(machine: Machine) -> None:
    before = machine.process_ids()
    machine.does("kill -KILL $(systemctl show --property=MainPID --value firewatch)")
    assert until(lambda: machine.says("systemctl show --property=NRestarts --value firewatch") == "2")
    assert until(lambda: set(machine.process_ids()) == set(PROCESSES))
    assert not set(machine.process_ids().values()) & set(before.values())


def test_it_stops_in_good_time_and_leaves_nothing_behind(machine: Machine) -> None:
    began_s = time.monotonic()
    machine.does("systemctl stop firewatch")
    assert time.monotonic() - began_s < 20
    assert machine.says("systemctl show --property=Result --value firewatch") == "success"
    assert machine.process_ids() == {}


def test_an_upgrade_by_root_leaves_nothing_that_the_services_may_not_write(machine: Machine) -> None:
    machine.does("systemctl start firewatch")
    answer = machine.run("/root/firewatch-bundle/install.sh")
    assert (answer.returncode, answer.stderr) == (
        1, "install.sh: firewatch runs; systemctl stop firewatch first\n"
    )  # fmt: skip
    old = f"{PROGRAMS}/lib/python3.11/site-packages/firewatch/of_an_older_one.py"
    machine.does(f"systemctl stop firewatch && touch {old}")
    machine.does("/root/firewatch-bundle/install.sh")
    assert machine.run(f"test -e {old}").returncode == 1
    machine.does("firewatch upgrade /etc/firewatch/deployment.yaml --state /var/lib/firewatch")
    assert machine.says("find /var/lib/firewatch ! -user firewatch") == ""
    machine.does("systemctl start firewatch firewatch-backup")


def test_it_comes_back_by_itself_after_a_reboot(machine: Machine) -> None:
    incidents = machine.incidents()
    machine.power_off()
    machine.boot()
    assert until(lambda: machine.says("systemctl is-active firewatch") == "active")
    assert until(lambda: "ready" in machine.asks("http://127.0.0.1:8080/readyz"))
    assert machine.says("systemctl is-active firewatch-backup.timer") == "active"
    assert machine.incidents() >= incidents
