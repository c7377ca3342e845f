"""Taking sightings in: one fire, one incident; all of it in one transaction, or nothing."""

from __future__ import annotations

import base64
import hashlib
import threading
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from alerting_samples import (
    BOWL,
    NORTH,
    PICTURES,
    WEST,
    apart_m,
    fill,
    intake_into,
    jpeg,
    sighting_at,
    sighting_of,
)
from sqlalchemy import event, func, select

from alerting import decisions, message
from alerting.intake import Evidence, Intake
from alerting.lifecycle import Action, Cause, Decision, Status, Verdict
from alerting.store import Store, StoreError
from alerting.tables import AlertRow, Base, DeliveryRow, SightingRow
from detector.detection import Box

FIRE = BOWL.at(23.105, 116.395)
_NORTH = PICTURES, NORTH


def count_rows(store: Store) -> dict[str, int]:
    with store.reading() as session:
        return {
            table.name: session.scalar(select(func.count()).select_from(table)) or 0
            for table in Base.metadata.sorted_tables
        }


def test_a_sighting_becomes_an_incident_with_history_alert_delivery_evidence_and_events(
    store: Store, intake: Intake, noon: datetime
) -> None:
    sighting = sighting_of(FIRE, NORTH, noon)
    ref = intake.accept(sighting, PICTURES, NORTH)
    assert ref.raised

    detail = store.incident(ref.incident_id)
    assert detail.summary.number == ref.number == 1
    assert detail.summary.status is Status.SUSPECTED
    assert detail.summary.camera_ids == ("north",)
    assert detail.summary.first_seen_at == sighting.first_seen_at
    assert detail.summary.confirmed_at == noon
    assert apart_m(detail.summary.location.lat_deg, detail.summary.location.lon_deg, FIRE) < 20
    assert [one.sighting_id for one in detail.sightings] == [sighting.sighting_id]
    assert len(detail.sightings[0].history) == len(sighting.history)
    assert [(row.who, row.action) for row in detail.history] == [("machine", "raise")]
    assert [(one.sequence, one.type) for one in detail.alerts] == [(1, "Alert")]
    assert [(one.target_id, one.state) for one in detail.deliveries] == [("dispatch", "pending")]
    assert [one.kind for one in detail.evidence] == ["thumbnail", "snapshot", "annotated"]
    assert detail.summary.picture_evidence_id == detail.evidence[2].evidence_id
    assert [one.kind for one in store.events_since(0)] == ["incident", "alert"]


def test_evidence_is_kept_under_its_own_hash(
    store: Store, intake: Intake, noon: datetime, tmp_path: Path
) -> None:
    ref = intake.accept(sighting_of(FIRE, NORTH, noon), PICTURES, NORTH)
    snapshot = store.incident(ref.incident_id).evidence[1]
    content = (tmp_path / "evidence" / snapshot.path).read_bytes()
    assert content == PICTURES.snapshot_jpeg
    assert hashlib.sha256(content).hexdigest() == snapshot.sha256
    assert snapshot.size_bytes == len(content)


def test_the_same_sighting_twice_changes_nothing(store: Store, intake: Intake, noon: datetime) -> None:
    sighting = sighting_of(FIRE, NORTH, noon)
    first = intake.accept(sighting, PICTURES, NORTH)
    before = count_rows(store)
    second = intake.accept(sighting, PICTURES, NORTH)
    assert (second.incident_id, second.raised, second.alert_id) == (first.incident_id, False, None)
    assert count_rows(store) == before


def test_the_same_view_seeing_the_same_smoke_again_joins_quietly(
    store: Store, intake: Intake, noon: datetime
) -> None:
    first = intake.accept(sighting_of(FIRE, NORTH, noon), PICTURES, NORTH)
    again = sighting_of(FIRE, NORTH, noon + timedelta(minutes=3))
    second = intake.accept(again, PICTURES, NORTH)
    assert (second.incident_id, second.raised, second.alert_id) == (first.incident_id, False, None)
    detail = store.incident(first.incident_id)
    assert len(detail.sightings) == 2
    assert len(detail.alerts) == len(detail.history) == 1
    assert detail.summary.last_seen_at == noon + timedelta(minutes=3)


