"""From a confirmed sighting and its frame to its evidence: the picture, plain and marked."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from alerting.intake import Evidence, Intake
from config import Camera
from detector.annotate import annotated, to_jpeg
from detector.detection import Sighting
from streams.frame import Frame


@dataclass
class StoreSink:
    """Puts sightings into the store: incident, alert and deliveries in one transaction."""

    intake: Intake
    time_zone: ZoneInfo

    def accept(self, camera: Camera, sighting: Sighting, frame: Frame) -> None:
        taken = frame.captured_at.astimezone(self.time_zone)
        caption = f"{camera.name}  {taken:%Y-%m-%d %H:%M:%S}"
        drawn = annotated(frame.image, sightings=[sighting], caption=caption)
        self.intake.accept(sighting, Evidence(to_jpeg(frame.image), to_jpeg(drawn)), camera)
