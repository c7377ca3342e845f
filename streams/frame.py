"""The frame: what every source yields and every look reads.

A picture costs most where it is converted from what the decoder gives to BGR at full size (3 ms and 6 MB
at 1080p) and least where that conversion scales to the size somebody wants. So a frame holds the picture as
it came and makes of it what is asked for, once: `scaled` for looks, `image` for tiles and evidence.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
"""A BGR picture, uint8, height x width x 3."""


class Picture(Protocol):
    """A decoded picture that is not BGR yet. Conversions raise BadPicture."""

    @property
    def width_px(self) -> int: ...

    @property
    def height_px(self) -> int: ...

    def bgr(self, width_px: int, height_px: int) -> Image:
        """The whole picture as BGR in this size."""
        ...


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of one camera.

    `captured_at` is timezone-aware UTC, the time the light fell on the sensor as well as we know it;
    `sequence` rises by at least one from frame to frame of a source and never repeats.
    `new_footage` marks the first frame after the recording jumped (a loop point, a cut): memory of the
    view no longer holds. `place_unsure`: it was taken while a turning camera did not say where it stood;
    `preset` is the one known last, and may be wrong.
    """

    picture: Image | Picture
    camera_id: str
    captured_at: datetime
    sequence: int
    preset: str | None = None
    new_footage: bool = False
    place_unsure: bool = False
    _made: dict[tuple[int, int], Image] = field(default_factory=dict, init=False, repr=False)

    @property
    def width_px(self) -> int:
        picture = self.picture
        return int(picture.shape[1]) if isinstance(picture, np.ndarray) else picture.width_px

    @property
    def height_px(self) -> int:
        picture = self.picture
        return int(picture.shape[0]) if isinstance(picture, np.ndarray) else picture.height_px

    @property
    def image(self) -> Image:
        """The picture at full size. Do not write into it."""
        return self.scaled(self.width_px, self.height_px)

    def scaled(self, width_px: int, height_px: int) -> Image:
        """The whole picture at another size. Do not write into it."""
        size = (width_px, height_px)
        if isinstance(self.picture, np.ndarray) and size == (self.width_px, self.height_px):
            return self.picture
        made = self._made.get(size)
        if made is None:
            if isinstance(self.picture, np.ndarray):
                # files only, live pictures are scaled by FFmpeg: recorded decisions stay what they were
                made = np.asarray(cv2.resize(self.picture, size, interpolation=cv2.INTER_AREA), np.uint8)
            else:
                made = self.picture.bgr(width_px, height_px)
            self._made[size] = made
        return made


def resized(image: Image, size: tuple[int, int]) -> Image:
    """`image` at `size` (width, height): halved as often as it goes, then bilinear.

    A third of the cost of averaging over areas of uneven size, and as free of aliasing: what bilinear
    interpolation shrinks is always less than twice too large. A picture of that size is returned as it is.

    >>> resized(np.full((1080, 1920, 3), 7, np.uint8), (640, 352)).shape
    (352, 640, 3)
    """
    while image.shape[1] >= 2 * size[0] and image.shape[0] >= 2 * size[1]:
        half = (image.shape[1] // 2, image.shape[0] // 2)
        image = np.asarray(cv2.resize(image, half, interpolation=cv2.INTER_AREA), np.uint8)
    if (image.shape[1], image.shape[0]) == size:
        return image
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), np.uint8)
