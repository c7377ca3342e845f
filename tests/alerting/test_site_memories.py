"""What operators decide reaches the site memories of running workers, and memories outlive their process."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from alerting_samples import BOWL, HEIGHT_PX, NORTH, PICTURES, WEST, WIDTH_PX, intake_into, sighting_of
from sqlalchemy import select

from alerting import decisions
from alerting.lifecycle import Action, Cause, Decision, Verdict
from alerting.site_memories import StoredSiteMemories, judged_since
from alerting.store import Store
from alerting.tables import VerdictDayRow
from detector.detection import Box, Sighting, Usual
from detector.site_memory import SiteMemory
from firewatch.feedback import StoreFeedback
from firewatch.site_memories import SiteMemories

CLOUD = Decision(Action.DISMISS, Verdict.FALSE_ALARM, Cause.CLOUD, why="drifts")
CONFIRM = Decision(Action.CONFIRM, why="flames")
SIZE = (WIDTH_PX, HEIGHT_PX)


@pytest.fixture
def store(database_url: str, noon: datetime) -> Iterator[Store]:
    with closing(Store.open(database_url, lambda: noon + timedelta(minutes=1))) as opened:
        yield opened


@pytest.fixture
def sighting(noon: datetime) -> Sighting:
    return sighting_of(BOWL.at(23.105, 116.4), NORTH, noon)


def usual(memory: SiteMemory, sighting: Sighting, later: timedelta = timedelta(minutes=1)) -> Usual | None:
    box, (width, height) = sighting.box, SIZE
    share = Box(box.x1 / width, box.y1 / height, box.x2 / width, box.y2 / height)
    return memory.usual("smoke", share, sighting.confirmed_at + later)


def memories_of(store: Store, camera_ids: list[str], **settings: float) -> SiteMemories:
    return SiteMemories(StoreFeedback(store, camera_ids), StoredSiteMemories(store), **settings)


def wait_for(condition, limit_s: float = 20.0) -> None:
    end_s = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end_s
        time.sleep(0.05)


def test_a_dismissal_reaches_a_running_memory_through_the_event_log_and_an_undo_takes_it_back(
    store: Store, sighting: Sighting, tmp_path: Path
) -> None:
    ref = intake_into(store, f"{tmp_path}/e").accept(sighting, PICTURES, NORTH)
    with memories_of(store, ["north"], follow_s=0.1) as memories:
        memory = memories.of("north", None)
        dismissed = decisions.decide(store, ref.incident_id, CLOUD, who="li", version=1)
        wait_for(lambda: usual(memory, sighting) is not None)
        assert usual(memory, sighting) == Usual(sighting.confidence, "cloud")
        decisions.undo(store, ref.incident_id, dismissed.history[-1].history_id, who="li", version=2)
        wait_for(lambda: usual(memory, sighting) is None)


def test_what_people_decide_about_an_exercise_teaches_nothing(
    store: Store, sighting: Sighting, noon: datetime, tmp_path: Path
) -> None:
    exercise = intake_into(store, f"{tmp_path}/e").accept(sighting, PICTURES, NORTH, exercise=True)
    decisions.decide(store, exercise.incident_id, CLOUD, who="li", version=None)
    assert judged_since(store, noon - timedelta(days=1), ["north"]) == {}
    with store.reading() as session:
        assert session.scalars(select(VerdictDayRow)).all() == []


def test_a_worker_that_starts_later_knows_what_was_dismissed_before(
    store: Store, sighting: Sighting, tmp_path: Path
) -> None:
    ref = intake_into(store, f"{tmp_path}/e").accept(sighting, PICTURES, NORTH)
    decisions.decide(store, ref.incident_id, CLOUD, who="li", version=1)
    memories = memories_of(store, ["north", "west"])
    north, west = memories.of("north", None), memories.of(WEST.id, None)
    memories.follow()
    assert usual(north, sighting) == Usual(sighting.confidence, "cloud")
    assert usual(west, sighting) is None


def test_a_confirmed_fire_of_yesterday_does_not_hide_the_same_place_today(
    store: Store, sighting: Sighting, tmp_path: Path
) -> None:
    memories = memories_of(store, ["north"])
    memory = memories.of("north", None)
    memory.record(sighting.confirmed_at, [sighting.history[-1][1]], SIZE)
    assert usual(memory, sighting, timedelta(days=1)) is not None
    ref = intake_into(store, f"{tmp_path}/e").accept(sighting, PICTURES, NORTH)
    decisions.decide(store, ref.incident_id, CONFIRM, who="li", version=1)
    memories.follow()
    assert usual(memory, sighting, timedelta(days=1)) is None


def test_the_dismissals_of_other_cameras_and_of_long_ago_are_not_read(
    store: Store, sighting: Sighting, noon: datetime, tmp_path: Path
) -> None:
    ref = intake_into(store, f"{tmp_path}/e").accept(sighting, PICTURES, NORTH)
    decisions.decide(store, ref.incident_id, CLOUD, who="li", version=1)
    assert set(judged_since(store, noon - timedelta(days=1), ["north"])) == {("north", None)}
    assert judged_since(store, noon - timedelta(days=1), ["west"]) == {}
    assert judged_since(store, noon + timedelta(seconds=1), ["north"]) == {}


def test_what_was_seen_survives_the_process_per_camera_and_preset(store: Store, sighting: Sighting) -> None:
    memories = memories_of(store, ["north"])
    memories.of("north", "east").record(sighting.confirmed_at, [sighting.history[-1][1]], SIZE)
    memories.save()
    again = memories_of(store, ["north"])
    assert usual(again.of("north", "east"), sighting, timedelta(days=1)) == Usual(0.8)
    assert usual(again.of("north", None), sighting, timedelta(days=1)) is None


def test_a_damaged_memory_is_an_empty_one(store: Store, sighting: Sighting) -> None:
    StoredSiteMemories(store).save("north", None, b"half a")
    assert usual(memories_of(store, ["north"]).of("north", None), sighting, timedelta(days=1)) is None


def test_a_sighting_keeps_what_is_usual_there_and_its_probability(
    store: Store, sighting: Sighting, tmp_path: Path
) -> None:
    explained = dataclasses.replace(sighting, probability=0.91, usual=Usual(0.4, "fog"))
    ref = intake_into(store, f"{tmp_path}/e").accept(explained, PICTURES, NORTH)
    kept = store.incident(ref.incident_id).sightings[0]
    assert (kept.probability, kept.usual_score, kept.usual_cause) == (0.91, 0.4, "fog")
