"""One RTSP connection: reads requests, answers them, and carries a camera's packets inside itself.

RTSP 1.0 (RFC 2326) over TCP with interleaved packets; over UDP where the server offers it, else that is
answered with 461, on which clients try TCP by themselves. One connection plays one camera.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import secrets
import socket
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from urllib.parse import unquote, urlsplit

from simulator.rtsp_auth import DigestGuard
from simulator.rtsp_channel import Channel
from simulator.rtsp_packets import interleaved, session_description

log = logging.getLogger(__name__)

SESSION_TIMEOUT_S = 60
STUCK_S = 30.0
"""A reader that takes nothing for so long is gone."""

_SEND_BUFFER_BYTES = 256 * 1024  # in the kernel; small, so that a slow reader is not seconds behind
_LARGEST_REQUEST_BYTES = 64 * 1024
_METHODS = "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, TEARDOWN, GET_PARAMETER, SET_PARAMETER"
_REASONS = {
    200: "OK",
    302: "Moved Temporarily",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    453: "Not Enough Bandwidth",
    454: "Session Not Found",
    455: "Method Not Valid in This State",
    461: "Unsupported Transport",
    500: "Internal Server Error",
    503: "Service Unavailable",
    505: "RTSP Version Not Supported",
    551: "Option not supported",
}


@dataclass(frozen=True)
class _Request:
    method: str
    url: str
    version: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class _Reply:
    status: int
    headers: Mapping[str, str] | None = None
    body: str = ""


class _MalformedError(Exception):
    """Bytes that are no RTSP request."""


class _UdpSender:
    """Takes interleaved packets apart and sends them to the client's two UDP ports."""

    def __init__(self, writer: asyncio.StreamWriter, rtp_port: int, rtcp_port: int) -> None:
        local, remote = writer.get_extra_info("sockname"), writer.get_extra_info("peername")
        self._addresses = ((remote[0], rtp_port), (remote[0], rtcp_port))
        self._sockets = tuple(socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in self._addresses)
        for one in self._sockets:
            one.bind((local[0], 0))
            one.setblocking(False)
        self.ports = tuple(one.getsockname()[1] for one in self._sockets)

    def send(self, data: bytes) -> None:
        at = 0
        while at < len(data):
            channel, size = struct.unpack_from("!xBH", data, at)
            with contextlib.suppress(OSError):  # what the kernel cannot take is lost, as UDP may
                self._sockets[channel].sendto(data[at + 4 : at + 4 + size], self._addresses[channel])
            at += 4 + size

    def close(self) -> None:
        for one in self._sockets:
            one.close()


