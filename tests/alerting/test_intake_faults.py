"""Taking sightings in when things go wrong at once: floods, two workers at the same moment, a clock set
back."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from accepting_process import FIRES
from alerting_samples import BOWL, NORTH, PICTURES, ROOT, WEST, intake_into, sighting_at, sighting_of
from sqlalchemy import func, select

from alerting import decisions
from alerting.lifecycle import Action, Cause, Decision, Verdict
from alerting.message import MAX_PICTURE_BYTES
from alerting.store import Store
from alerting.storms import MOST_INCIDENTS, MOST_SIGHTINGS
from alerting.tables import SightingRow

FIRE = BOWL.at(23.105, 116.395)
CLOUD = Decision(Action.DISMISS, Verdict.FALSE_ALARM, Cause.CLOUD)


def kept_sightings(store: Store) -> int:
    with store.reading() as session:
        return session.scalar(select(func.count()).select_from(SightingRow)) or 0


@pytest.mark.parametrize(
    "sightings", [300, pytest.param(10_000, marks=[pytest.mark.slow, pytest.mark.timeout(900)])]
)
def test_a_camera_that_burns_makes_one_incident_and_no_flood_of_messages(
    store: Store, tmp_path: Path, noon: datetime, sightings: int
) -> None:
    """All within a minute, in flames that leap up wherever they reach."""
    intake = intake_into(store, tmp_path / "evidence", monotonic=lambda: 0.0)
    chance = random.Random(1)
    for number in range(sightings):
        at = noon + timedelta(seconds=60 * number / sightings)
        foot = 640 + chance.gauss(0, 30), 500 + chance.gauss(0, 20)
        size_px = 60 + 200 * number / sightings
        seen = sighting_at(foot, NORTH, at, label="fire", size_px=size_px)
        intake.accept(seen, PICTURES, NORTH)
    (incident,) = store.list_incidents().incidents
    assert kept_sightings(store) <= MOST_SIGHTINGS
    assert kept_sightings(store) + incident.response.repeats == sightings
    alerts = store.incident(incident.incident_id).alerts
    assert len(alerts) <= 3
    assert "it may burn itself, or be broken" in alerts[-1].content["changes"][0]
    assert len(str(alerts[-1].content)) < MAX_PICTURE_BYTES * 4 / 3 + 30_000  # complete, and still small


def test_a_camera_that_sees_fire_all_over_its_picture_raises_a_few_incidents_then_only_counts(
    sqlite_store: Store, tmp_path: Path, noon: datetime
) -> None:
    intake = intake_into(sqlite_store, tmp_path / "evidence", monotonic=lambda: 0.0)
    for number in range(60):
        place = 30.0 + 100 * (number % 12), 420.0 + 60 * (number // 12)
        intake.accept(sighting_at(place, NORTH, noon, size_px=12), PICTURES, NORTH)
    incidents = sqlite_store.list_incidents().incidents
    assert len(incidents) == MOST_INCIDENTS
    assert sum(one.response.repeats for one in incidents) == 60 - MOST_INCIDENTS


def test_during_a_storm_of_one_camera_another_camera_gets_through(
    sqlite_store: Store, tmp_path: Path, noon: datetime
) -> None:
    intake = intake_into(sqlite_store, tmp_path / "evidence", monotonic=lambda: 0.0)
    for number in range(20):
        intake.accept(sighting_at((60.0 * number, 500.0), NORTH, noon, size_px=12), PICTURES, NORTH)
    assert intake.accept(sighting_of(BOWL.at(23.098, 116.41), WEST, noon), PICTURES, WEST).raised


def test_after_a_storm_the_camera_is_trusted_again(
    sqlite_store: Store, tmp_path: Path, noon: datetime
) -> None:
    now_s = [0.0]
    intake = intake_into(sqlite_store, tmp_path / "evidence", monotonic=lambda: now_s[0])
    for number in range(20):
        intake.accept(sighting_at((60.0 * number, 500.0), NORTH, noon, size_px=12), PICTURES, NORTH)
    now_s[0] += 61
    later = noon + timedelta(seconds=61)
    assert intake.accept(sighting_at((1250.0, 700.0), NORTH, later, size_px=12), PICTURES, NORTH).raised


def test_a_storm_that_goes_on_for_minutes_is_told_once_and_fills_no_store(
    sqlite_store: Store, tmp_path: Path, noon: datetime
) -> None:
    now_s = [0.0]
    intake = intake_into(sqlite_store, tmp_path / "evidence", monotonic=lambda: now_s[0])
    chance = random.Random(1)
    for number in range(200):  # forty a minute
        now_s[0] = 1.5 * number
        foot = 640 + chance.gauss(0, 30), 500 + chance.gauss(0, 20)
        size_px = 60 + 200 * number / 200
        seen = sighting_at(foot, NORTH, noon + timedelta(seconds=now_s[0]), label="fire", size_px=size_px)
        intake.accept(seen, PICTURES, NORTH)
    (incident,) = sqlite_store.list_incidents().incidents
    assert kept_sightings(sqlite_store) <= MOST_SIGHTINGS
    said = [one.action for one in sqlite_store.incident(incident.incident_id).history]
    assert said.count("storm") == 1


def test_two_workers_confirming_the_same_fire_at_the_same_moment_make_one_incident(
    database_url: str, tmp_path: Path
) -> None:
    Store.open(database_url).close()
    program = Path(__file__).with_name("accepting_process.py")
    workers = [
        subprocess.Popen(
            [sys.executable, str(program), database_url, str(tmp_path / "evidence"), camera],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        for camera in ("north", "west")
    ]
    try:
        lines = [worker.stdout for worker in workers if worker.stdout is not None]
        assert [line.readline().strip() for line in lines] == ["ready", "ready"]
        for number in range(len(FIRES)):
            for worker in workers:
                assert worker.stdin is not None
                worker.stdin.write(f"{number}\n")
                worker.stdin.flush()
            first, second = (line.readline().strip() for line in lines)
            assert first == second, f"fire {number}"
    finally:
        for worker in workers:
            worker.communicate(timeout=20)
    store = Store.open(database_url)
    incidents = store.list_incidents().incidents
    assert len(incidents) == len(FIRES)
    assert all(sorted(one.camera_ids) == ["north", "west"] for one in incidents)
    store.close()


def test_a_clock_set_back_an_hour_neither_splits_the_fire_nor_mixes_up_its_history(
    database_url: str, tmp_path: Path, noon: datetime
) -> None:
    wall = [noon]
    store = Store.open(database_url, clock=lambda: wall[0])
    intake = intake_into(store, tmp_path / "evidence")
    first = intake.accept(sighting_of(FIRE, NORTH, wall[0]), PICTURES, NORTH)
    wall[0] -= timedelta(hours=1)
    again = intake.accept(sighting_of(FIRE, NORTH, wall[0], label="fire"), PICTURES, NORTH)
    assert again.incident_id == first.incident_id
    detail = decisions.decide(store, first.incident_id, CLOUD, who="li", version=2)
    assert [row.action for row in detail.history] == ["raise", "join", "dismiss"]
    assert [(one.sequence, one.type) for one in detail.alerts] == [(1, "Alert"), (2, "Update"), (3, "Cancel")]
    assert [event.event_id for event in store.events_since(0)] == list(range(1, store.last_event_id() + 1))
    store.close()