@pytest.mark.parametrize(
    ("what", "after_min", "change"),
    [
        ("flames seen", 3, {"label": "fire"}),
        ("has grown", 3, {"size_px": 90}),
        ("seen again after 40 min", 40, {}),
    ],
)
def test_what_matters_about_a_known_fire_is_told_as_an_update(
    store: Store, intake: Intake, noon: datetime, what: str, after_min: int, change: dict[str, Any]
) -> None:
    first = intake.accept(sighting_of(FIRE, NORTH, noon), PICTURES, NORTH)
    after = timedelta(minutes=after_min, seconds=10)
    second = intake.accept(sighting_of(FIRE, NORTH, noon + after, **change), PICTURES, NORTH)
    assert second.incident_id == first.incident_id
    update = store.incident(first.incident_id).alerts[1]
    assert (update.type, update.sequence) == ("Update", 2)
    assert update.content["changes"] == [what]


def test_two_cameras_that_agree_make_one_incident_placed_better_than_by_either(
    store: Store, intake: Intake, noon: datetime
) -> None:
    first = intake.accept(sighting_of(FIRE, NORTH, noon), PICTURES, NORTH)
    alone = store.incident(first.incident_id).summary.location
    second = intake.accept(sighting_of(FIRE, WEST, noon + timedelta(seconds=20)), PICTURES, WEST)
    assert (second.incident_id, second.raised) == (first.incident_id, False)

    detail = store.incident(first.incident_id)
    both = detail.summary.location
    assert both.method == "combined"
    assert alone.ellipse is not None
    assert both.ellipse is not None
    assert both.ellipse.semi_major_m < alone.ellipse.semi_major_m / 2
    assert apart_m(both.lat_deg, both.lon_deg, FIRE) < both.ellipse.semi_major_m
    update = detail.alerts[1].content
    assert update["changes"] == ["also seen by west 瞭望塔", "dispatched by itself: two cameras agree"]
    assert [one["camera_id"] for one in update["cameras"]] == ["north", "west"]


def test_two_fires_in_one_view_are_two_incidents(store: Store, intake: Intake, noon: datetime) -> None:
    intake.accept(sighting_of(FIRE, NORTH, noon), PICTURES, NORTH)
    other = intake.accept(sighting_of(BOWL.at(23.105, 116.405), NORTH, noon), PICTURES, NORTH)
    assert other.raised
    assert len(store.list_incidents().incidents) == 2


def test_two_plumes_that_one_view_cannot_tell_apart_are_one_incident_marked_possibly_two_and_told(
    store: Store, intake: Intake, noon: datetime
) -> None:
    near = sighting_at((640, 500), NORTH, noon, size_px=10)
    behind = sighting_at((640, 488), NORTH, noon + timedelta(seconds=6), size_px=10)
    first = intake.accept(near, PICTURES, NORTH)
    assert not store.incident(first.incident_id).summary.location.possibly_two
    second = intake.accept(behind, PICTURES, NORTH)
    assert second.incident_id == first.incident_id

    detail = store.incident(first.incident_id)
    assert detail.summary.location.possibly_two
    assert [one.location.possibly_two for one in detail.estimates] == [False, True]
    assert detail.alerts[-1].content["changes"] == ["possibly two fires on this bearing"]
    assert detail.alerts[-1].content["location"]["possibly_two"] is True

    third = intake.accept(sighting_at((640, 488), NORTH, noon + timedelta(seconds=16), size_px=10), *_NORTH)
    assert (third.incident_id, third.alert_id) == (first.incident_id, None), "told once"


@pytest.mark.parametrize(
    ("second", "two"),
    [
        pytest.param({"size_px": 60}, True, id="a plume as wide, its foot behind the ridge"),
        pytest.param({"size_px": 16}, True, id="a thin plume in front of a wide one"),
        pytest.param({"size_px": 16, "label": "fire"}, False, id="flames within the smoke"),
    ],
)
def test_of_boxes_that_overlap_in_sight_together_only_flames_within_smoke_are_surely_one_fire(
    sqlite_store: Store, tmp_path: Path, noon: datetime, second: dict[str, Any], two: bool
) -> None:
    """The ground breaks between both feet: eight pixels are a kilometre."""
    intake = intake_into(sqlite_store, tmp_path / "evidence")
    first = intake.accept(sighting_at((640, 440), NORTH, noon, size_px=60), *_NORTH)
    seen = sighting_at((640, 432), NORTH, noon + timedelta(seconds=6), **second)
    assert intake.accept(seen, *_NORTH).incident_id == first.incident_id
    assert sqlite_store.incident(first.incident_id).summary.location.possibly_two is two


