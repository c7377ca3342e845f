"""Rows for `benchmarks.store`: incidents of five years in one county, and a camera that burns."""

from __future__ import annotations

import io
import itertools
import json
import random
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import numpy as np
from PIL import Image
from sqlalchemy import Connection, Table

import config
from alerting.cells import cell_of
from alerting.evidence import EvidenceStore
from alerting.intake import Evidence, Intake
from alerting.lifecycle import Stage
from alerting.placement import Placement
from alerting.records import Frame
from alerting.store import Store
from alerting.tables import IncidentRow
from detector.detection import Box, Detection, Sighting

NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
YEARS = 5
COUNTY = Frame(22.85, 116.10, 23.39, 116.69)
BATCH = 50_000
VILLAGES = 40
_CHAIN = json.dumps(
    [
        {
            "level": level,
            "code": f"SAMPLE-{level}",
            "name": f"{level}（示例）",
            "contacts": [{"name": "陈志强（示例）", "role": "网格员", "phone": "000-0000-0042"}],
        }
        for level in ("grid", "village", "town", "district")
    ],
    ensure_ascii=False,
)


def fill(store: Store, count: int, seed: int) -> None:
    """Add `count` incidents, the oldest first as they would have come.

    Past the mapper, in batches, and with the indexes by place and time made afterwards: that takes minutes
    less.
    """
    chance = random.Random(seed)
    villages = [
        (chance.uniform(COUNTY.south_deg, COUNTY.north_deg), chance.uniform(COUNTY.west_deg, COUNTY.east_deg))
        for _ in range(VILLAGES)
    ]
    names = list(_row(0, 1, villages, random.Random(seed)))
    rows = (tuple(_row(number, count, villages, chance).values()) for number in range(count))
    indexes = cast(Table, IncidentRow.__table__).indexes
    with store.writing() as session:
        connection = session.connection()
        for index in indexes:
            index.drop(connection)
        (_fill_sqlite if store.backend == "sqlite" else _fill_postgresql)(connection, names, rows)
        for index in indexes:
            index.create(connection)
        engine = connection.engine
    if store.backend == "postgresql":  # it does so by itself, some time later
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as outside:
            outside.exec_driver_sql("VACUUM ANALYZE incidents")


def _fill_sqlite(connection: Connection, names: list[str], rows: Iterator[tuple[Any, ...]]) -> None:
    connection.exec_driver_sql("PRAGMA cache_size = -400000")  # for the filling only
    statement = f"INSERT INTO incidents ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
    while batch := [tuple(map(_sqlite_value, row)) for row in itertools.islice(rows, BATCH)]:
        connection.exec_driver_sql(statement, batch)


def _fill_postgresql(connection: Connection, names: list[str], rows: Iterator[tuple[Any, ...]]) -> None:
    """Counted afterwards: a million new versions of one row of counts in one transaction take hours."""
    connection.exec_driver_sql("ALTER TABLE incidents DISABLE TRIGGER USER")
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY incidents ({', '.join(names)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
    connection.exec_driver_sql("ALTER TABLE incidents ENABLE TRIGGER USER")
    connection.exec_driver_sql("DELETE FROM incident_counts")
    connection.exec_driver_sql(
        "INSERT INTO incident_counts (status, incidents)"
        " SELECT status, count(*) FROM incidents WHERE NOT exercise GROUP BY status"
    )


def _sqlite_value(value: Any) -> Any:
    """As the tables' own type stores it: UTC without a zone."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(" ", "microseconds")
    return value


def _row(
    number: int, count: int, villages: list[tuple[float, float]], chance: random.Random
) -> dict[str, Any]:
    age = timedelta(days=365 * YEARS) * (1 - number / count)
    at = NOW - age - timedelta(seconds=chance.uniform(0, 60))
    is_recent = age < timedelta(hours=6)
    status = "suspected" if is_recent and chance.random() < 0.2 else "dismissed"
    if status == "dismissed" and chance.random() < 0.04:
        status = "closed"
    village = chance.choice(villages)
    lat_deg = min(max(chance.gauss(village[0], 0.05), COUNTY.south_deg), COUNTY.north_deg)
    lon_deg = min(max(chance.gauss(village[1], 0.05), COUNTY.west_deg), COUNTY.east_deg)
    return {
        "incident_id": f"inc-{number:016x}",
        "status": status,
        "verdict": {"dismissed": "false_alarm", "closed": "wildfire"}.get(status),
        "cause": "cloud" if status == "dismissed" else None,
        "label": "smoke",
        "confidence": round(chance.random(), 3),
        "first_seen_at": at - timedelta(seconds=20),
        "confirmed_at": at,
        "last_seen_at": at + timedelta(minutes=5),
        "raised_at": at,
        "updated_at": at,
        "grid_chain": _CHAIN,
        "camera_ids": f'["camera-{chance.randrange(200)}"]',
        "version": 2,
        "stage": "notify",
        "targets": '{"county": "notify"}',
        "repeats": 0,
        "exercise": False,
        "location_method": "terrain",
        "bearing_deg": 90.0,
        "elevation_deg": -3.0,
        "cell": cell_of(lat_deg, lon_deg),
        "lat_deg": lat_deg,
        "lon_deg": lon_deg,
        "height_m": 300.0,
        "ellipse_semi_major_m": 120.0,
        "ellipse_semi_minor_m": 20.0,
        "ellipse_azimuth_deg": 45.0,
        "range_m": 3000.0,
        "range_min_m": 2900.0,
        "range_max_m": 3100.0,
    }


def flood(store: Store, folder: Path, count: int) -> float:
    """Sightings a second that the intake takes from one camera that burns."""
    camera = config.Camera.model_validate(
        {
            "id": "burning",
            "name": "burning",
            "source": "rtsp://127.0.0.1/burning",
            "lat_deg": 23.1,
            "lon_deg": 116.4,
            "ground_height_m": 300,
            "mast_height_m": 30,
            "pose": {"azimuth_deg": 180, "tilt_deg": -3, "hfov_deg": 60},
        }
    )
    intake = Intake(
        store,
        EvidenceStore(str(folder / "evidence")),
        Placement(None, None),
        targets=lambda _session: {"county": Stage.NOTIFY},
        config_version="benchmark",
    )
    buffer = io.BytesIO()
    Image.fromarray(np.full((720, 1280, 3), 120, np.uint8)).save(buffer, "JPEG")
    pictures = Evidence(buffer.getvalue(), buffer.getvalue())
    chance = random.Random(1)
    run = uuid.uuid4().hex  # a database may be flooded again
    began_s = time.monotonic()
    for number in range(count):
        at = NOW + timedelta(seconds=60 * number / count)
        x, y = chance.gauss(640, 30), chance.gauss(500, 20)
        box = Box(x - 60, y - 120, x + 60, y)
        intake.accept(
            sighting_of(camera, f"burning-{run}-{number}", at, Detection("fire", 0.9, box)),
            pictures,
            camera,
        )
    return count / (time.monotonic() - began_s)


def sighting_of(camera: config.Camera, sighting_id: str, at: datetime, seen: Detection) -> Sighting:
    """What a camera that has seen this for 10 s confirms, in a picture of 720p."""
    return Sighting(
        sighting_id=sighting_id,
        camera_id=camera.id,
        preset=None,
        label=seen.label,
        confidence=seen.confidence,
        first_seen_at=at - timedelta(seconds=10),
        confirmed_at=at,
        box=seen.box,
        width_px=1280,
        height_px=720,
        history=((at, seen),),
        model_id="benchmark",
        profile="balanced",
        reason="benchmark",
    )
