"""A worker: one share of the cameras, one network, one loop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from config import Camera, Deployment
from firewatch.figures import beating_into
from firewatch.heap import keep_what_is_loaded, small_heap
from firewatch.processes.life import box_of, live, parser, stop_on_signals
from firewatch.worker import CameraPipeline, LookObserver, WorkerFigures

if TYPE_CHECKING:
    from firewatch.followed_cameras import FollowedCameras
    from firewatch.health import HealthJudges
    from firewatch.recorder import ClipRecorder
    from firewatch.ties import Ties


def main(arguments: Sequence[str] | None = None) -> None:
    made = parser("worker", "watches a share of the cameras")
    made.add_argument("--index", type=int, default=0, help="which worker this is, from 0")
    made.add_argument("--of", type=int, default=1, help="how many workers there are")
    made.add_argument("--spool", type=Path, help="folder where sightings wait for the store")
    made.add_argument("--recordings", type=Path, help="local folder for clips on their way to the evidence")
    options = made.parse_args(arguments)
    options.process = f"worker-{options.index + 1}"

    def run(deployment: Deployment) -> None:
        stop = stop_on_signals()
        heartbeat = beating_into(options.heartbeat)
        watch(
            deployment,
            stop,
            index=options.index,
            of=options.of,
            spool=options.spool,
            recordings=options.recordings,
            secrets_key=options.secrets_key,
            heartbeat=heartbeat,
        )

    live(options, run)


def watch(
    deployment: Deployment,
    stop: threading.Event,
    *,
    index: int = 0,
    of: int = 1,
    spool: Path | None = None,
    recordings: Path | None = None,
    secrets_key: Path | None = None,
    heartbeat: Callable[[WorkerFigures], None] = lambda _figures: None,
    observers: Sequence[LookObserver] = (),
    make_pipeline: Callable[[Camera], CameraPipeline] | None = None,
) -> None:
    """The whole life of worker `index` among `of`, until `stop` is set. Sightings wait for the store in
    `spool`; without it they go straight into the store. Without a folder for `recordings` there are no clips.

    Benchmarks add observers, and a pipeline of their own in place of the deployment's detector.
    """
    from alerting.camera_register import CameraRegister
    from alerting.database import SMALL_CACHE_KIB
    from alerting.store import Store
    from firewatch.followed_cameras import FollowedCameras
    from firewatch.ties import ties_to_store

    url = deployment.storage.database_url.reveal()
    store = Store.open(url, kept_connections=1, cache_kib=SMALL_CACHE_KIB)  # seldom two at once
    try:
        followed = FollowedCameras(CameraRegister(store, deployment, box_of(secrets_key)), index, of)
        watch_cameras(
            deployment,
            followed.known,
            stop,
            ties_to_store(deployment, store, followed.known, spool, first=index == 0),
            followed=followed,
            views=spool.parent / "views" if spool is not None else None,
            recordings=recordings,
            heartbeat=heartbeat,
            observers=observers,
            make_pipeline=make_pipeline,
        )
    finally:
        store.close()


@small_heap()
def watch_cameras(
    deployment: Deployment,
    cameras: Sequence[Camera],
    stop: threading.Event,
    tied: AbstractContextManager[Ties],
    *,
    followed: FollowedCameras | None = None,
    views: Path | None,
    recordings: Path | None,
    heartbeat: Callable[[WorkerFigures], None],
    observers: Sequence[LookObserver] = (),
    make_pipeline: Callable[[Camera], CameraPipeline] | None = None,
) -> None:
    """Watch `cameras` for whoever they are `tied` to, until `stop` is set; those that are `followed` as they
    change. `views` is the folder where it is kept how each view stands, `recordings` that of clips in the
    making."""
    import cv2

    from firewatch.detecting import open_detector, pipeline_for, shadow_of
    from firewatch.drawn_masks import DrawnMasks
    from firewatch.health import DoubtingSink, HealthJudges, LifeSign
    from firewatch.recorder import recording
    from firewatch.reference_views import ReferenceViews
    from firewatch.site_memories import SiteMemories
    from firewatch.worker import Worker

    cv2.setNumThreads(1)  # the workers share the cores among themselves
    if make_pipeline is None:
        model, backend = open_detector(deployment)  # one network: there is one looking loop

        def make_pipeline(camera: Camera) -> CameraPipeline:
            of_preset = partial(memories.of, camera.id)
            return pipeline_for(deployment, model, backend, camera.profile, site_memory=of_preset)

        observers = (*observers, *shadow_of(deployment))

    def beat(figures: WorkerFigures) -> None:
        heartbeat(figures)
        ties.figures(figures)

    health = HealthJudges(deployment, ReferenceViews(views) if views is not None else None)
    with ExitStack() as at_the_end:
        at_the_end.callback(health.keep_views)
        ties = at_the_end.enter_context(tied)
        memories = at_the_end.enter_context(SiteMemories(ties.feedback, ties.memories))
        masks = at_the_end.enter_context(DrawnMasks(ties.feedback))
        recorder = None
        if recordings is not None:
            settings = deployment.evidence
            recorder = at_the_end.enter_context(
                recording(
                    cameras, settings, recordings, ties.clips, masks_of=masks.of, on_trouble=ties.on_trouble
                )
            )
        if followed is not None:
            followed.tell(ties.know)
            if recorder is not None:
                followed.tell(recorder.know)
            at_the_end.enter_context(followed)
        worker = Worker(
            cameras if followed is None else followed.watched(),
            deployment.looks,
            make_pipeline,
            DoubtingSink(ties.sightings, health),
            ties.states,
            ties.pictures,
            tap_for=recorder.tap_for if recorder is not None else lambda _camera: None,
            masks_of=masks.of,
            judge_for=health.judge_for,
            cameras_now=followed.watched if followed is not None else None,
            forget=_forgetting(health, recorder),
            observers=(health, *([recorder] if recorder is not None else []), *observers),
            heartbeat=beat,
            life_sign=LifeSign(ties.life, health),
        )
        keep_what_is_loaded()
        worker.run(stop)


def _forgetting(health: HealthJudges, recorder: ClipRecorder | None) -> Callable[[str], None]:
    """What is to be forgotten of a camera that is watched no more."""

    def forget(camera_id: str) -> None:
        health.forget(camera_id)
        if recorder is not None:
            recorder.forget(camera_id)

    return forget


if __name__ == "__main__":
    main()
