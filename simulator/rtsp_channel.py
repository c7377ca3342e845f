"""One simulated camera: sends its playlist in real time to every reader, and misbehaves when told to.

A camera sends whether or not somebody watches: readers join at its next key frame and share the same
packets. Capture time is true: an RTCP sender report ties RTP time to the wall clock, before a reader's
first picture and every few seconds. A reader that cannot keep up loses whole pictures up to the next
key frame; what waits for it in this process is bounded.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from simulator.faults import (
    CameraState,
    Corrupt,
    Drop,
    Fault,
    Freeze,
    Refuse,
    Resolution,
    Stall,
    WrongClock,
    damaged,
)
from simulator.rtsp_footage import CLOCK_HZ, AccessUnit, FootageLibrary, is_picture
from simulator.rtsp_packets import PacketTemplate, footage_mark_nal, payloads, sender_report
from simulator.rtsp_playlist import Clip, Playlist, TimedUnit

log = logging.getLogger(__name__)

REPORT_INTERVAL_S = 5.0
FREEZE_INTERVAL_S = 0.2
LATEST_S = 2.0
CAUGHT_UP_S = 0.1
"""Once a picture is later than LATEST_S (a suspended machine) all are skipped until this little is left."""

MOST_TEMPLATES = 4000
"""Pictures kept ready to send: at 4 Mbit/s and 25 pictures a second some 80 MB."""


class Reader(Protocol):
    """One connection that plays this camera."""

    rtp_channel: int
    has_report: bool
    """Whether a sender report went out to it yet."""

    @property
    def backlog_bytes(self) -> int:
        """What waits in this process to be sent to it."""

    def offer(self, data: bytes, is_key: bool) -> bool:
        """Send one whole picture; False when the reader is too slow and the picture was withheld."""

    def report(self, packet: bytes) -> None:
        """Send one RTCP packet."""

    def reset(self) -> None:
        """Break the connection at once."""


@dataclass
class _Active:
    """Faults in force."""

    picture: Freeze | Stall | Corrupt | None = None
    refuse: Refuse | None = None
    resolution: Resolution | None = None
    clock: WrongClock | None = None

    def names(self) -> tuple[str, ...]:
        active = (self.picture, self.refuse, self.resolution, self.clock)
        return tuple(fault.fault for fault in active if fault is not None)


class Channel:
    """The camera behind one RTSP path. Lives in one event loop; nothing here is thread-safe."""

    def __init__(
        self,
        name: str,
        playlist: Playlist,
        library: FootageLibrary,
        *,
        starts_after_s: float = 0.0,
        waits_for_reader: bool = False,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.name = name
        self.playlist = playlist
        self.ssrc = zlib.crc32(name.encode()) or 1
        self._library = library
        self._starts_after_s = starts_after_s
        self._waits_for_reader = waits_for_reader
        self._wall_clock = wall_clock
        self._readers: set[Reader] = set()
        self._had_reader = asyncio.Event()
        self._faults = _Active()
        self._random = random.Random(name)
        # A server that was started again shows other footage than before: its numbers begin higher.
        self._first_number = int(wall_clock()) % 1_000_000_000
        self._walk: Iterator[TimedUnit] = playlist.play(0, self._first_number)
        self._origin_s: float | None = None  # loop time of RTP time zero; None until it starts
        self._first_timestamp = self._random.getrandbits(32)
        self._sequence = self._random.getrandbits(16)
        self._now: TimedUnit | None = None
        self._newest_ticks = -1
        self._last_key: TimedUnit | None = None
        self._frozen: TimedUnit | None = None
        self._needs_key = True
        self._announced_footage = 0
        self._reported_s = 0.0
        self._packets = self._octets = 0
        self._sent = self._skipped = self._largest_backlog = 0

    # What sessions ask

    def join(self, reader: Reader) -> None:
        self._readers.add(reader)
        self._had_reader.set()
        log.info("reader joined camera=%s readers=%d", self.name, len(self._readers))

    def leave(self, reader: Reader) -> None:
        self._readers.discard(reader)
        log.info("reader left camera=%s readers=%d", self.name, len(self._readers))

    @property
    def refusal(self) -> Refuse | None:
        return self._faults.refuse

    # What the control asks

    def apply(self, fault: Fault) -> None:
        """Put one fault in force; raises FootageError for a file that this camera cannot play."""
        log.info("fault camera=%s fault=%s", self.name, fault.fault)
        match fault:
            case Drop():
                for reader in tuple(self._readers):
                    reader.reset()
            case Refuse():
                self._faults.refuse = fault
            case WrongClock():
                self._faults.clock = fault
                self._report_now()
            case Resolution():
                replacement = Playlist([Clip(fault.file)], self._library)
                if replacement.first.codec != self.playlist.first.codec:
                    Playlist([Clip(fault.file), *self.playlist.clips], self._library)  # raises, naming both
                self._faults.resolution = fault
                self._play(replacement)
            case _:
                self._frozen = None
                self._needs_key = True
                self._faults.picture = fault

    def clear(self) -> None:
        """End all faults."""
        log.info("faults cleared camera=%s", self.name)
        other_footage = self._faults.resolution is not None
        self._faults = _Active()
        self._frozen = None
        self._needs_key = True
        if other_footage:
            self._play(self.playlist)
        self._report_now()

    def restart(self) -> None:
        """Play the list from its start, now."""
        self._play(self.playlist)

    def state(self) -> CameraState:
        now = self._now
        footage = now.footage if now else self.playlist.first
        return CameraState(
            name=self.name,
            codec=footage.codec,
            clip=footage.path.name,
            width_px=footage.width_px,
            height_px=footage.height_px,
            footage_number=now.footage_number if now else 0,
            readers=len(self._readers),
            pictures_sent=self._sent,
            pictures_skipped=self._skipped,
            largest_backlog_bytes=self._largest_backlog,
            faults=self._faults.names(),
        )

    # Sending

    async def run(self) -> None:
        """Send until cancelled."""
        if self._waits_for_reader:
            await self._had_reader.wait()
        await asyncio.sleep(self._starts_after_s)
        loop = asyncio.get_running_loop()
        self._origin_s = loop.time()
        skipping = False
        while True:
            walk = self._walk
            timed = next(walk)
            wait_s = self._origin_s + timed.send_ticks / CLOCK_HZ - loop.time()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            elif -wait_s > (CAUGHT_UP_S if skipping else LATEST_S):
                skipping = self._needs_key = True
                await asyncio.sleep(0)
                continue
            skipping = False
            if walk is self._walk:  # else another list began while we slept
                self._now = timed
                self._send(timed)

    def _play(self, playlist: Playlist) -> None:
        number = self._now.footage_number if self._now else self._first_number
        self._walk = playlist.play(max(self._media_ticks(), self._newest_ticks + 1), number)
        self._needs_key = True

    def _media_ticks(self) -> int:
        if self._origin_s is None:
            return 0
        return round((asyncio.get_running_loop().time() - self._origin_s) * CLOCK_HZ)

    def _send(self, timed: TimedUnit) -> None:
        picture = self._faults.picture
        if isinstance(picture, Stall):
            return
        if isinstance(picture, Freeze):
            self._frozen = self._frozen or self._last_key or (timed if timed.unit.is_key else None)
            due = timed.pts_ticks - self._newest_ticks >= FREEZE_INTERVAL_S * CLOCK_HZ
            if self._frozen and due:
                self._send_unit(self._frozen.unit, timed.pts_ticks, self._frozen)
            return
        if self._needs_key and not timed.unit.is_key:
            return
        self._needs_key = False
        if timed.unit.is_key:
            self._last_key = timed
        unit = timed.unit
        if isinstance(picture, Corrupt) and self._random.random() < picture.share:
            nals = damaged(timed.footage.codec, unit.nals, self._random)
            unit = AccessUnit(nals, unit.pts_ticks, unit.send_ticks, unit.is_key)
        self._send_unit(unit, timed.pts_ticks, timed)

    def _send_unit(self, unit: AccessUnit, pts_ticks: int, source: TimedUnit) -> None:
        self._newest_ticks = max(self._newest_ticks, pts_ticks)
        if not self._readers:
            return
        self._report_if_due(pts_ticks, unit.is_key)
        nals = self._marked(unit, source) if unit.is_key else unit.nals
        sequence, timestamp = self._sequence, self._timestamp(pts_ticks)
        self._sent += 1
        framed: dict[int, bytes] = {}  # readers nearly always use the same channel number
        for reader in tuple(self._readers):
            data = framed.get(reader.rtp_channel)
            if data is None:
                template = self._template(source, unit, nals, reader.rtp_channel)
                data = framed[reader.rtp_channel] = template.stamped(sequence, timestamp, self.ssrc)
                if len(framed) == 1:
                    self._sequence = (sequence + template.packets) & 0xFFFF
                    self._packets += template.packets
                    self._octets += template.octets
            if not reader.offer(data, unit.is_key):
                self._skipped += 1
            self._largest_backlog = max(self._largest_backlog, reader.backlog_bytes)

    def _template(
        self, source: TimedUnit, unit: AccessUnit, nals: tuple[bytes, ...], channel: int
    ) -> PacketTemplate:
        """Kept for what all cameras send again and again: pictures as they are in the file, not marked."""
        kept = self._library.templates
        is_plain = unit is source.unit and not unit.is_key
        key = (id(unit), channel)  # units live as long as the library
        template = kept.get(key) if is_plain else None
        if template is None:
            template = PacketTemplate(payloads(source.footage.codec, nals), channel)
            if is_plain:
                if len(kept) >= MOST_TEMPLATES:
                    kept.clear()
                kept[key] = template
        return template

    def _marked(self, unit: AccessUnit, source: TimedUnit) -> tuple[bytes, ...]:
        """A key frame with the mark of its footage, put where SEI messages belong: before the slices.
        JPEG over RTP has no room for one."""
        codec = source.footage.codec
        if codec == "mjpeg":
            return unit.nals
        is_first = source.footage_number != self._announced_footage
        self._announced_footage = source.footage_number
        at = next(index for index, nal in enumerate(unit.nals) if is_picture(codec, nal))
        mark = footage_mark_nal(codec, source.footage_number, is_first)
        return (*unit.nals[:at], mark, *unit.nals[at:])

    # Time

    def _timestamp(self, pts_ticks: int) -> int:
        return (self._first_timestamp + pts_ticks) & 0xFFFFFFFF

    def _report(self, ticks: int) -> bytes:
        """A sender report that says when the media time `ticks` was, on this camera's wall clock."""
        wall_s = self._wall_clock() - (self._media_ticks() - ticks) / CLOCK_HZ
        if self._faults.clock:
            wall_s += self._faults.clock.offset_s
        return sender_report(self.ssrc, wall_s, self._timestamp(ticks), self._packets, self._octets)

    def _report_if_due(self, pts_ticks: int, is_key: bool) -> None:
        """A reader's first report names its first picture: clients count their time from there."""
        now_s = asyncio.get_running_loop().time()
        everyone = now_s - self._reported_s >= REPORT_INTERVAL_S
        due = [reader for reader in self._readers if (everyone if reader.has_report else is_key)]
        if everyone:
            self._reported_s = now_s
        if due:
            packet = self._report(pts_ticks)
            for reader in due:
                reader.report(packet)

    def _report_now(self) -> None:
        if self._origin_s is None or isinstance(self._faults.picture, Stall):
            return
        packet = self._report(self._media_ticks())
        for reader in self._readers:
            if reader.has_report:
                reader.report(packet)
