"""From a confirmed sighting and its frame to its evidence: the picture, plain and marked."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from alerting.intake import Evidence, Intake, SightingError
from config import Camera
from detector.annotate import annotated, to_jpeg
from detector.detection import Sighting
from streams.frame import Frame

_log = logging.getLogger(__name__)

SHOWN_WIDTH_PX = 1280


def small_jpeg(frame: Frame) -> bytes:
    """A picture for the console's camera list: at most 1280 px wide."""
    width, height = frame.width_px, frame.height_px
    if width > SHOWN_WIDTH_PX:
        width, height = SHOWN_WIDTH_PX, round(height * SHOWN_WIDTH_PX / width)
    return to_jpeg(frame.scaled(width, height), quality=80)


def evidence_of(camera: Camera, sighting: Sighting, frame: Frame, time_zone: ZoneInfo) -> Evidence:
    """The pictures of a sighting, plain and marked."""
    taken = frame.captured_at.astimezone(time_zone)
    caption = f"{camera.name}  {taken:%Y-%m-%d %H:%M:%S}"
    drawn = annotated(frame.image, sightings=[sighting], caption=caption)
    return Evidence(to_jpeg(frame.image), to_jpeg(drawn))


@dataclass
class StoreSink:
    """Puts sightings into the store at once (a replay; a worker puts a spool between)."""

    intake: Intake
    time_zone: ZoneInfo

    def accept(self, camera: Camera, sighting: Sighting, frame: Frame) -> None:
        try:
            self.intake.accept(sighting, evidence_of(camera, sighting, frame, self.time_zone), camera)
        except SightingError:  # trying again would only keep the sightings behind it waiting
            _log.exception("sighting refused camera=%s", camera.id)
