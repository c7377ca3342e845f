"""Rendered smoke, flames, lights and haze, laid over real pictures: boxes are few, hills without smoke many.

A plume is a density field around a bent centre line whose width grows with height, broken up by fractal noise
that rises with time; the same plume at an earlier time differs as a real one does. Seeds come from the
sampler's generator; nothing is shared with the simulator, whose scenes must stay unseen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

Field = npt.NDArray[np.float32]
Picture = npt.NDArray[np.uint8]


def fractal_noise(
    rng: np.random.Generator, height: int, width: int, cell_px: float, octaves: int = 4
) -> Field:
    """Smooth noise of zero mean and about unit deviation; `cell_px` is the size of the largest swirl."""
    total = np.zeros((height, width), np.float32)
    amplitude, cell = 1.0, cell_px
    for _ in range(octaves):
        rows, columns = max(2, int(np.ceil(height / cell)) + 1), max(2, int(np.ceil(width / cell)) + 1)
        coarse = rng.standard_normal((rows, columns)).astype(np.float32)
        total += amplitude * cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
        amplitude *= 0.6
        cell = max(1.5, cell / 2)
    return np.asarray(total / (total.std() + 1e-6), np.float32)


@dataclass(frozen=True)
class Plume:
    """A plume by its shape; all lengths in pixels. `alpha(time)` renders its opacity."""

    seed: int
    length_px: float
    lean: float  # tangent of the slope away from vertical
    base_width_px: float
    spread: float
    opacity: float
    ragged: float
    rise_px_s: float

    @classmethod
    def draw(cls, rng: np.random.Generator, length_px: float) -> Plume:
        """A plume of about `length_px` along its axis, from a wisp to a column, leaning with the wind."""
        lying = rng.random() < 0.35
        lean = rng.normal(0, 0.5) if not lying else rng.choice([-1, 1]) * rng.uniform(1.5, 5)
        return cls(
            seed=int(rng.integers(2**31)),
            length_px=length_px,
            lean=float(lean),
            base_width_px=float(max(1.5, length_px * rng.uniform(0.03, 0.12))),
            spread=float(rng.uniform(0.12, 0.5) * (0.5 if lying else 1.0)),
            opacity=float(np.exp(rng.uniform(np.log(0.12), np.log(2.2)))),
            ragged=float(rng.uniform(0.5, 1.3)),
            rise_px_s=float(length_px * rng.uniform(0.005, 0.03)),
        )

    def alpha(self, time_s: float, grown: float = 1.0) -> tuple[Field, int, int]:
        """Opacity 0..1 as an image, with the column and row of the plume's base in it.

        `time_s` moves the swirls; `grown` 0..1 is the share of the full length it has reached.
        """
        length = max(4.0, self.length_px * grown)
        slant = float(np.hypot(1.0, self.lean))
        tall, wide = length / slant, length * abs(self.lean) / slant
        half = self.base_width_px + self.spread * length
        height, width = int(tall + half + 6), int(wide + 2 * half + 8)
        base_x = half + 4 if self.lean >= 0 else width - half - 4
        base_y = height - 3.0
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        up = base_y - y
        # along the axis (0 at the base, 1 at the top) and away from it, the axis bending over with height
        along = ((x - base_x) * self.lean + up) / (slant * length)
        across = (x - base_x) - self.lean * up * np.clip(0.6 + 0.4 * along, 0, None)
        across = across / slant
        rng = np.random.default_rng(self.seed)
        swirl = max(4.0, half * 0.9)
        extra = int(self.rise_px_s * 90) + height
        noise = fractal_noise(rng, extra, width, swirl)
        shift = int(time_s * self.rise_px_s) % max(1, extra - height + 1)
        start = extra - height - shift if shift <= extra - height else 0
        noise = noise[start : start + height]
        meander = cv2.GaussianBlur(noise, (0, 0), max(2.0, swirl / 2)) * half * 0.35
        s = np.clip(along, 0, 1.2)
        radius = self.base_width_px * 0.5 + self.spread * length * s**0.8
        r = np.abs(across + meander * s) / radius
        fade_in = np.clip(along * length / 2 + 1, 0, 1)
        fade_out = np.clip((1.15 - along) / 0.6, 0, 1)
        thinning = 1 / (0.4 + 1.6 * s)
        density = np.exp(-1.2 * r**2) * fade_in * fade_out * thinning
        density = density * np.clip(0.75 + self.ragged * noise * (0.35 + 0.65 * s), 0, 2.2)
        return np.asarray(1 - np.exp(-self.opacity * density), np.float32), int(base_x), int(base_y)


@dataclass(frozen=True)
class Smoke:
    """A plume at a place in a picture: base at (x, y) px, colour BGR, and the swirls' lightness amplitude."""

    plume: Plume
    x: int
    y: int
    colour: tuple[float, float, float]
    relief: float
    hidden_px: int  # this much of the base is behind a ridge

    @classmethod
    def draw(cls, rng: np.random.Generator, picture: Picture, x: int, y: int, length_px: float) -> Smoke:
        """Grey-white smoke tinted by the air around it: far smoke takes on the colour of the haze."""
        height = picture.shape[0]
        around = picture[max(0, y - 30) : y + 10, max(0, x - 30) : x + 30].reshape(-1, 3).mean(0)
        band = picture[int(height * 0.35) : int(height * 0.5)].reshape(-1, 3).mean(0)
        light = rng.uniform(90, 245)
        own = light + np.array([rng.uniform(-6, 14), 0, rng.uniform(-14, 14)])
        air = rng.uniform(0, 0.55)
        colour = (1 - air) * own + air * (0.5 * band + 0.5 * around)
        hidden = int(rng.uniform(0, 0.25) * length_px) if rng.random() < 0.3 else 0
        return cls(
            Plume.draw(rng, length_px), x, y, (float(colour[0]), float(colour[1]), float(colour[2])),
            float(rng.uniform(0, 18)), hidden,
        )  # fmt: skip

    def lay_over(self, picture: Picture, time_s: float, grown: float = 1.0) -> tuple[Picture, Field]:
        """The picture with the smoke, and the opacity over the whole picture."""
        alpha, base_x, base_y = self.plume.alpha(time_s, grown)
        if self.hidden_px:
            alpha[max(0, base_y - self.hidden_px) :] = 0
        alpha = cv2.GaussianBlur(alpha, (0, 0), 0.7)
        full: Field = np.zeros((picture.shape[0], picture.shape[1]), np.float32)
        top, left = self.y + self.hidden_px - base_y, self.x - base_x
        y0, x0 = max(0, top), max(0, left)
        y1, x1 = min(full.shape[0], top + alpha.shape[0]), min(full.shape[1], left + alpha.shape[1])
        if y1 <= y0 or x1 <= x0:
            return picture, full
        part = alpha[y0 - top : y1 - top, x0 - left : x1 - left]
        full[y0:y1, x0:x1] = part
        relief = cv2.GaussianBlur(part, (0, 0), 2.0)
        relief = (relief - np.roll(relief, 3, axis=1)) * 8 * self.relief
        ground = picture[y0:y1, x0:x1].astype(np.float32)
        smoke = np.array(self.colour, np.float32) + relief[..., None]
        out = picture.copy()
        out[y0:y1, x0:x1] = np.clip(ground * (1 - part[..., None]) + smoke * part[..., None], 0, 255)
        return out, full


