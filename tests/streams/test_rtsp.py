"""Cameras over real RTSP connections: little decoding on patrol, all of it on suspicion, honest times."""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from footage_files import FootageFiles, write_h265, write_mjpeg
from tls_in_front import TlsInFrontOf

from config import SecretSource
from simulator.rtsp import RtspServer
from streams.capture_clock import CaptureClock
from streams.errors import SourceRefused, SourceTimeout, SourceUnreachable, SourceUnreadable
from streams.opencv import OpenCvSource
from streams.packet_source import FootageWatch, PacketSource


@pytest.fixture(scope="module")
def server(files: FootageFiles) -> Iterator[RtspServer]:
    playlist = f"{files.quick},{files.other}"
    with RtspServer({"quick": files.quick, "slow": files.slow, "jumping": playlist}) as running:
        yield running


@pytest.fixture
def healed(server: RtspServer) -> Iterator[RtspServer]:
    """The server, without faults again after the test."""
    yield server
    for name in ("quick", "slow", "jumping"):
        server.clear(name)


def source(
    server: RtspServer, name: str, *, footage: FootageWatch | None = None, wanted_s: float = 2.0
) -> PacketSource:
    return PacketSource(
        SecretSource(server.url(name)),
        "ridge",
        open_timeout_s=5,
        read_timeout_s=1.5,
        wanted_interval_s=wanted_s,
        footage=footage,
    )


def test_on_patrol_only_key_frames_are_decoded(server: RtspServer) -> None:
    with source(server, "quick") as camera:
        frames = list(itertools.islice(camera.frames(), 5))
        assert camera.counts.decoded == 5
        assert camera.counts.packets >= 20
        assert camera.counts.key_frame_spacing_s == pytest.approx(0.5, abs=0.01)
    steps = [(b.captured_at - a.captured_at).total_seconds() for a, b in itertools.pairwise(frames)]
    assert steps == pytest.approx([0.5] * 4, abs=0.1)


def test_h265_is_read_on_patrol_and_densely(tmp_path: Path) -> None:
    path = write_h265(tmp_path / "h265.mp4", 40, 3, "bframes=0:")
    with RtspServer({"h265": path}) as server:
        with source(server, "h265") as camera:
            assert [frame.width_px for frame in itertools.islice(camera.frames(), 3)] == [320] * 3
            assert camera.counts.key_frame_spacing_s == pytest.approx(0.5, abs=0.01)
        with source(server, "h265", wanted_s=0.1) as camera:
            dense = list(itertools.islice(camera.frames(), 6))
        levels = [float(frame.image.mean()) for frame in dense]
        assert len({round(level) for level in levels}) == 6, "each look shows a new picture"


def test_mjpeg_is_read_as_a_camera_of_key_frames_and_decoded_only_when_looked_at(tmp_path: Path) -> None:
    path = write_mjpeg(tmp_path / "mjpeg.mkv", 40, 3)
    with RtspServer({"mjpeg": path}) as server, source(server, "mjpeg") as camera:
        arrivals = list(itertools.islice(camera.arrivals(), 6))
        assert camera.counts.decoded == 0
        frame = arrivals[-1].frame()
        assert camera.counts.decoded == 1
        assert camera.counts.key_frame_spacing_s == pytest.approx(0.1, abs=0.01)
        assert camera.clock.source == "rtcp"
    assert frame is not None
    assert frame.image.shape == (240, 320, 3)
    assert frame.image[:50].mean() == pytest.approx(20, abs=4)
    assert frame.image[80:].mean() == pytest.approx(60 + 5 * 3, abs=4), "the newest of the six"


def test_rtsp_over_tls_is_read_like_any_other(server: RtspServer) -> None:
    with TlsInFrontOf(server.port) as port:
        url = server.url("quick").replace("rtsp://", "rtsps://").replace(f":{server.port}", f":{port}")
        with PacketSource(SecretSource(url), "ridge", open_timeout_s=5, read_timeout_s=5) as camera:
            assert len(list(itertools.islice(camera.frames(), 3))) == 3


def test_every_picture_is_decoded_when_frames_are_wanted_more_often(server: RtspServer) -> None:
    with source(server, "quick") as camera:
        frames = camera.frames()
        list(itertools.islice(frames, 2))
        camera.wanted_interval_s = 0.2
        dense = list(itertools.islice(frames, 10))[2:]
    steps = [(b.captured_at - a.captured_at).total_seconds() for a, b in itertools.pairwise(dense)]
    assert max(steps) < 0.3


