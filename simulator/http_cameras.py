"""Cameras over HTTP, as gateways and simple cameras offer them: snapshots, HTTP-FLV, HLS, expiring play URLs.

    with HttpCameras({"north": "near_fire.mp4"}, login=("viewer", "secret")) as server:
        server.snapshot_url("north")     # a JPEG with an ETag; digest authentication where `login` is given
        server.mjpeg_url("north")        # one JPEG after the other in one answer
        server.flv_url("north")          # H.264 in FLV, in real time
        server.hls_url("north")          # H.264 in MPEG-TS segments, a playlist that moves on
        server.gateway_url()             # /play/{channel_id} answers {"data": {"flv": URL}}, each good once

`new_picture_every_s` says how often a snapshot changes; `status` makes all snapshots answer that.
"""

from __future__ import annotations

import asyncio
import io
import itertools
import secrets
import threading
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import cv2
from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse

from simulator.http_server import bound_socket, http_server
from simulator.rtsp_auth import DigestGuard


@dataclass
class _Film:
    """One file: its pictures as JPEG, its packets, and the same cut into segments."""

    path: Path
    jpegs: list[bytes] = field(default_factory=list)
    segments: list[tuple[float, bytes]] = field(default_factory=list)

    def load(self) -> None:
        with av.open(str(self.path)) as container:
            for picture in itertools.islice(container.decode(video=0), 0, None, 5):
                encoded = cv2.imencode(".jpg", picture.to_ndarray(format="bgr24"))[1]
                self.jpegs.append(encoded.tobytes())
        with av.open(str(self.path)) as container:
            stream = container.streams.video[0]
            packets = [packet for packet in container.demux(stream) if packet.size]
            keys = [index for index, packet in enumerate(packets) if packet.is_keyframe]
            for begin, end in itertools.pairwise([*keys, len(packets)]):
                buffer = io.BytesIO()
                with av.open(buffer, "w", format="mpegts") as out:
                    target = out.add_stream_from_template(stream)
                    for packet in packets[begin:end]:
                        packet.stream = target
                        out.mux(packet)
                length_s = float(
                    sum((packet.duration or 0) for packet in packets[begin:end]) * (stream.time_base or 0)
                )
                self.segments.append((length_s, buffer.getvalue()))


