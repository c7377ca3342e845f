"""A worker: one share of the cameras, one network, one loop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from config import Camera, Deployment
from firewatch.processes.life import heartbeat_of, live, parser, stop_on_signals
from firewatch.worker import CameraPipeline, LookObserver


def main(arguments: Sequence[str] | None = None) -> None:
    made = parser("worker", "watches a share of the cameras")
    made.add_argument("--index", type=int, default=0, help="which worker this is, from 0")
    made.add_argument("--of", type=int, default=1, help="how many workers there are")
    options = made.parse_args(arguments)

    def run(deployment: Deployment) -> None:
        stop = stop_on_signals()
        heartbeat = heartbeat_of(options.heartbeat)
        watch(deployment, stop, index=options.index, of=options.of, heartbeat=heartbeat)

    live(options, run)


def watch(
    deployment: Deployment,
    stop: threading.Event,
    *,
    index: int = 0,
    of: int = 1,
    heartbeat: Callable[[], None] = lambda: None,
    observers: Sequence[LookObserver] = (),
    make_pipeline: Callable[[Camera], CameraPipeline] | None = None,
) -> None:
    """The whole life of worker `index` among `of`, until `stop` is set.

    Benchmarks add observers, and a pipeline of their own in place of the deployment's detector.
    """
    from zoneinfo import ZoneInfo

    import cv2

    from alerting.intake import Intake
    from alerting.latest import LatestPictures
    from alerting.store import Store
    from firewatch.detecting import open_detector, pipeline_for
    from firewatch.evidence import StoreSink
    from firewatch.health import HealthJudges, LifeSign
    from firewatch.worker import Worker, share_of

    cv2.setNumThreads(1)  # the workers share the cores among themselves
    if make_pipeline is None:
        model, backend = open_detector(deployment)  # one network: there is one looking loop

        def make_pipeline(_camera: Camera) -> CameraPipeline:
            return pipeline_for(deployment, model, backend)

    health = HealthJudges(deployment)
    store = Store.open(deployment.storage.database_url.reveal())
    life_sign = LifeSign(store, health)

    def alive() -> None:
        heartbeat()
        life_sign()

    try:
        Worker(
            share_of(deployment.cameras, index, of),
            deployment.looks,
            make_pipeline,
            StoreSink(Intake.from_deployment(store, deployment), ZoneInfo(deployment.time_zone)),
            store,
            LatestPictures(deployment.storage.evidence),
            judge_for=health.judge_for,
            observers=(health, *observers),
            heartbeat=alive,
        ).run(stop)
    finally:
        store.close()


if __name__ == "__main__":
    main()
