"""What routes need besides the user: the store, the deployment and what was opened for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from alerting.camera_register import CameraRegister
from alerting.evidence import EvidenceStore
from alerting.evidence_links import EvidenceLinks
from alerting.intake import Intake
from alerting.latest import LatestPictures
from alerting.placement import Placement
from alerting.receivers import names_of
from alerting.store import Store
from alerting.target_register import TargetRegister
from config import Camera, Deployment
from console.base_maps import Tiles
from console.feed import EventFeed
from console.hillshade import Hillshade
from console.limits import RateLimit
from console.live_view import LiveView
from console.problems import Problem
from console.shared import SharedAnswer
from console.sign_on import SignOn
from console.small_pictures import SmallPictures
from console.uploads import ExpectedUploads
from console.viewsheds import Viewsheds

WorkerFigures = Callable[[], Mapping[str, Mapping[str, float]]]
"""What each worker told last, by its name."""


@dataclass(frozen=True)
class Centre:
    store: Store
    register: CameraRegister
    targets: TargetRegister
    evidence: EvidenceStore
    placement: Placement
    latest: LatestPictures
    small_pictures: SmallPictures
    feed: EventFeed
    hillshade: Hillshade | None
    viewsheds: Viewsheds | None
    base_maps: Mapping[str, Tiles]
    """Of the deployment's maps those that are files and could be opened, by id."""
    live: LiveView
    camera_list: SharedAnswer
    intake: Intake
    sign_on: SignOn | None
    uploads: ExpectedUploads
    probes: RateLimit
    worker_figures: WorkerFigures
    links: EvidenceLinks | None

    @property
    def deployment(self) -> Deployment:
        """With the cameras that there are now."""
        return self.register.deployment

    def target_names(self) -> dict[str, str]:
        """What operators call each receiver and each person: asks the store."""
        with self.store.reading() as session:
            return names_of(session, self.deployment)


def _centre(request: Request) -> Centre:
    made: Centre = request.app.state.centre
    return made


def require_camera(camera_id: str, centre: Centre) -> Camera:
    """The camera of this id, or 404."""
    for camera in centre.deployment.cameras:
        if camera.id == camera_id:
            return camera
    raise Problem(404, "not-found", f"no camera {camera_id!r}")


InCentre = Annotated[Centre, Depends(_centre)]
