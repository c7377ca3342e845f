"""The newest picture of a camera: whole, with its own time, or none."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from alerting.latest import LatestPictures

JPEG = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xd9"
NOON = datetime(2026, 11, 24, 4, 0, 0, 250_000, tzinfo=UTC)


def test_a_picture_comes_back_with_its_time_and_its_bytes(tmp_path: Path) -> None:
    latest = LatestPictures(str(tmp_path))
    latest.write("dns-01", JPEG, NOON)
    picture = latest.read("dns-01")
    assert picture is not None
    assert picture.captured_at == latest.captured_at("dns-01") == NOON
    assert picture.jpeg.endswith(JPEG[2:])


def test_the_picture_before_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    latest = LatestPictures(str(tmp_path))
    latest.write("dns-01", JPEG, NOON)
    latest.write("dns-01", JPEG, NOON.replace(hour=5))
    assert latest.captured_at("dns-01") == NOON.replace(hour=5)
    assert [file.name for file in (tmp_path / "latest").iterdir()] == ["dns-01.jpg"]


@pytest.mark.parametrize("content", [b"", b"\xff\xd8", JPEG, b"no picture at all, but quite long", JPEG[:3]])
def test_a_file_without_our_time_is_no_picture(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "latest").mkdir()
    (tmp_path / "latest" / "dns-01.jpg").write_bytes(content)
    latest = LatestPictures(str(tmp_path))
    assert latest.read("dns-01") is None
    assert latest.captured_at("dns-01") is None


def test_a_camera_that_has_sent_nothing_has_no_picture(tmp_path: Path) -> None:
    assert LatestPictures(str(tmp_path)).read("dns-01") is None


@pytest.mark.parametrize("camera_id", ["../store", "a/b", "", "A"])
def test_only_camera_ids_name_files(tmp_path: Path, camera_id: str) -> None:
    with pytest.raises(ValueError, match="no camera id"):
        LatestPictures(str(tmp_path)).write(camera_id, JPEG, NOON)


def test_what_is_no_jpeg_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no JPEG"):
        LatestPictures(str(tmp_path)).write("dns-01", b"GIF89a", NOON)
