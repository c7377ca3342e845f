"""Tokens of responders and machines, made on the page or in the shell alike."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from conftest import Served

from alerting import access_tokens


def test_a_machine_token_is_limited_to_cameras_and_a_responders_to_areas(console: Served) -> None:
    machine = {"name": "北峰箱", "role": "machine", "camera_ids": ["dns-01"]}
    with console.signed_in("admin") as admin:
        made = admin.post("/api/v1/tokens", json=machine)
        wrong = admin.post("/api/v1/tokens", json={"name": "x", "role": "machine", "area_codes": ["1"]})
        unknown = admin.post("/api/v1/tokens", json={**machine, "camera_ids": ["nowhere"]})
        other = admin.post("/api/v1/tokens", json={"name": "x", "role": "admin"})
    assert (made.status_code, made.json()["token"]["camera_ids"]) == (201, ["dns-01"])
    assert (wrong.status_code, unknown.status_code, other.status_code) == (422, 404, 422)
    token = access_tokens.find(console.store, made.json()["secret"])
    assert token is not None
    assert (token.speaks_for("dns-01"), token.speaks_for("dns-02")) == (True, False)


def test_a_token_of_the_wrong_role_is_refused_as_such_and_not_as_unknown(console: Served) -> None:
    with console.with_token("machine") as machine:
        answer = machine.get("/api/v1/response/incidents")
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:firewatch:problem:role")


def test_the_shell_makes_lists_and_revokes_the_tokens_of_the_page(console: Served, tmp_path: Path) -> None:
    config = tmp_path / "deployment.json"
    camera = {
        "id": "dns-01", "name": "d", "source": "rtsp://10.0.0.1/1", "lat_deg": 23, "lon_deg": 116,
        "mast_height_m": 30, "pose": {"azimuth_deg": 0, "tilt_deg": 0, "hfov_deg": 50},
    }  # fmt: skip
    url = console.deployment.storage.database_url.reveal()
    content = {"name": "hills", "cameras": [camera], "storage": {"database_url": url}}
    config.write_text(json.dumps(content), encoding="utf-8")

    def token(*arguments: str, status: int = 0) -> str:
        command = [sys.executable, "-m", "firewatch.cli", "token", *arguments, "--config", str(config)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stderr
        return done.stdout if status == 0 else done.stderr

    secret = token("create", "北峰箱", "--role", "machine", "--camera", "dns-01").strip()
    assert "no camera 'nowhere'" in token("create", "x", "--role", "machine", "--camera", "nowhere", status=2)
    with console.signed_in("admin") as admin:
        (listed,) = admin.get("/api/v1/tokens").json()
    assert (listed["name"], listed["role"], listed["camera_ids"]) == ("北峰箱", "machine", ["dns-01"])
    assert access_tokens.find(console.store, secret) is not None
    assert secret not in token("list", "--json")
    token("revoke", str(listed["token_id"]))
    assert access_tokens.find(console.store, secret) is None
