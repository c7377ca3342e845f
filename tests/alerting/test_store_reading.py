"""What the console reads: pages of incidents, events, camera states, accounts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from alerting_samples import NORTH, PICTURES, sighting_at

from alerting import decisions
from alerting.accounts import Accounts
from alerting.intake import Intake
from alerting.lifecycle import Action, Cause, Decision, Status, Verdict
from alerting.store import ConflictError, NotFoundError, Store


@pytest.fixture
def five(intake: Intake, noon: datetime) -> list[str]:
    """Ids of five incidents, newest first; the third and fourth were confirmed at the same moment."""
    minutes = [0, 1, 1, 2, 3]
    refs = [
        intake.accept(
            sighting_at((100 + 250 * i, 500), NORTH, noon + timedelta(minutes=minutes[i])), PICTURES, NORTH
        )
        for i in range(5)
    ]
    return [ref.incident_id for ref in reversed(refs)]


def test_pages_follow_each_other_newest_first_without_gap_or_repeat(store: Store, five: list[str]) -> None:
    seen: list[str] = []
    cursor = None
    while True:
        page = store.list_incidents(limit=2, cursor=cursor)
        seen += [one.incident_id for one in page.incidents]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == five


def test_a_new_incident_between_two_pages_does_not_disturb_the_second(
    store: Store, intake: Intake, five: list[str], noon: datetime
) -> None:
    first = store.list_incidents(limit=2)
    intake.accept(sighting_at((640, 300), NORTH, noon + timedelta(minutes=9)), PICTURES, NORTH)
    second = store.list_incidents(limit=2, cursor=first.next_cursor)
    assert [one.incident_id for one in second.incidents] == five[2:4]


def test_the_list_can_be_narrowed_to_statuses(store: Store, five: list[str]) -> None:
    dismissal = Decision(Action.DISMISS, Verdict.FALSE_ALARM, Cause.DUST)
    decisions.decide(store, five[1], dismissal, who="li", version=1)
    dismissed = store.list_incidents(status={Status.DISMISSED}).incidents
    assert [one.incident_id for one in dismissed] == [five[1]]
    assert len(store.list_incidents(status={Status.SUSPECTED, Status.CONFIRMED}).incidents) == 4
    counts = store.count_incidents()
    assert (counts[Status.SUSPECTED], counts[Status.DISMISSED], counts[Status.CLOSED]) == (4, 1, 0)


@pytest.mark.parametrize("cursor", ["x", "bm90IGpzb24", "WzEsMl0", "W10"])
def test_a_cursor_that_is_none_is_refused(store: Store, cursor: str) -> None:
    with pytest.raises(ValueError, match="no cursor of this list"):
        store.list_incidents(cursor=cursor)


def test_events_are_followed_from_any_id_in_order(store: Store, five: list[str]) -> None:
    events = store.events_since(0)
    assert [one.event_id for one in events] == sorted({one.event_id for one in events})
    assert len(events) == 10
    middle = events[4].event_id
    assert store.events_since(middle) == events[5:]
    assert store.events_since(middle, limit=2) == events[5:7]
    assert store.last_event_id() == events[-1].event_id
    assert {one.incident_id for one in events} == set(five)


def test_a_camera_state_is_an_event_only_when_it_changes(store: Store, noon: datetime) -> None:
    store.set_camera_state("ridge", "live", noon)
    store.set_camera_state("ridge", "live", noon + timedelta(minutes=1))
    store.set_camera_state("ridge", "stale", noon + timedelta(minutes=2), "no picture for 30 s")
    (state,) = store.camera_states()
    assert (state.state, state.since, state.reason) == (
        "stale",
        noon + timedelta(minutes=2),
        "no picture for 30 s",
    )
    events = store.events_since(0)
    assert [(one.camera_id, one.data["before"], one.data["state"]) for one in events] == [
        ("ridge", None, "live"),
        ("ridge", "live", "stale"),
    ]


def test_times_come_back_in_utc_whatever_zone_they_went_in_with(store: Store) -> None:
    local = datetime.fromisoformat("2026-11-24T12:00:00.123456+08:00")
    store.set_camera_state("ridge", "live", local)
    since = store.camera_states()[0].since
    assert since == local
    assert since.tzinfo is UTC


def test_a_time_without_zone_is_refused(store: Store) -> None:
    with pytest.raises(Exception, match="has no zone"):
        store.set_camera_state("ridge", "live", datetime(2026, 11, 24, 12, 0))


def test_unknown_evidence_is_said_to_be_unknown(store: Store) -> None:
    with pytest.raises(NotFoundError, match="no evidence 7"):
        store.evidence(7)


class TestAccounts:
    def test_a_user_name_is_taken_once(self, store: Store) -> None:
        accounts = Accounts(store)
        assert accounts.count() == 0
        user = accounts.create("li", "hash", "operator", must_change=True)
        assert (user.username, user.role, user.must_change, user.active) == ("li", "operator", True, True)
        with pytest.raises(ConflictError, match="'li' exists already"):
            accounts.create("li", "other", "admin", must_change=False)
        assert accounts.password_hash("li") == "hash"
        assert "hash" not in repr(accounts.users())

    def test_the_third_failure_in_a_row_locks_and_a_success_forgets(
        self, store: Store, noon: datetime
    ) -> None:
        accounts = Accounts(store)
        accounts.create("li", "hash", "operator", must_change=False)
        accounts.record_failed_login("li", lock_after=3, locked_until=noon)
        accounts.record_login("li")
        for _ in range(2):
            assert accounts.record_failed_login("li", lock_after=3, locked_until=noon).locked_until is None
        assert accounts.record_failed_login("li", lock_after=3, locked_until=noon).locked_until == noon
        accounts.record_login("li")
        assert accounts.user("li").locked_until is None

    def test_a_session_lives_until_it_expires_is_ended_or_its_user_is_switched_off(
        self, database_url: str, noon: datetime
    ) -> None:
        now = [noon]
        store = Store.open(database_url, clock=lambda: now[0])
        accounts = Accounts(store)
        for name in ("li", "wang"):
            accounts.create(name, "hash", "operator", must_change=False)
        expires = noon + timedelta(hours=12)
        accounts.create_session("li", "token-1", "csrf-1", expires)
        accounts.create_session("li", "token-2", "csrf-2", expires)
        accounts.create_session("wang", "token-3", "csrf-3", expires)
        found = accounts.session("token-1")
        assert found is not None
        assert (found.user.username, found.csrf, found.expires_at) == ("li", "csrf-1", expires)
        assert accounts.session("unknown") is None
        accounts.delete_session("token-1")
        assert accounts.session("token-1") is None
        accounts.set_password_hash("li", "new", must_change=False)
        assert accounts.session("token-2") is None
        now[0] = expires
        assert accounts.session("token-3") is None
        now[0] = noon
        assert accounts.session("token-3") is not None
        accounts.set_active("wang", active=False)
        assert accounts.session("token-3") is None
        store.close()
