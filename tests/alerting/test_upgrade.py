"""What an older program has accepted, the newer one delivers: rows as they were written then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alerting_samples import NORTH, PICTURES, intake_into, sighting_at
from sqlalchemy import MetaData
from test_outbox import SECRET, sending, wait_for

import config
from alerting import database, decisions, message
from alerting.lifecycle import Action, Decision
from alerting.store import Store
from simulator.receiver import DispatchReceiver

NOT_SAID_THEN = {
    "0001": {"references", "exercise", "grids_touched", "response"},
    "0002": {"references", "exercise", "grids_touched", "response"},
    "0007": {"grids_touched", "response"},
    "0010": {"response"},
}


def content_of_now(folder: Path, at: datetime) -> dict[str, Any]:
    store = Store.open(f"sqlite:///{folder}/now.db", clock=lambda: at)
    ref = intake_into(store, folder / "evidence").accept(sighting_at((640, 500), NORTH, at), PICTURES, NORTH)
    content = dict(store.incident(ref.incident_id).alerts[0].content)
    store.close()
    return content


def write_with(database_url: str, revision: str, content: dict[str, Any], at: datetime) -> None:
    """An alert that waits for two targets, in the tables of that revision."""
    engine = database.open_engine(database_url)
    with database.writer(engine).begin() as connection:
        settings = database.alembic_config()
        settings.attributes["connection"] = connection
        command.upgrade(settings, revision)
        found = MetaData()
        found.reflect(connection)
        incident_id, alert_id = content["incident_id"], content["alert_id"]
        times = ("first_seen_at", "confirmed_at", "last_seen_at", "raised_at", "updated_at")
        where = {"location_method": "bearing_only", "bearing_deg": 180.0, "elevation_deg": -1.0}
        where["location_caution"] = "no terrain"
        incident = {
            "incident_id": incident_id, "status": "suspected", "label": "smoke", "confidence": 0.8,
            "grid_chain": [], "camera_ids": ["north"], "version": 1, **dict.fromkeys(times, at), **where,
        }  # fmt: skip
        sighting = {
            "sighting_id": "s-1", "incident_id": incident_id, "camera_id": "north", "camera_name": "north",
            "camera_lat_deg": 23.13, "camera_lon_deg": 116.4, "label": "smoke", "confidence": 0.8,
            "first_seen_at": at, "confirmed_at": at, "received_at": at, "x1": 1.0, "y1": 1.0, "x2": 9.0,
            "y2": 9.0, "width_px": 1280, "height_px": 720, "history": [], "model_id": "m", "profile": "p",
            "config_version": "c", "reason": "", **where,
        }  # fmt: skip
        alert = {
            "alert_id": alert_id, "incident_id": incident_id, "sequence": 1, "type": "Alert",
            "created_at": at, "content": content,
        }  # fmt: skip
        delivery = {
            "alert_id": alert_id, "incident_id": incident_id, "sequence": 1, "state": "pending",
            "attempts": 0, "next_attempt_at": at, "created_at": at,
        }  # fmt: skip
        deliveries = [{**delivery, "target_id": target} for target in ("json", "cap")]
        if "stream" in found.tables["deliveries"].columns:
            deliveries = [{**one, "stream": incident_id, "lane": one["target_id"]} for one in deliveries]
        for table, rows in (
            ("incidents", [incident]),
            ("sightings", [sighting]),
            ("alerts", [alert]),
            ("deliveries", deliveries),
        ):
            connection.execute(found.tables[table].insert(), rows)
    engine.dispose()


@pytest.mark.parametrize("revision", list(NOT_SAID_THEN))
def test_an_alert_that_waited_through_an_upgrade_is_sent_complete_and_followed_up(
    new_database_url: str, tmp_path: Path, revision: str
) -> None:
    at = datetime.now(UTC) - timedelta(hours=2)
    old = {
        key: one for key, one in content_of_now(tmp_path, at).items() if key not in NOT_SAID_THEN[revision]
    }
    write_with(new_database_url, revision, old, at)
    store = Store.open(new_database_url)
    with DispatchReceiver(SECRET) as json, DispatchReceiver(SECRET) as cap:
        targets = [
            config.DispatchTarget.model_validate(
                {"id": form, "name": form, "url": receiver.url, "secret": SECRET, "format": form}
            )
            for form, receiver in (("json", json), ("cap", cap))
        ]
        incident_id = old["incident_id"]
        decisions.decide(store, incident_id, Decision(Action.CONFIRM), who="li", version=1)
        with sending(store, *targets):
            wait_for(lambda: len(store.deliveries(state="delivered")) == 4, limit_s=60)
        in_json = [one.alert for one in json.alerts]
        assert [one.idempotency_key for one in cap.alerts] == [one["alert_id"] for one in in_json]
    store.close()
    assert [(one["sequence"], one["late"]) for one in in_json] == [(1, True), (2, False)]
    for one in in_json:
        message.validate(one)
    assert {key: in_json[0][key] for key in NOT_SAID_THEN[revision]} == {
        key: one
        for key, one in {"references": [], "exercise": False, "grids_touched": [], "response": None}.items()
        if key in NOT_SAID_THEN[revision]
    }
    assert in_json[1]["references"][0]["alert_id"] == old["alert_id"]
    assert in_json[1]["response"]["confirmed"]["by"] == "li"
