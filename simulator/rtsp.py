"""An RTSP server that plays video files as hill cameras, with faults on demand: `python -m simulator.rtsp`.

    python -m simulator.rtsp --port 8554 --control-port 8555 \\
        --camera north=sample_videos/pair_north.mp4 --camera ridge=near_fire.mp4,~calm.mp4*600

prints one JSON line with the ports and addresses in use, serves `rtsp://127.0.0.1:8554/north` until
SIGTERM or SIGINT, and takes faults over HTTP at the control port (`simulator.faults`). In tests:

    with RtspServer({"north": "near_fire.mp4"}) as server:
        open_with_any_client(server.url("north"))
        server.fault("north", "stall")

Files are sent as they are, H.264 or H.265, over RTSP's own TCP connection. Footage loops with continuous
time stamps. **New footage**: where a playlist jumps, the first key frame carries a mark that decoders
skip (an SEI message) and `streams.new_footage` reads. Cameras with one kind of footage start a fraction
of a key-frame interval apart, so that not all key frames arrive in the same instant.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import math
import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from simulator.faults import FAULT, CameraState, Fault, control_app
from simulator.http_server import bound_socket, http_server, run_until_signal
from simulator.rtsp_auth import DigestGuard
from simulator.rtsp_channel import Channel
from simulator.rtsp_footage import CLOCK_HZ, FootageError, FootageLibrary
from simulator.rtsp_playlist import Clip, Playlist, PlaylistError, parse_playlist
from simulator.rtsp_session import Session

log = logging.getLogger(__name__)

GOLDEN_RATIO = (math.sqrt(5) - 1) / 2  # multiples of it, modulo one, never bunch together
LARGEST_BACKLOG_BYTES = 1024 * 1024
"""What may wait in this process for one slow reader before it loses pictures."""

_STOP_S = 5.0
_Result = TypeVar("_Result")
_FILE_ERRORS = (FootageError, PlaylistError)


class RtspServer:
    """Cameras by name on one RTSP port, run in a thread of its own; use it with `with`, or start and stop it.

    `cameras` maps a name (the path of its URL) to a playlist: a file, its text form
    (`simulator.rtsp_playlist`), or clips. With `users` (name to password) clients must log in by digest.
    `wait_for_reader`: a camera's footage begins when its first reader plays it, not at once.
    `offers_udp`: clients may choose RTP over UDP. `control_port=None` leaves the HTTP control out. Raises
    FootageError, PlaylistError or OSError.
    """

    def __init__(
        self,
        cameras: Mapping[str, str | Path | Sequence[Clip]],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        control_port: int | None = None,
        users: Mapping[str, str] | None = None,
        wait_for_reader: bool = False,
        largest_backlog_bytes: int = LARGEST_BACKLOG_BYTES,
        offers_udp: bool = False,
    ) -> None:
        library = FootageLibrary()
        self._channels: dict[str, Channel] = {}
        for index, (name, footage) in enumerate(cameras.items()):
            clips = parse_playlist(str(footage)) if isinstance(footage, str | Path) else footage
            playlist = Playlist(clips, library)
            phase = (index * GOLDEN_RATIO) % 1
            self._channels[name] = Channel(
                name,
                playlist,
                library,
                starts_after_s=phase * playlist.first.key_interval_ticks / CLOCK_HZ,
                waits_for_reader=wait_for_reader,
            )
        self._guard = DigestGuard(users or {})
        self._largest_backlog_bytes = largest_backlog_bytes
        self._offers_udp = offers_udp
        self._host = host
        self._socket = bound_socket(host, port)
        self.port: int = self._socket.getsockname()[1]
        self._control_socket = None if control_port is None else bound_socket(host, control_port)
        self.control_port: int | None = (
            self._control_socket.getsockname()[1] if self._control_socket else None
        )
        self._sessions: set[Session] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = threading.Event()
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="rtsp-simulator", daemon=True)
        self._failure: BaseException | None = None

    # For its owner, from any thread

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise RuntimeError("the RTSP simulator did not start") from self._failure

    def stop(self) -> None:
        """Close every connection and end; more calls do nothing."""
        if not self._thread.ident:  # never started
            for listener in (self._socket, self._control_socket):
                if listener is not None:
                    listener.close()
        loop, stop = self._loop, self._stop
        if loop is not None and stop is not None and self._thread.is_alive():
            with contextlib.suppress(RuntimeError):  # the loop closed in this very moment
                loop.call_soon_threadsafe(stop.set)
            self._thread.join(_STOP_S)

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    def url(self, name: str) -> str:
        """Address of a camera, without any password."""
        if name not in self._channels:
            raise KeyError(name)
        return f"rtsp://{self._host}:{self.port}/{name}"

    @property
    def control_url(self) -> str | None:
        return None if self.control_port is None else f"http://{self._host}:{self.control_port}"

    def fault(self, name: str, fault: str, **options: Any) -> None:
        """Make a camera misbehave: `fault("north", "corrupt", share=0.5)`; see `simulator.faults`."""
        parsed = FAULT.validate_python({"fault": fault, **options})
        self._call(lambda: self._channels[name].apply(parsed))

    def clear(self, name: str) -> None:
        """End all faults of a camera."""
        self._call(self._channels[name].clear)

    def restart(self, name: str) -> None:
        """Play a camera's list from its start, now."""
        self._call(self._channels[name].restart)

    def state(self, name: str) -> CameraState:
        return self._call(self._channels[name].state)

    def _call(self, function: Callable[[], _Result]) -> _Result:
        """Run a function in the server's loop, where the cameras live."""
        if self._loop is None or not self._thread.is_alive():
            raise RuntimeError("the RTSP simulator is not running; start it first")

        async def call() -> _Result:
            return function()

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(timeout=10)

    # In its thread

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # told to whoever starts it; afterwards it is logged
            self._failure = error
            log.exception("rtsp simulator ended by an error")
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._connected, sock=self._socket)
        tasks = [
            asyncio.create_task(channel.run(), name=f"camera {channel.name}")
            for channel in self._channels.values()
        ]
        control = None
        if self._control_socket is not None:
            control = http_server(control_app(_Cameras(self._channels)))
            tasks.append(asyncio.create_task(control.serve(sockets=[self._control_socket])))
        stop = asyncio.create_task(self._stop.wait())
        self._ready.set()
        try:
            done, _ = await asyncio.wait([stop, *tasks], return_when=asyncio.FIRST_COMPLETED)
            for task in done - {stop}:
                task.result()  # none of them ends by itself but by an error
        finally:
            server.close()
            for session in tuple(self._sessions):
                session.close()
            if control is not None:
                control.should_exit = True
                await asyncio.wait(tasks[-1:], timeout=2)
            for task in (stop, *tasks):
                task.cancel()
            await asyncio.gather(stop, *tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = Session(
            reader, writer, self._channels, self._guard, self._largest_backlog_bytes, self._offers_udp
        )
        self._sessions.add(session)
        try:
            await session.serve()
        finally:
            self._sessions.discard(session)


class _Cameras:
    """The `FaultTarget` behind the HTTP control."""

    def __init__(self, channels: Mapping[str, Channel]) -> None:
        self._channels = channels

    def states(self) -> list[CameraState]:
        return [channel.state() for channel in self._channels.values()]

    def state(self, name: str) -> CameraState:
        return self._channels[name].state()

    def apply(self, name: str, fault: Fault) -> None:
        self._channels[name].apply(fault)

    def clear(self, name: str) -> None:
        self._channels[name].clear()

    def restart(self, name: str) -> None:
        self._channels[name].restart()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m simulator.rtsp", description="Serve video files as cameras."
    )
    parser.add_argument("more", nargs="*", metavar="NAME=PLAYLIST", help="cameras, as with --camera")
    parser.add_argument("--camera", action="append", default=[], metavar="NAME=FILE[*SECONDS][,...]")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: loopback only)")
    parser.add_argument("--port", type=int, default=8554, help="RTSP port; 0 takes a free one")
    parser.add_argument("--control-port", type=int, help="HTTP port for faults; 0 takes a free one")
    parser.add_argument("--user", help="clients must log in as this user")
    parser.add_argument("--password-env", metavar="NAME", help="environment variable with the password")
    parser.add_argument("--wait-for-reader", action="store_true", help="footage begins with the first reader")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")

    cameras: dict[str, str] = {}
    for text in (*options.camera, *options.more):
        name, equals, playlist = text.partition("=")
        if not (name and equals and playlist) or name in cameras:
            parser.error(f"{text!r}: write NAME=FILE, each name once")
        cameras[name] = playlist
    if not cameras:
        parser.error("name at least one camera: --camera north=video.mp4")
    users = None
    if options.user is not None:
        password = os.environ.get(options.password_env or "")
        if not password:
            parser.error("--user needs --password-env with the name of a variable that is set")
        users = {options.user: password}
    try:
        server = RtspServer(
            cameras,
            host=options.host,
            port=options.port,
            control_port=options.control_port,
            users=users,
            wait_for_reader=options.wait_for_reader,
        )
    except (*_FILE_ERRORS, OSError) as error:
        print(f"python -m simulator.rtsp: {error}", file=sys.stderr)
        return 2
    return run_until_signal(
        server,
        {
            "event": "listening",
            "rtsp_port": server.port,
            "control_port": server.control_port,
            "cameras": {name: server.url(name) for name in cameras},
        },
    )


if __name__ == "__main__":
    sys.exit(main())
