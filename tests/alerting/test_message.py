"""The alert message against its published schema, evidence links, and evidence files."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jsonschema
import pytest
from alerting_samples import BOWL, NORTH, PICTURES, ROOT, WEST, intake_into, sighting_at, sighting_of

import config
from alerting import decisions, message
from alerting.evidence import EvidenceError, EvidenceStore
from alerting.evidence_links import EvidenceLinks, LinkError
from alerting.formats import Origin, format_of
from alerting.intake import Intake
from alerting.lifecycle import Action, Decision, Step
from alerting.message import MessageError
from alerting.store import Store

LINKS = EvidenceLinks(b"0123456789abcdef", "https://centre.example/")
TARGET = config.DispatchTarget(id="t", name="t", url="https://dispatch.example/", secret="a secret")
JSON = format_of(TARGET, Origin("测试中心"))


@pytest.fixture
def content(sqlite_store: Store, tmp_path: Path, noon: datetime) -> dict[str, Any]:
    intake: Intake = intake_into(sqlite_store, tmp_path / "evidence")
    fire = BOWL.at(23.105, 116.395)
    intake.accept(sighting_of(fire, NORTH, noon), PICTURES, NORTH)
    ref = intake.accept(sighting_of(fire, WEST, noon + timedelta(seconds=8)), PICTURES, WEST)
    return dict(sqlite_store.incident(ref.incident_id).alerts[-1].content)


def test_the_schema_is_a_schema() -> None:
    schema = json.loads(message.SCHEMA_PATH.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)


def test_a_message_has_exactly_the_fields_of_the_schema_and_says_what_dispatch_needs(
    content: dict[str, Any], noon: datetime
) -> None:
    sent = message.complete(content, sent_at=noon + timedelta(seconds=30), links=LINKS)
    schema = json.loads(message.SCHEMA_PATH.read_text(encoding="utf-8"))
    assert set(sent) == set(schema["properties"]) == set(schema["required"])
    parts = (
        ("location", sent["location"]),
        ("cameras", sent["cameras"][0]),
        ("response", sent["response"]),
    )
    for part, where in parts:
        described = schema["properties"][part]
        assert set(where) == set(described.get("items", described)["properties"])
    assert (sent["type"], sent["event"], sent["certainty"]) == ("Update", "smoke", "Likely")
    assert sent["captured_at"] == "2026-11-24T04:00:08.000Z"
    assert sent["sent_at"] == "2026-11-24T04:00:30.000Z"
    assert sent["location"]["method"] == "combined"
    assert [round(one["bearing_deg"]) for one in sent["cameras"]] == [190, 80]
    assert len(sent["evidence"]) == 6


def test_the_same_message_finished_at_the_same_time_is_the_same_text(
    content: dict[str, Any], noon: datetime
) -> None:
    again = json.loads(json.dumps(content))  # as it comes back from the store
    first = JSON(message.complete(content, sent_at=noon, links=LINKS))
    assert JSON(message.complete(again, sent_at=noon, links=LINKS)) == first


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        (("type",), "Maybe", "type"),
        (("captured_at",), "2026-11-24 12:00", "captured_at"),
        (("location", "lat_deg"), 230.1, "lat_deg"),
        (("location", "ellipse_95"), None, "ellipse_95"),
        (("cameras",), [], "cameras"),
        (("evidence", 0, "sha256"), "abc", "sha256"),
    ],
)
def test_a_message_that_does_not_fit_is_found_and_the_error_names_the_field(
    content: dict[str, Any], noon: datetime, path: tuple[Any, ...], value: Any, field: str
) -> None:
    broken: Any = copy.deepcopy(content)
    part = broken
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = value
    with pytest.raises(MessageError, match=field):
        message.validate(message.complete(broken, sent_at=noon, links=LINKS))


def test_a_message_tells_who_did_what_and_when_since_the_incident_was_last_opened(
    sqlite_store: Store, tmp_path: Path, noon: datetime
) -> None:
    now = noon
    sqlite_store.clock = lambda: now
    sighting = sighting_of(BOWL.at(23.105, 116.395), NORTH, noon)
    incident_id = intake_into(sqlite_store, tmp_path / "e").accept(sighting, PICTURES, NORTH).incident_id

    def told() -> dict[str, Any]:
        content = sqlite_store.incident(incident_id).alerts[-1].content
        message.validate(message.complete(dict(content), sent_at=now, links=None))
        return {key: one for key, one in content["response"].items() if one is not None}

    assert told() == {"stage": "notify"}
    decisions.take_step(sqlite_store, incident_id, Step.ACKNOWLEDGE, who="li")
    decisions.take_step(sqlite_store, incident_id, Step.ASSIGN, who="li", to="青溪镇半专业队")
    now += timedelta(minutes=1)
    decisions.take_step(sqlite_store, incident_id, Step.ACCEPT, who="陈队长", source="token 7")
    told_then = told()
    assert told_then["acknowledged"] == {"by": "li", "at": "2026-11-24T04:00:00.000Z"}
    assert told_then["assigned_to"] == "青溪镇半专业队"
    assert told_then["accepted"] == {"by": "陈队长", "at": "2026-11-24T04:01:00.000Z"}
    assert told_then["stage"] == "dispatch"
    for action in (Action.CONFIRM, Action.ARRIVE, Action.CONTROL, Action.CLOSE):
        now += timedelta(minutes=1)
        decisions.decide(sqlite_store, incident_id, Decision(action), who="陈队长", version=None)
    assert {"confirmed", "arrived", "controlled", "closed"} <= set(told())
    assert told()["closed"] == {"by": "陈队长", "at": "2026-11-24T04:05:00.000Z"}
    closed = decisions.undoable(sqlite_store.incident(incident_id).history)
    assert closed is not None
    version = sqlite_store.incident(incident_id).summary.version
    decisions.undo(sqlite_store, incident_id, closed.history_id, who="li", version=version)
    assert "closed" not in told()
    assert "controlled" in told()
    decisions.decide(sqlite_store, incident_id, Decision(Action.CLOSE), who="li", version=None)
    reopen = Decision(Action.REOPEN, why="smoke again")
    decisions.decide(sqlite_store, incident_id, reopen, who="li", version=None)
    assert set(told()) <= {"stage", "called"}


def test_what_is_no_json_is_never_finished(content: dict[str, Any], noon: datetime) -> None:
    with pytest.raises(MessageError, match="no JSON"):
        JSON(message.complete({**content, "confidence": float("nan")}, sent_at=noon, links=LINKS))


def test_a_bearing_without_point_may_not_pretend_to_be_one(content: dict[str, Any], noon: datetime) -> None:
    pretending = {**content, "location": {**content["location"], "method": "bearing_only"}}
    with pytest.raises(MessageError, match="location"):
        message.validate(message.complete(pretending, sent_at=noon, links=None))


def test_the_example_in_the_documentation_is_a_valid_message() -> None:
    text = (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")
    example = text.split("## Example", 1)[1].split("```json\n", 1)[1].split("```", 1)[0]
    message.validate(json.loads(example))


class TestEvidenceLinks:
    def parts(self, url: str) -> tuple[int, str]:
        query = parse_qs(urlsplit(url).query)
        return int(query["expires"][0]), query["signature"][0]

    def test_a_link_opens_its_file_until_it_expires(self, noon: datetime) -> None:
        url, expires_at = LINKS.sign(7, noon)
        assert url.startswith("https://centre.example/api/v1/evidence/7?")
        expires, signature = self.parts(url)
        LINKS.verify(7, expires, signature, expires_at - timedelta(seconds=1))
        with pytest.raises(LinkError, match="expired"):
            LINKS.verify(7, expires, signature, expires_at)

    def test_a_link_opens_no_other_file_lives_no_longer_and_needs_our_key(self, noon: datetime) -> None:
        expires, signature = self.parts(LINKS.sign(7, noon)[0])
        for evidence_id, until, signed in [
            (8, expires, signature),
            (7, expires + 1, signature),
            (7, expires, signature[:-1] + ("0" if signature[-1] != "0" else "1")),
            (7, expires, "签名"),
        ]:
            with pytest.raises(LinkError, match="not made here"):
                LINKS.verify(evidence_id, until, signed, noon)
        other = EvidenceLinks(b"another key, long enough", "https://centre.example")
        with pytest.raises(LinkError, match="not made here"):
            other.verify(7, expires, signature, noon)

    def test_a_short_key_is_refused(self) -> None:
        with pytest.raises(ValueError, match="at least 16 bytes"):
            EvidenceLinks(b"short", "https://centre.example")


class TestEvidenceStore:
    def test_what_is_written_is_read_back_and_written_twice_is_one_file(self, tmp_path: Path) -> None:
        store = EvidenceStore(str(tmp_path / "evidence"))
        first = store.write(b"picture", "image/jpeg")
        assert store.write(b"picture", "image/jpeg") == first
        assert store.read(first.path) == b"picture"
        assert len([one for one in tmp_path.rglob("*") if one.is_file()]) == 1

    def test_a_torn_file_of_the_same_name_is_replaced(self, tmp_path: Path) -> None:
        store = EvidenceStore(str(tmp_path))
        path = tmp_path / store.write(b"picture", "image/jpeg").path
        path.write_bytes(b"pic")
        store.write(b"picture", "image/jpeg")
        assert path.read_bytes() == b"picture"

    def test_any_fsspec_place_will_do(self) -> None:
        store = EvidenceStore("memory://evidence")
        assert store.read(store.write(b"picture", "image/jpeg").path) == b"picture"

    def test_a_missing_file_and_an_unknown_place_are_named(self, tmp_path: Path) -> None:
        with pytest.raises(EvidenceError, match=r"aa/bb\.jpg"):
            EvidenceStore(str(tmp_path)).read("aa/bb.jpg")
        with pytest.raises(EvidenceError, match="nowhere://x"):
            EvidenceStore("nowhere://x")


def test_a_sighting_without_a_point_makes_a_valid_message_too(
    sqlite_store: Store, tmp_path: Path, noon: datetime
) -> None:
    intake = intake_into(sqlite_store, tmp_path / "evidence")
    ref = intake.accept(sighting_at((640, 40), NORTH, noon), PICTURES, NORTH)
    content = sqlite_store.incident(ref.incident_id).alerts[0].content
    assert content["location"]["method"] == "bearing_only"
    assert content["grid_chain"] == []


def test_a_message_that_breaks_its_schema_is_reported_and_still_goes_out(
    sqlite_store: Store, tmp_path: Path, noon: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    """An odd field must not keep a fire from being told."""
    intake = intake_into(sqlite_store, tmp_path / "evidence")
    nameless = replace(sighting_at((640, 500), NORTH, noon), model_id="")
    ref = intake.accept(nameless, PICTURES, NORTH)
    assert ref.alert_id is not None
    assert [one.state for one in sqlite_store.incident(ref.incident_id).deliveries] == ["pending"]
    assert "does not fit its schema, it is sent all the same: alert message, field $.model_id" in caplog.text
