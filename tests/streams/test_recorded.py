"""Recorded footage keeps its own clock, and one bad picture never spoils the rest."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
from footage_files import FPS, FootageFiles, grey_level, write_video

from streams.errors import BadPicture, SourceUnreadable
from streams.picture import read_picture, to_bgr8
from streams.recorded import FOOTAGE_EPOCH, ImageFolder, VideoFile, open_recorded

EPOCH = 1498418013


def picture(folder: Path, name: str, value: int = 100, size: tuple[int, int] = (96, 128)) -> Path:
    path = folder / name
    cv2.imwrite(str(path), np.full((*size, 3), value, np.uint8))
    return path


# Video files


def test_a_video_gives_every_picture_at_its_own_time(files: FootageFiles) -> None:
    with VideoFile(files.quick, "ridge") as source:
        frames = list(source.frames())
    assert [(frame.captured_at - FOOTAGE_EPOCH).total_seconds() for frame in frames] == pytest.approx(
        [number / FPS for number in range(20)]
    )
    assert [frame.sequence for frame in frames] == list(range(1, 21))
    assert all(
        abs(int(frame.image[-1, -1, 0]) - grey_level(number)) <= 5 for number, frame in enumerate(frames)
    )


def test_a_video_with_reordered_pictures_comes_in_time_order(files: FootageFiles) -> None:
    with VideoFile(files.slow, "ridge") as source:
        frames = list(source.frames())
    assert len(frames) == 40
    assert all(
        abs(int(frame.image[-1, -1, 0]) - grey_level(number)) <= 5 for number, frame in enumerate(frames)
    )


def test_a_video_begins_when_it_is_told(files: FootageFiles) -> None:
    start = datetime(2026, 4, 5, 6, 7, 8, tzinfo=UTC)
    with VideoFile(files.quick, "ridge", starts_at=start) as source:
        assert next(source.frames()).captured_at == start


def test_an_interval_thins_the_pictures(files: FootageFiles) -> None:
    with VideoFile(files.quick, "ridge", interval_s=0.5) as source:
        times = [(frame.captured_at - FOOTAGE_EPOCH).total_seconds() for frame in source.frames()]
    assert times == pytest.approx([0, 0.5, 1, 1.5])


def test_two_readings_of_a_video_are_the_same(files: FootageFiles) -> None:
    def times() -> list[datetime]:
        with VideoFile(files.quick, "ridge") as source:
            return [frame.captured_at for frame in source.frames()]

    assert times() == times()


def test_a_cut_off_video_gives_what_it_holds_and_says_so(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "whole.ts", seconds=4, key_every=5)
    cut = tmp_path / "cut.ts"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with VideoFile(cut, "ridge") as source:
        frames = list(source.frames())
    assert 5 < len(frames) < 40


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"", "is empty"), (b"this is a letter, not a film" * 20, "is not a video")],
)
def test_a_file_that_is_no_video_is_a_clear_error(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "bad.mp4"
    path.write_bytes(content)
    with pytest.raises(SourceUnreadable, match=says), VideoFile(path, "ridge"):
        pass


def test_an_mp4_without_its_index_is_a_clear_error(files: FootageFiles, tmp_path: Path) -> None:
    path = tmp_path / "cut.mp4"
    path.write_bytes(files.quick.read_bytes()[:-2000])
    with pytest.raises(SourceUnreadable, match="cut off"), VideoFile(path, "ridge"):
        pass


def test_a_missing_file_is_a_clear_error(tmp_path: Path) -> None:
    with (
        pytest.raises(SourceUnreadable, match="no video file"),
        open_recorded(tmp_path / "none.mp4", "ridge"),
    ):
        pass


def test_a_video_of_tiny_pictures_is_a_clear_error(tmp_path: Path) -> None:
    path = write_video(tmp_path / "tiny.mp4", seconds=1, key_every=5, size=(32, 32))
    with (
        VideoFile(path, "ridge") as source,
        pytest.raises(SourceUnreadable, match=r"no usable picture.*32x32"),
    ):
        list(source.frames())


# Folders of pictures


def test_pictures_come_in_the_order_of_the_time_in_their_names(tmp_path: Path) -> None:
    for name in (f"{EPOCH + 60}_+00060.jpg", f"{EPOCH}_+00000.jpg", f"{EPOCH - 60}_-00060.png"):
        picture(tmp_path, name)
    with open_recorded(tmp_path, "ridge") as source:
        times = [frame.captured_at.timestamp() for frame in source.frames()]
    assert times == [EPOCH - 60, EPOCH, EPOCH + 60]


def test_bad_pictures_are_skipped_and_counted(tmp_path: Path) -> None:
    picture(tmp_path, f"{EPOCH}.jpg")
    (tmp_path / f"{EPOCH + 1}.jpg").touch()
    (tmp_path / f"{EPOCH + 2}.jpg").write_bytes(picture(tmp_path, "whole.jpg").read_bytes()[:-200])
    (tmp_path / "whole.jpg").unlink()
    (tmp_path / f"{EPOCH + 3}.jpg").write_bytes(b"no picture")
    picture(tmp_path, f"{EPOCH + 4}.jpg", size=(1, 1))
    picture(tmp_path, f"{EPOCH + 5}.jpg")
    with ImageFolder(tmp_path, "ridge") as source:
        times = [frame.captured_at.timestamp() for frame in source.frames()]
    assert times == [EPOCH, EPOCH + 5]
    assert source.counts.bad_pictures == 4


def test_a_folder_without_times_in_its_names_says_how_to_name_them(tmp_path: Path) -> None:
    picture(tmp_path, "IMG_0001.jpg")
    with pytest.raises(SourceUnreadable, match=r"EPOCH_OFFSET\.jpg"), ImageFolder(tmp_path, "ridge"):
        pass


def test_a_folder_of_bad_pictures_only_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / f"{EPOCH}.jpg").touch()
    with ImageFolder(tmp_path, "ridge") as source, pytest.raises(SourceUnreadable, match="empty file"):
        list(source.frames())


@pytest.mark.data
def test_a_real_sequence_is_read_on_its_own_clock(shared_data: Path) -> None:
    folder = shared_data / "hpwren" / "20180602_Alison_sp-s-mobo-c" / "images"
    with ImageFolder(folder, "sp-s") as source:
        frames = list(source.frames())
    assert len(frames) == len(list(folder.iterdir()))
    assert frames[0].captured_at < frames[-1].captured_at


# Pictures


def test_a_grey_picture_becomes_bgr(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "g.png"), np.full((70, 80), 99, np.uint8))
    image = read_picture(tmp_path / "g.png")
    assert (image.shape, image.dtype) == ((70, 80, 3), np.uint8)
    assert image[0, 0].tolist() == [99, 99, 99]


def test_a_16_bit_picture_keeps_its_upper_bits(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "g.png"), np.full((70, 80), 0x4321, np.uint16))
    assert read_picture(tmp_path / "g.png")[0, 0].tolist() == [0x43] * 3


def test_a_picture_with_transparency_loses_it() -> None:
    assert to_bgr8(np.full((70, 80, 4), 7, np.uint8)).shape == (70, 80, 3)


def test_an_8k_picture_is_read() -> None:
    assert to_bgr8(np.zeros((4320, 7680), np.uint8)).shape == (4320, 7680, 3)


@pytest.mark.parametrize("shape", [(1, 1, 3), (64, 63, 3), (64, 8193, 3), (64, 64, 2), (64,), (2, 64, 64, 3)])
def test_a_picture_of_a_senseless_size_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(BadPicture):
        to_bgr8(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("kind", [np.int64, np.complex64, np.bool_])
def test_a_picture_of_a_senseless_pixel_type_is_refused(kind: type) -> None:
    with pytest.raises(BadPicture, match="type"):
        to_bgr8(np.zeros((64, 64, 3), kind))
