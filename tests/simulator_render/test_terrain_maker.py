"""The elevation model the simulator makes."""

from __future__ import annotations

import doctest
from pathlib import Path

import numpy as np

import simulator.terrain
from geometry.raster_terrain import RasterTerrain
from simulator.terrain import CENTRE, make_heights, write_terrain

SAMPLE = Path(__file__).parents[2] / "sample_videos" / "terrain.tif"


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(simulator.terrain).failed == 0


def test_the_same_seed_gives_the_same_hills_and_another_seed_others() -> None:
    first, again, other = (make_heights(seed, 40, 500, steps=8) for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_water_runs_off_the_hills() -> None:
    """Erosion leaves few cells without a lower neighbour: noise has one in nine, carved hills far fewer."""
    heights = make_heights(seed=3, cells=90, cell_m=200)
    inner = heights[1:-1, 1:-1]
    lowest = np.full_like(inner, np.inf)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            if dx or dy:
                moved = heights[1 + dy : 89 + dy, 1 + dx : 89 + dx]
                lowest = np.minimum(lowest, moved)
    assert (lowest >= inner)[inner > 60].mean() < 0.04


def test_a_written_model_reads_back_at_its_place(tmp_path: Path) -> None:
    write_terrain(tmp_path / "t.tif", seed=2, side_m=3000, cell_m=100)
    terrain = RasterTerrain.open(tmp_path / "t.tif")
    assert np.isfinite(terrain.height_m(CENTRE.lat_deg, CENTRE.lon_deg))
    assert np.isnan(terrain.height_m(CENTRE.lat_deg + 0.02, CENTRE.lon_deg))


def test_the_sample_terrain_is_small_and_covers_twenty_kilometres_up_to_900_m() -> None:
    terrain = RasterTerrain.open(SAMPLE)
    assert SAMPLE.stat().st_size < 1_500_000
    offsets = np.linspace(-0.0885, 0.0885, 400)
    heights = terrain.height_m(CENTRE.lat_deg + offsets[:, None], CENTRE.lon_deg + offsets[None, :])
    assert np.isfinite(heights).all()
    assert 850 < heights.max() <= 900
    assert heights.min() >= 0
