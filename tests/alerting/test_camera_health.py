"""Blindness is kept, counted by the day, and told like an alert."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from alerting_samples import BOWL, NORTH, PICTURES, intake_into, sighting_of
from sqlalchemy import select

import config
from alerting import camera_periods
from alerting.camera_periods import blind_minutes, days_until, minutes_per_day, span_of
from alerting.camera_watch import CameraWatch
from alerting.outbox import Sender
from alerting.store import Store
from alerting.tables import DeliveryRow, NoticeRow
from detector.detection import Sighting
from simulator.receiver import DispatchReceiver

SHANGHAI = ZoneInfo("Asia/Shanghai")
SECRET = "county-secret"


class Clock:
    """Time as the test says."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def pass_(self, **time: float) -> datetime:
        self.at += timedelta(**time)
        return self.at


@pytest.fixture
def clock(noon: datetime) -> Clock:
    return Clock(noon)


@pytest.fixture
def store(database_url: str, clock: Clock) -> Iterator[Store]:
    opened = Store.open(database_url, clock)
    yield opened
    opened.close()


@pytest.fixture
def watch(store: Store) -> CameraWatch:
    return CameraWatch(
        store, lambda: {"ridge": ("东山", config.HealthSettings())}, targets=lambda _session: ("county",)
    )


def minutes(store: Store, day: date, now: datetime, zone: ZoneInfo = SHANGHAI) -> dict[str, float]:
    days = [day]
    periods = store.camera_periods(*span_of(days, zone))
    return minutes_per_day(periods, days, zone, now).get(("ridge", day), {})


def told(store: Store) -> list[tuple[str, str, int]]:
    with store.reading() as session:
        rows = session.execute(
            select(NoticeRow, DeliveryRow)
            .join(DeliveryRow, DeliveryRow.notice_id == NoticeRow.notice_id)
            .order_by(DeliveryRow.delivery_id)
        ).all()
        return [(row.content["title_en"], delivery.stream, delivery.sequence) for row, delivery in rows]


def test_every_period_of_blindness_is_kept_with_its_reason(store: Store, noon: datetime) -> None:
    for minute, state in enumerate(["connecting", "live", "stale", "frozen", "live", "moved", "live"]):
        store.set_camera_state("ridge", state, noon + timedelta(minutes=minute), f"because {state}")
    kept = store.camera_periods(noon, noon + timedelta(hours=1))
    assert [(one.condition, one.since, one.until) for one in kept] == [
        (state, noon + timedelta(minutes=minute), noon + timedelta(minutes=minute + 1))
        for minute, state in [(0, "connecting"), (2, "stale"), (3, "frozen"), (5, "moved")]
    ]
    assert kept[1].reason == "because stale"


def test_blind_minutes_are_counted_by_the_day_of_the_deployment(store: Store) -> None:
    evening = datetime(2026, 11, 24, 15, 50, tzinfo=UTC)  # ten minutes before midnight in Shanghai
    store.set_camera_state("ridge", "live", evening - timedelta(hours=1))
    store.set_camera_state("ridge", "stale", evening, "no picture comes")
    store.set_camera_state("ridge", "moved", evening + timedelta(minutes=25), "turned")
    later = evening + timedelta(minutes=40)
    today, tomorrow = date(2026, 11, 24), date(2026, 11, 25)
    assert minutes(store, today, later) == {"stale": 10}
    assert minutes(store, tomorrow, later) == {"stale": 15, "moved": 15}
    assert blind_minutes(minutes(store, tomorrow, later)) == 15
    assert days_until(tomorrow, 2) == [today, tomorrow]


def test_a_day_of_25_hours_can_be_blind_for_1500_minutes(store: Store) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    store.set_camera_state("ridge", "stale", datetime(2026, 10, 24, 12, tzinfo=UTC), "")
    now = datetime(2026, 10, 27, tzinfo=UTC)
    assert minutes(store, date(2026, 10, 25), now, berlin) == {"stale": 1500}


