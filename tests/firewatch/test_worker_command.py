"""`firewatch worker` as it is in use: a camera over RTSP, a centre on the other side of HTTP, no store."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from centre_at_hand import LIMIT_S, CentreThread, deployment_file, until
from test_command import firewatch

import sample_videos
from alerting.ingest import remote_workers
from alerting.latest import LatestPictures
from firewatch.demo import demo_playlists
from simulator.rtsp import RtspServer

VIDEOS = Path(sample_videos.__file__).parent


@contextmanager
def worker(config: Path, centre: CentreThread, token: Path) -> Iterator[subprocess.Popen[bytes]]:
    options = ["--centre", centre.url, "--token-file", str(token), "--state", str(config.parent / "box")]
    with (config.parent / "box.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "firewatch.cli", "worker", str(config), *options],
            cwd=config.parent,  # what it would take for its own store would be there
            stderr=log,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(LIMIT_S)


def states(centre: CentreThread) -> dict[str, str]:
    return {one.camera_id: one.state for one in centre.store.camera_states()}


def test_a_worker_reports_its_cameras_over_http_and_leaves_them_off_when_it_is_told_to_stop(
    tmp_path: Path,
) -> None:
    with RtspServer({"north": VIDEOS / "chimney.mp4"}) as server:
        config = deployment_file(tmp_path, {"north": server.url("north")})
        with CentreThread(config) as centre:
            centre.start()
            token = centre.token_file("north")
            with worker(config, centre, token) as process:
                latest = LatestPictures(str(tmp_path / "evidence"))
                assert until(lambda: states(centre) == {"north": "live"}), (tmp_path / "box.log").read_text()
                assert until(lambda: latest.captured_at("north") is not None)
                assert until(lambda: any(one.figures.get("looks") for one in remote_workers(centre.store)))
                process.send_signal(signal.SIGTERM)
                assert process.wait(LIMIT_S) == 0
            assert states(centre) == {"north": "off"}
            assert token.read_text().strip() not in (tmp_path / "box.log").read_text()


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_fire_is_seen_on_the_hill_and_raised_at_the_centre_with_its_clip(tmp_path: Path) -> None:
    footage = {"north": demo_playlists(VIDEOS)["near_fire"]}
    with RtspServer(footage, wait_for_reader=True) as server:
        config = deployment_file(tmp_path, {"north": server.url("north")})
        with CentreThread(config) as centre:
            centre.start()

            def kinds() -> set[str]:
                found = centre.store.list_incidents().incidents
                files = [one for each in found for one in centre.store.incident(each.incident_id).evidence]
                return {one.kind for one in files}

            with worker(config, centre, centre.token_file("north")):
                assert until(lambda: {"snapshot", "annotated", "clip"} <= kinds(), 300), (
                    tmp_path / "box.log"
                ).read_text()
            (incident,) = centre.store.list_incidents().incidents
            history = centre.store.incident(incident.incident_id).history
            assert history[0].source == "token 1 (north box)"


def test_a_worker_that_cannot_begin_says_what_to_write_where(tmp_path: Path) -> None:
    config = deployment_file(tmp_path, {"north": "rtsp://10.0.0.1/1"})
    (tmp_path / "token").write_text("fw_x")
    options = ("--token-file", str(tmp_path / "token"), "--state", str(tmp_path / "box"))
    plain = firewatch("worker", str(config), "--centre", "http://10.0.0.2", *options)
    assert (plain.returncode, "use https://" in plain.stderr) == (2, True)
    other = firewatch("worker", str(config), "--centre", "https://c", "--camera", "south", *options)
    assert "no camera 'south'" in other.stderr
    content = json.loads(config.read_text())
    content["cameras"][0]["watched_by"] = "centre"
    config.write_text(json.dumps(content))
    nothing = firewatch("worker", str(config), "--centre", "https://c", *options)
    assert (nothing.returncode, "watched_by: box" in nothing.stderr.replace("\n", " ")) == (2, True)
