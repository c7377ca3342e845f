"""The plume: the same for the same seed, in motion, growing, and leaning with the wind."""

from __future__ import annotations

import doctest

import numpy as np

import simulator.plume
from simulator.plume import PixelPuffs, Plume, PlumeShape, paint, plume_rgba, side_view


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(simulator.plume).failed == 0


def test_there_is_no_smoke_before_ignition() -> None:
    assert len(Plume(PlumeShape(seed=1)).puffs(-0.1).up_m) == 0


def test_a_source_that_always_was_smokes_before_the_scene_begins() -> None:
    chimney = Plume(PlumeShape(seed=1, growth_s=0))
    assert len(chimney.puffs(-50).up_m) > 100
    assert len(chimney.puffs(0).up_m) == len(chimney.puffs(40).up_m)


def test_the_same_seed_gives_the_same_smoke_and_another_seed_another() -> None:
    shapes = [PlumeShape(seed=seed) for seed in (7, 7, 8)]
    first, again, other = (side_view(Plume(shape), 30, 2)[0].alpha for shape in shapes)
    assert np.array_equal(first, again)
    assert first.shape != other.shape or not np.array_equal(first, other)


def test_the_plume_grows_in_height_and_width_with_age() -> None:
    plume = Plume(PlumeShape(seed=3))
    heights, widths = [], []
    for age_s in (5, 15, 40, 80):
        layer, _ = side_view(plume, age_s, 1)
        heights.append(layer.alpha.shape[0])
        widths.append(layer.alpha.shape[1])
    assert heights == sorted(heights)
    assert widths == sorted(widths)
    assert heights[2] > 80


def test_puffs_move_smoothly() -> None:
    """From one frame to the next (0.1 s) no puff jumps more than the fastest hot air could carry it."""
    plume = Plume(PlumeShape(seed=4, wind_m_s=5))
    before, after = plume.puffs(30.0), plume.puffs(30.1)
    for name in ("east_m", "north_m", "up_m"):
        a, b = getattr(before, name), getattr(after, name)
        assert np.abs(b[: len(a)] - a).max() < 2.5


def test_smoke_leans_to_where_the_wind_blows() -> None:
    to_east = Plume(PlumeShape(seed=5, wind_m_s=6, wind_to_deg=90)).puffs(60)
    to_south = Plume(PlumeShape(seed=5, wind_m_s=6, wind_to_deg=180)).puffs(60)
    assert to_east.east_m.mean() > 60
    assert to_south.north_m.mean() < -60
    assert abs(to_south.east_m.mean()) < 30


def test_smoke_is_lighter_on_the_side_of_the_sun() -> None:
    plume = Plume(PlumeShape(seed=6, wind_m_s=0.5, density=1.5))
    layer, (foot_x, _) = side_view(plume, 60, 1, sun=(-1.0, -0.2, 0.1))
    thick = layer.alpha > 0.5
    columns = np.arange(layer.alpha.shape[1])[None, :] + 0 * layer.alpha
    left, right = thick & (columns < foot_x - 5), thick & (columns > foot_x + 5)
    assert layer.light[left].mean() > layer.light[right].mean() + 0.02


def test_a_thin_plume_is_more_transparent_than_a_dense_one() -> None:
    thin, dense = (side_view(Plume(PlumeShape(seed=9, density=d)), 50, 2)[0].alpha for d in (0.15, 1.0))
    assert thin.max() < dense.max()
    assert thin.mean() < 0.5 * dense.mean()


def test_smoke_outside_the_picture_paints_nothing() -> None:
    one = np.array([1.0])
    puffs = PixelPuffs(one * -500, one * 50, one * 20, one, np.array([0]), one * 0)
    assert paint(puffs, 100, 100, (0, -1, 0)) is None


def test_a_layer_at_the_edge_is_cut_to_the_picture() -> None:
    one = np.array([1.0])
    layer = paint(PixelPuffs(one * 2, one * 50, one * 20, one, np.array([0]), one * 0), 100, 100, (0, -1, 0))
    assert layer is not None
    assert layer.x_px == 0
    assert layer.alpha.shape[1] < 40


def test_random_plumes_differ_and_have_soft_edges() -> None:
    rng = np.random.default_rng(11)
    a, (x, y) = plume_rgba(rng, 2, 100, 40)
    b, _ = plume_rgba(rng, 2, 100, 40)
    assert a.shape != b.shape or not np.array_equal(a, b)
    alpha = a[..., 3]
    assert ((alpha > 5) & (alpha < 100)).mean() > 0.05
    assert 0 <= x <= a.shape[1]
    assert 0 <= y <= a.shape[0]
