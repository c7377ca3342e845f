"""When the light fell on the sensor, as well as one can know it over RTSP.

RTCP sender reports tie a stream's timestamps to the camera's own wall clock. FFmpeg hands the resulting
time over with each packet ("producer reference time") once the first report has come. That is the capture
time, if the camera's clock can be trusted: one that is off by more than `LARGEST_SKEW_S` against ours is
not, and the time of arrival (later than the capture by network and buffering, usually 0.1-0.5 s) is
used instead, as it is before the first report and for cameras that send none.
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from typing import Literal

from av.packet import Packet
from av.video.stream import VideoStream

ClockSource = Literal["rtcp", "arrival"]

LARGEST_SKEW_S = 5.0
"""A camera set by NTP is within a second; one that was never set is off by hours or years."""
_SMALLEST_STEP = timedelta(milliseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def producer_time(packet: Packet[VideoStream]) -> datetime | None:
    """The camera's own time for a packet, or None when no sender report has come yet."""
    if not packet.has_sidedata("prft"):
        return None
    raw = bytes(packet.get_sidedata("prft"))
    if len(raw) < 8:
        return None
    wallclock_us: int = struct.unpack_from("=q", raw)[0]
    try:
        return _EPOCH + timedelta(microseconds=wallclock_us)
    except OverflowError:
        return None


class CaptureClock:
    """Chooses between the camera's time and the time of arrival; the result always rises."""

    def __init__(self) -> None:
        self.source: ClockSource = "arrival"
        self.skew_s: float | None = None
        """Camera clock minus ours at the last report, delay included; None before the first."""
        self.last: datetime | None = None
        """The latest capture time given."""

    def stamp(self, camera_time: datetime | None, arrived_at: datetime) -> datetime:
        """The capture time of a packet that arrived at `arrived_at`.

        >>> clock, now = CaptureClock(), datetime(2026, 5, 1, tzinfo=UTC)
        >>> clock.stamp(now - timedelta(seconds=0.3), now) == now - timedelta(seconds=0.3)
        True
        >>> clock.stamp(now - timedelta(days=9000), now) == now  # a camera that lost its clock
        True
        """
        time = arrived_at
        self.source = "arrival"
        if camera_time is not None:
            self.skew_s = (camera_time - arrived_at).total_seconds()
            if abs(self.skew_s) <= LARGEST_SKEW_S:
                time, self.source = camera_time, "rtcp"
        if self.last is not None and time <= self.last:
            time = self.last + _SMALLEST_STEP
        self.last = time
        return time
