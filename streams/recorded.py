"""Recorded footage on its own clock: video files and folders of time-stamped pictures.

A video's first picture is at `starts_at` (default: 1970-01-01, so that times are plain footage time and a
replay gives the same ids on every machine). A picture's time is in its name, `EPOCH_OFFSET.jpg` or
`EPOCH.jpg`: seconds since 1970; the offset is for people.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import av.error
from av.video.frame import VideoFrame

from streams.errors import BadPicture, SourceUnreadable
from streams.frame import Frame
from streams.picture import check_size, read_picture, to_bgr8
from streams.source import Source, SourceCounts

_log = logging.getLogger(__name__)

FOOTAGE_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp")
_TIMED_NAME = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)(?:_[+-]?\d{1,7})?\Z")


def open_recorded(
    path: str | Path, camera_id: str, *, starts_at: datetime = FOOTAGE_EPOCH, interval_s: float = 0.0
) -> Source:
    """The right source for a file or folder; `interval_s` drops frames that come sooner after the last."""
    path = Path(path)
    if path.is_dir():
        return ImageFolder(path, camera_id, interval_s=interval_s)
    return VideoFile(path, camera_id, starts_at=starts_at, interval_s=interval_s)


class VideoFile:
    """A video file, decoded by FFmpeg. A damaged picture is skipped and counted; a cut-off file just ends."""

    def __init__(
        self,
        path: str | Path,
        camera_id: str,
        *,
        starts_at: datetime = FOOTAGE_EPOCH,
        interval_s: float = 0.0,
    ) -> None:
        self.path = Path(path)
        self.camera_id = camera_id
        self.starts_at = starts_at
        self.interval_s = interval_s
        self.counts = SourceCounts()
        self._container: av.container.InputContainer | None = None

    def __enter__(self) -> Self:
        if not self.path.is_file():
            raise SourceUnreadable(f"there is no video file {self.path}; correct the path")
        try:
            container = av.open(str(self.path))
        except (av.error.FFmpegError, OSError):
            size = self.path.stat().st_size
            what = (
                "is empty" if size == 0 else "is not a video FFmpeg can read, or is cut off before its index"
            )
            raise SourceUnreadable(f"the file {self.path} {what}; copy it again, or convert it") from None
        if not container.streams.video:
            container.close()
            raise SourceUnreadable(f"the file {self.path} holds no video track")
        self._container = container
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._container is not None:
            self._container.close()
            self._container = None

    @property
    def duration_s(self) -> float | None:
        """Length as the file says it, for progress bars; None when it does not."""
        if self._container is None or not self._container.duration:
            return None
        return self._container.duration / 1_000_000

    def frames(self) -> Iterator[Frame]:
        if self._container is None:
            raise RuntimeError("open the source first: `with source: ...`")
        container = self._container
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        fallback_step_s = 1 / float(stream.average_rate or 25)
        first_s: float | None = None
        last_s = last_given_s = -1e9
        sequence = 0
        for picture in self._decoded(container):
            time_s = picture.time if picture.time is not None else last_s + fallback_step_s
            first_s = time_s if first_s is None else first_s
            time_s -= first_s
            if time_s <= last_s:
                continue  # a broken time stamp: capture time must rise
            last_s = time_s
            if time_s - last_given_s < self.interval_s - 1e-6:
                continue
            try:
                check_size(picture.width, picture.height)
                image = to_bgr8(picture.to_ndarray(format="bgr24"))
            except (BadPicture, av.error.FFmpegError, ValueError) as error:
                self.counts.bad(str(error))
                continue
            last_given_s = time_s
            sequence += 1
            yield Frame(image, self.camera_id, self.starts_at + timedelta(seconds=time_s), sequence)
        if sequence == 0:
            reason = f": {self.counts.last_bad_picture}" if self.counts.bad_pictures else ""
            raise SourceUnreadable(f"the file {self.path} holds no usable picture{reason}")

    def _decoded(self, container: av.container.InputContainer) -> Iterator[VideoFrame]:
        packets = container.demux(container.streams.video[0])
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.error.FFmpegError as error:
                self.counts.bad("the file is cut off or damaged")
                _log.warning("footage ends early file=%s reason=%s", self.path, error.strerror)
                return
            self.counts.packets += 1
            try:
                pictures = packet.decode()
            except av.error.FFmpegError:
                self.counts.bad("a packet cannot be decoded")
                continue
            for picture in pictures:
                self.counts.decoded += 1
                if isinstance(picture, VideoFrame):
                    if picture.is_corrupt:
                        self.counts.bad("a picture is damaged")
                    else:
                        yield picture


def picture_time(path: Path) -> datetime | None:
    """The capture time in a picture's name, or None.

    >>> picture_time(Path("1498418013_+00480.jpg")).isoformat()
    '2017-06-25T19:13:33+00:00'
    >>> picture_time(Path("IMG_0001.jpg")) is None
    True
    """
    match = _TIMED_NAME.match(path.stem)
    return FOOTAGE_EPOCH + timedelta(seconds=float(match[1])) if match else None


class ImageFolder:
    """A folder of time-stamped pictures, in time order. Unreadable ones are skipped and counted."""

    def __init__(self, path: str | Path, camera_id: str, *, interval_s: float = 0.0) -> None:
        self.path = Path(path)
        self.camera_id = camera_id
        self.interval_s = interval_s
        self.counts = SourceCounts()
        self.pictures: tuple[tuple[datetime, Path], ...] = ()

    def __enter__(self) -> Self:
        if not self.path.is_dir():
            raise SourceUnreadable(f"there is no folder {self.path}; correct the path")
        candidates = [path for path in self.path.iterdir() if path.suffix.lower() in PICTURE_SUFFIXES]
        timed = [(time, path) for path in candidates if (time := picture_time(path)) is not None]
        if not timed:
            found = f"{len(candidates)} pictures, none" if candidates else "no picture"
            raise SourceUnreadable(
                f"the folder {self.path} holds {found} named by its time; "
                "name them EPOCH.jpg or EPOCH_OFFSET.jpg, EPOCH in seconds since 1970"
            )
        if len(timed) < len(candidates):
            self.counts.bad_pictures += len(candidates) - len(timed)
            self.counts.last_bad_picture = "has no time in its name"
        self.pictures = tuple(sorted(timed))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.pictures = ()

    def frames(self) -> Iterator[Frame]:
        last: datetime | None = None
        sequence = 0
        for time, path in self.pictures:
            if last is not None and (time <= last or (time - last).total_seconds() < self.interval_s - 1e-6):
                continue
            try:
                image = read_picture(path)
            except BadPicture as error:
                self.counts.bad(f"{path.name} {error}")
                _log.warning("picture skipped file=%s reason=%s", path, error)
                continue
            last = time
            sequence += 1
            self.counts.decoded += 1
            yield Frame(image, self.camera_id, time, sequence)
        if sequence == 0:
            raise SourceUnreadable(
                f"the folder {self.path} holds no usable picture: {self.counts.last_bad_picture}"
            )