def test_one_plume_whose_box_moves_between_two_looks_is_not_possibly_two(
    store: Store, intake: Intake, noon: datetime
) -> None:
    """Its box stood elsewhere, but never in two places at once."""
    first = intake.accept(sighting_at((640, 500), NORTH, noon, size_px=10), *_NORTH)
    later = noon + timedelta(minutes=3)
    second = intake.accept(sighting_at((640, 488), NORTH, later, size_px=10), *_NORTH)
    assert second.incident_id == first.incident_id
    assert not store.incident(first.incident_id).summary.location.possibly_two


def test_a_fire_far_from_what_another_camera_sees_is_another_incident(intake: Intake, noon: datetime) -> None:
    intake.accept(sighting_of(FIRE, NORTH, noon), PICTURES, NORTH)
    assert intake.accept(sighting_of(BOWL.at(23.098, 116.41), WEST, noon), PICTURES, WEST).raised


def test_smoke_at_the_place_of_a_dismissed_incident_raises_a_new_one(
    store: Store, intake: Intake, noon: datetime
) -> None:
    first = intake.accept(sighting_of(FIRE, NORTH, noon), PICTURES, NORTH)
    dismissal = Decision(Action.DISMISS, Verdict.FALSE_ALARM, Cause.CLOUD)
    decisions.decide(store, first.incident_id, dismissal, who="li", version=1)
    assert intake.accept(sighting_of(FIRE, NORTH, noon + timedelta(minutes=3)), PICTURES, NORTH).raised


def test_smoke_at_the_place_of_an_incident_left_open_since_yesterday_raises_a_new_one(
    intake: Intake, noon: datetime
) -> None:
    intake.accept(sighting_of(FIRE, NORTH, noon), PICTURES, NORTH)
    assert intake.accept(sighting_of(FIRE, NORTH, noon + timedelta(days=1)), PICTURES, NORTH).raised


def test_another_camera_an_hour_later_is_not_taken_for_the_same_fire(intake: Intake, noon: datetime) -> None:
    intake.accept(sighting_of(FIRE, NORTH, noon), PICTURES, NORTH)
    assert intake.accept(sighting_of(FIRE, WEST, noon + timedelta(hours=1)), PICTURES, WEST).raised


def test_a_late_sighting_of_another_camera_joins_and_moves_the_first_seen_time_back(
    store: Store, intake: Intake, noon: datetime
) -> None:
    first = intake.accept(sighting_of(FIRE, NORTH, noon), PICTURES, NORTH)
    late = sighting_of(FIRE, WEST, noon - timedelta(minutes=5))
    assert intake.accept(late, PICTURES, WEST).incident_id == first.incident_id
    summary = store.incident(first.incident_id).summary
    assert summary.first_seen_at == late.first_seen_at
    assert summary.last_seen_at == noon


