"""The packet tap: who wants a camera's compressed packets gets them from the one connection there is.

Evidence keeps the last half minute of every camera as it was sent and cuts clips from it without encoding
anything; it must not open a connection of its own for that. So the thread that reads a camera hands each
packet on before anything is decoded.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

import av
from av.packet import Packet
from av.video.stream import VideoStream

_log = logging.getLogger(__name__)


class PacketTap(Protocol):
    """Receives every video packet of one camera, in the order of arrival, in the thread that reads it.

    Calls come from one thread at a time: `opened`, any number of `packet`, `closed`, and from the start
    again after a reconnection (size, codec and time base may be others then, time stamps start anew).
    Each call must return at once (it holds up reading) and may keep what it is given, but not change it:
    packets share their bytes with whoever else holds them. What a tap raises is logged and counted; the
    camera is read on. Sources without packets (snapshots, folders, OpenCV) never call it.
    """

    def opened(self, template: VideoStream) -> None:
        """A connection stands. `template` is for `add_stream_from_template`; it outlives the connection."""
        ...

    def packet(self, packet: Packet[VideoStream], captured_at: datetime) -> None:
        """One packet and its capture time (UTC). Pictures may be reordered (B-frames): see `packet.pts`."""
        ...

    def closed(self) -> None:
        """The connection broke or was closed."""
        ...


def lasting_template(stream: VideoStream) -> VideoStream:
    """A copy of a stream's parameters that may be used as a template after its container was closed."""
    holder = av.open(io.BytesIO(), "w", format="matroska")  # kept alive by the stream; never written
    template: VideoStream = holder.add_stream_from_template(stream)
    return template


class QuietTap:
    """A tap whose failures never reach the reader: logged once a connection, counted always."""

    def __init__(self, camera_id: str, tap: PacketTap) -> None:
        self.failures = 0
        self._camera_id = camera_id
        self._tap = tap
        self._said = False

    def opened(self, template: VideoStream) -> None:
        self._said = False
        self._call(lambda: self._tap.opened(template))

    def packet(self, packet: Packet[VideoStream], captured_at: datetime) -> None:
        self._call(lambda: self._tap.packet(packet, captured_at))

    def closed(self) -> None:
        self._call(self._tap.closed)

    def _call(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception:  # evidence must not blind the camera
            self.failures += 1
            if not self._said:
                self._said = True
                _log.exception("packet tap failed camera=%s", self._camera_id)
