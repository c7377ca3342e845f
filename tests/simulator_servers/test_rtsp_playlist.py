"""Footage and playlists: one continuous clock, honest marks, clear errors."""

from __future__ import annotations

from itertools import islice, pairwise
from pathlib import Path

import pytest
from rtsp_peers import Videos

from simulator.rtsp_footage import CLOCK_HZ, FootageError, FootageLibrary, is_picture
from simulator.rtsp_playlist import Clip, Playlist, PlaylistError, TimedUnit, parse_playlist


def played(seconds: float, *clips: Clip) -> list[TimedUnit]:
    units = []
    for unit in Playlist(clips, FootageLibrary()).play():
        if unit.pts_ticks >= seconds * CLOCK_HZ:
            return units
        units.append(unit)
    raise AssertionError("a playlist never ends")


@pytest.mark.parametrize("name", ["h264", "h264_reordered", "h265"])
def test_presentation_times_go_on_evenly_across_loops(videos: Videos, name: str) -> None:
    units = played(3.5, Clip(getattr(videos, name)))
    times = sorted(unit.pts_ticks for unit in units)
    assert times[0] == 0
    assert {later - earlier for earlier, later in pairwise(times)} == {3600}


def test_a_picture_is_never_sent_before_it_was_taken(videos: Videos) -> None:
    units = played(2.5, Clip(videos.h264_reordered))
    assert any(later.pts_ticks < earlier.pts_ticks for earlier, later in pairwise(units))
    assert all(unit.send_ticks >= unit.pts_ticks for unit in units)


def test_each_start_of_a_file_is_new_footage(videos: Videos) -> None:
    marked = [unit for unit in played(3.5, Clip(videos.h264)) if unit.opens_footage]
    assert [unit.pts_ticks / CLOCK_HZ for unit in marked] == [0, 1, 2, 3]
    assert [unit.footage_number for unit in marked] == [1, 2, 3, 4]


def test_a_clip_plays_for_its_seconds_and_joins_smoothly_when_it_says_so(videos: Videos) -> None:
    units = played(6, Clip(videos.h264), Clip(videos.h264_larger, 2.4, joins_smoothly=True))
    changes = [
        (later.pts_ticks / CLOCK_HZ, later.footage.width_px, later.opens_footage)
        for earlier, later in pairwise(units)
        if later.footage is not earlier.footage
    ]
    assert changes == [
        (1.0, 480, False),
        (pytest.approx(3.4), 320, True),
        (pytest.approx(4.4), 480, False),
    ]
    assert [unit.footage_number for unit in units if unit.unit.is_key][-1] == 2


def test_a_file_is_read_once_however_many_cameras_show_it(videos: Videos) -> None:
    library = FootageLibrary()
    assert library.open(videos.h264) is library.open(videos.h264.parent / "." / videos.h264.name)


def test_every_key_frame_can_be_a_readers_first(videos: Videos) -> None:
    for path in (videos.h264, videos.h265):
        footage = FootageLibrary().open(path)
        keys = [unit for unit in footage.units if unit.is_key]
        assert len(keys) == 3
        assert all(set(footage.parameter_sets) <= set(unit.nals) for unit in keys)
        assert all(any(is_picture(footage.codec, nal) for nal in unit.nals) for unit in footage.units)


def test_playlists_are_read_from_text() -> None:
    assert parse_playlist("fire.mp4, ~calm.mp4*600") == (
        Clip(Path("fire.mp4")),
        Clip(Path("calm.mp4"), 600, joins_smoothly=True),
    )


@pytest.mark.parametrize("text", ["", "a.mp4,", "*5", "a.mp4*soon", "a.mp4*0", "a.mp4*nan", "~"])
def test_a_playlist_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(PlaylistError):
        parse_playlist(text)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FootageError, match=r"gone\.mp4: cannot be read .*check the path"):
        FootageLibrary().open(tmp_path / "gone.mp4")


@pytest.mark.parametrize("content", [b"", b"no video at all", b"\0" * 4096])
def test_a_file_that_is_no_video_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.mp4"
    path.write_bytes(content)
    with pytest.raises(FootageError, match=r"broken\.mp4: cannot be read as video"):
        FootageLibrary().open(path)


def test_a_truncated_video_is_an_error_not_a_crash(videos: Videos, tmp_path: Path) -> None:
    path = tmp_path / "half.mp4"
    path.write_bytes(videos.h264.read_bytes()[:2000])
    with pytest.raises(FootageError, match="is the file whole"):
        FootageLibrary().open(path)


def test_one_camera_cannot_mix_codecs(videos: Videos) -> None:
    with pytest.raises(FootageError, match="one camera sends one codec"):
        Playlist([Clip(videos.h264), Clip(videos.h265)], FootageLibrary())


def test_a_playlist_goes_on_for_ever(videos: Videos) -> None:
    playlist = Playlist([Clip(videos.h264)], FootageLibrary())
    last = list(islice(playlist.play(), 25 * 400))[-1]
    assert last.pts_ticks == (25 * 400 - 1) * 3600
