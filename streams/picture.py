"""Any decoded or stored picture to the one form the rest works on: BGR, uint8, height x width x 3."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import av.error
import cv2
import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter

from streams.errors import BadPicture
from streams.frame import Image

SMALLEST_SIDE_PX = 64
"""Below this a picture is a placeholder or a fault: one network cell of the look is 32 px."""
LARGEST_SIDE_PX = 8192
"""8K (7680 x 4320) is read; a larger one is more likely a damaged header than a camera."""

ONE_THREAD = 1
"""Without a word FFmpeg scales with as many as the machine has cores, for each camera's thread."""


class DecodedPicture:
    """A picture as FFmpeg decoded it (see `streams.frame.Picture`).

    It is scaled in planes of brightness and colour and turned to BGR when it is small: quicker than both in
    one by FFmpeg, and nearer to the mean over areas. Half the columns of colours, as cameras send them, and
    all lines (4:2:2) keep what both in one keeps.
    """

    def __init__(self, picture: VideoFrame) -> None:
        self._picture = picture

    @property
    def width_px(self) -> int:
        return self._picture.width

    @property
    def height_px(self) -> int:
        return self._picture.height

    def bgr(self, width_px: int, height_px: int) -> Image:
        try:
            picture = self._picture
            if (width_px, height_px) != (picture.width, picture.height):
                picture = _of_this_thread.scaler.reformat(
                    picture,
                    width_px,
                    height_px,
                    "yuv422p",
                    interpolation=Interpolation.AREA,
                    threads=ONE_THREAD,
                )
            converted = _of_this_thread.converter.reformat(picture, format="bgr24", threads=ONE_THREAD)
            return np.asarray(converted.to_ndarray(), np.uint8)
        except (av.error.FFmpegError, ValueError) as error:
            raise BadPicture(f"cannot be converted to BGR ({type(error).__name__})") from None


class _OfThisThread(threading.local):
    """FFmpeg's scalers, which keep their tables between pictures of one size."""

    def __init__(self) -> None:
        self.scaler, self.converter = VideoReformatter(), VideoReformatter()


_of_this_thread = _OfThisThread()


def to_bgr8(picture: npt.NDArray[Any]) -> Image:
    """`picture` as BGR uint8; grey, 16-bit, float 0..1 and BGRA pictures are converted. Raises BadPicture.

    >>> to_bgr8(np.full((64, 64), 65535, np.uint16))[0, 0].tolist()
    [255, 255, 255]
    """
    if picture.ndim == 3 and picture.shape[2] == 1:
        picture = picture[:, :, 0]
    if picture.ndim not in (2, 3) or (picture.ndim == 3 and picture.shape[2] not in (3, 4)):
        raise BadPicture(f"has the shape {picture.shape}, not height x width x colours")
    check_size(picture.shape[1], picture.shape[0])
    if picture.dtype == np.uint16:
        picture = (picture >> 8).astype(np.uint8)
    elif np.issubdtype(picture.dtype, np.floating):
        if not np.isfinite(picture).all():
            raise BadPicture("holds values that are not numbers")
        picture = (np.clip(picture, 0, 1) * 255).round().astype(np.uint8)
    elif picture.dtype != np.uint8:
        raise BadPicture(f"has pixels of the type {picture.dtype}")
    if picture.ndim == 2:
        picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
    elif picture.shape[2] == 4:
        picture = cv2.cvtColor(picture, cv2.COLOR_BGRA2BGR)
    return np.ascontiguousarray(picture)


def check_size(width_px: int, height_px: int) -> None:
    """Raises BadPicture for a size that no hill camera sends."""
    if min(width_px, height_px) < SMALLEST_SIDE_PX:
        raise BadPicture(f"is {width_px}x{height_px} px; the smallest usable side is {SMALLEST_SIDE_PX} px")
    if max(width_px, height_px) > LARGEST_SIDE_PX:
        raise BadPicture(f"is {width_px}x{height_px} px; the largest usable side is {LARGEST_SIDE_PX} px")


def read_picture(path: Path) -> Image:
    """The picture in a file. Raises BadPicture when it cannot be read, decoded or used."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadPicture(f"cannot be read: {error.strerror}") from None
    if not data:
        raise BadPicture("is an empty file")
    return decode_picture(data)


def decode_picture(data: bytes) -> Image:
    """An encoded picture (JPEG, PNG, ...). Raises BadPicture."""
    if data.startswith(b"\xff\xd8") and b"\xff\xd9" not in data[-64:]:
        raise BadPicture("is a truncated JPEG (no end marker)")  # OpenCV would fill the rest with grey
    try:
        picture = cv2.imdecode(
            np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION
        )
    except cv2.error:
        picture = None
    if picture is None:
        raise BadPicture("is not a picture we can decode")
    return to_bgr8(picture)
