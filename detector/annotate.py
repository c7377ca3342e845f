"""Draws what was found onto a picture: boxes, class, score, and a caption, in Chinese or English.

Lines are drawn by OpenCV, text by Pillow with the bundled font (OpenCV has no Chinese); rendered words are
kept, so that a video costs little more than its decoding.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta, timezone, tzinfo
from functools import lru_cache
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont

from detector.detection import Box, Detection, Label, Sighting
from detector.tracking import Track
from streams.frame import Frame, Image

Language = Literal["zh", "en"]

FONT = Path(__file__).parent / "fonts" / "noto_sans_sc_subset.otf"
WORDS: dict[Language, dict[Label, str]] = {
    "zh": {"smoke": "烟", "fire": "火"},
    "en": {"smoke": "smoke", "fire": "fire"},
}
CONFIRMED: dict[Language, str] = {"zh": "确认", "en": "confirmed"}
COLOURS_BGR: dict[Label, tuple[int, int, int]] = {"smoke": (0, 190, 255), "fire": (60, 60, 255)}
CAPTION_BGR = (32, 32, 32)
CHINA_TIME = timezone(timedelta(hours=8), "UTC+8")


def annotated(
    image: Image,
    *,
    detections: Iterable[Detection] = (),
    tracks: Iterable[Track] = (),
    sightings: Iterable[Sighting] = (),
    caption: str = "",
    language: Language = "zh",
) -> Image:
    """A copy of `image` with detections (thin), confirmed tracks and sightings (thick) and a caption."""
    drawn = image.copy()
    confirmed = [(t.label, t.confidence, t.box) for t in tracks if t.confirmed_at is not None]
    confirmed += [(s.label, s.confidence, s.box) for s in sightings]
    known = [box for _, _, box in confirmed]
    words = WORDS[language]
    for detection in detections:
        if detection.box not in known:
            _box(
                drawn,
                detection.box,
                detection.label,
                f"{words[detection.label]} {detection.confidence:.2f}",
                1,
            )
    for label, confidence, box in confirmed:
        _box(drawn, box, label, f"{CONFIRMED[language]} {words[label]} {confidence:.2f}", 3)
    if caption:
        _text(drawn, caption, 0, image.shape[0], CAPTION_BGR)
    return drawn


def annotate_sighting(
    frame: Frame,
    sighting: Sighting,
    *,
    camera_name: str,
    time_zone: tzinfo = CHINA_TIME,
    language: Language = "zh",
) -> Image:
    """The frame a sighting was confirmed on, with its box, the camera's name and the local capture time."""
    local = sighting.confirmed_at.astimezone(time_zone)
    caption = f"{camera_name}  {local:%Y-%m-%d %H:%M:%S}"
    return annotated(frame.image, sightings=[sighting], caption=caption, language=language)


def to_jpeg(image: Image, quality: int = 90) -> bytes:
    """The picture as a JPEG file."""
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError(f"cannot encode a picture of shape {image.shape}")
    return bytes(data.tobytes())


def _box(image: Image, box: Box, label: Label, text: str, thickness: int) -> None:
    unit_px = max(1, round(image.shape[1] / 1280))
    corners = [round(edge) for edge in (box.x1, box.y1, box.x2, box.y2)]
    colour = COLOURS_BGR[label]
    cv2.rectangle(image, corners[:2], corners[2:], colour, thickness * unit_px)
    _text(image, text, corners[0], corners[1], colour)


def _text(image: Image, text: str, x: int, bottom: int, background_bgr: Sequence[int]) -> None:
    """Write `text` on a filled strip whose lower left corner is at (x, bottom), kept inside the picture."""
    height, width = image.shape[:2]
    mask = _rendered(text, max(13, round(height / 45)))
    rows, columns = min(mask.shape[0], height), min(mask.shape[1], width)
    left = min(max(x, 0), width - columns)
    top = min(max(bottom - rows, 0), height - rows)
    share = mask[:rows, :columns, None].astype(np.float32) / 255
    background = np.array(background_bgr, np.float32)
    ink = np.full(3, 255.0 if background.mean() < 128 else 0.0, np.float32)
    image[top : top + rows, left : left + columns] = (background * (1 - share) + ink * share).astype(np.uint8)


@lru_cache(maxsize=512)
def _rendered(text: str, size_px: int) -> npt.NDArray[np.uint8]:
    """`text` as coverage 0..255, with a small margin."""
    font = _font(size_px)
    left, top, right, bottom = font.getbbox(text, anchor="ls")
    ascent, descent = font.getmetrics()
    margin = max(2, size_px // 5)
    canvas = PillowImage.new("L", (int(right - min(left, 0)) + 2 * margin, ascent + descent))
    ImageDraw.Draw(canvas).text((margin, ascent), text, fill=255, font=font, anchor="ls")
    used_top = max(0, ascent + int(top) - margin)
    used_bottom = min(ascent + descent, ascent + int(bottom) + margin)
    return np.asarray(canvas)[used_top:used_bottom]


@lru_cache(maxsize=16)
def _font(size_px: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FONT), size_px)
