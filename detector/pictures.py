"""Pictures of any kind to BGR uint8, and pictures that show nothing recognised as such.

A bad picture (all black, overexposed, decoder damage) must not count as "no fire seen": the look says why it
is bad and confirmation does not read it as evidence either way.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from detector.errors import PictureError
from streams.frame import Image

SMALLEST_SIDE_PX = 16
"""A picture with a shorter side shows nothing a detector could judge."""

PROBE_WIDTH_PX = 320
"""Bad pictures are recognised on every n-th pixel, so that an 8K frame costs no more than a small one."""

BLACK_LEVEL = 24  # brightest 0.1 % of pixels below this: no lamp, no star, no horizon
WHITE_LEVEL = 250  # darkest 2 % of pixels above this: nothing but glare
GREY_SHARE = 0.20  # flat decoder grey or green; measured on 2,376 real hill frames: highest 0.02


def read_picture(path: Path) -> Image:
    """The picture in `path` as BGR uint8; grey, 16-bit and transparent files are converted.

    Raises PictureError naming the file when it is missing, empty, truncated or no picture.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PictureError(
            f"{path}: cannot be read ({error.strerror or error}); check path and rights"
        ) from None
    if not data:
        raise PictureError(f"{path}: the file is empty (0 bytes); copy it again from the camera")
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        picture = None
    if picture is None:
        raise PictureError(f"{path}: not a picture that can be decoded (JPEG, PNG, TIFF, BMP, WebP can)")
    return as_bgr8(picture)


def as_bgr8(picture: npt.NDArray[np.generic]) -> Image:
    """Any height x width (x channels) array as a contiguous BGR uint8 picture.

    Sixteen-bit values are scaled by their range of type, floats are read as 0..1, not-a-number as 0.

    >>> as_bgr8(np.full((2, 2), 65535, np.uint16))[0, 0].tolist()
    [255, 255, 255]
    >>> as_bgr8(np.full((2, 2, 4), 0.5, np.float32)).shape
    (2, 2, 3)
    """
    if picture.ndim not in (2, 3) or 0 in picture.shape:
        raise PictureError(f"a picture has height x width x channels, not shape {picture.shape}")
    values = picture if picture.ndim == 3 else picture[:, :, None]
    if values.dtype == np.bool_:
        values = values.astype(np.uint8) * 255
    elif np.issubdtype(values.dtype, np.floating):
        values = np.nan_to_num(np.clip(np.nan_to_num(values), 0, 1) * 255).round().astype(np.uint8)
    elif values.dtype != np.uint8:
        top = np.iinfo(values.dtype).max  # type: ignore[type-var]
        values = (np.clip(values, 0, None).astype(np.float64) * (255 / top)).round().astype(np.uint8)
    channels = values.shape[2]
    if channels in (1, 2):  # grey, grey with transparency
        values = np.repeat(values[:, :, :1], 3, axis=2)
    elif channels != 3:
        values = values[:, :, :3]
    return np.ascontiguousarray(values, dtype=np.uint8)


def bad_picture(image: Image) -> str | None:
    """Why `image` cannot be judged, in a few words, or None when it can.

    >>> bad_picture(np.zeros((480, 640, 3), np.uint8))
    'all black'
    >>> bad_picture(np.full((480, 640, 3), 255, np.uint8))
    'overexposed'
    """
    if min(image.shape[:2]) < SMALLEST_SIDE_PX:
        return f"smaller than {SMALLEST_SIDE_PX} px"
    step = max(1, image.shape[1] // PROBE_WIDTH_PX)
    probe = image[::step, ::step]
    brightness = probe.max(axis=2)
    if np.percentile(brightness, 99.9) < BLACK_LEVEL:
        return "all black"
    if np.percentile(probe.min(axis=2), 2) > WHITE_LEVEL:
        return "overexposed"
    if _damaged_share(probe) > GREY_SHARE:
        return "decoder damage (flat grey or green areas)"
    return None


def _damaged_share(probe: Image) -> float:
    """Share of the picture filled by the flat colours a decoder shows where data is missing.

    FFmpeg conceals lost macroblocks with YUV (128,128,128), or leaves a zeroed buffer: YUV (0,0,0), a pure
    green. Fog is grey as well but never flat: a pixel counts only when it equals its neighbours.
    """
    values = probe.astype(np.int16)
    blue, green, red = values[..., 0], values[..., 1], values[..., 2]
    grey = (abs(green - 129) <= 3) & (abs(blue - green) <= 2) & (abs(red - green) <= 2)
    zeroed = (blue <= 2) & (red <= 2) & (abs(green - 135) <= 4)
    flat = np.zeros(grey.shape, bool)
    flat[1:, 1:] = (abs(green[1:, 1:] - green[:-1, 1:]) <= 1) & (abs(green[1:, 1:] - green[1:, :-1]) <= 1)
    return float(((grey | zeroed) & flat).mean())
