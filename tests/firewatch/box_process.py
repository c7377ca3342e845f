"""A box's spool and link as a process of their own, to be killed: puts one sighting and brings it.

Arguments: deployment file, centre, token file, spool folder, a number for the sighting, or `-` to bring only
what waits already. Prints `put` when it is on the disk.
"""

from __future__ import annotations

import io
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from PIL import Image

from alerting.intake import Evidence
from config import load
from detector.detection import Box, Detection, Sighting
from firewatch.remote.link import CentreLink
from firewatch.remote.sinks import RemoteIntake
from firewatch.spool import Spool
from firewatch.spooling import SpoolingSink

NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)


def picture(shade: int = 90) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (640, 360), (shade, shade, shade)).save(buffer, "JPEG")
    return buffer.getvalue()


def sighting_of(camera_id: str, number: int) -> Sighting:
    """The `number`-th thing that this camera saw, each at a place and a time of its own."""
    at = NOON + timedelta(minutes=number)
    left = 20 + 60 * (number % 10)
    box = Box(left, 150, left + 30, 200)
    return Sighting(
        sighting_id=f"{camera_id}-{number}", camera_id=camera_id, preset=None, label="smoke", confidence=0.8,
        first_seen_at=at - timedelta(seconds=20), confirmed_at=at, box=box, width_px=640, height_px=360,
        history=((at, Detection("smoke", 0.8, box)),),
        model_id="test-model", profile="balanced",
    )  # fmt: skip


def main() -> None:
    config, centre, token, folder, number = sys.argv[1:]
    cameras = load(config).cameras
    spool = Spool(Path(folder), [camera.id for camera in cameras])
    with CentreLink(centre, Path(token)) as link:
        sink = SpoolingSink(spool, RemoteIntake(link), cameras, ZoneInfo("UTC"), retry_s=0.2)
        if number != "-":
            spool.put(sighting_of(cameras[0].id, int(number)), Evidence(picture(), picture(120)))
            print("put", flush=True)
        while len(spool):
            if not sink.take_in():
                time.sleep(0.2)
    print("done", flush=True)


if __name__ == "__main__":
    main()
