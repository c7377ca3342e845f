"""The ring holds what can be decoded and no more; clips are the camera's own packets, whatever happens."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import av
import numpy as np
import pytest
from footage_files import FPS, FootageFiles, write_h265, write_mjpeg

from config import Mask
from streams.clips import (
    ClipError,
    MaskedWriter,
    RemuxWriter,
    cut,
    encode_clip,
    encode_pictures,
    key_pictures,
    plays_everywhere,
)
from streams.live_view.rendering import jpeg_of
from streams.ring import PacketRing, RingPacket
from streams.tap import lasting_template

NOON = datetime(2026, 5, 1, 4, tzinfo=UTC)
HALF_BLACK = Mask(kind="private", polygon=((0.5, 0), (1, 0), (1, 1), (0.5, 1)))


def fed(ring: PacketRing, path: Path, began_at: datetime = NOON) -> datetime:
    """Send a file through the ring, as one connection; the time of the last packet."""
    with av.open(str(path)) as container:
        ring.opened(lasting_template(container.streams.video[0]))
        at = began_at
        for number, packet in enumerate(container.demux(video=0)):
            if packet.size:
                at = began_at + timedelta(seconds=number / FPS)
                ring.packet(packet, at)
    ring.closed()
    return at


def pictures_of(path: Path) -> list[av.VideoFrame]:
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


def levels(path: Path) -> dict[float, float]:
    """Seconds and grey of every picture."""
    return {one.time or 0.0: float(one.to_ndarray(format="gray")[200].mean()) for one in pictures_of(path)}


def payloads(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


def recorded(ring: PacketRing, path: Path) -> Path:
    packets = list(ring.after(-1))
    template = ring.template(packets[0].connection)
    assert template is not None
    writer = RemuxWriter(path, template)
    for one in packets:
        writer.write(one)
    writer.close()
    return path


# The ring


def test_the_ring_forgets_whole_groups_that_are_older_than_its_seconds(files: FootageFiles) -> None:
    ring = PacketRing(seconds=1.0)
    fed(ring, files.quick)  # 2 s, a key frame every 0.5 s
    packets = list(ring.after(-1))
    assert packets[0].packet.is_keyframe
    assert 1.0 <= (packets[-1].captured_at - packets[0].captured_at).total_seconds() < 1.5


def test_the_ring_keeps_within_its_bytes(files: FootageFiles) -> None:
    whole = PacketRing()
    fed(whole, files.quick)
    half = PacketRing(most_bytes=whole.bytes // 2)
    fed(half, files.quick)
    assert 0 < half.bytes <= whole.bytes // 2
    assert next(half.after(-1)).packet.is_keyframe


def test_a_group_larger_than_the_ring_is_not_kept_without_its_beginning(files: FootageFiles) -> None:
    ring = PacketRing(most_bytes=500)
    fed(ring, files.slow)
    assert ring.bytes <= 500
    assert all(one.packet.is_keyframe for one in list(ring.after(-1))[:1])


def test_the_ring_goes_on_over_a_reconnection(files: FootageFiles) -> None:
    ring = PacketRing()
    last = fed(ring, files.quick)
    fed(ring, files.other, last + timedelta(seconds=3))
    connections = {one.connection for one in ring.after(-1)}
    assert connections == {1, 2}
    assert all(ring.template(one) is not None for one in connections)
    newest = list(ring.after(-1))[-1].number
    assert [one.number for one in ring.after(newest - 2)] == [newest - 1, newest]


# Clips


def test_a_clip_holds_the_cameras_own_packets_from_the_key_frame_before(
    files: FootageFiles, tmp_path: Path
) -> None:
    ring = PacketRing()
    fed(ring, files.quick)
    source = recorded(ring, tmp_path / "part.mp4")
    made = cut(
        source, tmp_path / "clip.mp4", NOON, NOON + timedelta(seconds=0.7), NOON + timedelta(seconds=1.45)
    )
    assert (made.begins_at - NOON).total_seconds() == pytest.approx(0.5, abs=0.01)
    copied = payloads(tmp_path / "clip.mp4")
    assert copied == payloads(files.quick)[5:15]  # bit for bit: nothing was encoded
    shown = pictures_of(tmp_path / "clip.mp4")
    assert len(shown) == 10
    assert shown[0].time == pytest.approx(0, abs=0.01)


def test_pictures_that_are_sent_in_another_order_stay_in_theirs(files: FootageFiles, tmp_path: Path) -> None:
    ring = PacketRing()
    fed(ring, files.slow)  # B-frames
    source = recorded(ring, tmp_path / "part.mp4")
    cut(source, tmp_path / "clip.mp4", NOON, NOON, NOON + timedelta(seconds=60))
    times = [one.time for one in pictures_of(tmp_path / "clip.mp4")]
    assert len(times) == 40
    assert np.diff(times) == pytest.approx([1 / FPS] * 39, abs=0.005)


def test_a_recording_that_was_cut_off_anywhere_is_used_as_far_as_it_goes(
    files: FootageFiles, tmp_path: Path
) -> None:
    ring = PacketRing()
    fed(ring, files.quick)
    source = recorded(ring, tmp_path / "part.mp4")
    source.write_bytes(source.read_bytes()[: int(source.stat().st_size * 0.6)])
    made = cut(source, tmp_path / "clip.mp4", NOON, NOON, NOON + timedelta(seconds=60))
    assert 0.4 <= made.seconds < 1.5
    assert pictures_of(tmp_path / "clip.mp4")
    source.write_bytes(b"")
    with pytest.raises(ClipError):
        cut(source, tmp_path / "none.mp4", NOON, NOON, NOON + timedelta(seconds=60))


def test_the_lead_up_is_shown_by_key_frames_at_full_size(files: FootageFiles, tmp_path: Path) -> None:
    ring = PacketRing()
    fed(ring, files.quick)
    source = recorded(ring, tmp_path / "part.mp4")
    found = key_pictures(source, NOON, NOON + timedelta(seconds=1.6), most=3)
    assert [image.shape for _, image in found] == [(240, 320, 3)] * 3
    assert all(at < NOON + timedelta(seconds=1.6) for at, _ in found)


@pytest.mark.parametrize("write", [write_h265, write_mjpeg])
def test_what_is_not_h264_is_kept_as_it_came_and_encoded_to_be_shown(
    write: Callable[[Path, int, int], Path], tmp_path: Path
) -> None:
    ring = PacketRing()
    fed(ring, write(tmp_path / "camera.mkv", 40, 3))
    part = recorded(ring, tmp_path / "part.mp4")
    cut(part, tmp_path / "original.mp4", NOON, NOON + timedelta(seconds=1), NOON + timedelta(seconds=3))
    encode_clip(tmp_path / "original.mp4", tmp_path / "shown.mp4")

    assert not plays_everywhere(tmp_path / "original.mp4")
    assert plays_everywhere(tmp_path / "shown.mp4")
    assert payloads(tmp_path / "original.mp4") == [bytes(one.packet) for one in ring.after(-1)][10:31]
    original, shown = (levels(tmp_path / name) for name in ("original.mp4", "shown.mp4"))
    assert list(shown) == pytest.approx([number / 5 for number in range(11)], abs=0.01), "seconds"
    assert list(shown.values()) == pytest.approx(list(original.values())[::2], abs=4)


def test_a_damaged_packet_costs_a_shown_clip_no_more_than_its_own_pictures(tmp_path: Path) -> None:
    ring = PacketRing()
    fed(ring, write_mjpeg(tmp_path / "camera.mkv", 20, 3))
    part = recorded(ring, tmp_path / "part.mp4")
    damaged = part.read_bytes().replace(bytes(list(ring.after(-1))[10].packet)[:400], bytes(400))
    part.write_bytes(damaged)
    encode_clip(part, tmp_path / "shown.mp4")
    assert len(pictures_of(tmp_path / "shown.mp4")) == pytest.approx(9, abs=1)


def test_a_masked_cameras_clip_is_encoded_with_its_masks(files: FootageFiles, tmp_path: Path) -> None:
    ring = PacketRing()
    fed(ring, files.quick)
    packets = list(ring.after(-1))
    template = ring.template(packets[0].connection)
    assert template is not None
    writer = MaskedWriter(tmp_path / "part.mp4", template, [HALF_BLACK])
    for one in packets:
        writer.write(one)
    writer.close()
    shown = [one.to_ndarray(format="bgr24") for one in pictures_of(tmp_path / "part.mp4")]
    assert len(shown) == pytest.approx(10, abs=1)  # 2 s at 5 a second
    assert all(image[:, 170:].max() < 20 for image in shown)
    assert all(image[100:, :150].min() > 20 for image in shown)


def test_single_pictures_become_a_time_lapse(tmp_path: Path) -> None:
    jpegs = [jpeg_of(np.full((240, 320, 3), 40 * number, np.uint8)) for number in range(1, 6)]
    assert encode_pictures(tmp_path / "clip.mp4", [jpegs[0], b"damaged", *jpegs[1:]]) == 5
    greys = [one.to_ndarray(format="bgr24")[120, 160, 0] for one in pictures_of(tmp_path / "clip.mp4")]
    assert greys == pytest.approx([40, 80, 120, 160, 200], abs=6)
    with pytest.raises(ClipError):
        encode_pictures(tmp_path / "none.mp4", [b"damaged"])


def write_and_close(writer: RemuxWriter, packet: RingPacket) -> None:
    """PyAV may notice at either."""
    try:
        writer.write(packet)
    finally:
        writer.close()


def test_a_clip_that_cannot_be_begun_leaves_no_file_open(files: FootageFiles, tmp_path: Path) -> None:
    """A camera told a codec and no size: the header of the file fails at the first packet."""
    (tmp_path / "no parameters.h264").write_bytes(b"\x00\x00\x00\x01\x65" + bytes(range(1, 200)) * 40)
    ring = PacketRing(30, 1 << 24)
    fed(ring, files.quick)
    path = tmp_path / "never.mp4"
    with av.open(str(tmp_path / "no parameters.h264"), format="h264") as unknown:
        writer = RemuxWriter(path, unknown.streams.video[0])
        first = next(ring.after(-1))
        with pytest.raises(ClipError):
            write_and_close(writer, first)
    assert path.exists()
    assert str(path) not in [os.path.realpath(one) for one in Path("/proc/self/fd").iterdir()]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real disk of 400 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("no permission to mount a tmpfs")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_is_an_error_that_says_so(small_disk: Path, files: FootageFiles) -> None:
    with contextlib.suppress(OSError), (small_disk / "filler").open("wb", buffering=0) as filler:
        while True:
            filler.write(bytes(4096))
    ring = PacketRing()
    fed(ring, files.quick)
    with pytest.raises(OSError, match="No space left") as caught:
        recorded(ring, small_disk / "part.mp4")
    assert caught.value.errno == errno.ENOSPC
