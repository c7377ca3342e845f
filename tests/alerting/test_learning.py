"""A camera that learns: what it reports is kept for supervisors, teaches its memory, and reaches nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from alerting_samples import BOWL, NORTH, PICTURES, WEST, sighting_of
from sqlalchemy import func, select

import config
from alerting import learning
from alerting.camera_register import CameraRegister
from alerting.evidence import EvidenceStore
from alerting.intake import Evidence, Intake
from alerting.journal import By
from alerting.lifecycle import Cause
from alerting.secret_box import SecretBox
from alerting.site_memories import judged_since
from alerting.store import ConflictError, NotFoundError, Store
from alerting.tables import (
    AlertRow,
    Base,
    ClockRow,
    DeliveryRow,
    EvidenceRow,
    IncidentRow,
    NoticeRow,
    SightingRow,
)
from detector.detection import Sighting
from firewatch.keeping import StoreEvidence
from firewatch.recording import About, Product, Seen

LI = By("li", "10.0.0.7")
FIRE = BOWL.at(23.105, 116.4)


@pytest.fixture
def clock(noon: datetime) -> list[datetime]:
    return [noon]


@pytest.fixture
def store(database_url: str, clock: list[datetime]) -> Iterator[Store]:
    with closing(Store.open(database_url, lambda: clock[0])) as opened:
        yield opened


@pytest.fixture
def register(store: Store, tmp_path: Path) -> CameraRegister:
    """`north` was added a moment ago and learns for a day; `west` is the deployment file's."""
    made = CameraRegister(
        store, config.Deployment(name="hills", cameras=(WEST,)), SecretBox(tmp_path / "key")
    )
    made.add(NORTH, by=LI, learn_for=timedelta(hours=24))
    return made


def rows(store: Store, *tables: type[Base]) -> int:
    with store.reading() as session:
        return sum(session.scalar(select(func.count()).select_from(table)) or 0 for table in tables)


def sighting(at: datetime) -> Sighting:
    return sighting_of(FIRE, NORTH, at)


def raised(intake: Intake) -> Callable[[Sighting, bytes], str]:
    def accept(one: Sighting, jpeg: bytes) -> str:
        return intake.accept(one, Evidence(jpeg, jpeg), NORTH, though_learning=True).incident_id

    return accept


@pytest.mark.usefixtures("register")
def test_what_a_learning_camera_reports_is_kept_with_its_picture_and_reaches_nobody(
    store: Store, intake: Intake, noon: datetime
) -> None:
    seen = sighting(noon)
    assert intake.accept(seen, PICTURES, NORTH).learning
    (kept,) = learning.of_camera(store, "north")
    assert (kept.sighting, kept.received_at, kept.judged_by) == (seen, noon, None)
    assert learning.picture(store, "north", kept.number) == PICTURES.annotated_jpeg
    nothing = (IncidentRow, SightingRow, AlertRow, DeliveryRow, NoticeRow, ClockRow, EvidenceRow)
    assert rows(store, *nothing) == 0


@pytest.mark.usefixtures("register")
def test_the_same_report_again_is_kept_once(store: Store, intake: Intake, noon: datetime) -> None:
    seen = sighting(noon)
    for _ in range(2):
        intake.accept(seen, PICTURES, NORTH)
    assert len(learning.of_camera(store, "north")) == 1


@pytest.mark.usefixtures("register")
def test_a_camera_beside_it_that_has_learnt_raises_its_alarm_as_ever(
    store: Store, intake: Intake, noon: datetime
) -> None:
    intake.accept(sighting(noon), PICTURES, NORTH)
    ref = intake.accept(sighting_of(FIRE, WEST, noon), PICTURES, WEST)
    assert (ref.raised, ref.learning) == (True, False)
    (incident,) = store.list_incidents().incidents
    assert incident.camera_ids == ("west",), "what learns neither joins a real fire nor moves it"
    assert rows(store, DeliveryRow) == 1


@pytest.mark.parametrize("ended", ["by its time", "by hand"])
def test_when_learning_is_over_the_next_sighting_is_an_alarm(
    register: CameraRegister, store: Store, intake: Intake, noon: datetime, clock: list[datetime], ended: str
) -> None:
    intake.accept(sighting(noon), PICTURES, NORTH)
    if ended == "by hand":
        register.end_learning("north", by=LI)
    else:
        clock[0] = noon + timedelta(hours=24)
    assert intake.accept(sighting(noon + timedelta(minutes=1)), PICTURES, NORTH).raised
    assert rows(store, DeliveryRow) == 1


@pytest.mark.usefixtures("register")
def test_a_drill_goes_through_though_the_camera_learns(intake: Intake, noon: datetime) -> None:
    assert intake.accept(sighting(noon), PICTURES, NORTH, exercise=True).raised


@pytest.mark.usefixtures("register")
def test_what_a_supervisor_says_it_was_teaches_the_site_memory(
    store: Store, intake: Intake, noon: datetime
) -> None:
    intake.accept(sighting(noon), PICTURES, NORTH)
    (kept,) = learning.of_camera(store, "north")
    judged = learning.dismiss(store, "north", kept.number, Cause.GLARE, by=LI)
    assert (judged.judged_by, judged.cause) == ("li", Cause.GLARE)
    known = judged_since(store, noon - timedelta(days=1), {"north"})[("north", None)]
    assert [(one.label, one.at, one.cause) for one in known.dismissals] == [("smoke", noon, "glare")]
    assert judged_since(store, noon - timedelta(days=1), {"west"}) == {}
    with pytest.raises(NotFoundError):
        learning.dismiss(store, "west", kept.number, Cause.GLARE, by=LI)


@pytest.mark.usefixtures("register")
def test_what_a_supervisor_says_is_a_fire_becomes_an_alarm_once(
    store: Store, intake: Intake, noon: datetime
) -> None:
    intake.accept(sighting(noon), PICTURES, NORTH)
    (kept,) = learning.of_camera(store, "north")
    judged = learning.raise_(store, "north", kept.number, raised(intake), by=LI)
    (incident,) = store.list_incidents().incidents
    assert judged.raised_as == incident.incident_id
    assert rows(store, DeliveryRow) == 1
    with pytest.raises(ConflictError, match="became the incident"):
        learning.dismiss(store, "north", kept.number, Cause.GLARE, by=LI)


def test_a_camera_that_reports_without_end_keeps_a_bounded_number(store: Store, noon: datetime) -> None:
    with store.writing() as session:
        for number in range(learning.MOST_PER_CAMERA + 3):
            one = replace(sighting(noon), sighting_id=f"flood-{number}")
            learning.keep(session, one, PICTURES.annotated_jpeg, noon)
    assert len(learning.of_camera(store, "north")) == learning.MOST_PER_CAMERA


@pytest.mark.usefixtures("register")
def test_the_clip_of_what_was_only_learnt_is_let_go_and_does_not_wait_for_an_incident(
    store: Store, intake: Intake, noon: datetime, tmp_path: Path
) -> None:
    seen = sighting(noon)
    intake.accept(seen, PICTURES, NORTH)
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"a clip")
    about = About("north", noon, (Seen(seen.sighting_id, seen.first_seen_at, noon),))
    product = Product("clip", clip, "video/mp4", noon, incomplete=False)
    StoreEvidence(store, EvidenceStore(str(tmp_path / "evidence"))).add(about, [product])
    assert rows(store, EvidenceRow) == 0
