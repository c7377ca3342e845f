"""What ties a worker to its centre: where it puts what it finds, and where it hears what people decide.

`ties_to_store` is for a worker that reaches the store. One that does not has `firewatch.remote.ties`; the
worker knows no difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from alerting.evidence import EvidenceStore
from alerting.intake import Intake
from alerting.latest import LatestPictures
from alerting.site_memories import StoredSiteMemories
from alerting.store import Store
from config import Camera, Deployment
from detector.site_memory import SiteMemoryKeeper
from firewatch.clerk import PictureSink, SightingSink
from firewatch.evidence import StoreSink
from firewatch.feedback import Feedback, StoreFeedback
from firewatch.health import StateKeeper
from firewatch.keeping import StoreEvidence, keeping_room
from firewatch.recorder import EvidenceSink
from firewatch.spool import Spool
from firewatch.spooling import SpoolingSink
from firewatch.worker import WorkerFigures
from streams.condition import CameraStateSink


@dataclass(frozen=True)
class Ties:
    """Each part may be slow or away; none loses what it has taken."""

    sightings: SightingSink
    states: CameraStateSink
    pictures: PictureSink
    life: StateKeeper
    feedback: Feedback
    memories: SiteMemoryKeeper
    clips: EvidenceSink
    on_trouble: Callable[[str], None]
    """Is told when the disk is full."""
    figures: Callable[[WorkerFigures], None] = lambda _figures: None
    know: Callable[[Sequence[Camera]], None] = lambda _cameras: None
    """Is told which cameras are the worker's now."""


@contextmanager
def ties_to_store(
    deployment: Deployment, store: Store, cameras: Sequence[Camera], spool: Path | None, *, first: bool
) -> Iterator[Ties]:
    """Sightings wait for the store in `spool`; without it they go straight into the store. The `first` worker
    of a centre also keeps the evidence of all of them within bounds."""
    ids = [camera.id for camera in cameras]
    zone = ZoneInfo(deployment.time_zone)
    with ExitStack() as at_the_end:
        intake = Intake.from_deployment(store, deployment)
        feedback = StoreFeedback(store, ids)
        sightings: SightingSink = StoreSink(intake, zone)
        spooling = None
        if spool is not None:
            spooling = SpoolingSink(Spool(spool, ids), intake, cameras, zone)
            sightings = at_the_end.enter_context(spooling)

        def know(now: Sequence[Camera]) -> None:
            feedback.know([camera.id for camera in now])
            if spooling is not None:
                spooling.know(now)

        keeping = at_the_end.enter_context(keeping_room(deployment, store, first=first))
        yield Ties(
            sightings=sightings,
            states=store,
            pictures=LatestPictures(deployment.storage.evidence),
            life=store,
            feedback=feedback,
            memories=StoredSiteMemories(store),
            clips=StoreEvidence(store, EvidenceStore(deployment.storage.evidence)),
            on_trouble=keeping.hurry,
            know=know,
        )
