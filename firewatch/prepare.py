"""What is done once before the processes start: look for mistakes early, migrate the store, first password.

Everything here raises an error that says how to mend it, while somebody still sits at the terminal.
"""

from __future__ import annotations

import os
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path

from config import Deployment
from firewatch.failures import UserError


@dataclass(frozen=True)
class FirstLogIn:
    """The account made for a store without any."""

    username: str
    password: str


def listening_socket(host: str, port: int) -> socket.socket:
    """The console's socket, held by the supervisor for as long as it lives."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
        made.listen(128)
    except OSError as error:
        made.close()
        raise UserError(
            f"the console cannot listen on {host}:{port} ({error.strerror}); change console.host or "
            f"console.port, "
            "or stop what uses the port"
        ) from None
    made.set_inheritable(True)
    return made


def base_url(deployment: Deployment, console: socket.socket) -> str:
    """How receivers of alerts reach the console."""
    if deployment.console.public_url:
        return deployment.console.public_url
    host, port = console.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def link_key(state: Path) -> Path:
    """The file with the key that signs links to evidence; made once per state folder, readable by us only."""
    path = state / "link.key"
    if not path.exists():
        state.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(32))
    return path


def check_parts(deployment: Deployment) -> None:
    """Weights whole, terrain readable. Raises ModelError, TerrainError."""
    from detector.registry import load_model
    from geometry.raster_terrain import RasterTerrain

    load_model(deployment.detector.model)
    if deployment.terrain is not None:
        RasterTerrain.open(deployment.terrain)


def prepare_store(deployment: Deployment, *, must_change: bool = True) -> FirstLogIn | None:
    """Make or migrate the store; a store without users gets one, whose password is told here only, and is to
    be changed at the first log-in (`must_change`; not in a demonstration).

    Cameras that are not enabled are written down as off: no worker will speak for them.
    """
    from alerting.camera_register import CameraRegister
    from alerting.store import Store
    from console.auth import FIRST_USER, ensure_first_admin
    from streams.condition import TAKEN_OUT, Condition

    url = deployment.storage.database_url.reveal()
    if url.startswith("sqlite:///"):
        Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    store = Store.open(url)
    try:
        for camera in CameraRegister(store, deployment).cameras:
            if not camera.enabled:
                store.set_camera_state(camera.id, Condition.OFF, store.clock(), TAKEN_OUT, counts=False)
        password = ensure_first_admin(store, must_change=must_change)
        return None if password is None else FirstLogIn(FIRST_USER, password)
    finally:
        store.close()


def registered(deployment: Deployment, state: Path | None = None) -> Deployment:
    """The deployment with the cameras that its store knows of; the file's, where there is no store yet. The
    addresses of those that were added or changed there can be had with the key in the `state` folder only."""
    from alerting import snapshot
    from alerting.camera_register import CameraRegister
    from alerting.secret_box import KEY_FILE, SecretBox
    from alerting.store import Store

    url = deployment.storage.database_url.reveal()
    if snapshot.is_empty(url):
        return deployment
    store = Store.open(url)
    try:
        box = SecretBox(state / KEY_FILE) if state is not None else None
        return CameraRegister(store, deployment, box).deployment
    finally:
        store.close()