class Session:
    """One connected client; also the `Reader` a camera sends to."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        channels: Mapping[str, Channel],
        guard: DigestGuard,
        largest_backlog_bytes: int,
        offers_udp: bool = False,
    ) -> None:
        self._offers_udp = offers_udp
        self._udp: _UdpSender | None = None
        self.rtp_channel = 0
        self.has_report = False
        self._rtcp_channel = 1
        self._reader = reader
        self._writer = writer
        self._channels = channels
        self._guard = guard
        self._nonce = guard.new_nonce()
        self._largest_backlog_bytes = largest_backlog_bytes
        self._id: str | None = None
        self._set_up: Channel | None = None
        self._playing = False
        self._waits_for_key = True
        self._has_picture = False  # before its first picture a reader waits without being slow
        self._too_slow_since_s: float | None = None
        connection: socket.socket = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)

    async def serve(self) -> None:
        """Answer requests until the client leaves."""
        try:
            while (request := await self._next_request()) is not None:
                reply = self._answer(request)
                if reply is None:
                    return
                await self._send(request, reply)
                if request.method == "PLAY" and reply.status == 200 and self._set_up and not self._playing:
                    self._playing = True
                    self._set_up.join(self)
                if request.method == "TEARDOWN" and reply.status == 200:
                    return
        except _MalformedError:
            self._writer.write(b"RTSP/1.0 400 Bad Request\r\n\r\n")
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the client went away, which needs no answer
        finally:
            self._stop_playing()
            if self._udp is not None:
                self._udp.close()
            self._writer.close()

    # What the camera does with its reader

    @property
    def backlog_bytes(self) -> int:
        return self._writer.transport.get_write_buffer_size()

    def offer(self, data: bytes, is_key: bool) -> bool:
        if self.backlog_bytes > self._largest_backlog_bytes:
            self._waits_for_key = True
            now_s = time.monotonic()
            if self._too_slow_since_s is None:
                self._too_slow_since_s = now_s
            elif now_s - self._too_slow_since_s > STUCK_S:
                self.reset()
            return False
        self._too_slow_since_s = None
        if self._waits_for_key and not is_key:
            return not self._has_picture
        self._waits_for_key = False
        self._has_picture = True
        self._carry(data)
        return True

    def _carry(self, data: bytes) -> None:
        if self._udp is not None:
            self._udp.send(data)
        else:
            self._writer.write(data)

    def report(self, packet: bytes) -> None:
        if self.backlog_bytes <= self._largest_backlog_bytes:
            self.has_report = True
            self._carry(interleaved(self._rtcp_channel, [packet]))

    def reset(self) -> None:
        """Break the connection with a TCP reset, as a camera that lost its power or its link."""
        connection: socket.socket = self._writer.get_extra_info("socket")
        with contextlib.suppress(OSError):  # already closed
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        """End the connection without waiting for what is still to be sent."""
        self._writer.transport.abort()
        self._stop_playing()

    # Requests

    async def _next_request(self) -> _Request | None:
        """The next request; the client's own RTCP packets in between are read and dropped."""
        while True:
            first = await self._reader.read(1)
            if not first:
                return None
            if first == b"$":
                _, size = struct.unpack("!BH", await self._reader.readexactly(3))
                await self._reader.readexactly(size)
            elif first not in b"\r\n":
                head = first + await self._reader.readuntil(b"\r\n\r\n")
                break
        try:
            lines = head.decode("utf-8").split("\r\n")
            method, url, version = lines[0].split(" ")
            pairs = (line.split(":", 1) for line in lines[1:] if line)
            headers = {name.strip().lower(): value.strip() for name, value in pairs}
            body_bytes = int(headers.get("content-length", "0"))
        except ValueError:
            raise _MalformedError from None
        if not 0 <= body_bytes <= _LARGEST_REQUEST_BYTES:
            raise _MalformedError
        await self._reader.readexactly(body_bytes)
        return _Request(method, url, version, headers)

    def _answer(self, request: _Request) -> _Reply | None:
        """The reply, or None to close the connection without one."""
        if request.version != "RTSP/1.0":
            return _Reply(505)
        if "require" in request.headers:
            return _Reply(551, {"Unsupported": request.headers["require"]})
        if request.method == "OPTIONS":
            return _Reply(200, {"Public": _METHODS})
        authorization = request.headers.get("authorization")
        if not self._guard.allows(request.method, authorization, self._nonce):
            return _Reply(401, {"WWW-Authenticate": self._guard.challenge(self._nonce, authorization)})
        if request.method in ("DESCRIBE", "SETUP"):
            return self._answer_about_camera(request)
        return self._answer_in_session(request)

    def _answer_about_camera(self, request: _Request) -> _Reply | None:
        channel = self._channel(request.url)
        if channel is None:
            return _Reply(404)
        if channel.refusal is not None:
            status = channel.refusal.status
            if status == "close":
                return None
            headers = {"WWW-Authenticate": self._guard.challenge(self._nonce)} if status == 401 else None
            if status == 302:
                headers = {"Location": channel.refusal.location or ""}
            return _Reply(status, headers)
        return (
            self._describe(request, channel)
            if request.method == "DESCRIBE"
            else self._setup(request, channel)
        )

    def _answer_in_session(self, request: _Request) -> _Reply:
        if request.method not in _METHODS.split(", "):
            return _Reply(405, {"Allow": _METHODS})
        given_id = request.headers.get("session", "").split(";")[0]
        if given_id and given_id != self._id:
            return _Reply(454)
        if request.method in ("GET_PARAMETER", "SET_PARAMETER"):  # clients use them to stay alive
            return _Reply(200)
        if self._id is None:
            return _Reply(455 if request.method == "PLAY" else 454)
        if request.method == "PAUSE":
            self._stop_playing()
        return _Reply(200, {"Range": "npt=now-"} if request.method == "PLAY" else None)

    def _describe(self, request: _Request, channel: Channel) -> _Reply:
        host = self._writer.get_extra_info("sockname")[0]
        text = session_description(channel.name, host, channel.ssrc, channel.playlist.first)
        base = request.url.split("?")[0].rstrip("/") + "/"
        return _Reply(200, {"Content-Base": base, "Content-Type": "application/sdp"}, text)

    def _setup(self, request: _Request, channel: Channel) -> _Reply:
        if self._playing:
            return _Reply(455)
        for offer in request.headers.get("transport", "").split(","):
            if not offer.strip().upper().startswith("RTP/AVP/TCP"):
                ports = re.search(r"client_port=(\d{1,5})-(\d{1,5})", offer)
                if not (self._offers_udp and ports):
                    continue
                self.rtp_channel, self._rtcp_channel = 0, 1
                self._udp = _UdpSender(self._writer, int(ports[1]), int(ports[2]))
                self._set_up = channel
                self._id = self._id or secrets.token_hex(8)
                mine = f"server_port={self._udp.ports[0]}-{self._udp.ports[1]};ssrc={channel.ssrc:08X}"
                return _Reply(200, {"Transport": f"RTP/AVP;unicast;client_port={ports[1]}-{ports[2]};{mine}"})
            numbers = re.search(r"interleaved=(\d{1,3})(?:-(\d{1,3}))?", offer)
            rtp = int(numbers[1]) if numbers else 0
            rtcp = int(numbers[2]) if numbers and numbers[2] else rtp + 1
            if max(rtp, rtcp) > 255 or rtp == rtcp:
                return _Reply(461)
            self.rtp_channel, self._rtcp_channel = rtp, rtcp
            self._set_up = channel
            self._id = self._id or secrets.token_hex(8)
            transport = f"RTP/AVP/TCP;unicast;interleaved={rtp}-{rtcp};ssrc={channel.ssrc:08X}"
            return _Reply(200, {"Transport": transport})
        return _Reply(461)

    def _channel(self, url: str) -> Channel | None:
        """The camera a URL names: `rtsp://host/NAME` or `rtsp://host/NAME/trackID=0`."""
        try:
            path = unquote(urlsplit(url).path).strip("/")
        except ValueError:  # no URL at all
            return None
        return self._channels.get(path) or self._channels.get(path.rpartition("/")[0])

    async def _send(self, request: _Request, reply: _Reply) -> None:
        body = reply.body.encode()
        headers = {"CSeq": request.headers.get("cseq", "0"), "Date": formatdate(usegmt=True)}
        if self._id is not None:
            headers["Session"] = f"{self._id};timeout={SESSION_TIMEOUT_S}"
        headers |= reply.headers or {}
        if body:
            headers["Content-Length"] = str(len(body))
        lines = [f"RTSP/1.0 {reply.status} {_REASONS[reply.status]}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        if not self._playing:
            await self._writer.drain()
        log.debug("rtsp %s %s", request.method, reply.status)

    def _stop_playing(self) -> None:
        if self._set_up is not None and self._playing:
            self._set_up.leave(self)
        self._playing = False
        self._waits_for_key = True
        self._has_picture = False