def test_a_camera_switched_off_on_purpose_is_not_blind(store: Store, noon: datetime) -> None:
    store.set_camera_state("ridge", "off", noon, "not enabled", counts=False)
    assert store.camera_periods(noon, noon + timedelta(days=1)) == ()


def test_a_change_is_an_event_and_a_repetition_is_none(store: Store, noon: datetime) -> None:
    store.set_camera_state("ridge", "live", noon)
    store.set_camera_state("ridge", "frozen", noon, "the picture does not change")
    store.set_camera_state("ridge", "frozen", noon, "the picture does not change")
    store.heard_from({"ridge": ("frozen", noon, "the picture does not change")})
    events = [event for event in store.events_since(0) if event.kind == "camera"]
    assert [(event.data["before"], event.data["state"]) for event in events] == [
        (None, "live"),
        ("live", "frozen"),
    ]


def test_the_time_between_a_dead_worker_and_the_next_counts_as_blind(store: Store, clock: Clock) -> None:
    store.set_camera_state("ridge", "live", clock())
    store.heard_from({"ridge": ("live", clock(), "")})
    died = clock()
    back = clock.pass_(minutes=10)
    store.set_camera_state("ridge", "connecting", back)
    store.set_camera_state("ridge", "live", clock.pass_(minutes=1))
    kept = store.camera_periods(died, clock())
    assert [(one.condition, one.since, one.until) for one in kept] == [
        ("off", died, back),
        ("connecting", back, clock()),
    ]
    assert kept[0].reason == camera_periods.UNWATCHED


def test_a_blind_camera_is_told_once_after_its_time_and_its_return_too(
    store: Store, watch: CameraWatch, clock: Clock
) -> None:
    store.set_camera_state("ridge", "live", clock())
    store.set_camera_state("ridge", "frozen", clock(), "the picture does not change")
    watch.check()
    clock.pass_(seconds=30)
    store.set_camera_state("ridge", "stale", clock(), "no picture comes")  # blind all the time
    clock.pass_(seconds=31)
    for _ in range(3):
        watch.check()
    assert told(store) == [("camera blind: 东山", "camera-ridge", 1)]
    store.set_camera_state("ridge", "live", clock.pass_(seconds=60))
    for _ in range(2):
        watch.check()
    assert told(store)[1:] == [("camera sees again: 东山", "camera-ridge", 2)]


def test_a_short_blindness_is_not_told(store: Store, watch: CameraWatch, clock: Clock) -> None:
    for _ in range(5):
        store.set_camera_state("ridge", "stale", clock.pass_(seconds=30), "no picture comes")
        watch.check()
        store.set_camera_state("ridge", "live", clock.pass_(seconds=30))
        watch.check()
    assert told(store) == []


def test_a_condition_the_deployment_does_not_ask_for_is_not_told(store: Store, clock: Clock) -> None:
    settings = config.HealthSettings(alert_on=("stale",), alert_after_s=0)
    watch = CameraWatch(store, lambda: {"ridge": ("东山", settings)}, targets=lambda _session: ("county",))
    store.set_camera_state("ridge", "dark", clock(), "the picture is black")
    watch.check()
    assert told(store) == []
    store.set_camera_state("ridge", "stale", clock(), "no picture comes")
    watch.check()
    assert len(told(store)) == 1


def test_a_moved_camera_that_goes_blind_is_told_again(store: Store, watch: CameraWatch, clock: Clock) -> None:
    for state in ("moved", "stale", "live"):
        store.set_camera_state("ridge", state, clock.pass_(minutes=1), state)
        clock.pass_(minutes=2)
        watch.check()
    assert [title.partition(":")[0] for title, *_ in told(store)] == [
        "camera moved",
        "camera blind",
        "camera sees again",
    ]


