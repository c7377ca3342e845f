"""The small picture inside an alert: the place of the sighting, cut out and compressed to a few kilobytes."""

from __future__ import annotations

import io
import logging

from PIL import Image, UnidentifiedImageError

from alerting.message import MAX_PICTURE_BYTES
from detector.detection import Box

log = logging.getLogger(__name__)

_WIDTH_PX = 480
_ASPECT = 4 / 3
_SURROUNDINGS = 5.0
"""The cut-out is this many times the box: a plume without its hill cannot be judged ..."""
_LEAST_SHARE = 0.25
"""... and at least this share of the frame's width."""


def inline_picture(jpeg: bytes, box: Box) -> bytes | None:
    """A JPEG of at most MAX_PICTURE_BYTES around `box`; None when the picture cannot be read, because an
    alarm without a picture is better than none."""
    try:
        with Image.open(io.BytesIO(jpeg)) as picture:
            cut = picture.convert("RGB").crop(_surroundings(box, picture.width, picture.height))
    except (UnidentifiedImageError, OSError, ValueError) as error:
        log.error("picture unreadable, the alert goes without: %s", error)
        return None
    if cut.width > _WIDTH_PX:
        cut = cut.resize((_WIDTH_PX, max(1, round(cut.height * _WIDTH_PX / cut.width))))
    while True:
        for quality in (80, 65, 50, 35):
            buffer = io.BytesIO()
            cut.save(buffer, "JPEG", quality=quality, optimize=True)
            if buffer.tell() <= MAX_PICTURE_BYTES:
                return buffer.getvalue()
        cut = cut.resize((max(1, cut.width // 2), max(1, cut.height // 2)))


def _surroundings(box: Box, width_px: int, height_px: int) -> tuple[int, int, int, int]:
    """A window of fixed aspect around the box, moved (not shrunk) to stay inside the frame."""
    wanted = max(_LEAST_SHARE * width_px, _SURROUNDINGS * max(box.width_px, box.height_px * _ASPECT))
    width = min(float(width_px), wanted, height_px * _ASPECT)
    height = min(float(height_px), width / _ASPECT)
    left = min(max(0.0, (box.x1 + box.x2 - width) / 2), width_px - width)
    top = min(max(0.0, (box.y1 + box.y2 - height) / 2), height_px - height)
    return int(left), int(top), max(int(left) + 1, int(left + width)), max(int(top) + 1, int(top + height))
