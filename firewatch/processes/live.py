"""The live view: camera connections of its own for those who watch; see `firewatch.live_app`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from config import Deployment
from firewatch.heap import keep_what_is_loaded, small_heap
from firewatch.processes.life import box_of, heartbeat_of, live, parser


def main(arguments: Sequence[str] | None = None) -> None:
    made = parser("live", "shows cameras to viewers, over a unix socket for the console")
    made.add_argument("--socket", type=Path, required=True, help="unix socket to listen at")
    options = made.parse_args(arguments)

    @small_heap()
    def run(deployment: Deployment) -> None:
        from alerting.camera_register import CameraRegister
        from alerting.database import SMALL_CACHE_KIB
        from alerting.store import Store
        from firewatch.live_app import run_live

        store = Store.open(deployment.storage.database_url.reveal(), cache_kib=SMALL_CACHE_KIB)
        try:
            register = CameraRegister(store, deployment, box_of(options.secrets_key))
            beat = heartbeat_of(options.heartbeat)
            keep_what_is_loaded()
            run_live(deployment, options.socket, beat, cameras_now=lambda: register.cameras)
        finally:
            store.close()

    live(options, run)


if __name__ == "__main__":
    main()
