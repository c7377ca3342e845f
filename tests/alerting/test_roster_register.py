"""Rosters saved in the console: in place of the grid file's, version by version, until given back."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alerting_samples import NORTH, PICTURES, intake_into, sighting_of
from pydantic import ValidationError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from test_duty import CHIEF, DAY, FIRE, NIGHT, called, deployment_with, write_grids

from alerting import audit, decisions, duty, roster_register
from alerting.grid_watch import WatchedGrids
from alerting.grids import Grids, ListedContact
from alerting.journal import By
from alerting.keeper import ClockKeeper
from alerting.lifecycle import Action, Decision
from alerting.policy import Rules
from alerting.store import ConflictError, NotFoundError, Store

LI, WU = By("li", "10.0.0.7"), By("wu", "10.0.0.8")
NUMBER = "138-0013-8000"  # no time or id reads so by chance
NEW = {"name": "新（示例）", "role": "网格员", "phone": NUMBER, "channels": {"wecom": "xin"}}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "grids.geojson"
    write_grids(path, DAY, NIGHT)
    return path


@pytest.fixture
def grids(file: Path) -> Grids:
    return Grids.open(file)


def people(*contacts: dict[str, Any]) -> tuple[ListedContact, ...]:
    return roster_register.checked(contacts)


def names(store: Store, code: str = "g") -> list[str] | None:
    with store.reading() as session:
        found = roster_register.saved(session).get(code)
    return [one.name for one in found] if found is not None else None


def test_an_area_that_nobody_changed_is_the_files_and_has_no_versions(store: Store) -> None:
    assert names(store) is None
    assert roster_register.versions(store, "g") == ()


def test_the_first_change_keeps_the_files_word_as_its_first_version(store: Store, grids: Grids) -> None:
    made = roster_register.save(store, grids, "g", people(NEW), by=LI, why="December", seen=0)
    assert (made.version, made.action, made.who, made.why) == (2, "changed", "li", "December")
    newest, first = roster_register.versions(store, "g")
    assert newest == made
    area = grids.area("g")
    assert area is not None
    assert (first.version, first.action, first.contacts) == (1, "seeded", area.contacts)
    assert names(store) == ["新（示例）"]


def test_of_two_who_change_a_roster_at_once_one_is_told(store: Store, grids: Grids) -> None:
    roster_register.save(store, grids, "g", people(NEW), by=LI, seen=0)
    with pytest.raises(ConflictError, match="changed by li"):
        roster_register.save(store, grids, "g", people(CHIEF), by=WU, seen=0)
    with pytest.raises(ConflictError, match="changed by li"):
        roster_register.give_back(store, grids, "g", by=WU, seen=0)
    assert names(store) == ["新（示例）"]
    roster_register.save(store, grids, "g", people(CHIEF), by=WU, seen=2)
    assert names(store) == ["村长（示例）"]


def test_an_earlier_version_comes_back_as_a_new_one(store: Store, grids: Grids) -> None:
    roster_register.save(store, grids, "g", people(NEW), by=LI)
    roster_register.save(store, grids, "g", (), by=LI)
    assert roster_register.revert(store, grids, "g", 2, by=WU).action == "reverted to 2"
    assert names(store) == ["新（示例）"]
    roster_register.revert(store, grids, "g", 1, by=WU)
    assert names(store) == ["白（示例）", "夜（示例）"]
    assert [one.version for one in roster_register.versions(store, "g")] == [5, 4, 3, 2, 1]
    with pytest.raises(NotFoundError, match="no version 9"):
        roster_register.revert(store, grids, "g", 9, by=WU)


def test_given_back_the_file_counts_again_as_it_is_then(store: Store, file: Path) -> None:
    roster_register.save(store, Grids.open(file), "g", people(NEW), by=LI)
    write_grids(file, NIGHT)
    assert names(store) == ["新（示例）"], "whatever the file says"
    roster_register.give_back(store, Grids.open(file), "g", by=LI, why="the file is right again")
    assert names(store) is None
    with pytest.raises(ConflictError, match="is the grid file's already"):
        roster_register.give_back(store, Grids.open(file), "g", by=LI)


def test_an_area_that_left_the_file_keeps_its_people_until_they_are_given_back(
    store: Store, file: Path
) -> None:
    roster_register.save(store, Grids.open(file), "g", people(NEW), by=LI)
    write_grids(file, DAY, code="renamed")
    gone = Grids.open(file)
    for change in (
        lambda: roster_register.save(store, gone, "g", people(NEW), by=LI),
        lambda: roster_register.revert(store, gone, "g", 1, by=LI),
    ):
        with pytest.raises(NotFoundError, match="can only be given back"):
            change()
    assert names(store) == ["新（示例）"]
    assert roster_register.give_back(store, gone, "g", by=LI).contacts is None
    with pytest.raises(NotFoundError, match="no area 'nowhere'"):
        roster_register.save(store, gone, "nowhere", people(NEW), by=LI)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": " "},
        {"phone": ""},
        {"role": "x" * 129},
        {"colour": "red"},
        {"duty": {"from": "08:00"}},
        {"duty": {"from": "08:00", "to": "25:00"}},
        {"duty": {"from": "08:00Z", "to": "20:00"}},
        {"duty": {"days": [0], "from": "08:00", "to": "20:00"}},
        {"duty": {"days": [], "from": "08:00", "to": "20:00"}},
    ],
)
def test_what_makes_no_sense_is_refused_in_the_console_as_in_the_file(
    tmp_path: Path, wrong: dict[str, Any]
) -> None:
    with pytest.raises(ValidationError):
        people({**NEW, **wrong})
    path = tmp_path / "grids.geojson"
    write_grids(path, {**NEW, **wrong})
    with pytest.raises(Exception, match=r"property 'contacts\.0") as refused:
        Grids.open(path)
    assert NUMBER not in str(refused.value), "no telephone number in a message"


@pytest.mark.parametrize("statement", ["UPDATE roster_versions SET why = 'x'", "DELETE FROM roster_versions"])
def test_the_database_itself_refuses_to_change_a_version(store: Store, grids: Grids, statement: str) -> None:
    roster_register.save(store, grids, "g", people(NEW), by=LI)
    with pytest.raises(DBAPIError, match="append-only"), store.writing() as session:
        session.execute(text(statement))


def test_every_change_is_audited_and_told_to_the_pages_without_a_number(store: Store, grids: Grids) -> None:
    began, first = store.clock(), store.last_event_id()
    roster_register.save(store, grids, "g", people(NEW), by=LI, why="December")
    roster_register.revert(store, grids, "g", 1, by=WU)
    roster_register.give_back(store, grids, "g", by=LI)
    noted = list(audit.entries(store, began, store.clock() + timedelta(hours=1)))
    actions = ("changed", "reverted to 1", "given back")
    assert [(one.action, one.subject, one.who) for one in noted] == [
        (f"roster {action}", "g", who) for action, who in zip(actions, ("li", "wu", "li"), strict=True)
    ]
    told = store.events_since(first)
    assert [(one.kind, one.data["code"], one.data["roster"]) for one in told] == [
        ("roster", "g", action) for action in actions
    ]
    assert NUMBER not in repr(noted) + repr(told)


def test_the_ladder_calls_whom_the_saved_roster_names_when_the_time_is_up(
    store: Store, tmp_path: Path, file: Path
) -> None:
    """The fire is there already; the number is changed while the operator's minute runs."""
    rules = Rules.of(deployment_with(file))
    now = datetime.fromisoformat("2026-11-24T12:00:00+08:00")
    store.clock = lambda: now
    intake = intake_into(store, tmp_path / "evidence", grids=Grids.open(file), rules=rules)
    ref = intake.accept(sighting_of(FIRE, NORTH, now), PICTURES, NORTH)
    roster_register.save(store, Grids.open(file), "g", people({**DAY, "phone": NUMBER}, NIGHT), by=LI)
    roster_register.save(store, Grids.open(file), "v", people(NEW), by=LI)
    now += timedelta(seconds=60)
    assert ClockKeeper(store, rules, monotonic=lambda: 0.0).ring_due() == 1
    assert called(store) == [
        {"name": "白（示例）", "role": "网格员", "channels": {"sms": NUMBER, "wecom": "bai"}}
    ]
    now += timedelta(seconds=120)
    assert ClockKeeper(store, rules, monotonic=lambda: 0.0).ring_due() == 1
    assert [one["name"] for one in called(store)] == ["白（示例）", "新（示例）"]
    assert store.incident(ref.incident_id).summary.response.called == "village"


