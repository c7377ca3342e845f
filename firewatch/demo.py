"""The demonstration: simulated hill cameras as real RTSP, a sandbox dispatch receiver, and the centre on top.

`config/demo.yaml` is an ordinary deployment; what changes from start to start (ports, the state folder,
the signing secret) reaches it through environment variables.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shlex
import shutil
import socket
import sys
import threading
import time
import webbrowser
from collections.abc import Mapping
from pathlib import Path

import httpx

from config import Deployment, load
from firewatch.failures import UserError
from firewatch.plan import Plan
from firewatch.prepare import FirstLogIn, base_url, check_parts, link_key, listening_socket, prepare_store
from firewatch.supervision import ProcessSpec, ProcessUnusableError, Supervisor
from firewatch.terminal import err, out

ROOT = Path(__file__).resolve().parent.parent
VIDEOS = ROOT / "sample_videos"
CONFIG = ROOT / "config" / "demo.yaml"
MARKER = ".firewatch-demo"
ENVIRONMENT = "demo.env"
CALM_S = 600
HOST = "127.0.0.1"


def run_demo(state: Path, port: int, *, open_browser: bool) -> None:
    """Run until Ctrl-C. Raises UserError when something it needs is missing."""
    began_s = time.monotonic()
    empty_state(state)
    playlists = demo_playlists(VIDEOS)
    rtsp_port, receiver_port = free_ports(2)
    secret = secrets.token_hex(16)
    mine = {
        "FIREWATCH_DEMO_RTSP_PORT": str(rtsp_port),
        "FIREWATCH_DEMO_RECEIVER_PORT": str(receiver_port),
        "FIREWATCH_DEMO_SECRET": secret,
        "FIREWATCH_DEMO_STATE": str(state.resolve()),
    }
    os.environ.update(mine)
    write_environment(state, mine)
    deployment = load(CONFIG)
    check_parts(deployment)
    with _console_socket(port) as console:
        first = prepare_store(deployment, must_change=False)
        url = base_url(deployment, console)
        plan = Plan(CONFIG, deployment, state, console.fileno(), url, link_key(state), logs_to_files=True)
        supervisor = Supervisor(
            [
                _receiver(plan, receiver_port),
                _cameras(plan, rtsp_port, playlists),
                *plan.processes(),
            ]
        )
        out.print(f"{deployment.name}: {len(deployment.cameras)} cameras; logs in {state / 'logs'}")
        receiver = f"http://{HOST}:{receiver_port}/"
        announcer = threading.Thread(
            target=_announce,
            args=(deployment, state, f"{url}/", receiver, first, began_s, open_browser),
            name="announcer",
            daemon=True,
        )
        announcer.start()
        try:
            supervisor.run()
        except ProcessUnusableError as error:
            raise UserError(f"{error}:\n{last_lines(error.spec.log)}") from None
        out.print("stopped")


def demo_playlists(videos: Path) -> dict[str, str]:
    """What each simulated camera plays, by scene name.

    A scene with a fire goes on with the same view clearing and then calm, and burns again after
    `CALM_S`: at another place where `again/` holds a second film of the view; a scene without fire repeats.
    """
    scenes = sorted(path for path in videos.glob("*.mp4") if not path.stem.endswith(("_calm", "_clearing")))
    if not scenes:
        raise UserError(f"there are no sample videos in {videos}; render them with `firewatch simulate`")
    playlists = {}
    for scene in scenes:
        calm = scene.with_name(f"{scene.stem}_calm.mp4")
        clips: list[str] = []
        for film in (scene, videos / "again" / scene.name):
            if not film.exists():
                continue
            clips.append(str(film))
            clearing = film.with_name(f"{film.stem}_clearing.mp4")
            if clearing.exists():
                clips.append(f"~{clearing}")
            if calm.exists():
                clips.append(f"~{calm}*{CALM_S}")
        playlists[scene.stem] = ",".join(clips)
    return playlists


def empty_state(state: Path) -> None:
    """A fresh state folder. Refuses to empty a folder that no demo made."""
    if state.exists() and any(state.iterdir()):
        if not (state / MARKER).exists():
            raise UserError(f"{state} holds files that no demo made; choose another folder with --state")
        shutil.rmtree(state)
    state.mkdir(parents=True, exist_ok=True)
    (state / MARKER).touch()


def write_environment(state: Path, variables: Mapping[str, str]) -> None:
    """For other commands that shall find this demo: `set -a; . STATE/demo.env`, then use config/demo.yaml."""
    file = state / ENVIRONMENT
    file.touch(mode=0o600)
    file.write_text("".join(f"{name}={shlex.quote(value)}\n" for name, value in variables.items()))


def free_ports(count: int) -> list[int]:
    """Ports that are free now, all different."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for made in sockets:
            made.bind((HOST, 0))
        return [made.getsockname()[1] for made in sockets]


