"""Live view: shared connections, honest refusals, pictures where video cannot be, and nothing without end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
from footage_files import FootageFiles, write_h265
from live_centre import LiveCentre

from config import Camera, Mask, SecretSource
from simulator.rtsp import RtspServer
from streams.frame import Image
from streams.live_view.media_loop import MediaLoop
from streams.live_view.packets import PacketQueue, VideoPacket

PATIENCE_S = 60.0
WITHOUT_H264 = (
    "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
    "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000\r\n"
)
WITH_H264 = WITHOUT_H264.replace("VP8", "H264")


@pytest.fixture(scope="module")
def server(files: FootageFiles) -> Iterator[RtspServer]:
    with RtspServer({"quick": files.quick, "slow": files.slow}) as running:
        yield running


def camera(camera_id: str, source: str, **more: Any) -> Camera:
    return Camera(
        id=camera_id,
        name=camera_id,
        source=SecretSource(source),
        lat_deg=23,
        lon_deg=116,
        mast_height_m=30,
        pose={"azimuth_deg": 0, "tilt_deg": 0, "hfov_deg": 50},
        **more,
    )


def until(condition: Callable[[], bool]) -> bool:
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        if condition():
            return True
        time.sleep(0.05)
    return False


def readers(server: RtspServer, name: str) -> int:
    return server.state(name).readers


def pictures(client: httpx.Client, camera_id: str, count: int) -> list[Image]:
    """The first pictures of a camera's MJPEG stream."""
    with client.stream("GET", f"/cameras/{camera_id}/mjpeg") as stream:
        assert stream.status_code == 200, stream.read()
        assert stream.headers["content-type"].startswith("multipart/x-mixed-replace; boundary=")
        received = b""
        for chunk in stream.iter_bytes():
            received += chunk
            parts = received.split(b"--firewatch-picture\r\n")[1:-1]  # the last may be incomplete
            if len(parts) >= count:
                jpegs = [part.split(b"\r\n\r\n", 1)[1] for part in parts[:count]]
                return [cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR) for jpeg in jpegs]
    raise AssertionError("the stream ended")


# Pictures


def test_pictures_come_without_video_and_go_on(server: RtspServer) -> None:
    with (
        LiveCentre([camera("a", server.url("quick"))], pictures_per_s=10) as centre,
        centre.client() as client,
    ):
        shown = pictures(client, "a", 4)
    assert all(picture.shape == (240, 320, 3) for picture in shown)
    greys = [round(float(picture[200, 200].mean())) for picture in shown]
    assert len(set(greys)) > 1, "the picture stands still"


def test_a_single_picture_can_be_had(server: RtspServer) -> None:
    with LiveCentre([camera("a", server.url("quick"))]) as centre, centre.client() as client:
        answer = client.get("/cameras/a/picture")
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.content.startswith(b"\xff\xd8")


def test_a_recorded_source_is_shown_too(files: FootageFiles) -> None:
    with LiveCentre([camera("a", str(files.quick))]) as centre, centre.client() as client:
        assert pictures(client, "a", 2)[0].shape == (240, 320, 3)


def test_private_parts_are_black_for_viewers(server: RtspServer) -> None:
    mask = Mask(kind="private", polygon=((0.5, 0.5), (1, 0.5), (1, 1), (0.5, 1)))
    with LiveCentre([camera("a", server.url("quick"), masks=(mask,))]) as centre, centre.client() as client:
        (shown,) = pictures(client, "a", 1)
        assert centre.state()["a"]["showing"] == "encoded"
    assert shown[130:, 170:].max() < 20
    assert shown[130:, :150].min() > 20


def test_viewers_of_pictures_share_one_connection_which_is_closed_after_the_last(server: RtspServer) -> None:
    with LiveCentre([camera("a", server.url("quick"))]) as centre, centre.client() as client:
        with client.stream("GET", "/cameras/a/mjpeg"), client.stream("GET", "/cameras/a/mjpeg"):
            assert until(lambda: centre.state()["a"]["picture_viewers"] == 2)
            assert readers(server, "quick") == 1
        assert until(lambda: readers(server, "quick") == 0)
        assert centre.state() == {}


# Refusals


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["reason"]


def test_refusals_say_why(server: RtspServer) -> None:
    with LiveCentre([camera("a", server.url("quick")), camera("off", "x", enabled=False)]) as centre:
        with centre.client() as client:
            assert refusal(client.post("/cameras/nobody/whep", content=WITH_H264)) == (404, "unknown_camera")
            assert refusal(client.get("/cameras/off/mjpeg")) == (404, "unknown_camera")
            for nonsense in ("", "v=1", WITHOUT_H264, WITH_H264, "v=0" + "a" * 200_000):
                answer = client.post("/cameras/a/whep", content=nonsense)
                assert refusal(answer) == (400, "unusable_offer")
            assert client.delete("/sessions/none-of-ours").status_code == 204
        assert until(lambda: readers(server, "quick") == 0), "a refused viewer holds the camera"


