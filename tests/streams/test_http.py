"""Cameras over HTTP: snapshots asked for politely, FLV and HLS, and play URLs that expire."""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from footage_files import FootageFiles

import config
from config import SecretSource
from simulator.http_cameras import HttpCameras
from streams.cameras import connector
from streams.errors import BadPicture, SourceRefused, SourceTimeout, SourceUnreachable, SourceUnreadable
from streams.frame import Frame
from streams.picture import decode_picture
from streams.play_url import ask_for_play_url
from streams.probe import probe_camera
from streams.snapshot import SnapshotSource


@pytest.fixture(scope="module")
def server(files: FootageFiles) -> Iterator[HttpCameras]:
    with HttpCameras({"quick": files.quick}) as running:
        yield running


@pytest.fixture(scope="module")
def guarded(files: FootageFiles) -> Iterator[HttpCameras]:
    with HttpCameras(
        {"quick": files.quick}, login=("viewer", "p@ss/wörd"), new_picture_every_s=30
    ) as running:
        yield running


def camera(source: str, **more: object) -> config.Camera:
    return config.Camera.model_validate(
        {
            "id": "ridge",
            "name": "山脊",
            "source": source,
            "lat_deg": 23.1,
            "lon_deg": 116.4,
            "mast_height_m": 20,
            "pose": {"azimuth_deg": 0, "tilt_deg": 0, "hfov_deg": 50},
            **more,
        }
    )


def snapshots(url: str, **more: float) -> SnapshotSource:
    return SnapshotSource(SecretSource(url), "ridge", **{"wanted_interval_s": 0.1, **more})  # type: ignore[arg-type]


def some(source: str, number: int, **more: object) -> list[Frame]:
    with connector(camera(source, **more), wanted_interval_s=0.5)() as connection:
        return list(itertools.islice(connection.frames(), number))


def test_snapshots_become_frames_with_rising_times(server: HttpCameras) -> None:
    with snapshots(server.snapshot_url("quick")) as source:
        frames = list(itertools.islice(source.frames(), 3))
    assert [frame.sequence for frame in frames] == [1, 2, 3]
    assert all(a.captured_at < b.captured_at for a, b in itertools.pairwise(frames))
    assert frames[0].image.shape == (240, 320, 3)


def test_an_unchanged_snapshot_is_not_sent_again_and_is_no_new_picture(server: HttpCameras) -> None:
    before = server.not_modified
    with snapshots(server.snapshot_url("quick"), wanted_interval_s=0.05) as source:
        list(itertools.islice(source.frames(), 3))
        assert source.counts.packets == 3
    assert server.not_modified > before


def test_a_snapshot_camera_asks_for_digest_and_gets_it(guarded: HttpCameras) -> None:
    url = guarded.snapshot_url("quick").replace("http://", "http://viewer:p%40ss%2Fw%C3%B6rd@")
    with snapshots(url) as source:
        assert next(source.frames()).width_px == 320


def test_a_wrong_password_is_refused_and_not_repeated(guarded: HttpCameras) -> None:
    url = guarded.snapshot_url("quick").replace("http://", "http://viewer:wrong-one@")
    with snapshots(url) as source, pytest.raises(SourceRefused, match="password") as caught:
        next(source.frames())
    assert "wrong-one" not in str(caught.value)


def test_a_redirect_is_followed(server: HttpCameras) -> None:
    with snapshots(server.moved_url("quick")) as source:
        assert next(source.frames()).width_px == 320


def test_a_snapshot_server_in_trouble_is_a_clear_error(files: FootageFiles) -> None:
    with HttpCameras({"quick": files.quick}) as server, snapshots(server.snapshot_url("quick")) as source:
        server.status = 503
        with pytest.raises(SourceRefused, match="503"):
            next(source.frames())


