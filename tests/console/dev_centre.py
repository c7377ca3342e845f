"""A console with drawn cameras and fires, to work on the page: `python tests/console/dev_centre.py [PORT]`.

Prints the first administrator's password. A new fire appears a while after the start.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvicorn
from console_scenery import MASTS, Scenery, make_deployment

from alerting import decisions
from alerting.lifecycle import Action, Cause, Decision, Verdict
from alerting.secret_box import KEY_FILE, SecretBox
from alerting.store import Store
from console.app import create_app
from console.auth import ensure_first_admin


def seed(scenery: Scenery, store: Store) -> None:
    now = datetime.now(UTC)
    for index, (camera_id, *_) in enumerate(MASTS):
        scenery.write_latest(camera_id, now - timedelta(seconds=index))
        store.set_camera_state(camera_id, "live", now - timedelta(hours=3, minutes=index), "")
    store.set_camera_state("hbs-01", "stale", now - timedelta(minutes=12), "no picture comes")
    dust = scenery.sight(
        "hbs-01", scenery.fire_at("hbs-01", 420, 470), now - timedelta(hours=2), confidence=0.61
    )
    decide(store, dust.incident_id, Decision(Action.DISMISS, Verdict.FALSE_ALARM, Cause.DUST))
    old = scenery.sight(
        "dpt-01", scenery.fire_at("dpt-01", 500, 420), now - timedelta(minutes=48), label="fire"
    )
    decide(store, old.incident_id, Decision(Action.CONFIRM))
    decide(store, old.incident_id, Decision(Action.DISPATCH, why="大坪半专业队 12 人"))
    scenery.sight("ltz-01", scenery.fire_at("ltz-01", 700, 400), now - timedelta(minutes=4), confidence=0.72)


def decide(store: Store, incident_id: str, decision: Decision) -> None:
    version = store.incident(incident_id).summary.version
    decisions.decide(store, incident_id, decision, who="li.wei", version=version)


def live(scenery: Scenery) -> None:
    """Pictures keep coming; after some seconds a fire starts and a second camera joins in."""
    fire = scenery.fire_at("dns-01", 560, 400)
    time.sleep(6)
    scenery.sight("dns-01", fire, datetime.now(UTC), confidence=0.91)
    for camera_id in ("lhs-01", "xlk-01", "shk-01"):
        second = scenery.fire_seen_from(camera_id, fire.position)
        if second is not None:
            scenery.sight(camera_id, second, datetime.now(UTC) + timedelta(seconds=1), confidence=0.79)
    while True:
        for camera_id, *_ in MASTS:
            if camera_id != "hbs-01":
                scenery.write_latest(camera_id, datetime.now(UTC), fire if camera_id == "dns-01" else None)
        time.sleep(3)


def main() -> None:
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8090
    folder = Path(tempfile.mkdtemp(prefix="firewatch-dev-"))
    deployment = make_deployment(folder)
    store = Store.open(deployment.storage.database_url.reveal())
    print(f"http://127.0.0.1:{port}/  admin  {ensure_first_admin(store)}", flush=True)
    scenery = Scenery(deployment, store)
    seed(scenery, store)
    threading.Thread(target=live, args=(scenery,), daemon=True).start()
    uvicorn.run(
        create_app(store, deployment, box=SecretBox(folder / KEY_FILE)), port=port, log_level="warning"
    )


if __name__ == "__main__":
    main()
