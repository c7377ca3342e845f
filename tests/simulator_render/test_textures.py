"""Noise that tiles."""

from __future__ import annotations

import doctest

import cv2
import numpy as np

import simulator.textures
from simulator.textures import SIDE, look_up, tile


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(simulator.textures).failed == 0


def test_a_tile_has_no_seam() -> None:
    texture = tile(3, 2.0)
    across_the_seam = np.abs(texture[:, 0] - texture[:, -1]).mean()
    inside = np.abs(np.diff(texture, axis=1)).mean()
    assert across_the_seam < 2 * inside


def test_a_list_of_places_longer_than_opencv_takes_is_looked_up_whole() -> None:
    texture = tile(3, 2.0)
    columns = np.linspace(0, SIDE - 1, 70_001, dtype=np.float32)[None]
    values = look_up(texture, columns, columns * 0 + 5, cv2.INTER_LINEAR)
    assert values.shape == (1, 70_001)
    assert values[0, 0] == texture[5, 0]
    assert values[0, -1] == texture[5, SIDE - 1]
