"""A worker on a hill box: watches the cameras it is given and reports to a centre over HTTPS."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from config import Deployment
from firewatch.figures import beating_into
from firewatch.processes.life import live, parser, stop_on_signals
from firewatch.processes.worker import watch_cameras


def main(arguments: Sequence[str] | None = None) -> None:
    made = parser("box", "watches cameras for a centre elsewhere")
    made.add_argument("--centre", required=True, help="the centre's address")
    made.add_argument("--token-file", type=Path, required=True, help="file with the token's secret")
    made.add_argument("--authority", type=Path, help="certificates to trust instead of the system's (PEM)")
    made.add_argument("--state", type=Path, required=True, help="folder for everything that waits")
    made.add_argument("--camera", action="append", required=True, help="a camera to watch")
    made.add_argument("--picture-interval", type=float, required=True, help="seconds between its pictures")
    options = made.parse_args(arguments)

    def run(deployment: Deployment) -> None:
        from firewatch.remote.link import CentreLink
        from firewatch.remote.ties import ties_to_centre

        stop = stop_on_signals()
        link = CentreLink(options.centre, options.token_file, authority=options.authority)
        cameras = [deployment.camera(camera_id) for camera_id in options.camera]
        watch_cameras(
            deployment,
            cameras,
            stop,
            ties_to_centre(
                deployment, cameras, link, options.state, picture_interval_s=options.picture_interval
            ),
            views=options.state / "views",
            recordings=options.state / "recordings",
            heartbeat=beating_into(options.heartbeat),
        )

    live(options, run)


if __name__ == "__main__":
    main()