def test_dense_looks_do_not_wait_for_the_next_key_frame(server: RtspServer) -> None:
    with source(server, "slow", wanted_s=60) as camera:
        frames = camera.frames()
        first, second = itertools.islice(frames, 2)  # two key frames: now their spacing is known
        camera.wanted_interval_s = 0.5
        third = next(frames)
    assert (second.captured_at - first.captured_at).total_seconds() == pytest.approx(4, abs=0.2)
    assert (third.captured_at - second.captured_at).total_seconds() < 2
    assert third.image.std() > 5  # decoded from its group's beginning, not from nothing


def test_dense_looks_keep_step_with_the_groups_so_that_the_end_of_a_group_is_not_decoded(
    server: RtspServer,
) -> None:
    with source(server, "quick") as camera:  # ten pictures a second, a key frame every half
        frames = camera.frames()
        list(itertools.islice(frames, 2))
        camera.wanted_interval_s = 0.25
        times = [frame.captured_at for frame in itertools.islice(frames, 9)][1:]
    over_two = [(later - earlier).total_seconds() for earlier, later in zip(times, times[2:], strict=False)]
    assert over_two == pytest.approx([0.5] * 6, abs=0.08), "two looks a group, always at the same places"


def test_frames_are_bgr_and_their_sequence_rises(server: RtspServer) -> None:
    with source(server, "quick") as camera:
        frames = list(itertools.islice(camera.frames(), 3))
    assert all(frame.image.shape == (240, 320, 3) for frame in frames)
    assert [frame.sequence for frame in frames] == [1, 2, 3]


def test_a_camera_is_read_over_udp_where_that_is_asked_for(files: FootageFiles) -> None:
    with RtspServer({"quick": files.quick}, offers_udp=True) as udp:
        camera = PacketSource(SecretSource(udp.url("quick")), "ridge", transport="udp", read_timeout_s=5)
        with camera:
            frames = list(itertools.islice(camera.frames(), 2))
        assert camera.clock.source == "rtcp"
    assert frames[1].captured_at > frames[0].captured_at


# Capture time


def test_the_capture_time_is_the_cameras_own_when_its_clock_is_right(server: RtspServer) -> None:
    with source(server, "quick") as camera:
        frame = next(camera.frames())
        arrived = datetime.now(UTC)
        assert camera.clock.source == "rtcp"
    assert 0 <= (arrived - frame.captured_at).total_seconds() < 60


def test_a_camera_whose_clock_is_wrong_gets_the_time_of_arrival(healed: RtspServer) -> None:
    healed.fault("quick", "clock", offset_s=-86400 * 365)
    with source(healed, "quick") as camera:
        frame = next(camera.frames())
        assert camera.clock.source == "arrival"
        assert camera.clock.skew_s == pytest.approx(-86400 * 365, abs=60)
    assert abs((datetime.now(UTC) - frame.captured_at).total_seconds()) < 60


def test_capture_times_rise_even_when_the_camera_sets_its_clock_back() -> None:
    clock, now = CaptureClock(), datetime(2026, 5, 1, tzinfo=UTC)
    first = clock.stamp(now, now)
    assert clock.stamp(now.replace(year=2025), now) > first


# Footage that jumps


def test_the_first_frame_after_a_jump_says_so(server: RtspServer) -> None:
    with source(server, "jumping") as camera:
        frames = list(itertools.islice(camera.frames(), 9))
    marks = [number for number, frame in enumerate(frames) if frame.new_footage]
    assert len(marks) in (1, 2, 3)
    assert all(b - a == 4 for a, b in itertools.pairwise(marks))  # each file holds four key frames


def test_a_jump_between_two_connections_is_noticed(server: RtspServer) -> None:
    footage = FootageWatch()
    with source(server, "jumping", footage=footage) as camera:
        next(camera.frames())
    server.restart("jumping")
    with source(server, "jumping", footage=footage) as camera:
        assert next(camera.frames()).new_footage


def test_a_reconnection_to_the_same_footage_is_no_jump(files: FootageFiles) -> None:
    footage = FootageWatch()
    with RtspServer({"calm": f"~{files.quick}*600"}) as calm:
        for _ in range(2):
            with source(calm, "calm", footage=footage) as camera:
                assert not next(camera.frames()).new_footage


# Faults


def test_a_camera_that_falls_silent_is_a_timeout(healed: RtspServer) -> None:
    with source(healed, "quick") as camera:
        frames = camera.frames()
        next(frames)
        healed.fault("quick", "stall")
        with pytest.raises(SourceTimeout, match=r"nothing for 1\.5 s"):
            list(frames)


