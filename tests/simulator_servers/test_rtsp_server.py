"""The RTSP server as real clients see it."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice, pairwise
from urllib.parse import quote

import av
import cv2
import numpy as np
import pytest
from rtsp_peers import BareClient, SenderReport, Videos, capture_time_s, open_stream

from simulator.rtsp import RtspServer
from simulator.rtsp_channel import Channel
from simulator.rtsp_footage import FootageLibrary
from simulator.rtsp_playlist import Clip, Playlist
from streams.new_footage import footage_mark, is_new_footage


@pytest.fixture(scope="module")
def server(videos: Videos) -> Iterator[RtspServer]:
    cameras = {"h264": videos.h264, "h265": videos.h265, "reordered": videos.h264_reordered}
    with RtspServer({**cameras, "大南山": videos.h264}) as running:
        yield running


@pytest.mark.parametrize("name", ["h264", "h265", "reordered"])
def test_pyav_reads_pictures_of_the_right_size_with_rising_times_across_a_loop(
    server: RtspServer, name: str
) -> None:
    with open_stream(server.url(name)) as container:
        frames = list(islice(container.decode(video=0), 70))  # the file has 25 pictures
    assert {(frame.width, frame.height) for frame in frames} == {(320, 240)}
    times = [frame.pts for frame in frames if frame.pts is not None]
    assert len(times) >= 65
    assert all(earlier < later for earlier, later in pairwise(times))
    assert (times[-1] - times[0]) / 90_000 == pytest.approx((len(times) - 1) / 25)


@pytest.mark.parametrize("name", ["h264", "h265"])
def test_opencv_reads_the_same_stream(server: RtspServer, name: str) -> None:
    limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, 8000, cv2.CAP_PROP_READ_TIMEOUT_MSEC, 8000]
    capture = cv2.VideoCapture(server.url(name), cv2.CAP_FFMPEG, limits)
    try:
        assert capture.isOpened()
        times_ms = []
        for _ in range(40):
            good, image = capture.read()
            assert good
            assert image.shape == (240, 320, 3)
            times_ms.append(capture.get(cv2.CAP_PROP_POS_MSEC))
    finally:
        capture.release()
    assert all(earlier <= later for earlier, later in pairwise(times_ms))
    assert times_ms[-1] > times_ms[0]


def test_pictures_arrive_as_they_are_in_the_file(server: RtspServer, videos: Videos) -> None:
    with av.open(str(videos.h264)) as container:
        expected = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    with open_stream(server.url("h264")) as container:
        frames = [frame.to_ndarray(format="gray") for frame in islice(container.decode(video=0), 30)]
    assert all(any(np.array_equal(frame, known) for known in expected) for frame in frames)


def test_a_client_that_asks_for_udp_is_refused_and_falls_back_to_tcp(server: RtspServer) -> None:
    with BareClient(server.url("h264")) as client:
        udp = client.ask(
            "SETUP", f"{client.url}/trackID=0", Transport="RTP/AVP;unicast;client_port=5000-5001"
        )
        assert udp.status == 461
    options = {"timeout": "8000000", "analyzeduration": "100000"}  # FFmpeg tries UDP first
    with av.open(server.url("h264"), options=options, timeout=60) as container:
        assert next(container.decode(video=0)).width == 320


def test_a_camera_may_have_a_chinese_name(server: RtspServer) -> None:
    with BareClient(server.url("大南山").replace("大南山", quote("大南山"))) as client:
        client.play()
        assert next(client.pictures()).payload


def test_the_loop_point_is_marked_as_new_footage_on_its_first_key_frame(server: RtspServer) -> None:
    marks = []
    with open_stream(server.url("h265")) as container:
        for packet in container.demux(video=0):
            mark = footage_mark(bytes(packet))
            assert (mark is not None) == packet.is_keyframe
            if mark:
                marks.append(mark)
            if len(marks) == 7:  # three key frames each second, one second a loop
                break
    jumps = [later.is_first for earlier, later in pairwise(marks) if later.number == earlier.number + 1]
    stays = [later.is_first for earlier, later in pairwise(marks) if later.number == earlier.number]
    assert len(jumps) == 2
    assert all(jumps)
    assert len(stays) == 4
    assert not any(stays)


def test_pictures_are_paced_in_real_time(server: RtspServer) -> None:
    with BareClient(server.url("h264")) as client:
        started_s = time.monotonic()
        client.play()
        pictures = client.pictures()
        first = next(pictures)
        seconds = 0.0
        while seconds < 1.2:
            seconds = ((next(pictures).timestamp - first.timestamp) & 0xFFFFFFFF) / 90_000
        # A loaded machine may only be later; all 1.2 s at once would mean there is no pacing.
        assert time.monotonic() - started_s > 0.6


def test_clients_learn_when_a_picture_was_taken(server: RtspServer) -> None:
    before_s = time.time()
    with open_stream(server.url("reordered")) as container:
        packets = list(islice(container.demux(video=0), 40))
    taken = [at for packet in packets if (at := capture_time_s(packet)) is not None]
    assert len(taken) == 40
    assert before_s - 1 < min(taken) < max(taken) < time.time()
    # One clock for all of them, whatever the order of decoding. FFmpeg gives the first packet no time.
    offsets = [at - packet.pts / 90_000 for at, packet in zip(taken[1:], packets[1:], strict=True)]
    assert max(offsets) - min(offsets) < 0.01


def test_the_first_report_names_the_first_picture(server: RtspServer) -> None:
    with BareClient(server.url("h264")) as client:
        client.play()
        report, picture = islice(client.packets(), 2)
    assert isinstance(report, SenderReport)
    assert report.timestamp == picture.timestamp
    assert abs(report.unix_s - time.time()) < 10


def test_fifty_readers_at_once_all_get_pictures(server: RtspServer) -> None:
    all_have_one = threading.Barrier(50, timeout=60)

    def read(_: int) -> tuple[int, int]:
        with open_stream(server.url("h264")) as container:
            container.streams.video[0].thread_count = 1
            frames = container.decode(video=0)
            next(frames)
            all_have_one.wait()  # nobody leaves before the last one has a picture
            after = next(frames)
            return after.width, after.height

    with ThreadPoolExecutor(50) as pool:
        sizes = list(pool.map(read, range(50)))
    assert sizes == [(320, 240)] * 50


def test_a_reader_that_takes_nothing_costs_bounded_memory_and_resumes_at_a_key_frame(videos: Videos) -> None:
    limit = 200_000
    with (
        RtspServer({"heavy": videos.h264_heavy}, largest_backlog_bytes=limit) as server,
        BareClient(server.url("heavy"), receive_buffer_bytes=4096) as slow,
        BareClient(server.url("heavy")) as quick,
    ):
        slow.play()
        quick.play()
        pictures = quick.pictures()
        while server.state("heavy").pictures_skipped < 30:
            next(pictures)  # the quick one is served all the while
        state = server.state("heavy")
        largest_picture = max(sum(map(len, unit.nals)) for unit in _units(videos))
        assert state.largest_backlog_bytes < limit + 2 * largest_picture
        sequence = None
        for packet in slow.pictures():  # now it reads: first what was waiting, then from a key frame on
            if sequence is not None and packet.sequence != (sequence + 1) & 0xFFFF:
                assert packet.opens_h264_key_frame
                break
            sequence = packet.sequence
        else:
            pytest.fail("the connection ended")


def _units(videos: Videos) -> tuple:
    from simulator.rtsp_footage import read_footage

    return read_footage(videos.h264_heavy).units


def test_cameras_with_the_same_footage_do_not_send_key_frames_together(videos: Videos) -> None:
    with RtspServer({f"c{number}": videos.h264 for number in range(3)}) as server:
        taken = []
        for number in range(3):
            with BareClient(server.url(f"c{number}")) as client:
                client.play()
                report = next(client.packets())
                assert isinstance(report, SenderReport)
                taken.append(report.unix_s)
    # Key frames at 0, 12 and 24 of 25 pictures, so positions within the second tell the cameras apart.
    phases = [(at - taken[0]) % 0.48 for at in taken[1:]]
    assert all(0.02 < phase < 0.46 for phase in phases)


def test_footage_can_wait_for_its_first_reader(videos: Videos) -> None:
    with RtspServer({"north": [Clip(videos.h264, 30)]}, wait_for_reader=True) as server:
        assert server.state("north").footage_number == 0
        with open_stream(server.url("north")) as container:
            packet = next(container.demux(video=0))
        assert is_new_footage(bytes(packet))


def test_a_server_started_again_shows_other_footage_than_before(videos: Videos) -> None:
    numbers = []
    for started_s in (1_700_000_000.0, 1_700_000_060.0):
        library = FootageLibrary()
        playlist = Playlist([Clip(videos.h264)], library)
        channel = Channel("north", playlist, library, wall_clock=lambda at=started_s: at)
        first = next(channel._walk)
        assert first.opens_footage
        numbers.append(first.footage_number)
    assert numbers[0] < numbers[1]


def test_digest_login_lets_in_only_who_knows_the_password(videos: Videos) -> None:
    with RtspServer({"north": videos.h264}, users={"观察员": "x y/z", "viewer": "pa55word"}) as server:
        url = server.url("north")
        with open_stream(url.replace("//", "//viewer:pa55word@")) as container:
            assert next(container.decode(video=0)).width == 320
        for wrong in (url, url.replace("//", "//viewer:wrong@"), url.replace("//", "//nobody:pa55word@")):
            with pytest.raises(av.FFmpegError, match=r"(?i)unauthorized|401"):
                open_stream(wrong)
        with BareClient(url) as client:
            reply = client.ask("DESCRIBE")
            assert reply.status == 401
            assert reply.headers["www-authenticate"].startswith("Digest realm=")
            assert client.ask("OPTIONS").status == 200
        assert "pa55word" not in repr(vars(server))


def test_an_unknown_camera_is_not_found(server: RtspServer) -> None:
    with BareClient(server.url("h264")) as client:
        assert client.ask("DESCRIBE", client.url + "x").status == 404
        assert client.ask("DESCRIBE", "rtsp://[no-url").status == 404
    with pytest.raises(av.FFmpegError, match=r"(?i)not found"):
        open_stream(server.url("h264") + "x")


def test_requests_out_of_order_get_the_status_the_protocol_names(server: RtspServer) -> None:
    with BareClient(server.url("h264")) as client:
        assert client.ask("PLAY").status == 455
        assert client.ask("FLY").status == 405
        assert client.ask("OPTIONS", Require="magic").status == 551
        client.play()
        assert client.ask("GET_PARAMETER").status == 200
        assert client.ask("SETUP", Transport="RTP/AVP/TCP;interleaved=0-1").status == 455
        assert client.ask("PAUSE").status == 200
        assert client.ask("PLAY").status == 200
        assert next(client.pictures()).opens_h264_key_frame
        client._session = "0000"
        assert client.ask("PLAY").status == 454


@pytest.mark.parametrize("junk", [b"GET / HTTP/1.1\r\n\r\n", b"nonsense\r\n\r\n", b"\xff" * 70_000, b"$"])
def test_junk_ends_only_its_own_connection(server: RtspServer, junk: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as client:
        client.sendall(junk)
        client.shutdown(socket.SHUT_WR)
        try:
            answer = client.recv(100)
        except ConnectionResetError:
            answer = b""
        assert answer == b"" or answer.startswith((b"RTSP/1.0 400", b"RTSP/1.0 505"))
    with BareClient(server.url("h264")) as client:
        client.play()
        assert next(client.pictures()).payload


def test_teardown_ends_the_stream_and_frees_the_reader(videos: Videos) -> None:
    with RtspServer({"north": videos.h264}) as server, BareClient(server.url("north")) as client:
        client.play()
        next(client.pictures())
        assert server.state("north").readers == 1
        assert client.ask("TEARDOWN").status == 200
        assert list(client.packets()) == []
        assert server.state("north").readers == 0


def test_stopping_the_server_ends_every_connection(videos: Videos) -> None:
    server = RtspServer({"north": videos.h264})
    server.start()
    with BareClient(server.url("north")) as client:
        client.play()
        next(client.pictures())
        server.stop()
        assert not server.is_running
        with pytest.raises(ConnectionRefusedError):
            BareClient(server.url("north"))
        with contextlib.suppress(ConnectionResetError):
            list(client.packets())


def test_a_taken_port_is_named(videos: Videos, server: RtspServer) -> None:
    with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{server.port}"):
        RtspServer({"north": videos.h264}, port=server.port)
