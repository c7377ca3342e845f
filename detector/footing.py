"""Whether a detection stands on the ground: smoke does, cloud does not.

Ground has edges that stay where they are; clouds drift, and clear sky has none. So the ground of a view is
where edges were found at the same place in all of several pictures taken minutes apart, and a detection
hangs in the sky when the band just beneath it shows no ground. A far slope in haze is smooth, but lies
under a skyline and is darker than the sky above that: it is ground as well. It errs to one side: masts, lens
borders, captions and a cloud that stood still count as ground, ground once seen fades over six hours only
(smoke or fog may cover it), and where the near ground shows few edges itself (night, dense fog) nothing is
said at all. A detection in the sky is not dropped either; only its score is quartered, for no rule of
thumb may blind a camera.

Share of ground beneath, on the val cameras: 273 detections on boxed plumes >= 0.64 (>= 0.37 at half
the contrast, as in haze); of 80 detections before ignition 40 % below 0.3, all cloud.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from detector.detection import Box, Detection

Grey = npt.NDArray[np.uint8]
Ground = npt.NDArray[np.float32]
"""For each cell of the look, how far it is ground (0..1): the share of its pixels with a lasting edge; 1 for
a cell of a smooth slope."""

CELL_PX = 8
LEAST_PICTURES = 3
LEAST_SPAN_S = 300.0  # clouds move by more than an edge in five minutes
FADING_PER_HOUR = 0.1  # a share of 0.9 counts as ground for six more hours
SKY_SCORE_SHARE = 0.25
GROUND_BENEATH = 0.3  # lasting edges in the band: plumes >= 0.64, see above
_EDGE = 3.0  # grey levels per px, after slight smoothing; noise stays far below in the minimum of three
_NEAR_GROUND = 0.5  # of the lowest third of the picture must have edges, else it is night or fog
_SKYLINE = 0.3  # lasting edges in the first cell of a column, from above, that is no longer sky
_DARKER = 8  # grey levels: rendered slope 8 km away in haze 28-45; below a still cloud bank 45 brighter
_SLOPE_CELLS = 12  # 96 px of 640: wider than a mast
_BAND_CELLS = (3, 6)  # height of the band: that of the box, within these limits


def ground_of(pictures: Sequence[Grey]) -> Ground | None:
    """Where the ground is, from several `pictures` of one view (HxW uint8, one size); None if unknown."""
    height, width = pictures[0].shape
    lasting = np.full((height, width), np.inf, np.float32)
    for picture in pictures:
        smooth = cv2.GaussianBlur(picture, (0, 0), 1.0)
        across, down = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
        edge = cv2.dilate(cv2.magnitude(across, down) / 4, np.ones((3, 3)))  # dilated: a pixel of sway
        lasting = cv2.min(lasting, edge)
    cells = (width // CELL_PX, height // CELL_PX)
    share = cv2.resize((lasting > _EDGE).astype(np.float32), cells, interpolation=cv2.INTER_AREA)
    near = float(share[-(cells[1] // 3) :].mean())
    if near < _NEAR_GROUND:
        return None
    usual = cv2.resize(np.median(pictures, axis=0).astype(np.uint8), cells, interpolation=cv2.INTER_AREA)
    return np.where(_smooth_slopes(share, usual), np.float32(1), share)


def _smooth_slopes(share: Ground, brightness: Grey) -> npt.NDArray[np.bool_]:
    """Cells under a skyline that are darker than the sky above it, in runs wider than a mast.

    Both arguments and the answer are by cells. The sky of a column is what lies above its first lasting edge.
    """
    darker = np.zeros(share.shape, np.uint8)
    for column, edges in enumerate((share >= _SKYLINE).T):
        top = int(edges.argmax())
        if top > 0:
            sky = float(np.median(brightness[:top, column]))
            darker[top:, column] = brightness[top:, column] <= sky - _DARKER
    runs = np.ones((1, _SLOPE_CELLS), np.uint8)
    return np.asarray(cv2.morphologyEx(darker, cv2.MORPH_OPEN, runs), np.bool_)


def settle(found: Ground | None, previous: Ground | None, elapsed_s: float) -> Ground | None:
    """What is known of the ground after a new finding: new ground counts at once, old ground fades slowly.

    >>> settle(np.array([[0.0, 0.9]]), np.array([[0.8, 0.0]]), elapsed_s=3600)
    array([[0.7, 0.9]])
    """
    if found is None or previous is None:
        return found if previous is None else previous
    return np.asarray(np.maximum(found, previous - FADING_PER_HOUR * elapsed_s / 3600))


def hangs_in_the_sky(box: Box, ground: Ground) -> bool:
    """Whether the band beneath `box` (look pixels) shows no ground.

    >>> ground = np.zeros((60, 80), np.float32)
    >>> ground[30:] = 0.9  # below row 240
    >>> hangs_in_the_sky(Box(100, 100, 140, 130), ground), hangs_in_the_sky(Box(100, 200, 140, 238), ground)
    (True, False)
    """
    rows, columns = ground.shape
    least, most = _BAND_CELLS
    top = round(box.y2 / CELL_PX)
    deep = min(max(round(box.height_px / CELL_PX), least), most)
    left, right = int(max(0, box.x1 // CELL_PX)), int(min(columns - 1, box.x2 // CELL_PX))
    band = ground[top : top + deep, left : right + 1]
    if top + least > rows or band.size == 0:
        return False  # at the lower edge of the picture
    return bool(band.mean() < GROUND_BENEATH)


def doubt_the_sky(
    detections: tuple[Detection, ...],
    ground: Ground | None,
    look_px_per_frame_px: float,
    least_score: float,
) -> tuple[Detection, ...]:
    """Detections (frame pixels), the scores of those that hang in the sky quartered, strongest first.

    Those that fall below `least_score` go.
    """
    if ground is None:
        return detections
    judged = [
        replace(d, confidence=round(d.confidence * SKY_SCORE_SHARE, 4))
        if hangs_in_the_sky(_scaled(d.box, look_px_per_frame_px), ground)
        else d
        for d in detections
    ]
    return tuple(sorted((d for d in judged if d.confidence >= least_score), key=lambda d: -d.confidence))


def _scaled(box: Box, scale: float) -> Box:
    return Box(box.x1 * scale, box.y1 * scale, box.x2 * scale, box.y2 * scale)
