"""What an incident needs is kept whatever happens; the rest goes, oldest first, when it must."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from alerting_samples import BOWL, NORTH, PICTURES, fill, intake_into, sighting_of

from alerting.clips import LaterEvidence, add_later
from alerting.decisions import decide
from alerting.evidence import EvidenceError, EvidenceStore
from alerting.lifecycle import Action, Cause, Decision, Verdict
from alerting.retention import Keeper, release
from alerting.store import Store
from config import EvidenceSettings

LONG = timedelta(days=100)
_number = itertools.count()


class Fires:
    """Incidents with a clip each, far apart in time."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store = store
        self.evidence = EvidenceStore(str(folder))
        self._folder = folder

    def fire(self, at: datetime, *, clip: bytes = b"") -> str:
        """A new incident's id."""
        sighting = sighting_of(BOWL.at(23.101, 116.401), NORTH, at)
        taken = intake_into(self.store, self._folder).accept(sighting, PICTURES, NORTH)
        content = clip or bytes([next(_number)]) * 1000
        later = LaterEvidence("clip", self.evidence.write(content, "video/mp4"), at)
        add_later(self.store, sighting.sighting_id, [later])
        return taken.incident_id

    def dismiss(self, incident_id: str) -> None:
        self._decide(incident_id, Decision(Action.DISMISS, Verdict.FALSE_ALARM, Cause.CLOUD))

    def close(self, incident_id: str) -> None:
        self._decide(incident_id, Decision(Action.CONFIRM, Verdict.WILDFIRE))
        for action in (Action.DISPATCH, Action.ARRIVE, Action.CONTROL, Action.CLOSE):
            self._decide(incident_id, Decision(action))

    def clips(self, incident_id: str) -> list[bool]:
        """Whether each clip that ever was can be read; rows of removed ones are not listed."""
        return [
            self._readable(one.path)
            for one in self.store.incident(incident_id).evidence
            if one.kind == "clip"
        ]

    def keep(self, free_bytes: int | None = None, **settings: float) -> int:
        """One round; how many files went."""
        keeper = Keeper(
            self.store, self.evidence, EvidenceSettings(**settings), free_bytes=lambda: free_bytes
        )
        return keeper.keep().removed

    def _readable(self, path: str) -> bool:
        try:
            return bool(self.evidence.read(path))
        except EvidenceError:
            return False

    def _decide(self, incident_id: str, decision: Decision) -> None:
        version = self.store.incident(incident_id).summary.version
        decide(self.store, incident_id, decision, who="operator", version=version)


@pytest.fixture
def fires(store: Store, tmp_path: Path) -> Fires:
    return Fires(store, tmp_path / "evidence")


@pytest.fixture
def today(store: Store) -> datetime:
    return store.clock()


def test_old_evidence_of_dismissed_incidents_goes_and_of_open_ones_stays(
    fires: Fires, today: datetime
) -> None:
    dismissed, opened = fires.fire(today - LONG), fires.fire(today - 2 * LONG)
    young = fires.fire(today - timedelta(days=5))
    fires.dismiss(dismissed)
    fires.dismiss(young)
    assert fires.keep(keep_days=90) == 4  # thumbnail, snapshot, annotated, clip
    assert fires.clips(dismissed) == []
    assert fires.clips(opened) == [True]
    assert fires.clips(young) == [True]


def test_a_closed_fires_evidence_is_kept_until_somebody_releases_it(fires: Fires, today: datetime) -> None:
    fire = fires.fire(today - LONG)
    with pytest.raises(ValueError, match="close it first"):
        release(fires.store, fire, "chief")
    fires.close(fire)
    assert fires.keep(keep_days=90) == 0
    release(fires.store, fire, "chief")
    assert fires.keep(keep_days=90) == 4
    assert fires.clips(fire) == []


def test_above_a_quota_the_oldest_clips_go_first_and_pictures_stay(fires: Fires, today: datetime) -> None:
    ids = [fires.fire(today - timedelta(days=days)) for days in (30, 20, 10)]
    for one in ids:
        fires.dismiss(one)
    assert fires.keep(quota_gb=1500e-9) == 2  # three clips of 1000 bytes: two must go
    assert [fires.clips(one) for one in ids] == [[], [], [True]]
    assert all(len(fires.store.incident(one).evidence) >= 2 for one in ids)


def test_a_file_that_two_incidents_share_goes_with_the_second(fires: Fires, today: datetime) -> None:
    old, young = fires.fire(today - LONG, clip=b"same"), fires.fire(today - timedelta(days=1), clip=b"same")
    fires.dismiss(old)
    fires.keep(keep_days=90)
    assert fires.clips(old) == []
    assert fires.clips(young) == [True]


def test_when_only_protected_evidence_is_left_the_missing_room_is_told(fires: Fires, today: datetime) -> None:
    fire = fires.fire(today - LONG)
    keeper = Keeper(fires.store, fires.evidence, EvidenceSettings(reserve_mb=10), free_bytes=lambda: 0)
    assert keeper.keep().short_bytes == 10_000_000
    assert fires.clips(fire) == [True]


def test_a_remote_store_is_not_asked_for_its_room(sqlite_store: Store) -> None:
    remote = EvidenceStore("memory://retention-test")
    kept = Keeper(sqlite_store, remote, EvidenceSettings()).keep()
    assert kept.free_bytes is None
    assert kept.short_bytes == 0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A real disk of 4 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("no permission to mount a tmpfs")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_on_a_full_disk_room_is_made_by_the_oldest_and_alerts_go_on(sqlite_store: Store, disk: Path) -> None:
    fires, today = Fires(sqlite_store, disk), sqlite_store.clock()
    old = fires.fire(today - timedelta(days=30), clip=b"a" * 1_000_000)
    young = fires.fire(today - timedelta(days=20), clip=b"b" * 1_000_000)
    fires.dismiss(old)
    fires.dismiss(young)
    filler = fill(disk)
    sighting = sighting_of(BOWL.at(23.101, 116.401), NORTH, today)
    alert = intake_into(sqlite_store, disk).accept(sighting, PICTURES, NORTH)
    assert alert.alert_id is not None, "the alert waited for the disk"
    assert sqlite_store.incident(alert.incident_id).alerts[-1].content["picture"] is not None

    kept = Keeper(sqlite_store, fires.evidence, EvidenceSettings(reserve_mb=0.5)).keep()

    assert kept.short_bytes == 0
    assert fires.clips(old) == []
    assert fires.clips(young) == [True]
    assert fires.evidence.write(b"c" * 100_000, "video/mp4").size_bytes == 100_000
    filler.unlink()