def test_a_camera_that_refuses_is_named_without_its_password(files: FootageFiles) -> None:
    with RtspServer({"quick": files.quick}, users={"viewer": "right-one"}) as guarded:
        url = guarded.url("quick").replace("rtsp://", "rtsp://viewer:wrong-one@")
        with LiveCentre([camera("a", url)]) as centre, centre.client() as client:
            answer = client.post("/cameras/a/whep", content=WITH_H264)
            assert refusal(answer) == (503, "camera_away")
            assert answer.headers["retry-after"]
            assert "password" in answer.json()["detail"]
            assert "wrong-one" not in answer.text + client.get("/state").text


def test_viewers_are_counted_per_camera_and_in_total(server: RtspServer) -> None:
    cameras = [camera("a", server.url("quick")), camera("b", server.url("slow"))]
    with (
        LiveCentre(cameras, viewers_per_camera=1, viewers=2) as centre,
        centre.client() as client,
        client.stream("GET", "/cameras/a/mjpeg"),
    ):
        assert refusal(client.get("/cameras/a/mjpeg")) == (503, "too_many_viewers")
        with client.stream("GET", "/cameras/b/mjpeg") as second:
            assert second.status_code == 200
            assert refusal(client.post("/cameras/b/whep", content=WITH_H264)) == (503, "too_many_viewers")


def test_a_camera_that_would_have_to_be_encoded_once_too_often_is_shown_as_pictures(
    server: RtspServer,
) -> None:
    with LiveCentre([camera("b", server.url("slow"))], transcodes=0) as centre, centre.client() as client:
        assert refusal(client.post("/cameras/b/whep", content=WITH_H264)) == (409, "no_video")
        assert pictures(client, "b", 1)[0].shape == (240, 320, 3)


# Bounds


def test_a_viewer_that_takes_nothing_holds_a_bounded_number_of_pictures() -> None:
    queue = PacketQueue(most_bytes=10_000)
    for ticks in range(1000):
        queue.push(VideoPacket(bytes(100), ticks, is_key=ticks % 25 == 0))
    assert 0 < len(queue) <= 100
    first = queue.pop()
    assert first.is_key
    assert first.ticks >= 900


def test_after_a_gap_nothing_is_shown_before_the_next_key_frame() -> None:
    queue = PacketQueue(most_packets=3)
    for ticks in range(6):  # one key frame, then a group longer than the queue
        queue.push(VideoPacket(b"", ticks, is_key=ticks == 0))
    assert len(queue) == 0
    queue.push(VideoPacket(b"", 6, is_key=True))
    assert queue.pop().ticks == 6


def test_media_leaves_from_the_configured_ports_only() -> None:
    with ThreadPoolExecutor(1) as thread:  # this one's loop may be that of the browser of other tests
        thread.submit(_media_ports).result()


def _media_ports() -> None:
    with asyncio.Runner(loop_factory=lambda: MediaLoop((0, 0), "127.0.0.1")) as runner:
        transport, _ = runner.run(_endpoint())
        port = transport.get_extra_info("sockname")[1]
        transport.close()
    with asyncio.Runner(loop_factory=lambda: MediaLoop((port, port), "127.0.0.1")) as runner:
        transport, _ = runner.run(_endpoint())
        assert transport.get_extra_info("sockname") == ("127.0.0.1", port)
        with pytest.raises(OSError, match="no UDP port"):
            runner.run(_endpoint())
        with pytest.raises(OSError, match=r"only 127\.0\.0\.1"):
            runner.run(_endpoint("::1"))
        transport.close()


async def _endpoint(host: str = "0.0.0.0") -> tuple[asyncio.DatagramTransport, asyncio.DatagramProtocol]:
    loop = asyncio.get_running_loop()
    return await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=(host, 0))


def test_h265_is_encoded_for_browsers(tmp_path: Any) -> None:
    path = write_h265(tmp_path / "h265.mp4", 20, 5)
    with (
        RtspServer({"h265": path}) as server,
        LiveCentre([camera("a", server.url("h265"))]) as centre,
        centre.client() as client,
    ):
        assert pictures(client, "a", 1)[0].shape == (240, 320, 3)
        assert centre.state()["a"]["showing"] == "encoded"
