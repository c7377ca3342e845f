"""How quickly the store answers with a million incidents in it, and how many sightings it takes in.

    python -m benchmarks.store [--quick] [--json FILE] [--database URL]

A store is filled with incidents of five years in one county (96 % dismissed, as false alarms are), through
the tables' own columns and triggers. Then, each through the calls that the console makes:

* list: pages of the queue (newest; open; ended; one status), first ones and ones far back, 50 or 200 at a
time; * map: frames of 4, 15 and 60 km, of the last day, month, year and of all time, with and without a
status.

p95 over all of them, by the clock and in processor time (SQLite works in this process, so on a busy machine
the latter says more). Beside each the plain way over the same rows: paging by OFFSET with a count, and a map
that filters by position without an index for it. A flood: one camera that burns, through the whole intake.
`--quick` fills a tenth of the rows and says so. A database once filled is kept for the next run: without
--database a SQLite file in `var/benchmarks/` (1.7 GB with a million).
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, select

from alerting.lifecycle import ENDED, OPEN, Status
from alerting.records import Frame
from alerting.store import Store, write_cursor
from alerting.tables import IncidentRow
from benchmarks.reporting import machine, write_figures
from benchmarks.store_filling import COUNTY, NOW, YEARS, fill, flood

MILLION = 1_000_000
SEED = 7
PLAIN = 5
"""The plain ways are slow, and their figures need no finer grain."""

KEPT = Path(__file__).parents[1] / "var" / "benchmarks"

Query = Callable[[], object]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows: within a minute")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument(
        "--database",
        help="SQLAlchemy address of a database; one that this benchmark has filled before is used as it is",
    )
    options = parser.parse_args()
    incidents = MILLION // 10 if options.quick else MILLION
    queries = 150 if options.quick else 400
    address = options.database or f"sqlite:///{KEPT}/store-{incidents}.db"
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(address, clock=lambda: NOW)
        print(f"{machine()}\n{store.backend}, {incidents} incidents, {queries} queries of each kind")
        began_s = time.monotonic()
        missing = incidents - sum(store.count_incidents().values())
        if missing > 0:
            fill(store, missing, SEED)
        how = f"filled in {time.monotonic() - began_s:.0f} s" if missing > 0 else "filled before"
        print(how + (" (quick: a tenth of the rows)" if options.quick else ""))
        chance = random.Random(SEED)
        listed = timed(list_queries(store, queries, chance))
        mapped = timed(map_queries(store, queries, chance))
        plain_list = timed(plain_lists(store, PLAIN, chance))
        plain_map = timed(plain_maps(store, PLAIN, chance))
        taken_per_s = flood(store, Path(folder), 600)
        store.close()
    figures = {
        "store.list_p95_ms": p95(listed.clock_ms),
        "store.map_p95_ms": p95(mapped.clock_ms),
        "store.list_median_ms": statistics.median(listed.clock_ms),
        "store.map_median_ms": statistics.median(mapped.clock_ms),
        "store.list_cpu_p95_ms": p95(listed.cpu_ms),
        "store.map_cpu_p95_ms": p95(mapped.cpu_ms),
        "store.plain_list_p95_ms": p95(plain_list.clock_ms),
        "store.plain_map_p95_ms": p95(plain_map.clock_ms),
        "store.flood_sightings_per_min": 60 * taken_per_s,
    }
    rows = (("list", listed, plain_list, "OFFSET and count"), ("map", mapped, plain_map, "no index by place"))
    for name, ours, plain, how in rows:
        ratio = p95(plain.clock_ms) / p95(ours.clock_ms)
        print(
            f"{name}: median {statistics.median(ours.clock_ms):.1f} ms, p95 {p95(ours.clock_ms):.1f} ms"
            f" ({p95(ours.cpu_ms):.1f} ms of a processor), worst {max(ours.clock_ms):.1f} ms; plain way"
            f" ({how}) p95 {p95(plain.clock_ms):.0f} ms: {ratio:.1f} times as long"
        )
    print(f"flood of one camera: {60 * taken_per_s:.0f} sightings a minute taken in, one incident")
    write_figures(options.json, figures, incidents=incidents, quick=options.quick, database=store.backend)


def list_queries(store: Store, count: int, chance: random.Random) -> list[Query]:
    def page_far_back(status: frozenset[Status] | None) -> Query:
        cursor = write_cursor(NOW - timedelta(days=chance.uniform(0, 365 * YEARS)), 0)
        return lambda: store.list_incidents(status=status, limit=50, cursor=cursor)

    kinds: list[Callable[[], Query]] = [
        lambda: lambda: store.list_incidents(limit=50),
        lambda: lambda: (store.list_incidents(status=OPEN, limit=200), store.count_incidents()),
        lambda: lambda: store.list_incidents(status=ENDED, limit=50),
        lambda: lambda: store.list_incidents(status={Status.CLOSED}, limit=50),
        lambda: page_far_back(None),
        lambda: page_far_back(ENDED),
    ]
    return [chance.choice(kinds)() for _ in range(count)]


def map_queries(store: Store, count: int, chance: random.Random) -> list[Query]:
    def one() -> Query:
        frame = frame_of(chance.choice((4.0, 15.0, 60.0)), chance)
        since = NOW - timedelta(days=chance.choice((1, 30, 365, 365 * YEARS + 1)))
        status = chance.choice((None, OPEN, frozenset({Status.CLOSED})))
        return lambda: store.map_incidents(frame, since=since, status=status)

    return [one() for _ in range(count)]


def plain_lists(store: Store, count: int, chance: random.Random) -> list[Query]:
    def one(offset: int) -> Query:
        def query() -> object:
            with store.reading() as session:
                total = session.scalar(select(func.count()).select_from(IncidentRow))
                newest = select(IncidentRow).order_by(
                    IncidentRow.confirmed_at.desc(), IncidentRow.number.desc()
                )
                return total, session.scalars(newest.offset(offset).limit(50)).all()

        return query

    with store.reading() as session:
        total = session.scalar(select(func.count()).select_from(IncidentRow)) or 0
    return [one(chance.randrange(total)) for _ in range(count)]


def plain_maps(store: Store, count: int, chance: random.Random) -> list[Query]:
    def one() -> Query:
        frame = frame_of(chance.choice((4.0, 15.0, 60.0)), chance)

        def query() -> object:
            with store.reading() as session:
                lat_deg, lon_deg = IncidentRow.lat_deg + 0.0, IncidentRow.lon_deg + 0.0
                inside = select(IncidentRow.incident_id, IncidentRow.confirmed_at).where(
                    lat_deg.between(frame.south_deg, frame.north_deg),
                    lon_deg.between(frame.west_deg, frame.east_deg),
                )
                at = func.coalesce(IncidentRow.confirmed_at, IncidentRow.confirmed_at)
                return session.execute(inside.order_by(at.desc()).limit(500)).all()

        return query

    return [one() for _ in range(count)]


def frame_of(side_km: float, chance: random.Random) -> Frame:
    south_deg = chance.uniform(COUNTY.south_deg, COUNTY.north_deg - 0.01)
    west_deg = chance.uniform(COUNTY.west_deg, COUNTY.east_deg - 0.01)
    if side_km >= 60:
        south_deg, west_deg = COUNTY.south_deg, COUNTY.west_deg
    return Frame(south_deg, west_deg, south_deg + side_km / 111, west_deg + side_km / 102)


@dataclass(frozen=True)
class Times:
    clock_ms: list[float]
    cpu_ms: list[float]


def timed(queries: Sequence[Query]) -> Times:
    """How long each took, after two to warm up."""
    for query in queries[:2]:
        query()
    times = Times([], [])
    for query in queries:
        began_s, began_cpu_s = time.perf_counter(), time.process_time()
        query()
        times.clock_ms.append(1000 * (time.perf_counter() - began_s))
        times.cpu_ms.append(1000 * (time.process_time() - began_cpu_s))
    return times


def p95(times_ms: Sequence[float]) -> float:
    return statistics.quantiles(times_ms, n=20)[-1]


if __name__ == "__main__":
    main()
