"""Testing an address: what a camera sends, in words; one that holds on is let go; no password comes back."""

from __future__ import annotations

import base64
import json
import socket
from pathlib import Path
from typing import Any

import cv2
import numpy as np

import sample_videos
from firewatch.probing import probed
from simulator.rtsp import RtspServer

VIDEO = Path(sample_videos.__file__).parent / "chimney.mp4"
PASSWORD = "s3cret-words"


def camera(source: str) -> bytes:
    pose = {"azimuth_deg": 0, "tilt_deg": 0, "hfov_deg": 50}
    fields: dict[str, Any] = {"id": "probe", "name": "probe", "source": source, "lat_deg": 0, "lon_deg": 0}
    return json.dumps({**fields, "mast_height_m": 0, "pose": pose}).encode()


def test_a_camera_tells_its_codec_size_rate_and_key_frames_and_shows_a_picture() -> None:
    with RtspServer({"mast": VIDEO}, users={"viewer": PASSWORD}) as server:
        url = server.url("mast").replace("rtsp://", f"rtsp://viewer:{PASSWORD}@")
        found = probed(camera(url))
        refused = probed(camera(url.replace(PASSWORD, "wrong-words")))
    assert found["problem"] == ""
    assert (found["codec"], found["width_px"] > 600, found["fps"] > 1) == ("h264", True, True)
    assert found["key_frame_spacing_s"] > 0
    jpeg = np.frombuffer(base64.b64decode(found["picture_jpeg"]), np.uint8)
    picture = cv2.imdecode(jpeg, cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape[1] == 640
    assert PASSWORD not in json.dumps(found)
    assert refused["problem"]
    assert "wrong-words" not in json.dumps(refused)


def test_a_camera_that_accepts_and_says_nothing_is_let_go() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        found = probed(camera(f"rtsp://127.0.0.1:{silent.getsockname()[1]}/x"), limit_s=3)
    assert found["problem"] == "the camera did not answer within 3 s"
    assert found["picture_jpeg"] == ""


def test_what_is_no_camera_is_said_to_be_unreadable() -> None:
    assert probed(b"{}")["problem"] == "what the camera sends could not be read"
