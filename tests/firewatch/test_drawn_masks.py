"""Masks drawn in the console reach the running worker, beside the deployment's own, and can be taken back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from alerting import audit, drawn_masks
from alerting.journal import By
from alerting.store import NotFoundError, Store
from config import Camera
from firewatch.drawn_masks import DrawnMasks
from firewatch.feedback import StoreFeedback

LI = By("li", "10.0.0.7")
CHIMNEY = ((0.1, 0.1), (0.2, 0.1), (0.2, 0.3))
OWN = {"kind": "private", "name": "homes", "polygon": [[0, 0], [0.1, 0], [0.1, 0.1]]}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{tmp_path}/store.db")
    yield opened
    opened.close()


def camera(id_: str) -> Camera:
    return Camera.model_validate(
        {
            "id": id_, "name": id_, "source": "rtsp://127.0.0.1/x", "lat_deg": 23.1, "lon_deg": 116.4,
            "mast_height_m": 20, "pose": {"azimuth_deg": 0, "tilt_deg": 0, "hfov_deg": 50}, "masks": [OWN],
        }
    )  # fmt: skip


def until_names(masks: DrawnMasks, one: Camera, names: list[str]) -> None:
    deadline_s = time.monotonic() + 20
    while [mask.name for mask in masks.of(one)] != names:
        assert time.monotonic() < deadline_s, [mask.name for mask in masks.of(one)]
        time.sleep(0.02)


def test_a_drawn_mask_reaches_a_running_worker_of_its_camera_only_and_its_removal_too(store: Store) -> None:
    north, south = camera("north"), camera("south")
    with DrawnMasks(StoreFeedback(store, []), follow_s=0.05) as masks:
        until_names(masks, north, ["homes"])
        drawn = drawn_masks.draw(store, "north", name="kiln", polygon=CHIMNEY, preset=None, by=LI)
        until_names(masks, north, ["homes", "kiln"])
        until_names(masks, south, ["homes"])
        assert [mask.kind for mask in masks.of(north)] == ["private", "ignore"]
        drawn_masks.remove(store, "north", drawn.mask_id, by=LI)
        until_names(masks, north, ["homes"])


def test_a_worker_that_starts_later_knows_what_was_drawn_before(store: Store) -> None:
    drawn_masks.draw(store, "north", name="kiln", polygon=CHIMNEY, preset="east", by=LI)
    with DrawnMasks(StoreFeedback(store, [])) as masks:
        (_, kiln) = masks.of(camera("north"))
    assert (kiln.preset, kiln.polygon) == ("east", CHIMNEY)


def test_a_store_that_is_away_leaves_the_masks_as_they_were(store: Store) -> None:
    drawn_masks.draw(store, "north", name="kiln", polygon=CHIMNEY, preset=None, by=LI)
    with DrawnMasks(StoreFeedback(store, []), follow_s=0.01) as masks:
        store.close()
        time.sleep(0.1)
        until_names(masks, camera("north"), ["homes", "kiln"])


def test_what_is_no_shape_is_refused_and_what_was_removed_is_gone_once(store: Store) -> None:
    with pytest.raises(ValidationError):
        drawn_masks.draw(store, "north", name="kiln", polygon=((0.1, 0.1), (2.0, 0.1)), preset=None, by=LI)
    drawn = drawn_masks.draw(store, "north", name="kiln", polygon=CHIMNEY, preset=None, by=LI)
    with pytest.raises(NotFoundError, match="'south' has no drawn mask"):
        drawn_masks.remove(store, "south", drawn.mask_id, by=LI)
    drawn_masks.remove(store, "north", drawn.mask_id, by=LI)
    with pytest.raises(NotFoundError, match="no drawn mask"):
        drawn_masks.remove(store, "north", drawn.mask_id, by=LI)
    noted = list(audit.entries(store, drawn.drawn_at.replace(year=2000), drawn.drawn_at.replace(year=2100)))
    assert [(one.action, one.who, one.source) for one in noted] == [
        ("mask drawn", "li", "10.0.0.7"),
        ("mask removed", "li", "10.0.0.7"),
    ]
