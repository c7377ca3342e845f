"""Footage for judging the health judge: real stills played as a live camera, and what can befall a camera.

A still is played at two pictures a second with sensor noise, a slow drift of light and of position (wind on
the mast, below a pixel), and a clock drawn in; then something happens to it. Nothing here is random between
runs: the noise has a fixed seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from streams.frame import Frame, Image

RATE_HZ = 2.0
NOISE = 2.0
"""Standard deviation in grey levels at 640 px: a small sensor by day after compression has less."""
NOISES = 5
"""Different noise pictures, in turn."""
START = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
WINDOW = 0.75
"""Share of a still's width that the camera sees, so that there is something beside it to turn to."""

Alteration = Callable[[Image, float], Image]
"""The window of the still (BGR) and seconds since it happened, to what the camera sees then."""


@dataclass(frozen=True)
class Mishap:
    """Something that befalls a camera. `turn` is by how much of the width it looks aside."""

    name: str
    expected: str
    change: Alteration
    turn: tuple[float, float] = (0.0, 0.0)
    frozen: bool = False


def unchanged(image: Image, _since_s: float) -> Image:
    return image


def mirrored(image: Image, _since_s: float) -> Image:
    """Another view of the same kind of country."""
    return np.ascontiguousarray(image[:, ::-1])


def blurred(sigma_px: float) -> Alteration:
    return lambda image, _: cv2.GaussianBlur(image, (0, 0), sigma_px * image.shape[1] / 640)


def exposed(gain: float, offset: float) -> Alteration:
    return lambda image, _: np.clip(image.astype(np.float32) * gain + offset, 0, 255).astype(np.uint8)


def covered(share: float, level: tuple[int, int, int]) -> Alteration:
    """A thing close before the lens, out of focus, over `share` of the picture from the left."""

    def change(image: Image, _since_s: float) -> Image:
        height, width = image.shape[:2]
        edge = cv2.GaussianBlur(
            np.repeat((np.arange(width) < share * width)[None, :].astype(np.float32), height, 0), (0, 0), 9
        )[..., None]
        shade = np.linspace(0.85, 1.1, height)[:, None, None] * np.array(level, np.float32)
        return np.clip(image * (1 - edge) + shade * edge, 0, 255).astype(np.uint8)

    return change


