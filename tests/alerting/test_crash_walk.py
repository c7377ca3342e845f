"""kill -9 between every two steps from a sighting to its acknowledgement: nothing lost, nothing told
twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from alerting_samples import POSTGRES_VARIABLE, ROOT

from simulator.receiver import DispatchReceiver

WALK = Path(__file__).with_name("crash_walk.py")
SECRET = "a secret of the walk"


EVERY_FIFTH, EVERY = 5, 1


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("database", "stride"),
    [
        ("sqlite", EVERY_FIFTH),
        pytest.param("sqlite", EVERY, marks=pytest.mark.slow),
        pytest.param("postgresql", EVERY, marks=pytest.mark.slow),
    ],
)
def test_a_kill_before_any_step_loses_no_sighting_and_tells_none_under_two_keys(
    tmp_path: Path, database: str, stride: int
) -> None:
    server = os.environ.get(POSTGRES_VARIABLE, "") if database == "postgresql" else ""
    if database == "postgresql" and not server:
        pytest.skip(f"{POSTGRES_VARIABLE} names no PostgreSQL server")
    with DispatchReceiver(SECRET) as receiver:
        walk = subprocess.run(
            [sys.executable, str(WALK), str(tmp_path), receiver.url, str(stride), server],
            cwd=ROOT,
            env={**os.environ, "CRASH_WALK_SECRET": SECRET, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        received = list(receiver.alerts)
        rejected = list(receiver.rejections)
    assert walk.returncode == 0, walk.stderr
    steps = [json.loads(line) for line in walk.stdout.splitlines()]
    before = Counter(step["before"] for step in steps)
    print(f"{database}: killed before {sum(before.values()) - 1} steps: {dict(before)}")
    assert before["execute"] > 5, before
    if stride == EVERY:
        for kind in ("open", "write", "fsync", "replace", "commit", "unlink", "recv"):
            assert before[kind] > 0, before
        assert before["send"] + before["sendall"] > 0, before
    assert steps[-1]["before"] == ""  # the last one was not killed
    assert rejected == []
    for step in steps:
        (incident_id,) = step["incidents"]
        assert step["deliveries"] == [[f"{incident_id}.1", "delivered"]], step
        keys = [one.idempotency_key for one in received if one.alert["incident_id"] == incident_id]
        assert keys == [f"{incident_id}.1"], step
    assert len(received) == len(steps)
