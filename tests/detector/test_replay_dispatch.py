"""A replay pushes its sightings to a real receiver, through the same intake and outbox as live ones."""

from __future__ import annotations

import json

import pytest
from handmade import brightness_network
from test_commands import firewatch, smoke_video

from simulator.receiver import DispatchReceiver

SECRET = "the receiver's own key"

DEPLOYMENT = """
name: test
cameras:
  - id: north
    name: 北坡
    source: {footage}
    lat_deg: 23.1
    lon_deg: 116.4
    ground_height_m: 300
    mast_height_m: 20
    pose: {{azimuth_deg: 90, tilt_deg: -2, hfov_deg: 50}}
    masks: {masks}
"""


@pytest.fixture
def receiver():
    with DispatchReceiver(SECRET) as running:
        yield running


def replay(tmp_path, receiver, *, masks: str = "[]", **more):
    footage = smoke_video(tmp_path / "smoke.mp4")
    config = tmp_path / "config.yaml"
    config.write_text(DEPLOYMENT.format(footage=footage, masks=masks), encoding="utf-8")
    weights = brightness_network(tmp_path / "brightness.onnx")
    options = ("--config", config, "--model", weights, "--out", tmp_path / "out", "--dispatch", receiver.url)
    return firewatch("replay", footage, "--camera", "north", *options, **more)


def test_a_replay_delivers_one_signed_alert_with_the_footage_time(tmp_path, receiver, monkeypatch):
    monkeypatch.setenv("FIREWATCH_DISPATCH_SECRET", SECRET)
    assert "1 alerts delivered" in replay(tmp_path, receiver).stdout
    (alert,) = receiver.alerts
    assert receiver.rejections == []
    assert "北坡" in json.dumps(alert.alert, ensure_ascii=False)
    assert "1970-01-01T00:00" in json.dumps(alert.alert)  # footage without a clock counts from its start


def test_without_the_receivers_key_the_command_says_where_to_put_it(tmp_path, receiver, monkeypatch):
    monkeypatch.delenv("FIREWATCH_DISPATCH_SECRET", raising=False)
    assert "FIREWATCH_DISPATCH_SECRET" in replay(tmp_path, receiver, status=2).stderr


def test_smoke_in_an_ignored_part_of_the_view_is_neither_an_event_nor_pushed(tmp_path, receiver, monkeypatch):
    monkeypatch.setenv("FIREWATCH_DISPATCH_SECRET", SECRET)
    chimney = "[{kind: ignore, name: chimney, polygon: [[0.2, 0.2], [0.4, 0.2], [0.4, 0.5], [0.2, 0.5]]}]"
    assert "0 alerts delivered" in replay(tmp_path, receiver, masks=chimney).stdout
    assert receiver.alerts == []
    assert json.loads((tmp_path / "out" / "events.json").read_text())["events"] == []


def test_a_camera_the_deployment_does_not_know_is_refused_with_the_known_ones(tmp_path):
    footage = smoke_video(tmp_path / "smoke.mp4")
    config = tmp_path / "config.yaml"
    config.write_text(DEPLOYMENT.format(footage=footage, masks="[]"), encoding="utf-8")
    done = firewatch("replay", footage, "--camera", "south", "--config", config, status=2)
    assert "no camera 'south'; there are north" in done.stderr
