"""A worker: one share of the cameras, one network, one loop."""

from __future__ import annotations

from collections.abc import Sequence

from config import Camera, Deployment
from firewatch.processes.life import heartbeat_of, live, parser, stop_on_signals


def main(arguments: Sequence[str] | None = None) -> None:
    made = parser("worker", "watches a share of the cameras")
    made.add_argument("--index", type=int, default=0, help="which worker this is, from 0")
    made.add_argument("--of", type=int, default=1, help="how many workers there are")
    options = made.parse_args(arguments)

    def run(deployment: Deployment) -> None:
        from zoneinfo import ZoneInfo

        from alerting.intake import Intake
        from alerting.latest import LatestPictures
        from alerting.store import Store
        from detector.pipeline import Pipeline
        from firewatch.detecting import open_detector, pipeline_for
        from firewatch.evidence import StoreSink
        from firewatch.worker import Worker, share_of

        stop = stop_on_signals()
        model, backend = open_detector(deployment)

        def pipeline(_camera: Camera) -> Pipeline:
            return pipeline_for(deployment, model, backend)  # one network: there is one looking loop

        store = Store.open(deployment.storage.database_url.reveal())
        try:
            Worker(
                share_of(deployment.cameras, options.index, options.of),
                deployment.looks,
                pipeline,
                StoreSink(Intake.from_deployment(store, deployment), ZoneInfo(deployment.time_zone)),
                store,
                LatestPictures(deployment.storage.evidence),
                heartbeat=heartbeat_of(options.heartbeat),
            ).run(stop)
        finally:
            store.close()

    live(options, run)


if __name__ == "__main__":
    main()