def visible_box(before: Picture, after: Picture, alpha: Field) -> tuple[float, float, float, float] | None:
    """Box (x1, y1, x2, y2 px) of what a person could see of laid-over smoke, or None when it is too faint.

    Visible is where the picture changed by 4 grey levels or more, over at least 12 px.
    """
    change = np.abs(after.astype(np.int16) - before).max(axis=2)
    seen = ((change >= 4) & (alpha > 0.03)).astype(np.uint8)
    seen = cv2.morphologyEx(seen, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    if int(seen.sum()) < 12 or float(change[seen > 0].mean()) < 6:
        return None
    ys, xs = np.nonzero(seen)
    x1, x2 = np.percentile(xs, [1, 99])
    y1, y2 = np.percentile(ys, [0.5, 99.5])
    return float(x1), float(y1), float(x2) + 1, float(y2) + 1


def flames(
    rng: np.random.Generator, picture: Picture, x: int, y: int, size_px: float
) -> tuple[Picture, Field]:
    """Night flames: a ragged orange-white core and its glow. Returns the picture and the core's opacity."""
    full: Field = np.zeros((picture.shape[0], picture.shape[1]), np.float32)
    for _ in range(int(rng.integers(2, 7))):
        cx, cy = x + rng.normal(0, size_px * 0.6), y - abs(rng.normal(0, size_px * 0.2))
        axes = (max(1, int(size_px * rng.uniform(0.15, 0.4))), max(1, int(size_px * rng.uniform(0.2, 0.8))))
        cv2.ellipse(full, (int(cx), int(cy)), axes, float(rng.normal(0, 15)), 0, 360, 1.0, -1)
    ragged = fractal_noise(rng, full.shape[0], full.shape[1], max(3, size_px / 2), 3)
    core = np.clip(cv2.GaussianBlur(full, (0, 0), max(0.7, size_px / 12)) * (1 + 0.5 * ragged), 0, 1)
    glow = cv2.GaussianBlur(full, (0, 0), max(2.0, size_px * rng.uniform(1, 2.5))) * rng.uniform(0.5, 1.5)
    light = core[..., None] * np.array([rng.uniform(20, 130), rng.uniform(120, 220), 255], np.float32)
    light = light + np.clip(glow, 0, 1)[..., None] * np.array([15, 70, 170], np.float32)
    return np.clip(picture.astype(np.float32) + light, 0, 255).astype(np.uint8), np.asarray(core, np.float32)


def night(rng: np.random.Generator, picture: Picture) -> Picture:
    """The same view by night: nearly colourless, dark, noisy."""
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(np.float32)
    level = rng.uniform(0.05, 0.3)
    tint = np.array([1 + rng.uniform(0, 0.35), 1, 1 - rng.uniform(0, 0.2)], np.float32)
    dark = grey[..., None] * level * tint + rng.uniform(0, 14)
    dark += rng.standard_normal(dark.shape).astype(np.float32) * rng.uniform(1, 4)
    return np.asarray(np.clip(dark, 0, 255), np.uint8)


def lights(rng: np.random.Generator, picture: Picture) -> Picture:
    """Steady village and road lights: small, white to sodium yellow, never labelled."""
    out = picture.astype(np.float32)
    for _ in range(int(rng.integers(1, 12))):
        x, y = int(rng.uniform(0, picture.shape[1])), int(rng.uniform(0.4, 0.95) * picture.shape[0])
        colour = np.array([rng.uniform(60, 255), rng.uniform(170, 255), 255], np.float32)
        spot = np.zeros(picture.shape[:2], np.float32)
        cv2.circle(spot, (x, y), int(rng.integers(1, 3)), 1.0, -1)
        spot = cv2.GaussianBlur(spot, (0, 0), rng.uniform(0.6, 2.0))
        out += spot[..., None] * colour * rng.uniform(0.8, 3)
    return np.clip(out, 0, 255).astype(np.uint8)


def haze_bank(rng: np.random.Generator, picture: Picture) -> Picture:
    """A soft bank of cloud, fog or cloud shadow: change without a base, never labelled."""
    height, width = picture.shape[:2]
    noise = fractal_noise(rng, height, width, rng.uniform(120, 400), 3)
    y = np.arange(height, dtype=np.float32)[:, None]
    centre, thick = rng.uniform(0, 0.9) * height, rng.uniform(0.05, 0.35) * height
    band = np.exp(-(((y - centre) / thick) ** 2)) * np.clip(noise * 0.6 + 0.3, 0, 1) * rng.uniform(0.1, 0.7)
    colour = np.float32(rng.uniform(140, 240)) if rng.random() < 0.7 else picture.astype(np.float32) * 0.5
    blended = picture.astype(np.float32) * (1 - band[..., None]) + colour * band[..., None]
    return np.asarray(np.clip(blended, 0, 255), np.uint8)


def cloud_puffs(rng: np.random.Generator, picture: Picture, lowest_y: int) -> Picture:
    """Puffs and streaks of cloud that hang in the sky, all of them above row `lowest_y`; never labelled."""
    for _ in range(int(rng.integers(1, 4))):
        length_px = float(np.exp(rng.uniform(np.log(8), np.log(110))))
        x, y = int(rng.uniform(0, picture.shape[1])), int(rng.uniform(0, max(1, lowest_y)))
        cloud = Smoke.draw(rng, picture, x, y, length_px)
        white = float(rng.uniform(170, 250))
        picture = replace(cloud, colour=(white, white, white), hidden_px=0).lay_over(picture, 0)[0]
    return picture


@dataclass(frozen=True)
class Cumulus:
    """A field of cloud above row `lowest_y`, drifting: `lay_over(picture, gap_s)` shows it that long ago."""

    seed: int
    lowest_y: int
    cell_px: float
    cover: float
    strength: float
    drift_px_s: float

    @classmethod
    def draw(cls, rng: np.random.Generator, lowest_y: int) -> Cumulus:
        """Anything from a few scraps to a sky nearly full; some hang still, some race."""
        return cls(
            int(rng.integers(2**31)), lowest_y, float(rng.uniform(30, 220)), float(rng.uniform(-0.3, 1.3)),
            float(rng.uniform(0.3, 1.0)), float(rng.normal(0, 0.15)),
        )  # fmt: skip

    def lay_over(self, picture: Picture, gap_s: float = 0.0) -> Picture:
        """The picture with the cloud as it was `gap_s` seconds ago."""
        height, width = max(8, self.lowest_y), picture.shape[1]
        noise = fractal_noise(np.random.default_rng(self.seed), height, 3 * width, self.cell_px, 5)
        start = width + int(np.clip(self.drift_px_s * gap_s, -width, width))
        noise = noise[:, start : start + width]
        fade = np.clip((height - np.arange(height, dtype=np.float32)) / (0.15 * height), 0, 1)[:, None]
        dense = np.clip((noise - self.cover) * 2.5, 0, 1) * fade * self.strength
        lit = 235 - 45 * np.clip(np.roll(noise, 6, axis=0) - self.cover, 0, 1)
        out = picture.copy()
        sky = picture[:height].astype(np.float32)
        out[:height] = np.clip(sky * (1 - dense[..., None]) + lit[..., None] * dense[..., None], 0, 255)
        return out


def specks(rng: np.random.Generator, picture: Picture) -> Picture:
    """Birds, insects and drops: a few small dark or pale spots anywhere; never labelled."""
    spots = np.zeros((picture.shape[0], picture.shape[1]), np.float32)
    for _ in range(int(rng.integers(1, 4))):
        centre = (int(rng.uniform(0, picture.shape[1])), int(rng.uniform(0, picture.shape[0])))
        axes = (int(rng.integers(1, 8)), int(rng.integers(1, 8)))
        cv2.ellipse(spots, centre, axes, float(rng.uniform(0, 180)), 0, 360, 1.0, -1)
    return _blend(picture, spots, rng.uniform(0, 255), rng.uniform(0.2, 0.9), rng.uniform(0.5, 3.0))


def shadow(rng: np.random.Generator, picture: Picture) -> Picture:
    """A sharp shadow or a sunlit facet on something near: a darker or lighter polygon; never labelled."""
    height, width = picture.shape[0], picture.shape[1]
    centre = np.array([rng.uniform(0, width), rng.uniform(0.35, 1.0) * height])
    corners = centre + rng.standard_normal((int(rng.integers(3, 7)), 2)) * rng.uniform(5, 50)
    patch = np.zeros((height, width), np.float32)
    cv2.fillConvexPoly(patch, cv2.convexHull(corners.astype(np.int32)), 1.0)
    return _blend(picture, patch, rng.choice([20.0, 235.0]), rng.uniform(0.1, 0.6), rng.uniform(0.4, 1.5))


def _blend(picture: Picture, where: Field, level: float, strength: float, blur_px: float) -> Picture:
    share = (cv2.GaussianBlur(where, (0, 0), blur_px) * strength)[..., None]
    return np.asarray(np.clip(picture.astype(np.float32) * (1 - share) + level * share, 0, 255), np.uint8)
