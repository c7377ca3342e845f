"""What the RTSP tests share: the files to serve, FFmpeg as a client, and a bare client."""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import av
from av.container import InputContainer

NTP_EPOCH_OFFSET_S = 2_208_988_800


def open_stream(url: str, **options: str) -> InputContainer:
    """FFmpeg's RTSP client with time limits; it probes briefly so that tests are quick."""
    given = {"rtsp_transport": "tcp", "timeout": "8000000", "analyzeduration": "100000", **options}
    return av.open(url, options=given, timeout=10)


def capture_time_s(packet: av.Packet) -> float | None:
    """Unix time at which the picture was taken, as the sender's RTCP reports tell it."""
    if not packet.has_sidedata("prft"):
        return None
    microseconds: int = struct.unpack("<q", bytes(packet.get_sidedata("prft"))[:8])[0]
    return microseconds / 1e6


@dataclass(frozen=True)
class Videos:
    """Files to serve; each moves from frame to frame, with a key frame every half second."""

    h264: Path
    h264_reordered: Path
    h265: Path
    h264_larger: Path
    h264_heavy: Path

    def of(self, codec: str) -> Path:
        return self.h264 if codec == "h264" else self.h265


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: str


@dataclass(frozen=True)
class RtpPacket:
    """One RTP packet as it arrived."""

    sequence: int
    timestamp: int
    marker: bool
    payload: bytes

    @property
    def opens_h264_key_frame(self) -> bool:
        """Key frames of the server begin with an aggregate of parameter sets and marks."""
        return self.payload[0] & 0x1F == 24


@dataclass(frozen=True)
class SenderReport:
    unix_s: float
    timestamp: int


class BareClient:
    """Speaks RTSP over one TCP connection and nothing else."""

    def __init__(self, url: str, receive_buffer_bytes: int | None = None) -> None:
        found = re.match(r"rtsp://([^:/]+):(\d+)", url)
        assert found
        self.url = url
        self.socket = socket.socket()
        if receive_buffer_bytes is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        self.socket.settimeout(10)
        self.socket.connect((found[1], int(found[2])))
        self._file = self.socket.makefile("rb")
        self._number = 0
        self._session: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self.socket.close()

    def ask(self, method: str, url: str | None = None, **headers: str) -> Reply:
        """Send one request; packets that arrive before its reply are dropped."""
        self._number += 1
        lines = [f"{method} {url or self.url} RTSP/1.0", f"CSeq: {self._number}"]
        if self._session:
            lines.append(f"Session: {self._session}")
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.socket.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")
        while True:
            got = self._next()
            if isinstance(got, Reply):
                self._session = got.headers.get("session", self._session or "").split(";")[0] or None
                return got

    def play(self) -> None:
        assert self.ask("DESCRIBE").status == 200
        reply = self.ask("SETUP", f"{self.url}/trackID=0", Transport="RTP/AVP/TCP;unicast;interleaved=0-1")
        assert reply.status == 200
        assert self.ask("PLAY").status == 200

    def packets(self) -> Iterator[RtpPacket | SenderReport]:
        """What arrives, until the connection ends."""
        while (got := self._next()) is not None:
            if not isinstance(got, Reply):
                yield got

    def pictures(self) -> Iterator[RtpPacket]:
        """RTP packets only."""
        return (packet for packet in self.packets() if isinstance(packet, RtpPacket))

    def _next(self) -> Reply | RtpPacket | SenderReport | None:
        first = self._file.read(1)
        if not first:
            return None
        if first == b"$":
            channel, size = struct.unpack("!BH", self._file.read(3))
            data = self._file.read(size)
            if channel == 0:
                _, kind, sequence, timestamp, _ = struct.unpack("!BBHII", data[:12])
                return RtpPacket(sequence, timestamp, bool(kind & 0x80), data[12:])
            assert data[1] == 200
            seconds, fraction, timestamp = struct.unpack("!III", data[8:20])
            return SenderReport(seconds - NTP_EPOCH_OFFSET_S + fraction / 2**32, timestamp)
        head = first + self._file.readline()
        headers = {}
        while line := self._file.readline().decode().strip():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        body = self._file.read(int(headers.get("content-length", "0"))).decode()
        return Reply(int(head.split()[1]), headers, body)