def test_a_broken_connection_is_an_error_not_an_end(healed: RtspServer) -> None:
    with source(healed, "quick") as camera:
        frames = camera.frames()
        next(frames)
        healed.fault("quick", "drop")
        with pytest.raises(SourceTimeout):
            list(frames)


def test_damaged_packets_cost_pictures_not_the_camera(healed: RtspServer) -> None:
    with source(healed, "quick", wanted_s=0.2) as camera:
        frames = camera.frames()
        list(itertools.islice(frames, 3))
        healed.fault("quick", "corrupt", share=0.7)
        list(itertools.islice(frames, 8))
        healed.clear("quick")
        assert next(frames).image.shape == (240, 320, 3)


def test_an_unknown_path_is_refused(server: RtspServer) -> None:
    camera = PacketSource(SecretSource(server.url("quick") + "-not"), "ridge")
    with pytest.raises(SourceRefused, match="path"), camera:
        pass


def test_a_wrong_password_is_refused_and_not_repeated(files: FootageFiles) -> None:
    with RtspServer({"quick": files.quick}, users={"viewer": "right-one"}) as guarded:
        url = guarded.url("quick").replace("rtsp://", "rtsp://viewer:wrong-one@")
        with (
            pytest.raises(SourceRefused, match="password") as caught,
            PacketSource(SecretSource(url), "ridge"),
        ):
            pass
    assert "wrong-one" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_the_right_password_opens_the_camera(files: FootageFiles) -> None:
    with RtspServer({"quick": files.quick}, users={"viewer": "p@ss/wörd"}) as guarded:
        url = guarded.url("quick").replace("rtsp://", "rtsp://viewer:p%40ss%2Fw%C3%B6rd@")
        with PacketSource(SecretSource(url), "ridge") as camera:
            assert next(camera.frames()).sequence == 1


def test_a_closed_port_is_unreachable() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"rtsp://u:secret@127.0.0.1:{held.getsockname()[1]}/x"
        with (
            pytest.raises(SourceUnreachable, match=r"nothing listens at rtsp://\*\*\*@127"),
            PacketSource(SecretSource(url), "ridge"),
        ):
            pass


def test_a_host_that_accepts_and_says_nothing_is_unreachable_in_time() -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        url = f"rtsp://127.0.0.1:{mute.getsockname()[1]}/x"
        camera = PacketSource(SecretSource(url), "ridge", open_timeout_s=0.7)
        with pytest.raises(SourceUnreachable, match=r"within 0\.7 s"), camera:
            pass


def test_a_host_that_speaks_no_rtsp_is_a_clear_error() -> None:
    with socket.socket() as web:
        web.bind(("127.0.0.1", 0))
        web.listen()

        def answer() -> None:
            connection, _ = web.accept()
            connection.recv(1000)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            connection.close()

        thread = threading.Thread(target=answer)
        thread.start()
        camera = PacketSource(
            SecretSource(f"rtsp://127.0.0.1:{web.getsockname()[1]}/x"), "ridge", open_timeout_s=2
        )
        with pytest.raises((SourceUnreachable, SourceUnreadable, SourceRefused, SourceTimeout)), camera:
            pass
        thread.join()


# The other decoder


def test_opencv_reads_the_same_camera(server: RtspServer) -> None:
    camera = OpenCvSource(SecretSource(server.url("quick")), "ridge", wanted_interval_s=0.4)
    with camera:
        frames = list(itertools.islice(camera.frames(), 3))
    assert [frame.image.shape for frame in frames] == [(240, 320, 3)] * 3
    assert camera.clock.source == "arrival"


def test_opencv_gives_up_on_a_silent_camera_in_time(healed: RtspServer) -> None:
    camera = OpenCvSource(
        SecretSource(healed.url("quick")), "ridge", read_timeout_s=1.5, wanted_interval_s=0.1
    )
    with camera:
        frames = camera.frames()
        next(frames)
        healed.fault("quick", "stall")
        with pytest.raises(SourceTimeout):
            list(frames)


def test_opencv_names_an_unreachable_camera_without_its_password() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"rtsp://u:secret@127.0.0.1:{held.getsockname()[1]}/x"
        with pytest.raises(SourceUnreachable) as caught, OpenCvSource(SecretSource(url), "ridge"):
            pass
    assert "secret" not in str(caught.value)