def fogged(minutes: float, deepest: float, patchy: bool) -> Alteration:
    """Fog that grows for so long, to a transmission of `1 - deepest`; `patchy` lets it drift as banks."""
    pattern = cv2.GaussianBlur(np.random.default_rng(5).random((64, 512)).astype(np.float32), (0, 0), 9)
    pattern = (pattern - pattern.min()) / (pattern.max() - pattern.min())

    def change(image: Image, since_s: float) -> Image:
        height, width = image.shape[:2]
        depth = deepest * min(1.0, since_s / (60 * minutes))
        veil = np.full((height, width, 1), depth, np.float32)
        if patchy:
            left = int(since_s * 0.8) % 256
            veil = depth * np.clip(
                cv2.resize(pattern[:, left : left + 256], (width, height))[..., None] * 1.6, 0, 1
            )
        airlight = 0.5 * float(image[: height // 4].mean()) + 90
        return np.clip(image * (1 - veil) + airlight * veil, 0, 255).astype(np.uint8)

    return change


def night(minutes: float, lamps: int = 12) -> Alteration:
    """Dusk over so many minutes; lamps come on half way."""
    random = np.random.default_rng(6)
    places = random.random((lamps, 2))

    def change(image: Image, since_s: float) -> Image:
        share = min(1.0, since_s / (60 * minutes))
        dark = np.clip(image.astype(np.float32) * (1 - 0.97 * share), 0, 255).astype(np.uint8)
        if share > 0.5:
            height, width = image.shape[:2]
            for x, y in places:
                cv2.circle(dark, (int(x * width), int((0.4 + 0.6 * y) * height)), 2, (180, 220, 255), -1)
        return dark

    return change


MISHAPS = (
    Mishap("frozen", "frozen", unchanged, frozen=True),
    Mishap("blur 3 px", "defocused", blurred(3)),
    Mishap("blur 6 px", "defocused", blurred(6)),
    Mishap("blur 12 px", "defocused", blurred(12)),
    Mishap("covered half, grey", "obstructed", covered(0.5, (90, 90, 95))),
    Mishap("covered 70 %, light", "obstructed", covered(0.7, (190, 195, 200))),
    Mishap("covered whole, brown", "obstructed", covered(1.2, (40, 60, 80))),
    Mishap("dark", "dark", exposed(0.04, 0)),
    Mishap("overexposed", "overexposed", exposed(3.0, 160)),
    *(
        Mishap(f"turned {100 * share:g} %", "moved", unchanged, turn=(share, 0.0))
        for share in (0.02, 0.05, 0.1, 0.2)
    ),
    Mishap("tilted 5 %", "moved", unchanged, turn=(0.0, 0.05)),
    Mishap("turned and tilted 4 %", "moved", unchanged, turn=(-0.04, 0.04)),
    Mishap("turned right away", "moved", mirrored),
)
HARMLESS = (
    Mishap("fog in 10 min", "live", fogged(10, 0.97, patchy=False)),
    Mishap("fog in 2 min", "live", fogged(2, 0.97, patchy=False)),
    Mishap("banks of cloud", "live", fogged(1, 0.9, patchy=True)),
    Mishap("dusk in 20 min", "live", night(20)),
    Mishap("half the light", "live", exposed(0.5, 0)),
    Mishap("more light", "live", exposed(1.3, 10)),
)


def played(
    still: Image, mishap: Mishap, *, calm_s: float, altered_s: float, camera_id: str = "still"
) -> Iterator[Frame]:
    """The still for `calm_s`, then altered."""
    random = np.random.default_rng(7)
    noise: list[npt.NDArray[np.int16]] = []
    frozen: Image | None = None
    for number in range(int((calm_s + altered_s) * RATE_HZ)):
        since_s = number / RATE_HZ - calm_s
        sway = 0.2 / 640 * float(np.sin(number * 0.9))
        view = turned_view(still, mishap.turn if since_s >= 0 else (0.0, 0.0), sway)
        if since_s >= 0:
            view = mishap.change(view, since_s)
        light = 1 + 0.04 * np.sin(2 * np.pi * number / 400)
        if len(noise) < NOISES:
            noise.append(random.normal(0, NOISE, view.shape).round().astype(np.int16))
        lit = cv2.convertScaleAbs(view, alpha=light)
        image = np.asarray(cv2.add(lit, noise[number % NOISES], dtype=cv2.CV_8U), np.uint8)
        if mishap.frozen and since_s >= 0:
            frozen = image if frozen is None else frozen
            image = frozen.copy()
        at = START + timedelta(seconds=number / RATE_HZ)
        clock = f"{at:%Y-%m-%d %H:%M:%S}"
        cv2.putText(image, clock, (8, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255, 255, 255), 1)
        yield Frame(image, camera_id, at, number + 1)


def turned_view(still: Image, turn: tuple[float, float], sway: float = 0.0) -> Image:
    """640 px of the still: its middle, or by `turn` and `sway` (shares of the width) beside it."""
    height, width = still.shape[:2]
    wide, high = WINDOW * width, WINDOW * height
    x = (width - wide) / 2 + (turn[0] + sway) * wide
    y = (height - high) / 2 + turn[1] * wide
    scale = 640 / wide
    there = np.array([[scale, 0, -x * scale], [0, scale, -y * scale]])
    size = (640, round(high * scale))
    return np.asarray(cv2.warpAffine(still, there, size, flags=cv2.INTER_AREA), np.uint8)


def stills(data: Path) -> list[Path]:
    """One still of every dated hpwren sequence, and all of dfire_hillside that show a hillside by day."""
    chosen = []
    for folder in sorted((data / "hpwren").iterdir()):
        if folder.is_dir() and not folder.name.startswith("undated"):
            pictures = sorted((folder / "images").glob("*.jpg"))
            chosen.append(pictures[len(pictures) // 2])
    return chosen + sorted((data / "dfire_hillside" / "images").glob("*.jpg"))


def sequences(data: Path) -> list[tuple[str, list[Path]]]:
    """The dated hpwren sequences, oldest picture first."""
    found = []
    for folder in sorted((data / "hpwren").iterdir()):
        if folder.is_dir() and not folder.name.startswith("undated"):
            found.append((folder.name, sorted((folder / "images").glob("*.jpg"))))
    return found


def taken_at(picture: Path) -> datetime:
    """When a picture of hpwren was taken; its name says it.

    >>> taken_at(Path("1528756993_-02400.jpg")).isoformat()
    '2018-06-11T22:43:13+00:00'
    """
    return datetime.fromtimestamp(int(picture.name.split("_")[0]), UTC)
