"""Small things in large pictures: tiles find what the whole look cannot, at little cost on patrol."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from handmade import brightness_model, found, frame, hill

from detector.backend import Backend
from detector.detection import Box
from detector.pipeline import Pipeline
from detector.tiles import ROTATION_S, Rotation, Tile, merged, tiles_of

SPOT = Box(704, 480, 736, 512)  # 32 px wide: a third of a network cell once the picture is shrunk


class Counting:
    """A backend that counts its work."""

    def __init__(self, backend: Backend) -> None:
        self._backend, self.inferences = backend, 0
        self.name, self.channels = backend.name, backend.channels

    def infer(self, network_input):
        self.inferences += 1
        return self._backend.infer(network_input)


def large(spot: bool = False) -> np.ndarray:
    picture = hill(1920, 1080).copy()
    if spot:
        picture[int(SPOT.y1) : int(SPOT.y2), int(SPOT.x1) : int(SPOT.x2)] = 230
    return picture


def spots(result) -> list[Box]:
    return [d.box for d in result.look.detections if d.box.iou(SPOT) > 0.2]


def test_a_small_thing_is_found_by_its_tile_and_boxed_in_pixels_of_the_frame(tmp_path):
    model = brightness_model(tmp_path)
    whole, closely = Pipeline(model, "sensitive"), Pipeline(model, "sensitive", tiles=True)
    times_s = [n * 4.0 for n in range(12)]
    assert not any(spots(whole.look(frame(large(spot=True), t, n))) for n, t in enumerate(times_s))
    assert any(spots(closely.look(frame(large(spot=True), t, n))) for n, t in enumerate(times_s))


def test_what_a_tile_has_raised_is_looked_at_closely_in_every_look_until_it_is_confirmed(tmp_path):
    pipeline = Pipeline(brightness_model(tmp_path), "sensitive", tiles=True)
    results = [pipeline.look(frame(large(spot=n > 15), n * 2.0, n)) for n in range(60)]
    first = next(n for n, result in enumerate(results) if spots(result))
    confirmed = next(n for n, result in enumerate(results) if result.sightings)
    assert all(spots(result) for result in results[first:confirmed])
    assert results[confirmed].sightings[0].box.iou(SPOT) > 0.2


def test_on_patrol_a_tile_joins_only_every_rotation(tmp_path):
    model = brightness_model(tmp_path)
    backend = Counting(model.open_backend())
    pipeline = Pipeline(model, backend=backend, tiles=True)
    for n in range(60):
        pipeline.look(frame(large(), n * 2.0, n))
    assert backend.inferences == 60 + 120 / ROTATION_S


def test_pictures_hardly_larger_than_a_look_have_no_tiles(tmp_path):
    model = brightness_model(tmp_path)
    backend = Counting(model.open_backend())
    Pipeline(model, backend=backend, tiles=True).look(frame(hill(800, 600)))
    assert backend.inferences == 1


@pytest.mark.parametrize(
    "size", [(1280, 720), (1920, 1080), (2560, 1440), (3072, 2048), (3840, 2160), (7680, 4320)]
)
def test_tiles_lie_side_by_side_over_the_whole_width_and_within_the_picture(size):
    tiles = tiles_of(size, (640, 352))
    assert tiles[0].left == 0
    assert tiles[-1].box.x2 == size[0]
    assert all(after.left <= before.box.x2 for before, after in pairwise(tiles))
    assert all(tile.top >= 0 and tile.box.y2 <= size[1] for tile in tiles)
    assert len(tiles) <= 4


def test_tiles_follow_the_skyline_of_their_columns():
    ground = np.zeros((44, 80), np.float32)
    ground[30:, :40] = 0.9  # low on the left
    ground[10:, 40:] = 0.9  # high on the right
    left, right = tiles_of((1280, 704), (640, 352), ground)
    assert left.top < 30 * 16 < left.box.y2
    assert right.top < 10 * 16 < right.box.y2
    assert left.top > right.top


def test_tiles_stay_where_they_are_while_the_skyline_only_trembles():
    rotation = Rotation()
    rotation.follow((Tile(0, 100, 640, 352),))
    rotation.follow((Tile(0, 130, 640, 352),))
    assert rotation.tiles[0].top == 100
    rotation.follow((Tile(0, 300, 640, 352),))
    assert rotation.tiles[0].top == 300


def test_what_is_seen_in_the_whole_and_in_a_tile_is_one_detection_and_another_class_another():
    plume, part = found(0.4, Box(100, 100, 200, 300)), found(0.7, Box(120, 180, 190, 290))
    flame = found(0.5, Box(120, 180, 190, 290), "fire")
    assert merged([plume, part, flame], 0.5) == (part, flame)
