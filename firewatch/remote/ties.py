"""The ties of a worker to a centre that it reaches over HTTP only."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

from config import Camera, Deployment
from firewatch.remote.courier import PICTURE_INTERVAL_S, Courier
from firewatch.remote.link import CentreLink
from firewatch.remote.news import FolderSiteMemories, RemoteFeedback
from firewatch.remote.sinks import RemoteEvidence, RemoteIntake
from firewatch.spool import Spool
from firewatch.spooling import SpoolingSink
from firewatch.ties import Ties

_log = logging.getLogger(__name__)

MOST_PER_CAMERA = 500
MOST = 4000
"""Sightings that wait while the centre is away: some 4 GB."""
LONGEST_RETRY_S = 60.0


@contextmanager
def ties_to_centre(
    deployment: Deployment,
    cameras: Sequence[Camera],
    link: CentreLink,
    state: Path,
    *,
    picture_interval_s: float = PICTURE_INTERVAL_S,
) -> Iterator[Ties]:
    """What has to wait for the centre, and what a store would keep, is in the folder `state`."""
    ids = [camera.id for camera in cameras]
    spool = Spool(state / "spool", ids, most_per_camera=MOST_PER_CAMERA, most=MOST)
    with ExitStack() as at_the_end:
        at_the_end.enter_context(link)
        courier = at_the_end.enter_context(
            Courier(link, waiting_sightings=lambda: len(spool), picture_interval_s=picture_interval_s)
        )
        sightings = at_the_end.enter_context(
            SpoolingSink(
                spool,
                RemoteIntake(link),
                cameras,
                ZoneInfo(deployment.time_zone),
                longest_retry_s=LONGEST_RETRY_S,
            )
        )
        yield Ties(
            sightings=sightings,
            states=courier,
            pictures=courier,
            life=courier,
            feedback=RemoteFeedback(link, ids, state / "news.json"),
            memories=FolderSiteMemories(state / "memories"),
            clips=RemoteEvidence(link),
            on_trouble=lambda reason: _log.error("the disk is full, clips may be lost: %s", reason),
            figures=courier.figures,
        )
