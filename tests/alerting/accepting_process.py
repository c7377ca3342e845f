"""A worker's part in the tests of two at once: takes a sighting in the moment it is told to.

Arguments: store address, evidence folder, camera (`north` or `west`). For each line of input, the number of a
fire, prints the incident that its sighting went to.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from alerting_samples import BOWL, NORTH, PICTURES, WEST, intake_into, sighting_of

from alerting.store import Store

FIRES = [BOWL.at(23.100 + 0.003 * number, 116.392 + 0.003 * number) for number in range(5)]
NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)

if __name__ == "__main__":
    camera = {"north": NORTH, "west": WEST}[sys.argv[3]]
    intake = intake_into(Store.open(sys.argv[1]), sys.argv[2])
    print("ready", flush=True)
    for line in sys.stdin:
        number = int(line)
        sighting = sighting_of(FIRES[number], camera, NOON, sighting_id=f"{camera.id}-{number}")
        print(intake.accept(sighting, PICTURES, camera).incident_id, flush=True)