def last_lines(log: Path | None, count: int = 8) -> str:
    """The end of a log, for the person at the terminal."""
    if log is None or not log.exists():
        return "(no log)"
    return "\n".join(log.read_text(errors="replace").splitlines()[-count:])


def _console_socket(port: int) -> socket.socket:
    try:
        return listening_socket(HOST, port)
    except UserError:
        err.print(f"port {port} is taken, using another one")
        return listening_socket(HOST, 0)


def _cameras(plan: Plan, port: int, playlists: dict[str, str]) -> ProcessSpec:
    cameras = [f"--camera={name}={playlist}" for name, playlist in playlists.items()]
    command = (sys.executable, "-m", "simulator.rtsp", "--port", str(port), "--wait-for-reader", *cameras)
    return ProcessSpec("cameras", command, log=plan.log_of("cameras"))


def _receiver(plan: Plan, port: int) -> ProcessSpec:
    command = (
        sys.executable,
        *("-m", "simulator.receiver", "--port", str(port)),
        *("--secret-env", "FIREWATCH_DEMO_SECRET", "--folder", str(plan.state_folder / "receiver")),
    )
    return ProcessSpec("receiver", command, log=plan.log_of("receiver"))


def _announce(
    deployment: Deployment,
    state: Path,
    console: str,
    receiver: str,
    first: FirstLogIn | None,
    began_s: float,
    open_browser: bool,
) -> None:
    """Tell the person at the terminal what is up, as it comes up."""
    _wait_until_ready(f"{console}readyz")
    up_s = time.monotonic()
    out.print(f"\nconsole   [bold]{console}[/bold]   (up after {up_s - began_s:.0f} s)")
    if first is not None:
        out.print(f"log in    [bold]{first.username}[/bold] / [bold]{first.password}[/bold]")
    out.print(f"receiver  {receiver}   (sandbox dispatch centre)")
    out.print(f"commands  set -a; . {state / ENVIRONMENT}   (then any command with {CONFIG})")
    out.print("Ctrl-C ends the demo.\n")
    if open_browser and (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        webbrowser.open(console)
    _report_first_delivery(deployment, up_s)


def _wait_until_ready(url: str) -> None:
    while True:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(url, timeout=5.0, trust_env=False).is_success:
                return
        time.sleep(0.3)


def _report_first_delivery(deployment: Deployment, since_s: float) -> None:
    from alerting.store import Store

    store = Store.open(deployment.storage.database_url.reveal())
    names = {camera.id: camera.name for camera in deployment.cameras}
    while True:
        delivered = [one.incident_id for one in store.deliveries(state="delivered") if one.incident_id]
        if delivered:
            incident = store.incident(delivered[-1])
            cameras = ", ".join(names.get(one.camera_id, one.camera_id) for one in incident.sightings)
            seconds = time.monotonic() - since_s
            out.print(f"first alert delivered {seconds:.0f} s after the console was up: {cameras}")
            return
        time.sleep(1.0)
