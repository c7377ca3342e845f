"""Cameras' newest pictures in the sizes that tiles have, each made once for all pages that show it.

A desk at rest shows a hundred cameras. Their pictures as they are would be ten megabytes and more, of which a
tile shows every sixth point each way. The pictures themselves stay as they are."""

from __future__ import annotations

import io
import threading
from enum import IntEnum

from PIL import Image

from alerting.latest import LatestPicture, LatestPictures

QUALITY = 80  # what is shrunk has little noise left to pay for


class Width(IntEnum):
    """In pixels."""

    OF_A_HUNDRED = 160
    OF_THIRTY_SIX = 320
    OF_NINE = 640


class SmallPictures:
    """What `latest` has, no wider than asked for. Thread-safe."""

    def __init__(self, latest: LatestPictures) -> None:
        self._latest = latest
        self._making: dict[str, threading.Lock] = {}
        self._made: dict[tuple[str, Width], LatestPicture] = {}

    def read(self, camera_id: str, width: Width) -> LatestPicture | None:
        """The newest picture, shrunk; None when there is none yet. What cannot be shrunk comes as it is."""
        with self._making.setdefault(camera_id, threading.Lock()):  # whoever asks meanwhile gets the same
            made = self._made.get((camera_id, width))
            if made is not None and made.captured_at == self._latest.captured_at(camera_id):
                return made
            whole = self._latest.read(camera_id)
            if whole is None:
                return None
            made = LatestPicture(_shrunk(whole.jpeg, width), whole.captured_at)
            self._made[camera_id, width] = made
            return made


def _shrunk(jpeg: bytes, width_px: int) -> bytes:
    """Each point is the mean of the area that it stands for: thin smoke stays, and nothing flickers."""
    try:
        with Image.open(io.BytesIO(jpeg)) as picture:
            if picture.width <= width_px:
                return jpeg
            picture.thumbnail((width_px, picture.height), Image.Resampling.BOX, reducing_gap=2.0)
            buffer = io.BytesIO()
            picture.save(buffer, "JPEG", quality=QUALITY)
            return buffer.getvalue()
    except (OSError, ValueError, Image.DecompressionBombError):  # cut short: browsers show what there is
        return jpeg