def test_a_worker_that_falls_silent_leaves_its_cameras_off_and_may_come_back(
    store: Store, watch: CameraWatch, clock: Clock
) -> None:
    live = {"ridge": ("live", clock(), "")}
    store.set_camera_state("ridge", "live", clock())
    store.heard_from(live)
    heard = clock()
    clock.pass_(minutes=3)
    watch.check()
    (state,) = store.camera_states()
    assert (state.state, state.since, state.reason) == ("off", heard, camera_periods.UNWATCHED)
    watch.check()
    assert [title for title, *_ in told(store)] == ["camera blind: 东山"]
    store.heard_from(live)  # it was only held up
    (period,) = store.camera_periods(heard, clock.pass_(seconds=10))
    assert (period.since, period.until) == (heard, heard + timedelta(minutes=3))
    watch.check()
    assert [title for title, *_ in told(store)][1:] == ["camera sees again: 东山"]


def test_a_camera_alert_reaches_a_real_receiver_that_asks_for_notices_and_no_other(
    sqlite_store: Store,
) -> None:
    store = sqlite_store  # on the real clock: the receiver refuses old requests
    with DispatchReceiver(SECRET) as asks, DispatchReceiver(SECRET) as does_not:
        targets = [
            config.DispatchTarget(id=id_, name=id_, url=receiver.url, secret=SECRET, notices=notices)
            for id_, receiver, notices in (("asks", asks, True), ("not", does_not, False))
        ]
        watch = CameraWatch(
            store,
            lambda: {"ridge": ("东山", config.HealthSettings(alert_after_s=0))},
            targets=lambda _session: tuple(target.id for target in targets if target.notices),
        )
        store.set_camera_state("ridge", "obstructed", store.clock(), "something covers the view")
        watch.check()
        store.set_camera_state("ridge", "live", store.clock())
        watch.check()
        stop = threading.Event()
        sender = threading.Thread(target=Sender(store, targets, poll_s=0.05).run, args=(stop,))
        sender.start()
        try:
            assert until(lambda: len(asks.alerts) >= 2)
        finally:
            stop.set()
            sender.join(20)
        assert [one.alert["title_en"].partition(":")[0] for one in asks.alerts] == [
            "camera blind",
            "camera sees again",
        ]
        assert asks.alerts[0].alert["camera_id"] == "ridge"
        assert does_not.alerts == []


def until(condition: Callable[[], bool], limit_s: float = 30) -> bool:
    waiting = threading.Event()
    for _ in range(int(limit_s / 0.05)):
        if condition():
            return True
        waiting.wait(0.05)
    return condition()


def test_a_sighting_of_a_moved_camera_has_a_wider_ellipse_and_says_why(
    sqlite_store: Store, tmp_path: Path, noon: datetime
) -> None:
    intake = intake_into(sqlite_store, tmp_path / "evidence")
    seen = sighting_of(BOWL.at(23.105, 116.4), NORTH, noon)
    moved = replace(seen, sighting_id="moved", off_pose_deg=(2.0, -0.5))
    still, doubted = (
        sqlite_store.incident(intake.accept(one, PICTURES, NORTH).incident_id).sightings[-1].location
        for one in (replace(seen, first_seen_at=noon, confirmed_at=noon), later(moved, hours=9))
    )
    assert still.caution is None or "off its pose" not in still.caution
    assert doubted.caution is not None
    assert "the camera stands 2.1 degrees off its pose" in doubted.caution
    assert still.ellipse is not None
    assert doubted.ellipse is None or doubted.ellipse.semi_minor_m > 2 * still.ellipse.semi_minor_m


def later(sighting: Sighting, *, hours: float) -> Sighting:
    """The same, another day's fire: it joins no incident."""
    after = timedelta(hours=hours)
    return replace(
        sighting,
        first_seen_at=sighting.first_seen_at + after,
        confirmed_at=sighting.confirmed_at + after,
    )
