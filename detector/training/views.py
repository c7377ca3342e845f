"""What training draws from: sequences of fixed views and pictures with boxes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
Boxes = npt.NDArray[np.float32]
"""N x 5: class id, x1, y1, x2, y2 in pixels."""

WIDTH_PX, HEIGHT_PX = 640, 480


@dataclass(frozen=True)
class ViewSequence:
    """A fixed view in time order. `pictures` is N x 480 x 640 x 3; `boxes[i]` is None where nobody looked."""

    name: str
    pictures: npt.NDArray[np.uint8]
    offsets_s: npt.NDArray[np.int64] | None
    boxes: tuple[Boxes | None, ...]
    empty: npt.NDArray[np.bool_]
