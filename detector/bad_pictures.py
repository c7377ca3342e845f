"""Pictures that show nothing: all black, overexposed, decoder damage.

A bad picture must not count as "no fire seen": the look says why it is bad, the memory of the view does
not take it in, and confirmation does not read it as evidence either way. (Files and arrays that are no
picture at all are refused earlier, by `streams.picture`.)
"""

from __future__ import annotations

import numpy as np

from streams.frame import Image

PROBE_WIDTH_PX = 320
"""Bad pictures are recognised on every n-th pixel, so that an 8K frame costs no more than a small one."""

BLACK_LEVEL = 24  # brightest 0.1 % of pixels below this: no lamp, no star, no horizon
WHITE_LEVEL = 250  # darkest 2 % of pixels above this: nothing but glare
GREY_SHARE = 0.20  # flat decoder grey or green; measured on 2,376 real hill frames: highest 0.02


def bad_picture(image: Image) -> str | None:
    """Why `image` cannot be judged, in a few words, or None when it can.

    >>> bad_picture(np.zeros((480, 640, 3), np.uint8))
    'all black'
    >>> bad_picture(np.full((480, 640, 3), 255, np.uint8))
    'overexposed'
    """
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
