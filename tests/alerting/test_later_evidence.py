"""Clips follow their alert as an Update; nobody is told of them twice, or of a fire that was called off."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from alerting_samples import BOWL, NORTH, PICTURES, intake_into, sighting_of

from alerting import message
from alerting.clips import LaterEvidence, add_later
from alerting.decisions import decide
from alerting.evidence import EvidenceStore
from alerting.evidence_links import EvidenceLinks
from alerting.lifecycle import Action, Cause, Decision, Verdict
from alerting.store import NotFoundError, Store
from firewatch.keeping import StoreEvidence
from firewatch.recording import About, Product, Seen

CLIP = b"not really an mp4"


@pytest.fixture
def evidence(tmp_path: Path) -> EvidenceStore:
    return EvidenceStore(str(tmp_path / "evidence"))


def clip(evidence: EvidenceStore, at: datetime, *, incomplete: bool = False) -> LaterEvidence:
    return LaterEvidence("clip", evidence.write(CLIP, "video/mp4"), at, incomplete)


def raised(store: Store, tmp_path: Path, at: datetime) -> tuple[str, str]:
    """(incident id, sighting id) of a fire that receivers know."""
    sighting = sighting_of(BOWL.at(23.101, 116.401), NORTH, at)
    taken = intake_into(store, tmp_path / "evidence").accept(sighting, PICTURES, NORTH)
    return taken.incident_id, sighting.sighting_id


def test_a_clip_is_told_in_an_update_with_a_link_to_it(
    store: Store, evidence: EvidenceStore, tmp_path: Path, noon: datetime
) -> None:
    incident_id, sighting_id = raised(store, tmp_path, noon)
    lead_up = LaterEvidence("lead_up", evidence.write(b"jpeg", "image/jpeg"), noon)
    alert_id = add_later(store, sighting_id, [lead_up, clip(evidence, noon)])
    incident = store.incident(incident_id)
    assert incident.alerts[-1].alert_id == alert_id
    assert incident.alerts[-1].type == "Update"
    content = incident.alerts[-1].content
    assert content["changes"] == ["clip of north 瞭望塔"]
    links = EvidenceLinks(b"k" * 32, "http://centre")
    told = message.complete(dict(content), sent_at=noon, links=links)
    message.validate(told)
    (named,) = [one for one in told["evidence"] if one["kind"] == "clip"]
    assert named["media_type"] == "video/mp4"
    assert named["url"].startswith("http://centre/")
    (record,) = [one for one in incident.evidence if one.kind == "clip"]
    assert evidence.read(record.path) == CLIP


def test_the_same_clip_again_changes_nothing(
    store: Store, evidence: EvidenceStore, tmp_path: Path, noon: datetime
) -> None:
    incident_id, sighting_id = raised(store, tmp_path, noon)
    assert add_later(store, sighting_id, [clip(evidence, noon)]) is not None
    before = store.incident(incident_id)
    assert add_later(store, sighting_id, [clip(evidence, noon)]) is None
    assert store.incident(incident_id) == before


def test_a_sighting_that_is_still_on_its_way_holds_up_no_other_of_its_recording(
    store: Store, evidence: EvidenceStore, tmp_path: Path, noon: datetime
) -> None:
    incident_id, sighting_id = raised(store, tmp_path, noon)
    (tmp_path / "clip.mp4").write_bytes(CLIP)
    about = About("north", noon, (Seen("on its way", noon, noon), Seen(sighting_id, noon, noon)))
    product = Product("clip", tmp_path / "clip.mp4", "video/mp4", noon, incomplete=False)
    with pytest.raises(NotFoundError, match="on its way"):  # the recording is kept for it
        StoreEvidence(store, evidence).add(about, [product])
    assert [one.kind for one in store.incident(incident_id).evidence].count("clip") == 1


def test_an_incomplete_clip_says_so(
    store: Store, evidence: EvidenceStore, tmp_path: Path, noon: datetime
) -> None:
    incident_id, sighting_id = raised(store, tmp_path, noon)
    add_later(store, sighting_id, [clip(evidence, noon, incomplete=True)])
    incident = store.incident(incident_id)
    assert incident.evidence[-1].incomplete
    assert incident.alerts[-1].content["changes"] == ["incomplete clip of north 瞭望塔"]


def test_a_dismissed_incident_keeps_its_clip_and_wakes_nobody(
    store: Store, evidence: EvidenceStore, tmp_path: Path, noon: datetime
) -> None:
    incident_id, sighting_id = raised(store, tmp_path, noon)
    decision = Decision(Action.DISMISS, Verdict.FALSE_ALARM, Cause.CLOUD)
    version = store.incident(incident_id).summary.version
    decide(store, incident_id, decision, who="operator", version=version)
    told = store.incident(incident_id).alerts
    assert add_later(store, sighting_id, [clip(evidence, noon)]) is None
    incident = store.incident(incident_id)
    assert incident.alerts == told
    assert incident.evidence[-1].kind == "clip"


def test_a_sighting_that_is_still_on_its_way_is_an_error_to_try_again(
    sqlite_store: Store, evidence: EvidenceStore, noon: datetime
) -> None:
    with pytest.raises(NotFoundError):
        add_later(sqlite_store, "not-yet", [clip(evidence, noon)])
