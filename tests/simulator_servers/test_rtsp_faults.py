"""Each fault does what it says, and ends when it is cleared."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from itertools import islice, pairwise

import av
import httpx
import numpy as np
import pytest
from pydantic import ValidationError
from rtsp_peers import BareClient, SenderReport, Videos, capture_time_s, open_stream

from simulator.faults import damaged
from simulator.rtsp import RtspServer
from simulator.rtsp_footage import Codec, FootageError, is_picture, read_footage
from streams.new_footage import footage_mark


@pytest.fixture(scope="module")
def two_cameras(videos: Videos) -> Iterator[RtspServer]:
    with RtspServer({"north": videos.h264, "south": videos.h264}, control_port=0) as running:
        yield running


@pytest.fixture
def server(two_cameras: RtspServer) -> Iterator[RtspServer]:
    yield two_cameras
    two_cameras.clear("north")


def pictures(container: av.container.InputContainer, number: int) -> list[np.ndarray]:
    return [frame.to_ndarray(format="gray") for frame in islice(container.decode(video=0), number)]


def test_freeze_repeats_one_picture_while_time_goes_on(server: RtspServer) -> None:
    with open_stream(server.url("north")) as container:
        moving = pictures(container, 10)
        assert any(not np.array_equal(earlier, later) for earlier, later in pairwise(moving))
        server.fault("north", "freeze")
        still: list[av.VideoFrame] = []
        for frame in container.decode(video=0):  # those on their way still move
            if still and not np.array_equal(still[-1].to_ndarray(), frame.to_ndarray()):
                still.clear()
            still.append(frame)
            if len(still) == 4:
                break
        steps = [(later.pts - earlier.pts) / 90_000 for earlier, later in pairwise(still)]
        assert steps[1:] == [pytest.approx(0.2, abs=0.041)] * 2
        server.clear("north")
        again = pictures(container, 20)
        assert any(not np.array_equal(earlier, later) for earlier, later in pairwise(again))


def test_stall_sends_nothing_on_an_open_connection_until_it_is_cleared(server: RtspServer) -> None:
    with BareClient(server.url("north")) as client:
        client.play()
        packets = client.pictures()
        next(packets)
        server.fault("north", "stall")
        assert client.ask("GET_PARAMETER").status == 200  # all that was on its way is read by now
        client.socket.settimeout(0.7)
        with pytest.raises(TimeoutError):
            client.socket.recv(1)
        server.clear("north")
        client.socket.settimeout(10)
        head = client.socket.recv(1)
        assert head == b"$"
    with BareClient(server.url("north")) as client:
        client.play()
        assert next(client.pictures()).opens_h264_key_frame


def test_a_client_with_a_time_limit_notices_a_stall(server: RtspServer) -> None:
    with open_stream(server.url("north"), timeout="400000") as container:
        pictures(container, 3)
        server.fault("north", "stall")
        with pytest.raises(av.FFmpegError):
            pictures(container, 100)


def test_drop_breaks_every_connection_of_that_camera_only(server: RtspServer) -> None:
    with BareClient(server.url("north")) as north, BareClient(server.url("south")) as south:
        for client in (north, south):
            client.play()
            next(client.pictures())
        server.fault("north", "drop")
        with pytest.raises(ConnectionResetError):
            list(north.packets())
        assert len(list(islice(south.pictures(), 20))) == 20
    with BareClient(server.url("north")) as client:
        client.play()
        assert next(client.pictures()).payload


@pytest.mark.parametrize("status", [401, 403, 404, 453, 500, 503])
def test_refuse_answers_new_connections_with_its_status_and_leaves_old_ones(
    server: RtspServer, status: int
) -> None:
    with BareClient(server.url("north")) as early:
        early.play()
        server.fault("north", "refuse", status=status)
        with BareClient(server.url("north")) as late:
            assert late.ask("DESCRIBE").status == status
        assert next(early.pictures()).payload
    server.clear("north")
    with BareClient(server.url("north")) as client:
        assert client.ask("DESCRIBE").status == 200


def test_refuse_can_close_without_an_answer(server: RtspServer) -> None:
    server.fault("north", "refuse", status="close")
    with BareClient(server.url("north")) as client:
        client.socket.sendall(f"DESCRIBE {client.url} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
        assert client.socket.recv(1) == b""


def test_corrupt_damages_pictures_and_clearing_heals_the_stream(server: RtspServer, videos: Videos) -> None:
    with av.open(str(videos.h264)) as file:
        clean = [frame.to_ndarray(format="gray") for frame in file.decode(video=0)]

    def is_damaged(picture: np.ndarray) -> bool:
        return not any(np.array_equal(picture, known) for known in clean)

    server.fault("north", "corrupt", share=1.0)
    with BareClient(server.url("north")) as client:
        client.play()
        assert next(client.pictures()).opens_h264_key_frame  # parameter sets and headers stay whole
    with open_stream(server.url("north")) as container:
        broken = _decoded_in_spite_of_errors(container, 30)
        assert len(broken) < 30 or any(is_damaged(picture) for picture in broken)
    server.clear("north")
    with open_stream(server.url("north")) as container:
        assert not any(is_damaged(picture) for picture in pictures(container, 30))


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_damage_spares_headers_and_makes_no_start_code(videos: Videos, codec: Codec) -> None:
    for unit in read_footage(videos.of(codec)).units:
        broken = damaged(codec, unit.nals, random.Random(7))
        assert [len(nal) for nal in broken] == [len(nal) for nal in unit.nals]
        assert all(after[:8] == before[:8] for after, before in zip(broken, unit.nals, strict=True))
        assert not any(b"\0\0\1" in nal for nal in broken)
        for after, before in zip(broken, unit.nals, strict=True):
            if not is_picture(codec, before):
                assert after == before
    assert any(after != before for after, before in zip(broken, unit.nals, strict=True))


def _decoded_in_spite_of_errors(container: av.container.InputContainer, packets: int) -> list[np.ndarray]:
    decoded = []
    for packet in islice(container.demux(video=0), packets):
        try:
            decoded += [frame.to_ndarray(format="gray") for frame in packet.decode()]
        except av.FFmpegError:
            continue
    return decoded


def test_resolution_changes_inside_the_running_stream_and_back(server: RtspServer, videos: Videos) -> None:
    with open_stream(server.url("north")) as container:
        sizes = []
        times = []
        for packet in container.demux(video=0):
            for frame in packet.decode():
                sizes.append((frame.width, frame.height))
                times.append(frame.pts)
            if len(sizes) == 10:
                server.fault("north", "resolution", file=str(videos.h264_larger))
            if len(sizes) > 10 and sizes[-1] == (480, 256) and server.state("north").faults:
                server.clear("north")
            if len(set(sizes)) == 2 and sizes[-1] == (320, 240):
                break
    assert list(dict.fromkeys(sizes)) == [(320, 240), (480, 256)]
    known = [at for at in times if at is not None]
    assert all(earlier < later for earlier, later in pairwise(known))


def test_resolution_needs_a_file_of_the_same_codec(server: RtspServer, videos: Videos) -> None:
    with pytest.raises(FootageError, match="one camera sends one codec"):
        server.fault("north", "resolution", file=str(videos.h265))
    assert server.state("north").faults == ()


def test_a_wrong_clock_shows_in_the_reports_at_once(server: RtspServer) -> None:
    with BareClient(server.url("north")) as client:
        client.play()
        reports = (packet for packet in client.packets() if isinstance(packet, SenderReport))
        honest = next(reports)
        server.fault("north", "clock", offset_s=-3600)
        wrong = next(reports)
    elapsed_s = ((wrong.timestamp - honest.timestamp) & 0xFFFFFFFF) / 90_000
    assert wrong.unix_s - honest.unix_s == pytest.approx(elapsed_s - 3600, abs=1)
    with open_stream(server.url("north")) as container:
        taken = capture_time_s(next(container.demux(video=0)))
    assert taken is not None
    assert taken == pytest.approx(time.time() - 3600, abs=30)


def test_restart_plays_from_the_start_with_a_mark(server: RtspServer) -> None:
    with open_stream(server.url("north")) as container:
        numbers = []
        for packet in container.demux(video=0):
            mark = footage_mark(bytes(packet))
            if mark:
                numbers.append(mark)
            if len(numbers) == 1:
                server.restart("north")
            if len(numbers) == 3:
                break
    assert numbers[-1].number > numbers[0].number


def test_faults_are_set_and_cleared_over_http(server: RtspServer) -> None:
    with httpx.Client(base_url=str(server.control_url), verify=False) as control:
        assert [camera["name"] for camera in control.get("/cameras").json()] == ["north", "south"]
        state = control.post("/cameras/north/faults", json={"fault": "freeze"}).json()
        assert state["faults"] == ["freeze"]
        control.post("/cameras/north/faults", json={"fault": "clock", "offset_s": 60})
        state = control.post("/cameras/north/faults", json={"fault": "stall"}).json()
        assert state["faults"] == ["stall", "clock"]
        assert control.get("/cameras/south").json()["faults"] == []
        assert control.delete("/cameras/north/faults").json()["faults"] == []
        assert control.post("/cameras/north/restart").status_code == 200


def test_the_control_explains_what_is_wrong(server: RtspServer) -> None:
    with httpx.Client(base_url=str(server.control_url), verify=False) as control:
        unknown = control.post("/cameras/west/faults", json={"fault": "freeze"})
        assert unknown.status_code == 404
        assert unknown.json()["detail"] == "no camera is called 'west'; there are: north, south"
        missing = control.post("/cameras/north/faults", json={"fault": "resolution", "file": "gone.mp4"})
        assert missing.status_code == 422
        assert "check the path" in missing.json()["detail"]
        assert control.post("/cameras/north/faults", json={"fault": "melt"}).status_code == 422
        assert control.post("/cameras/north/faults", json={"fault": "freeze", "x": 1}).status_code == 422


def test_a_fault_with_wrong_options_is_refused(server: RtspServer) -> None:
    with pytest.raises(ValidationError):
        server.fault("north", "corrupt", share=1.5)
    with pytest.raises(KeyError):
        server.fault("west", "freeze")
