"""Two incidents that were one fire, one incident that was two, and taking that back."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from alerting_samples import BOWL, NORTH, PICTURES, WEST, apart_m, intake_into, sighting_of

from alerting import decisions
from alerting.journal import By
from alerting.lifecycle import Action, Cause, Decision, LifecycleError, Status, Verdict
from alerting.placement import Placement
from alerting.records import IncidentDetail
from alerting.regroup import Regrouping
from alerting.store import ConflictError, Store

FIRE = BOWL.at(23.105, 116.395)
OTHER = BOWL.at(23.105, 116.405)
LI = By("li", "10.0.0.7")


@pytest.fixture
def regrouping(store: Store) -> Regrouping:
    return Regrouping(store, Placement(BOWL, None))


@pytest.fixture
def two(store: Store, tmp_path: Path, noon: datetime) -> tuple[str, str]:
    """Two incidents: the first seen by two cameras, the second by one."""
    intake = intake_into(store, tmp_path / "evidence")
    first = intake.accept(sighting_of(FIRE, NORTH, noon, sighting_id="n"), PICTURES, NORTH)
    at = noon + timedelta(seconds=9)
    assert intake.accept(sighting_of(FIRE, WEST, at, sighting_id="w"), PICTURES, WEST).number == 1
    second = intake.accept(sighting_of(OTHER, NORTH, at, sighting_id="o"), PICTURES, NORTH)
    return first.incident_id, second.incident_id


def version_of(store: Store, incident_id: str) -> int:
    return store.incident(incident_id).summary.version


def ids(detail: IncidentDetail) -> list[str]:
    return [one.sighting_id for one in detail.sightings]


def test_merging_moves_sightings_and_evidence_and_tells_the_receivers_of_both(
    store: Store, regrouping: Regrouping, two: tuple[str, str]
) -> None:
    first, second = two
    merged = regrouping.merge(second, first, version=1, by=LI, why="one plume behind two trees")
    assert sorted(ids(merged)) == ["n", "o", "w"]
    assert len(merged.evidence) == 9
    assert merged.alerts[-1].type == "Update"
    gone = store.incident(second)
    assert (gone.summary.status, gone.summary.response.merged_into) == (Status.CLOSED, first)
    assert gone.sightings == ()
    assert gone.alerts[-1].type == "Cancel"
    assert "same fire as 1: one plume" in gone.alerts[-1].content["changes"][0]
    assert [(row.who, row.source, row.action) for row in gone.history][-1] == ("li", "10.0.0.7", "merge")
    reopen = Decision(Action.REOPEN, why="no")
    with pytest.raises(LifecycleError, match="merged into"):
        decisions.decide(store, second, reopen, who="li", version=gone.summary.version)


@pytest.mark.parametrize("which", [0, 1])
def test_undoing_a_merge_from_either_side_brings_both_back_as_they_were(
    store: Store, regrouping: Regrouping, two: tuple[str, str], which: int
) -> None:
    before = [store.incident(one) for one in two]
    regrouping.merge(two[1], two[0], version=1, by=LI)
    latest = decisions.undoable(store.incident(two[which]).history)
    assert latest is not None
    version = version_of(store, two[which])
    regrouping.undo(two[which], latest.history_id, version=version, by=LI)
    for was, now in zip(before, (store.incident(one) for one in two), strict=True):
        assert ids(now) == ids(was)
        assert now.summary.status is was.summary.status
        assert now.summary.camera_ids == was.summary.camera_ids
        assert now.summary.response.merged_into is None
        assert now.summary.location.lat_deg == pytest.approx(was.summary.location.lat_deg, abs=1e-9)
        assert now.history[-1].action == "undo"
    assert [one.type for one in store.incident(two[1]).alerts] == ["Alert", "Cancel", "Alert"]
    assert decisions.undoable(store.incident(two[which]).history) is None


def test_splitting_raises_an_incident_for_the_other_fire_and_places_both_anew(
    store: Store, regrouping: Regrouping, two: tuple[str, str]
) -> None:
    regrouping.merge(two[1], two[0], version=1, by=LI)
    version = version_of(store, two[0])
    new = regrouping.split(two[0], ["o"], version=version, by=LI, why="two plumes after all")
    assert ids(new) == ["o"]
    assert new.summary.number == 3
    assert new.alerts[0].type == "Alert"
    assert [one.target_id for one in new.deliveries] == ["dispatch"]
    assert apart_m(new.summary.location.lat_deg, new.summary.location.lon_deg, OTHER) < 50
    old = store.incident(two[0])
    assert ids(old) == ["n", "w"]
    assert apart_m(old.summary.location.lat_deg, old.summary.location.lon_deg, FIRE) < 50
    assert {one.sighting_id for one in new.evidence} == {"o"}


def test_undoing_a_split_ends_the_new_incident(
    store: Store, regrouping: Regrouping, two: tuple[str, str]
) -> None:
    new = regrouping.split(two[0], ["w"], version=version_of(store, two[0]), by=LI)
    latest = decisions.undoable(store.incident(two[0]).history)
    assert latest is not None
    regrouping.undo(two[0], latest.history_id, version=version_of(store, two[0]), by=LI)
    assert ids(store.incident(two[0])) == ["n", "w"]
    ended = store.incident(new.summary.incident_id)
    assert (ended.summary.status, ended.alerts[-1].type) == (Status.CLOSED, "Cancel")


def test_a_new_sighting_of_a_merged_fire_joins_the_one_that_is_left(
    store: Store, regrouping: Regrouping, two: tuple[str, str], tmp_path: Path, noon: datetime
) -> None:
    regrouping.merge(two[1], two[0], version=1, by=LI)
    later = sighting_of(OTHER, NORTH, noon + timedelta(minutes=2))
    assert intake_into(store, tmp_path / "evidence").accept(later, PICTURES, NORTH).incident_id == two[0]


def test_what_cannot_be_regrouped_is_refused_with_the_reason(
    store: Store, regrouping: Regrouping, two: tuple[str, str]
) -> None:
    first, second = two
    version = version_of(store, first)
    with pytest.raises(LifecycleError, match="into itself"):
        regrouping.merge(second, second, version=1, by=LI)
    with pytest.raises(ConflictError, match="has changed"):
        regrouping.merge(second, first, version=7, by=LI)
    for chosen in ([], ["n", "w"], ["o"]):
        with pytest.raises(LifecycleError, match="some of the incident's sightings"):
            regrouping.split(first, chosen, version=version, by=LI)
    cloud = Decision(Action.DISMISS, Verdict.FALSE_ALARM, Cause.CLOUD)
    decisions.decide(store, second, cloud, who="li", version=1)
    with pytest.raises(LifecycleError, match="is dismissed; only open ones"):
        regrouping.merge(second, first, version=2, by=LI)