def test_a_host_name_that_does_not_exist_is_a_clear_error() -> None:
    source = snapshots("http://u:secret@no-such-host.invalid/snap")
    with source, pytest.raises(SourceUnreachable, match="no host of this name") as caught:
        next(source.frames())
    assert "secret" not in str(caught.value)


def test_a_snapshot_server_that_answers_nothing_is_a_timeout() -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        url = f"http://127.0.0.1:{mute.getsockname()[1]}/snap"
        with snapshots(url, read_timeout_s=0.3) as source, pytest.raises(SourceTimeout, match=r"0\.3 s"):
            next(source.frames())


def test_a_web_page_instead_of_a_picture_is_a_clear_error() -> None:
    with socket.socket() as web:
        web.bind(("127.0.0.1", 0))
        web.listen()

        def answer() -> None:
            for _ in range(5):
                connection, _ = web.accept()
                connection.recv(2000)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>")
                connection.close()

        thread = threading.Thread(target=answer)
        thread.start()
        url = f"http://127.0.0.1:{web.getsockname()[1]}/snap"
        with (
            snapshots(url, wanted_interval_s=0.01) as source,
            pytest.raises(SourceUnreadable, match="no picture"),
        ):
            next(source.frames())
        thread.join()


def test_a_snapshot_cut_off_on_the_way_is_a_bad_picture() -> None:
    with pytest.raises(BadPicture, match="truncated"):
        decode_picture(b"\xff\xd8\xff\xe0" + bytes(2000))


def test_http_flv_is_read_like_a_camera(server: HttpCameras) -> None:
    frames = some(server.flv_url("quick"), 3)
    assert frames[0].image.shape == (240, 320, 3)
    assert abs((datetime.now(UTC) - frames[-1].captured_at).total_seconds()) < 60


def test_motion_jpeg_is_read_like_a_camera_of_key_frames(server: HttpCameras) -> None:
    watched = camera(server.mjpeg_url("quick"), stream={"kind": "mjpeg"})
    with connector(watched, wanted_interval_s=0.2)() as connection:
        frames = list(itertools.islice(connection.frames(), 3))
    assert [frame.image.shape for frame in frames] == [frames[0].image.shape] * 3
    assert frames[0].image.std() > 5
    assert frames[0].captured_at < frames[1].captured_at < frames[2].captured_at


def test_hls_is_read_like_a_camera(server: HttpCameras) -> None:
    assert some(server.hls_url("quick"), 2)[-1].image.shape == (240, 320, 3)


def test_an_expired_play_url_is_asked_for_again(server: HttpCameras) -> None:
    source = "play+" + server.gateway_url()
    one = camera(source, channel_id="34020000001320000001")
    connect = connector(one, wanted_interval_s=0.5)
    before = server.play_urls_given
    for _ in range(2):  # the first address is used up: the second connection needs a new one
        with connect() as connection:
            assert next(iter(connection.frames())).width_px == 320
    assert server.play_urls_given == before + 2
    used_up = ask_for_play_url(one)
    some(used_up.reveal(), 1)
    with pytest.raises(SourceRefused):
        some(used_up.reveal(), 1)


def test_a_gateway_that_answers_something_else_is_a_clear_error(server: HttpCameras) -> None:
    one = camera(
        "play+" + server.gateway_url(), channel_id="3" * 20, stream={"play_url": {"path": "data.hls"}}
    )
    with pytest.raises(SourceUnreadable, match=r"data\.hls"):
        connector(one)()


def test_a_probe_of_a_snapshot_camera_reports_its_size(server: HttpCameras) -> None:
    found = probe_camera(camera(server.snapshot_url("quick")))
    assert (found.codec, found.width_px, found.problem) == ("pictures", 320, "")


def test_looks_can_be_made_from_the_sub_stream(server: HttpCameras) -> None:
    one = camera("rtsp://127.0.0.1:9/main", sub_source=server.flv_url("quick"), stream={"looks_from": "sub"})
    with connector(one)() as connection:
        assert next(iter(connection.frames())).width_px == 320