def test_a_new_fire_names_the_people_of_the_saved_roster(store: Store, tmp_path: Path, file: Path) -> None:
    grids = Grids.open(file)
    roster_register.save(store, grids, "g", people(NEW, {**NEW, "name": "夜", "duty": NIGHT["duty"]}), by=LI)
    now = datetime.fromisoformat("2026-11-24T12:00:00+08:00")
    intake = intake_into(store, tmp_path / "evidence", grids=WatchedGrids(file))
    ref = intake.accept(sighting_of(FIRE, NORTH, now), PICTURES, NORTH)
    chain = store.incident(ref.incident_id).summary.grid_chain
    assert [one.name for one in chain[0].contacts] == ["新（示例）"]
    assert [one.name for one in chain[1].contacts] == ["村长（示例）"], "the file's, where nobody changed it"


def test_dispatching_by_hand_calls_the_saved_roster(store: Store, tmp_path: Path, file: Path) -> None:
    deployment = deployment_with(file)
    rules = Rules.of(deployment)
    now = datetime.fromisoformat("2026-11-24T12:00:00+08:00")
    store.clock = lambda: now
    intake = intake_into(store, tmp_path / "evidence", grids=Grids.open(file), rules=rules)
    ref = intake.accept(sighting_of(FIRE, NORTH, now), PICTURES, NORTH)
    roster_register.save(store, Grids.open(file), "g", people(NEW), by=LI)
    for action in (Action.CONFIRM, Action.DISPATCH):
        decisions.decide(store, ref.incident_id, Decision(action), who="li", version=None, rules=rules)
    assert [one["name"] for one in called(store)] == ["新（示例）"]
    chain = store.incident(ref.incident_id).summary.grid_chain
    with store.reading() as session:
        on_call = duty.on_call(deployment, session, chain, now)
    assert [one.phone for one in on_call[0].contacts] == [NUMBER]
    assert [one.phone for one in chain[0].contacts] == ["1"], "who was on duty when it was seen"


def test_who_was_taken_off_a_roster_is_called_no_more_even_if_nobody_is_left(
    store: Store, file: Path
) -> None:
    deployment = deployment_with(file)
    with store.reading() as session:
        roster = duty.roster_of(deployment)
        assert len(roster(session, {"code": "g", "contacts": []}, store.clock())) == 1
    roster_register.save(store, Grids.open(file), "g", (), by=LI)
    with store.reading() as session:
        left = {"code": "g", "contacts": [{"name": "旧", "role": "x", "phone": "5"}]}
        assert list(roster(session, left, store.clock())) == [], "not the one who left"
