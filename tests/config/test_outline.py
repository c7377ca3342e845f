"""What a deployment shows of itself holds every option and no secret."""

from __future__ import annotations

import json
from pathlib import Path

import config
from config.outline import outline

DEPLOYMENT = """
name: 大南山
cameras:
  - id: a
    name: A
    source: rtsp://viewer:PLANTED-1@10.9.8.7/PLANTED-2?token=PLANTED-3
    sub_source: rtsp://viewer:PLANTED-4@10.9.8.7/2
    lat_deg: 23
    lon_deg: 116
    mast_height_m: 20
    pose: {azimuth_deg: 90, tilt_deg: -3, hfov_deg: 60}
dispatch:
  - id: county
    name: County
    url: https://dispatch.example/PLANTED-5/alerts
    secret: PLANTED-66
    bearer: PLANTED-77
  - {id: town, name: Town, url: "https://town.example/alerts", basic: {user: centre, password: PLANTED-88}}
notify:
  gateways: [{id: staff, url: "tgram://PLANTED-9/{address}"}]
  people: [{id: li, name: Li, channels: {staff: PLANTED-12}}]
live:
  ice_servers: [{url: "turn:relay.example:3478", username: centre, credential: PLANTED-10}]
storage: {database_url: "postgresql+psycopg://firewatch:PLANTED-11@10.2.0.5/firewatch"}
console: {public_url: "https://firewatch.example"}
"""


def test_no_secret_is_left_and_every_option_is_there(tmp_path: Path) -> None:
    file = tmp_path / "deployment.yaml"
    file.write_text(DEPLOYMENT, encoding="utf-8")
    deployment = config.load(file)
    told = outline(deployment)
    assert "PLANTED" not in json.dumps(told)
    assert set(told) == set(type(deployment).model_fields)
    assert told["cameras"][0]["source"] == "rtsp://***"
    assert [one["url"] for one in told["dispatch"]] == [
        "https://dispatch.example/***",
        "https://town.example/***",
    ]
    assert told["dispatch"][0]["secret"] == "***"
    assert told["notify"]["gateways"][0]["url"] == "tgram://***"
    assert told["console"]["public_url"] == "https://firewatch.example"
    assert told["looks"]["patrol_interval_s"] == deployment.looks.patrol_interval_s
