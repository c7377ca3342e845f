"""Decoded pictures made showable, once for all viewers of a camera: as JPEG, or re-encoded as H.264.

Only for viewers without WebRTC, and for cameras whose packets cannot be passed through (H.265, B-frames,
private masks, sources of single pictures). Pictures are no larger than `LONGEST_SIDE_PX` and come no more
often than needed; private masks are drawn before anything else happens.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import av
import cv2
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType, VideoFrame

from config import Mask
from streams.frame import Image
from streams.live_view.packets import TICKS_PER_S, VideoPacket
from streams.picture import to_bgr8
from streams.privacy import blacked_out

LONGEST_SIDE_PX = 1280
ENCODED_PER_S = 15.0
KEY_FRAME_EVERY_S = 2.0
JPEG_QUALITY = 80
_BITS_PER_PIXEL_S = 1.5
"""About 1.4 Mbit/s for 1280x720."""


def shown_size(width_px: int, height_px: int) -> tuple[int, int]:
    """The size to show a picture in: even sides (4:2:0), the longest at most `LONGEST_SIDE_PX`.

    >>> shown_size(1920, 1080), shown_size(705, 577)
    ((1280, 720), (704, 576))
    """
    shrink = min(1.0, LONGEST_SIDE_PX / max(width_px, height_px))
    return round(width_px * shrink) // 2 * 2, round(height_px * shrink) // 2 * 2


def shown_image(picture: VideoFrame | Image, masks: Sequence[Mask]) -> Image:
    """BGR, scaled, with the masks drawn."""
    if isinstance(picture, VideoFrame):
        width, height = shown_size(picture.width, picture.height)
        scaled = to_bgr8(picture.reformat(width=width, height=height, format="bgr24").to_ndarray())
    else:
        size = shown_size(picture.shape[1], picture.shape[0])
        scaled = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    return blacked_out(scaled, masks)


def jpeg_of(image: Image) -> bytes:
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not done:
        raise ValueError(f"cannot encode a picture of shape {image.shape}")
    return bytes(data.tobytes())


class H264Encoder:
    """One camera's pictures as H.264 that every browser plays: baseline, no reordering, no delay."""

    def __init__(self) -> None:
        self._context: VideoCodecContext | None = None
        self._key_due = 0

    def encode(self, picture: VideoFrame | Image, masks: Sequence[Mask], ticks: int) -> list[VideoPacket]:
        """The packets of a picture; a change of size starts over with a key frame."""
        if masks or not isinstance(picture, VideoFrame):
            frame = VideoFrame.from_ndarray(shown_image(picture, masks), format="bgr24")
        else:
            frame = picture
        width, height = shown_size(frame.width, frame.height)
        frame = frame.reformat(width=width, height=height, format="yuv420p")
        context = self._context
        if context is None or (context.width, context.height) != (width, height):
            context, self._key_due = self._opened(width, height), ticks
        frame.pts, frame.time_base = ticks, Fraction(1, TICKS_PER_S)
        frame.pict_type = PictureType.NONE
        if ticks >= self._key_due:
            frame.pict_type = PictureType.I
            self._key_due = ticks + round(KEY_FRAME_EVERY_S * TICKS_PER_S)
        return [VideoPacket(bytes(made), ticks, made.is_keyframe) for made in context.encode(frame)]

    def _opened(self, width: int, height: int) -> VideoCodecContext:
        context = av.CodecContext.create("libx264", "w")
        context.width, context.height, context.pix_fmt = width, height, "yuv420p"
        context.time_base = Fraction(1, TICKS_PER_S)
        context.framerate = Fraction(round(ENCODED_PER_S), 1)
        context.bit_rate = round(width * height * _BITS_PER_PIXEL_S)
        context.thread_count = 1  # the other core belongs to detection
        context.profile = "Baseline"
        context.options = {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "g": "9999",
            "x264-params": "scenecut=0",
        }
        self._context = context
        return context
