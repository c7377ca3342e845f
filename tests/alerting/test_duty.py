"""Who is called is who is on duty at that moment, by the grid file as it is then."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alerting_samples import BOWL, NORTH, PICTURES, intake_into, sighting_of
from sqlalchemy import select
from test_grids import CHAIN, feature, square

import config
from alerting.duty import roster_of
from alerting.grids import Grids
from alerting.keeper import ClockKeeper
from alerting.policy import Rules
from alerting.store import Store
from alerting.tables import DeliveryRow

DAY = {
    "name": "白（示例）", "role": "网格员", "phone": "1", "channels": {"wecom": "bai"},
    "duty": {"from": "08:00", "to": "20:00"},
}  # fmt: skip
NIGHT = {**DAY, "name": "夜（示例）", "phone": "2", "channels": {"wecom": "ye"}}
NIGHT["duty"] = {"from": "20:00", "to": "08:00"}
CHIEF = {"name": "村长（示例）", "role": "村级林长", "phone": "3"}
FIRE = BOWL.at(23.105, 116.395)


def write_grids(path: Path, *contacts: dict[str, Any], code: str = "g") -> None:
    village = feature("village", "v", "t", contacts=[CHIEF])
    grid = feature("grid", code, "v", square(116, 23), contacts=contacts)
    content = {"type": "FeatureCollection", "features": [*CHAIN[:2], village, grid]}
    path.write_text(json.dumps(content), encoding="utf-8")


def deployment_with(grids: Path, **more: Any) -> config.Deployment:
    return config.Deployment.model_validate(
        {
            "name": "大岗顶",
            "cameras": [NORTH],
            "grids": grids,
            "notify": {
                "gateways": [
                    {"id": "wecom", "url": "json://127.0.0.1/{address}"},
                    {"id": "sms", "url": "json://127.0.0.1/sms/{address}"},
                ]
            },
            **more,
        }
    )


def called(store: Store) -> list[dict[str, Any]]:
    with store.reading() as session:
        query = select(DeliveryRow.recipient).order_by(DeliveryRow.delivery_id)
        return [one for one in session.scalars(query) if one is not None]


def test_the_ladder_calls_whose_shift_it_is_when_the_time_is_up_not_when_the_fire_was_seen(
    sqlite_store: Store, tmp_path: Path
) -> None:
    """Seen half a minute before eight in the evening in China; the minute of the operator ends after."""
    grids = tmp_path / "grids.geojson"
    write_grids(grids, DAY, NIGHT)
    rules = Rules.of(deployment_with(grids))
    now = datetime.fromisoformat("2026-11-24T19:59:30+08:00")
    sqlite_store.clock = lambda: now
    intake = intake_into(sqlite_store, tmp_path / "evidence", grids=Grids.open(grids), rules=rules)
    ref = intake.accept(sighting_of(FIRE, NORTH, now), PICTURES, NORTH)
    named = sqlite_store.incident(ref.incident_id).summary.grid_chain[0].contacts
    assert [one.name for one in named] == ["白（示例）"]
    keeper = ClockKeeper(sqlite_store, rules, monotonic=lambda: 0.0)
    now += timedelta(seconds=60)
    assert keeper.ring_due() == 1
    assert called(sqlite_store) == [
        {"name": "夜（示例）", "role": "网格员", "channels": {"sms": "2", "wecom": "ye"}}
    ]
    now += timedelta(seconds=120)
    assert keeper.ring_due() == 1
    assert [one["name"] for one in called(sqlite_store)] == ["夜（示例）", "村长（示例）"]


def test_the_shift_is_that_of_the_deployments_time_zone(sqlite_store: Store, tmp_path: Path) -> None:
    grids = tmp_path / "grids.geojson"
    write_grids(grids, DAY, NIGHT)
    noon_in_china = datetime.fromisoformat("2026-11-24T04:00:00+00:00")

    def names(**zone: str) -> list[str]:
        area = {"code": "g", "contacts": []}
        with sqlite_store.reading() as session:
            found = roster_of(deployment_with(grids, **zone))(session, area, noon_in_china)
        return [one.name for one in found]

    assert names() == ["白（示例）"]
    assert names(time_zone="America/New_York") == ["夜（示例）"]


def test_a_hole_in_the_roster_leaves_no_fire_uncalled(
    sqlite_store: Store, tmp_path: Path, noon: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    grids = tmp_path / "grids.geojson"
    write_grids(grids, NIGHT, {**NIGHT, "name": "夜二（示例）", "phone": "4"})
    with sqlite_store.reading() as session:
        found = roster_of(deployment_with(grids))(session, {"code": "g", "contacts": []}, noon)
    assert [one.name for one in found] == ["夜（示例）", "夜二（示例）"]
    assert "nobody is on duty" in caplog.text


@pytest.mark.parametrize("fault", ["the area is gone", "the file is broken", "there is no file"])
def test_without_a_usable_roster_whom_the_incident_names_is_called(
    sqlite_store: Store, tmp_path: Path, noon: datetime, fault: str
) -> None:
    grids = tmp_path / "grids.geojson"
    write_grids(grids, DAY, code="renamed")
    if fault == "the file is broken":
        grids.write_text("{", encoding="utf-8")
    roster = roster_of(deployment_with(grids))
    if fault == "there is no file":
        grids.unlink()
    area = {"code": "g", "contacts": [{"name": "旧（示例）", "role": "网格员", "phone": "5"}]}
    with sqlite_store.reading() as session:
        assert [one.name for one in roster(session, area, noon)] == ["旧（示例）"]
