"""A camera added to a running centre over its API: watched, learning, turned, taken out; nobody restarts."""

from __future__ import annotations

import json
import re
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from centre_process import VIDEOS, RunningCentre, demo_camera, running_centre, truth_of

pytestmark = [
    pytest.mark.skipif(not (VIDEOS / "near_fire.mp4").exists(), reason="sample videos are not there"),
    pytest.mark.timeout(600),
    pytest.mark.slow,
]

PASSWORD = "mountain watch 7"
TURNED_DEG = 25.0


def signed_in(centre: RunningCentre) -> httpx.Client:
    """The first administrator, whose password the log told, with a password of their own."""
    assert centre.until(lambda: "first log-in" in centre.log.read_text(), 60)
    found = re.search(r"first log-in: (\S+) / (\S+)", centre.log.read_text())
    assert found is not None
    client = httpx.Client(base_url=centre.console_url, timeout=60, trust_env=False)
    assert centre.until(lambda: ready(client), 60)
    session = client.post("/api/v1/session", json={"username": found[1], "password": found[2]}).json()
    client.headers["X-CSRF-Token"] = session["csrf"]
    changed = client.post("/api/v1/session/password", json={"old": found[2], "new": PASSWORD})
    assert changed.is_success, changed.text
    session = client.post("/api/v1/session", json={"username": found[1], "password": PASSWORD}).json()
    client.headers["X-CSRF-Token"] = session["csrf"]
    return client


def ready(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").is_success
    except httpx.TransportError:
        return False


def definition(centre: RunningCentre, scene: str) -> dict[str, Any]:
    found = demo_camera(scene)
    wanted = ("id", "name", "lat_deg", "lon_deg", "ground_height_m", "mast_height_m", "pose")
    return {**{name: found[name] for name in wanted if name in found}, "source": centre.cameras.url(scene)}


def test_a_camera_is_added_learns_is_turned_raised_and_taken_out_while_the_other_goes_on(
    tmp_path: Path,
) -> None:
    with (
        running_centre(tmp_path, ("chimney",), unwatched=("near_fire",)) as centre,
        closing(signed_in(centre)) as admin,
    ):

        def state(camera_id: str) -> str | None:
            states = {one["id"]: one["state"] for one in admin.get("/api/v1/cameras").json()}
            return states.get(camera_id)

        def figures() -> dict[str, Any]:
            text = (tmp_path / "heartbeats" / "worker-1").read_text(encoding="utf-8")
            return dict(json.loads(text or "{}"))

        def reported() -> list[dict[str, Any]]:
            return list(admin.get("/api/v1/cameras/near_fire/learning").json()["sightings"])

        assert centre.until(lambda: state("chimney") == "live", 90), centre.log.read_text()

        given = definition(centre, "near_fire")
        assert admin.post("/api/v1/cameras", json=given).status_code == 201
        assert centre.until(lambda: state("near_fire") == "live", 60), centre.log.read_text()
        assert centre.cameras.state("near_fire").readers >= 1
        assert figures()["cameras"] == 2

        pose = {**given["pose"], "azimuth_deg": (given["pose"]["azimuth_deg"] + TURNED_DEG) % 360}
        assert admin.patch("/api/v1/cameras/near_fire", json={"pose": pose}).is_success

        hazard = truth_of("near_fire").hazard
        assert hazard is not None
        assert centre.until(lambda: bool(reported()), hazard.ignition_s + 120), centre.log.read_text()
        assert centre.receiver.alerts == []
        assert admin.get("/api/v1/incidents").json()["incidents"] == []
        assert admin.get("/api/v1/deliveries").json() == []
        number = reported()[0]["number"]

        raised = admin.post(f"/api/v1/cameras/near_fire/learning/{number}/alarm").json()["raised_as"]
        assert centre.until(lambda: bool(centre.receiver.alerts), 30)
        assert centre.receiver.alerts[0].alert["incident_id"] == raised
        seen = admin.get(f"/api/v1/incidents/{raised}").json()["sightings"][0]
        off_axis_deg = seen["location"]["bearing_deg"] - pose["azimuth_deg"]
        assert abs((off_axis_deg + 180) % 360 - 180) < pose["hfov_deg"] / 2, (
            "placed by the pose that was saved"
        )

        assert admin.post("/api/v1/cameras/near_fire/learning/end", json={}).is_success
        assert admin.delete("/api/v1/cameras/near_fire").is_success
        assert centre.until(lambda: figures()["cameras"] == 1, 30)
        assert state("near_fire") == "off"
        assert centre.until(lambda: centre.cameras.state("near_fire").readers == 0, 30)

        end = figures()
        assert state("chimney") == "live"
        assert end["given_up"] == 0
        assert end["connections"] == 2, "each camera was connected to once: nobody was restarted"
        assert end["stretch"] < 2
        periods = admin.get("/api/v1/cameras/chimney/health").json()["periods"]
        assert [one["condition"] for one in periods if one["condition"] != "connecting"] == []
        assert "process ended" not in centre.log.read_text()
