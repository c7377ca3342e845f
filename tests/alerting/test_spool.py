"""Sightings that wait on disk for a store that cannot take them: none is lost, none holds up another."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from alerting_samples import BOWL, NORTH, PICTURES, WEST, fill, intake_into, sighting_of

from alerting.store import Store
from detector.detection import Sighting
from firewatch.spool import MOST_PER_CAMERA, FloodError, Spool
from firewatch.spooling import SpoolingSink
from streams.frame import Frame

FIRE = BOWL.at(23.105, 116.395)
CAMERAS = [NORTH, WEST]
IDS = [NORTH.id, WEST.id]


def frame_of(sighting: Sighting) -> Frame:
    image = np.full((sighting.height_px, sighting.width_px, 3), 120, np.uint8)
    return Frame(image, sighting.camera_id, sighting.confirmed_at, 1)


def sink_into(store: Store, spool: Spool, tmp_path: Path) -> SpoolingSink:
    intake = intake_into(store, tmp_path / "evidence")
    return SpoolingSink(spool, intake, CAMERAS, ZoneInfo("UTC"), retry_s=0.05)


def until(what: Callable[[], bool], limit_s: float = 30.0) -> None:
    deadline_s = time.monotonic() + limit_s
    while not what():
        assert time.monotonic() < deadline_s, "did not happen in time"
        time.sleep(0.02)


def test_a_sighting_reads_back_from_disk_as_it_was(tmp_path: Path, noon: datetime) -> None:
    sighting = sighting_of(FIRE, NORTH, noon, probability=0.7)
    Spool(tmp_path / "spool", IDS).put(sighting, PICTURES)
    (kept,) = Spool(tmp_path / "spool", IDS).waiting()
    assert (kept.sighting, kept.evidence) == (sighting, PICTURES)


def test_the_worker_waits_for_its_disk_only_and_the_store_gets_everything_in_order(
    sqlite_store: Store, tmp_path: Path, noon: datetime
) -> None:
    spool = Spool(tmp_path / "spool", IDS)
    with sink_into(sqlite_store, spool, tmp_path) as sink:
        for camera, seconds in ((NORTH, 0), (WEST, 20)):
            sighting = sighting_of(FIRE, camera, noon + timedelta(seconds=seconds))
            sink.accept(camera, sighting, frame_of(sighting))
        until(lambda: len(spool) == 0)
    (incident,) = sqlite_store.list_incidents().incidents
    assert incident.camera_ids == ("north", "west")
    assert len(sqlite_store.incident(incident.incident_id).evidence) == 6


def test_a_locked_database_delays_a_sighting_and_loses_none(tmp_path: Path, noon: datetime) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/store.db")
    with closing(sqlite3.connect(tmp_path / "store.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        spool = Spool(tmp_path / "spool", IDS)
        with sink_into(store, spool, tmp_path) as sink:
            sighting = sighting_of(FIRE, NORTH, noon)
            sink.accept(NORTH, sighting, frame_of(sighting))
            assert len(spool) == 1
            assert store.list_incidents().incidents == ()  # readers go on
            time.sleep(1)
            other.execute("COMMIT")
            until(lambda: len(spool) == 0)
    assert len(store.list_incidents().incidents) == 1
    store.close()


def test_a_full_disk_of_the_store_keeps_sightings_waiting_until_there_is_room(
    small_disk: Path, tmp_path: Path, noon: datetime
) -> None:
    store = Store.open(f"sqlite:///{small_disk}/store.db")
    filler = fill(small_disk)
    spool = Spool(tmp_path / "spool", IDS)
    with sink_into(store, spool, tmp_path) as sink:
        sighting = sighting_of(FIRE, NORTH, noon)
        sink.accept(NORTH, sighting, frame_of(sighting))
        time.sleep(0.3)  # some attempts, all in vain
        assert len(spool) == 1
        filler.unlink()
        until(lambda: len(spool) == 0)
    assert len(store.list_incidents().incidents) == 1
    store.close()


def test_a_full_disk_of_the_spool_sends_sightings_straight_into_the_store(
    sqlite_store: Store, small_disk: Path, tmp_path: Path, noon: datetime
) -> None:
    spool = Spool(small_disk / "spool", IDS)
    filler = fill(small_disk)
    sighting = sighting_of(FIRE, NORTH, noon)
    with sink_into(sqlite_store, spool, tmp_path) as sink:
        sink.accept(NORTH, sighting, frame_of(sighting))
        assert len(sqlite_store.list_incidents().incidents) == 1
    assert [path for path in small_disk.rglob("*") if path.is_file()] == [filler]


def test_what_waits_outlives_the_process_and_goes_to_whoever_watches_the_camera_then(
    sqlite_store: Store, tmp_path: Path, noon: datetime
) -> None:
    folder = tmp_path / "spool"
    Spool(folder, IDS).put(sighting_of(FIRE, NORTH, noon), PICTURES)
    assert list(Spool(folder, [WEST.id]).waiting()) == []  # a worker of other cameras leaves it alone
    restarted = Spool(folder, [NORTH.id])
    assert sink_into(sqlite_store, restarted, tmp_path).take_in()
    assert len(restarted) == 0
    assert len(sqlite_store.list_incidents().incidents) == 1


def test_a_camera_that_floods_leaves_room_for_the_others(tmp_path: Path, noon: datetime) -> None:
    spool = Spool(tmp_path / "spool", IDS)
    for second in range(MOST_PER_CAMERA):
        spool.put(sighting_of(FIRE, NORTH, noon + timedelta(seconds=second)), PICTURES)
    with pytest.raises(FloodError, match="north has 50 sightings waiting"):
        spool.put(sighting_of(FIRE, NORTH, noon + timedelta(hours=1)), PICTURES)
    spool.put(sighting_of(FIRE, WEST, noon), PICTURES)
    assert len(spool) == MOST_PER_CAMERA + 1


def test_a_flood_is_dropped_with_a_count_and_does_not_stop_the_worker(
    sqlite_store: Store, tmp_path: Path, noon: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    sink = sink_into(sqlite_store, Spool(tmp_path / "spool", IDS), tmp_path)
    for second in range(MOST_PER_CAMERA + 9):
        sighting = sighting_of(FIRE, NORTH, noon + timedelta(seconds=second))
        sink.accept(NORTH, sighting, frame_of(sighting))
    assert sink.dropped == 9
    assert caplog.text.count("sighting dropped") == 4  # the 1st, 2nd, 4th, 8th


def test_a_torn_file_is_cleared_away_and_an_unreadable_one_set_aside(
    sqlite_store: Store, tmp_path: Path, noon: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "spool"
    spool = Spool(folder, IDS)
    spool.put(sighting_of(FIRE, NORTH, noon), PICTURES)
    (spoiled,) = folder.iterdir()
    spoiled.write_bytes(spoiled.read_bytes()[:-100])
    torn = spoiled.with_name(spoiled.name.replace(".sighting", "x.tmp"))
    torn.write_bytes(b"half")
    spool = Spool(folder, IDS)
    spool.put(sighting_of(FIRE, WEST, noon + timedelta(seconds=9)), PICTURES)
    assert sink_into(sqlite_store, spool, tmp_path).take_in()
    assert [path.suffix for path in folder.iterdir()] == [".unreadable"]
    assert "set aside" in caplog.text
    assert sqlite_store.list_incidents().incidents[0].camera_ids == ("west",)