def test_two_workers_confirming_the_same_fire_at_the_same_moment_make_one_incident(
    store: Store, tmp_path: Path, noon: datetime
) -> None:
    barrier = threading.Barrier(2)
    refs = []

    def work(camera: object) -> None:
        intake = intake_into(store, tmp_path / "evidence")
        sighting = sighting_of(FIRE, camera, noon)  # type: ignore[arg-type]
        barrier.wait()
        refs.append(intake.accept(sighting, PICTURES, camera))  # type: ignore[arg-type]

    threads = [threading.Thread(target=work, args=(one,)) for one in (NORTH, WEST)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({ref.incident_id for ref in refs}) == 1
    assert sorted(ref.raised for ref in refs) == [False, True]


def test_a_sky_pixel_raises_an_incident_with_a_bearing_and_without_a_point(
    store: Store, intake: Intake, noon: datetime
) -> None:
    ref = intake.accept(sighting_at((700, 60), NORTH, noon), PICTURES, NORTH)
    content = store.incident(ref.incident_id).alerts[0].content
    assert content["location"]["method"] == "bearing_only"
    assert content["location"]["lat_deg"] is None
    assert "above the ground" in content["location"]["caution"]
    assert content["cameras"][0]["bearing_deg"] == pytest.approx(182.6, abs=0.5)


def test_an_error_in_the_middle_of_recording_leaves_no_trace_and_a_retry_works(
    store: Store, intake: Intake, noon: datetime
) -> None:
    before = count_rows(store)
    sighting = sighting_of(FIRE, NORTH, noon)

    def fail(*_: object) -> None:
        raise OSError("pulled out")

    event.listen(AlertRow, "before_insert", fail)
    try:
        with pytest.raises(OSError, match="pulled out"):
            intake.accept(sighting, PICTURES, NORTH)
    finally:
        event.remove(AlertRow, "before_insert", fail)
    assert count_rows(store) == before
    assert intake.accept(sighting, PICTURES, NORTH).raised


def test_a_full_evidence_disk_delays_no_alarm_and_leaves_no_torn_file(
    store: Store, small_disk: Path, noon: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    filler = fill(small_disk)
    ref = intake_into(store, small_disk / "evidence").accept(sighting_of(FIRE, NORTH, noon), PICTURES, NORTH)
    detail = store.incident(ref.incident_id)
    assert detail.evidence == ()
    assert detail.alerts[0].content["evidence"] == []
    assert detail.alerts[0].content["picture"] is not None
    assert "evidence lost, the alarm goes on" in caplog.text
    assert "No space left" in caplog.text
    assert [path for path in small_disk.rglob("*") if path.is_file()] == [filler]


def test_a_full_store_disk_is_an_error_with_nothing_recorded_and_a_retry_once_there_is_room(
    small_disk: Path, tmp_path: Path, noon: datetime
) -> None:
    store = Store.open(f"sqlite:///{small_disk}/store.db")
    filler = fill(small_disk)
    intake = intake_into(store, tmp_path / "evidence")
    sighting = sighting_of(FIRE, NORTH, noon)
    with pytest.raises(StoreError, match="was not recorded, try again"):
        intake.accept(sighting, PICTURES, NORTH)
    filler.unlink()
    assert count_rows(store)["sightings"] == 0
    assert intake.accept(sighting, PICTURES, NORTH).raised
    store.close()


def test_an_unreadable_picture_delays_no_alarm(store: Store, intake: Intake, noon: datetime) -> None:
    broken = Evidence(b"not a jpeg", PICTURES.annotated_jpeg[:100])
    ref = intake.accept(sighting_of(FIRE, NORTH, noon), broken, NORTH)
    assert store.incident(ref.incident_id).alerts[0].content["picture"] is None


def test_the_inline_picture_stays_small_even_for_noise_at_4k(
    store: Store, intake: Intake, noon: datetime
) -> None:
    noise = Evidence(b"", jpeg(3840, 2160))
    ref = intake.accept(sighting_of(FIRE, NORTH, noon), noise, NORTH)
    picture = store.incident(ref.incident_id).alerts[0].content["picture"]
    assert len(base64.b64decode(picture["base64"])) <= message.MAX_PICTURE_BYTES


def test_without_targets_the_incident_is_kept_all_the_same(
    store: Store, tmp_path: Path, noon: datetime
) -> None:
    intake = intake_into(store, tmp_path / "evidence", targets=())
    ref = intake.accept(sighting_of(FIRE, NORTH, noon), PICTURES, NORTH)
    assert len(store.incident(ref.incident_id).alerts) == 1
    with store.reading() as session:
        assert session.scalars(select(DeliveryRow)).all() == []
        assert len(session.scalars(select(SightingRow)).all()) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"box": Box(0, 0, float("nan"), 5)},
        {"confidence": 1.2},
        {"confidence": float("nan")},
        {"width_px": 0},
        {"confirmed_at": datetime(2026, 11, 24, 12)},
    ],
)
def test_a_sighting_that_makes_no_sense_is_refused_by_its_id(
    sqlite_store: Store, tmp_path: Path, noon: datetime, change: dict[str, Any]
) -> None:
    senseless = replace(sighting_of(FIRE, NORTH, noon, sighting_id="odd"), **change)
    with pytest.raises(ValueError, match="sighting odd: "):
        intake_into(sqlite_store, tmp_path / "evidence").accept(senseless, PICTURES, NORTH)
    assert sqlite_store.list_incidents().incidents == ()


def test_a_terrain_that_fails_at_one_place_delays_no_alarm(
    sqlite_store: Store, tmp_path: Path, noon: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing:
        """Answers about the camera's own foot only."""

        def height_m(self, lat_deg: Any, lon_deg: Any) -> Any:
            if np.ndim(lat_deg):
                raise OSError("unreadable block")
            return BOWL.height_m(lat_deg, lon_deg)

    intake = intake_into(sqlite_store, tmp_path / "evidence", terrain=Failing())
    ref = intake.accept(sighting_of(FIRE, NORTH, noon), PICTURES, NORTH)
    where = sqlite_store.incident(ref.incident_id).summary.location
    assert (where.method, where.caution) == ("bearing_only", "the position could not be worked out")
    assert "unreadable block" in caplog.text
