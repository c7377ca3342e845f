"""Noise that tiles: textures fixed in the world, clouds and fog are read from these."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

Field = npt.NDArray[np.float32]

SIDE = 1024


@lru_cache(maxsize=8)
def tile(seed: int, exponent: float, lowest: int = 2) -> Field:
    """Seamless noise of zero mean and unit deviation, SIDE x SIDE.

    `exponent`: 1.4 is rough, 2.4 smooth; `lowest`: waves along a side of the largest swells.
    """
    rng = np.random.default_rng([seed, round(exponent * 100)])
    spectrum = np.fft.rfft2(rng.standard_normal((SIDE, SIDE)))
    ky, kx = np.fft.fftfreq(SIDE) * SIDE, np.fft.rfftfreq(SIDE) * SIDE
    k = np.hypot(ky[:, None], kx[None, :])
    spectrum *= np.where(k < lowest, 0, np.maximum(k, 1) ** -exponent)
    noise = np.fft.irfft2(spectrum, s=(SIDE, SIDE))
    return np.asarray(noise / noise.std(), np.float32)


def sample(texture: Field, x: Field, y: Field, period: float, shift: tuple[float, float] = (0, 0)) -> Field:
    """The texture at world coordinates, repeating every `period`; blurred by nothing, so fade it far away.

    >>> t = tile(1, 2.0)
    >>> x = np.array([[0.0, 100.0]], np.float32)
    >>> a = sample(t, x, x * 0, 100.0)
    >>> bool(abs(a[0, 0] - a[0, 1]) < 1e-5)
    True
    """
    scale = SIDE / period
    # cv2.remap takes 16-bit coordinates: bring them into the tile ourselves.
    u = np.mod((x + np.float32(shift[0])) * np.float32(scale), np.float32(SIDE)).astype(np.float32)
    v = np.mod((y + np.float32(shift[1])) * np.float32(scale), np.float32(SIDE)).astype(np.float32)
    return look_up(_padded(texture), u, v, cv2.INTER_LINEAR)


def look_up(layer: Field, column: Field, row: Field, interpolation: int) -> Field:
    """`layer` at fractional columns and rows; the border repeats outwards.

    cv2.remap refuses arrays wider than 32766: a long list of places is taken in pieces.
    """
    widest = 32_000
    pieces = [
        cv2.remap(
            layer,
            column[:, start : start + widest],
            row[:, start : start + widest],
            interpolation,
            borderMode=cv2.BORDER_REPLICATE,
        )
        for start in range(0, max(column.shape[1], 1), widest)
    ]
    return np.asarray(pieces[0] if len(pieces) == 1 else np.concatenate(pieces, axis=1), np.float32)


_PADDED: dict[int, tuple[Field, Field]] = {}


def _padded(texture: Field) -> Field:
    """The tile with its first row and column repeated at the end, kept while the tile lives."""
    known = _PADDED.get(id(texture))
    if known is None or known[0] is not texture:
        if len(_PADDED) > 16:
            _PADDED.clear()
        known = (texture, cv2.copyMakeBorder(texture, 0, 2, 0, 2, cv2.BORDER_WRAP))
        _PADDED[id(texture)] = known
    return known[1]