class HttpCameras:
    """Serves files as cameras over HTTP on a free loopback port, in a thread of its own."""

    def __init__(
        self,
        cameras: Mapping[str, str | Path],
        *,
        login: tuple[str, str] | None = None,
        new_picture_every_s: float = 0.5,
    ) -> None:
        self.status = 200
        self.not_modified = 0
        """How many questions were answered with 304."""
        self.play_urls_given = 0
        self._films = {name: _Film(Path(path)) for name, path in cameras.items()}
        self._every_s = new_picture_every_s
        self._guard = DigestGuard(dict([login]) if login else {})
        self._nonce = DigestGuard.new_nonce()
        self._tickets: set[str] = set()
        self._began_s = time.monotonic()
        self._socket = bound_socket("127.0.0.1", 0)
        self.port: int = self._socket.getsockname()[1]
        self._server = http_server(self._app())
        self._thread = threading.Thread(target=self._run, name="http-cameras", daemon=True)

    def __enter__(self) -> Self:
        for film in self._films.values():
            film.load()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join(5)

    def snapshot_url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.port}/snapshot/{name}"

    def moved_url(self, name: str) -> str:
        """Redirects to the snapshot."""
        return f"http://127.0.0.1:{self.port}/moved/{name}"

    def mjpeg_url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.port}/mjpeg/{name}"

    def flv_url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.port}/live/{name}.flv"

    def hls_url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.port}/hls/{name}/index.m3u8"

    def gateway_url(self) -> str:
        """For a source `play+http://...`; plays the first camera, whatever the channel."""
        return f"http://127.0.0.1:{self.port}/play/{{channel_id}}"

    def _run(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._socket]))

    def _app(self) -> FastAPI:
        app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

        @app.get("/moved/{name}")
        async def moved(name: str) -> Response:
            return RedirectResponse(self.snapshot_url(name))

        @app.get("/snapshot/{name}")
        async def snapshot(name: str, request: Request) -> Response:
            if not self._guard.allows("GET", request.headers.get("authorization"), self._nonce):
                return Response(
                    status_code=401, headers={"WWW-Authenticate": self._guard.challenge(self._nonce)}
                )
            if self.status != 200:
                return Response(status_code=self.status)
            number = int((time.monotonic() - self._began_s) / self._every_s)
            tag = f'"{number}"'
            if request.headers.get("if-none-match") == tag:
                self.not_modified += 1
                return Response(status_code=304, headers={"ETag": tag})
            jpegs = self._films[name].jpegs
            return Response(jpegs[number % len(jpegs)], media_type="image/jpeg", headers={"ETag": tag})

        @app.get("/mjpeg/{name}")
        async def mjpeg(name: str) -> Response:
            parts = _jpeg_parts(self._films[name].jpegs, self._every_s)
            return StreamingResponse(parts, media_type="multipart/x-mixed-replace; boundary=picture")

        @app.get("/play/{channel_id}")
        async def play(channel_id: str) -> dict[str, object]:
            ticket = secrets.token_hex(8)
            self._tickets.add(ticket)
            self.play_urls_given += 1
            first = next(iter(self._films))
            return {
                "code": 0,
                "data": {"channel": channel_id, "flv": f"{self.flv_url(first)}?ticket={ticket}"},
            }

        @app.get("/live/{name}.flv")
        async def live(name: str, ticket: str | None = None) -> Response:
            if ticket is not None:
                if ticket not in self._tickets:
                    return Response(status_code=403)  # it has expired: each is good for one connection
                self._tickets.discard(ticket)
            return StreamingResponse(_flv(self._films[name].path), media_type="video/x-flv")

        @app.get("/hls/{name}/index.m3u8")
        async def playlist(name: str) -> Response:
            return Response(self._playlist(name), media_type="application/vnd.apple.mpegurl")

        @app.get("/hls/{name}/{number}.ts")
        async def segment(name: str, number: int) -> Response:
            segments = self._films[name].segments
            return Response(segments[number % len(segments)][1], media_type="video/mp2t")

        return app

    def _playlist(self, name: str) -> str:
        segments = self._films[name].segments
        longest_s = max(length_s for length_s, _ in segments)
        newest = int((time.monotonic() - self._began_s) / longest_s) + 3
        first = max(0, newest - 3)
        lines = ["#EXTM3U", "#EXT-X-VERSION:3", f"#EXT-X-TARGETDURATION:{int(longest_s) + 1}"]
        lines.append(f"#EXT-X-MEDIA-SEQUENCE:{first}")
        for number in range(first, newest):
            if number % len(segments) == 0:
                lines.append("#EXT-X-DISCONTINUITY")
            lines += [f"#EXTINF:{segments[number % len(segments)][0]:.3f},", f"{number}.ts"]
        return "\n".join(lines) + "\n"


async def _jpeg_parts(jpegs: list[bytes], every_s: float) -> AsyncIterator[bytes]:
    for jpeg in itertools.cycle(jpegs):
        yield b"--picture\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(jpeg)
        yield jpeg + b"\r\n"
        await asyncio.sleep(every_s)


async def _flv(path: Path) -> AsyncIterator[bytes]:
    """The file as FLV, over and over in real time, with time stamps that go on."""
    written = _Pipe()
    with av.open(str(path)) as container, av.open(written, "w", format="flv") as out:
        stream = container.streams.video[0]
        target = out.add_stream_from_template(stream)
        step = stream.time_base or 0
        began_s, offset, end = time.monotonic(), 0, 0
        while True:
            container.seek(0)
            for packet in container.demux(stream):
                if packet.dts is None or packet.pts is None:
                    continue
                packet.pts += offset
                packet.dts += offset
                end = max(end, packet.pts + (packet.duration or 1))
                wait_s = began_s + float(packet.dts * step) - time.monotonic()
                packet.stream = target
                out.mux(packet)
                if wait_s > 0:
                    await asyncio.sleep(wait_s)
                if chunk := written.take():
                    yield chunk
            offset = end


class _Pipe(io.RawIOBase):
    """What the muxer writes, to be taken away."""

    def __init__(self) -> None:
        super().__init__()
        self._chunks: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        chunk = bytes(data)  # type: ignore[call-overload]
        self._chunks.append(chunk)
        return len(chunk)

    def take(self) -> bytes:
        chunk = b"".join(self._chunks)
        self._chunks.clear()
        return chunk
