"""A drill goes the way of a real sighting, marked everywhere, joined with nothing, counted nowhere."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from alerting_samples import NORTH, PICTURES, intake_into, sighting_at
from test_outbox import SECRET, sending, target_of

from alerting import drill
from alerting.drill import exercise_sighting
from alerting.lifecycle import Status
from alerting.store import Store, utc_now
from alerting.tables import ClockRow
from simulator.receiver import DispatchReceiver


def test_every_step_is_timed_and_receivers_get_a_marked_alert_and_its_cancel(
    store: Store, tmp_path: Path
) -> None:
    intake = intake_into(store, tmp_path / "evidence")
    sighting = exercise_sighting(NORTH, utc_now(), 1280, 720, "drill-1")
    with DispatchReceiver(SECRET) as receiver, sending(store, target_of(receiver.url)):
        report = drill.run(store, intake, NORTH, sighting, PICTURES, patience_s=30)
        received = [one.alert for one in receiver.alerts]
    assert report.passed
    assert [step.name for step in report.steps] == ["recorded", "alert: dispatch", "cancel: dispatch"]
    assert all(step.took_s is not None and step.took_s >= 0 for step in report.steps)
    assert [(one["type"], one["exercise"]) for one in received] == [("Alert", True), ("Cancel", True)]
    assert store.incident(report.incident_id).summary.status is Status.CLOSED


def test_a_drill_is_outside_the_counts_sets_no_clock_and_never_meets_a_real_fire(
    store: Store, tmp_path: Path
) -> None:
    intake = intake_into(store, tmp_path / "evidence")
    now = utc_now()
    exercise = intake.accept(
        exercise_sighting(NORTH, now, 1280, 720, "drill-1"), PICTURES, NORTH, exercise=True
    )
    with store.reading() as session:
        assert session.query(ClockRow).count() == 0
    assert sum(store.count_incidents().values()) == 0
    real = intake.accept(sighting_at((640, 432), NORTH, now + timedelta(seconds=1)), PICTURES, NORTH)
    assert real.raised
    again = intake.accept(
        exercise_sighting(NORTH, now + timedelta(seconds=2), 1280, 720, "drill-2"),
        PICTURES,
        NORTH,
        exercise=True,
    )
    assert again.raised
    assert len({exercise.incident_id, real.incident_id, again.incident_id}) == 3
    assert sum(store.count_incidents().values()) == 1
    drill.close(store, exercise.incident_id, "over")
    drill.close(store, real.incident_id, "a drill may not close what is real")
    assert sum(store.count_incidents().values()) == 1
    assert store.incident(real.incident_id).summary.status is Status.SUSPECTED


def test_a_drill_without_a_sender_says_so(sqlite_store: Store, tmp_path: Path) -> None:
    intake = intake_into(sqlite_store, tmp_path / "evidence")
    sighting = exercise_sighting(NORTH, utc_now(), 1280, 720, "drill-1")
    report = drill.run(sqlite_store, intake, NORTH, sighting, PICTURES, patience_s=0.1)
    assert not report.passed
    assert "does the sender run?" in report.steps[1].problem


def test_a_receiver_that_does_not_take_it_is_named(sqlite_store: Store, tmp_path: Path) -> None:
    intake = intake_into(sqlite_store, tmp_path / "evidence")
    sighting = exercise_sighting(NORTH, utc_now(), 1280, 720, "drill-1")
    with DispatchReceiver(SECRET) as receiver:
        receiver.control(mode="fail")
        with sending(sqlite_store, target_of(receiver.url)):
            report = drill.run(sqlite_store, intake, NORTH, sighting, PICTURES, patience_s=2)
    assert "HTTP 503" in report.steps[1].problem


def test_an_exercise_whose_drill_was_killed_is_closed_by_the_next(
    sqlite_store: Store, tmp_path: Path
) -> None:
    intake = intake_into(sqlite_store, tmp_path / "evidence")
    left = intake.accept(
        exercise_sighting(NORTH, utc_now(), 1280, 720, "drill-0"), PICTURES, NORTH, exercise=True
    )
    later = utc_now() + timedelta(hours=2)
    sqlite_store.clock = lambda: later
    drill.close_what_was_left_behind(sqlite_store)
    assert sqlite_store.incident(left.incident_id).summary.status is Status.CLOSED
