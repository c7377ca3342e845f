"""Cameras' newest pictures in small: shrunk well, once for all who ask, and never another time's."""

from __future__ import annotations

import email
import email.policy
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from conftest import Served
from console_scenery import Scenery, jpeg
from PIL import Image

from alerting.latest import LatestPicture, LatestPictures
from console.small_pictures import SmallPictures, Width

NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)


class Counted(LatestPictures):
    """Counts how often a picture is read whole."""

    reads = 0

    def read(self, camera_id: str) -> LatestPicture | None:
        self.reads += 1
        return super().read(camera_id)


@pytest.fixture
def latest(tmp_path: Path) -> Counted:
    return Counted(str(tmp_path))


def opened(picture: LatestPicture | None) -> Image.Image:
    assert picture is not None
    return Image.open(io.BytesIO(picture.jpeg))


def striped(width_px: int = 1280, height_px: int = 720) -> bytes:
    """A bright line on each fourth column of a dark picture: all or nothing where points are left out."""
    picture = np.full((height_px, width_px, 3), 20, np.uint8)
    picture[:, ::4] = 220
    return jpeg(Image.fromarray(picture))


@pytest.mark.parametrize("width", Width)
def test_a_small_picture_keeps_its_shape_and_the_mean_of_what_is_in_it(latest: Counted, width: Width) -> None:
    latest.write("dns-01", striped(), NOON)
    small = opened(SmallPictures(latest).read("dns-01", width))
    assert small.size == (width, width * 9 // 16)
    if width <= 320:  # a line and its ground fall into one point
        assert np.asarray(small.convert("L"))[2:-2, 2:-2] == pytest.approx(70, abs=4)


def test_a_picture_is_shrunk_once_for_all_who_ask_at_the_same_time(latest: Counted) -> None:
    latest.write("dns-01", striped(), NOON)
    small = SmallPictures(latest)
    with ThreadPoolExecutor(20) as pages:
        found = list(pages.map(lambda _: small.read("dns-01", Width.OF_A_HUNDRED), range(200)))
    assert latest.reads == 1
    assert len({id(one) for one in found}) == 1


def test_a_new_picture_takes_the_place_of_the_one_before(latest: Counted) -> None:
    small = SmallPictures(latest)
    assert small.read("dns-01", Width.OF_A_HUNDRED) is None
    for at, shade in ((NOON, 30), (NOON.replace(hour=5), 200)):
        latest.write("dns-01", jpeg(Image.new("RGB", (1280, 720), (shade,) * 3)), at)
        found = small.read("dns-01", Width.OF_A_HUNDRED)
        assert found is not None
        assert found.captured_at == at
        assert opened(found).convert("L").getpixel((80, 45)) == pytest.approx(shade, abs=3)


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda whole: whole[: len(whole) // 2],
        lambda whole: whole[:2] + b"\x00" * 100,
        lambda _whole: jpeg(Image.new("RGB", (120, 90))),
    ],
    ids=["cut short", "no picture inside", "small already"],
)
def test_what_cannot_be_shrunk_comes_as_it_was_sent(
    latest: Counted, spoilt: Callable[[bytes], bytes]
) -> None:
    sent = spoilt(striped())
    latest.write("dns-01", sent, NOON)
    found = SmallPictures(latest).read("dns-01", Width.OF_A_HUNDRED)
    assert found is not None
    assert found.jpeg.endswith(sent[2:])


def test_the_api_gives_the_widths_that_there_are_with_time_and_tag(console: Served, now: datetime) -> None:
    scenery = Scenery(console.deployment, console.store)
    path = "/api/v1/cameras/dns-01/picture"
    with console.signed_in("viewer") as client:
        assert client.get(path, params={"width": 160}).status_code == 404
        scenery.write_latest("dns-01", now)
        whole, small = client.get(path), client.get(path, params={"width": 160})
        assert client.get(path, params={"width": 161}).status_code == 422
        again = client.get(path, params={"width": 160}, headers={"If-None-Match": small.headers["etag"]})
    assert small.headers["x-captured-at"] == whole.headers["x-captured-at"] == now.isoformat()
    assert Image.open(io.BytesIO(small.content)).size == (160, 90)
    assert len(small.content) * 10 < len(whole.content)
    assert small.headers["etag"] != whole.headers["etag"]
    assert again.status_code == 304


def test_the_small_pictures_of_many_cameras_come_in_one_answer(console: Served, now: datetime) -> None:
    scenery = Scenery(console.deployment, console.store)
    scenery.write_latest("dns-01", now)
    scenery.write_latest("shk-01", now)
    path = "/api/v1/cameras/pictures"
    with console.signed_in("viewer") as client:
        asked = {"width": 160, "camera": ["shk-01", "dns-01", "dns-02", "unknown", "../store", "dns-01"]}
        answer = client.get(path, params=asked)
        one = client.get("/api/v1/cameras/dns-01/picture", params={"width": 160})
        wrong = [
            client.get(path, params=without).status_code for without in ({"width": 160}, {"camera": "dns-01"})
        ]
    assert wrong == [422, 422]
    assert "content-encoding" not in answer.headers, "pictures are compressed already"
    whole = f"Content-Type: {answer.headers['content-type']}\r\n\r\n".encode() + answer.content
    parts = {
        part.get_param("name", header="content-disposition"): part
        for part in email.message_from_bytes(whole, policy=email.policy.HTTP).iter_parts()
    }
    assert list(parts) == ["shk-01", "dns-01"], "what there is no picture of is left out"
    assert parts["dns-01"].get_filename() == now.isoformat()
    assert parts["dns-01"].get_content_type() == "image/jpeg"
    assert parts["dns-01"].get_payload(decode=True) == one.content
