"""Pictures as cameras' decoders give them, brought to a look's size: the colours stay what they are."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace

from streams.frame import Image
from streams.picture import DecodedPicture


def meadow(width_px: int, height_px: int) -> Image:
    """Colours of all strengths in large and small patches."""
    chance = np.random.default_rng(5)
    large, small = (chance.integers(0, 256, (rows, 16, 3), np.uint8) for rows in (9, 90))
    size = (width_px, height_px)
    return cv2.addWeighted(cv2.resize(large, size), 0.8, cv2.resize(small, size), 0.2, 0)


@pytest.mark.parametrize("size", [(1920, 1080), (704, 576)])
@pytest.mark.parametrize("pixels", ["yuv420p", "yuvj420p", "yuvj422p", "yuv420p10le", "nv12", "gray"])
@pytest.mark.parametrize("colours", [Colorspace.ITU601, Colorspace.ITU709])
@pytest.mark.parametrize("levels", [ColorRange.MPEG, ColorRange.JPEG])
def test_a_look_shows_the_mean_colours_of_what_the_camera_sent(
    size: tuple[int, int], pixels: str, colours: Colorspace, levels: ColorRange
) -> None:
    sent = VideoFrame.from_ndarray(meadow(*size), "bgr24").reformat(format=pixels)
    sent.colorspace, sent.color_range = colours, levels

    look = DecodedPicture(sent).bgr(640, 352)

    as_sent = sent.to_ndarray(format="bgr24")
    assert look.shape == (352, 640, 3)
    means = cv2.resize(as_sent, (640, 352), interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(look - means).mean() < 1.5  # other colours or levels than the camera says: 3.8 and more
    assert np.array_equal(DecodedPicture(sent).bgr(*size), as_sent)
