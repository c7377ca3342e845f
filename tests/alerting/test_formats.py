"""Every format as its standard wants it: CAP by the OASIS schema, GeoJSON, templates in their sandbox."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import pytest
import shapely
import xmlschema
from alerting_samples import BOWL, NORTH, PICTURES, WEST, intake_into, sighting_at, sighting_of
from sqlalchemy import select

import config
from alerting import decisions, formats, heartbeat, message, notices
from alerting.evidence_links import EvidenceLinks
from alerting.formats import MessageError, Origin, format_of
from alerting.grids import Grids
from alerting.lifecycle import Action, Cause, Decision, Verdict
from alerting.notices import Notice
from alerting.store import Store
from alerting.tables import NoticeRow

CAP = xmlschema.XMLSchema(Path(formats.__file__).parent / "CAP-v1.2.xsd")
LINKS = EvidenceLinks(b"0123456789abcdef", "https://centre.example/")
ORIGIN = Origin("大山区监控中心", "firewatch@forest.example.cn", ZoneInfo("Asia/Shanghai"))
NS = {"c": "urn:oasis:names:tc:emergency:cap:1.2"}
FIRE = BOWL.at(23.105, 116.395)


def target(format_: str, **more: Any) -> config.DispatchTarget:
    return config.DispatchTarget.model_validate(
        {"id": "t", "name": "t", "url": "https://x.example/", "secret": "a secret", "format": format_, **more}
    )


def rendered(format_: str, content: dict[str, Any], **more: Any) -> str:
    return format_of(target(format_, **more), ORIGIN)(content).text


def cap(content: dict[str, Any]) -> ET.Element:
    """The message as CAP, checked against the schema of OASIS."""
    text = rendered("cap", content)
    CAP.validate(text)
    return ET.fromstring(text)


def texts(root: ET.Element, path: str) -> list[str]:
    return [one.text or "" for one in root.findall(path, NS)]


@pytest.fixture
def grids() -> Grids:
    square = [[116.3, 23.0], [116.5, 23.0], [116.5, 23.2], [116.3, 23.2], [116.3, 23.0]]
    return Grids(
        [
            {
                "type": "Feature",
                "properties": {
                    "level": "grid",
                    "code": "G-1",
                    "name": "大坑网格",
                    "parent": "V-1",
                    "contacts": [{"name": "陈某", "role": "网格员", "phone": "000-1"}],
                },
                "geometry": {"type": "Polygon", "coordinates": [square]},
            },
            {
                "type": "Feature",
                "properties": {"level": "village", "code": "V-1", "name": "大坑村"},
                "geometry": None,
            },
        ]
    )


@pytest.fixture
def messages(sqlite_store: Store, tmp_path: Path, noon: datetime, grids: Grids) -> list[dict[str, Any]]:
    """An incident's messages: raised, seen by a second camera, dismissed, taken up again."""
    now = [noon]
    sqlite_store.clock = lambda: now[0]
    intake = intake_into(sqlite_store, tmp_path / "evidence", grids=grids)
    ref = intake.accept(sighting_of(FIRE, NORTH, noon), PICTURES, NORTH)
    now[0] = noon + timedelta(seconds=10)
    intake.accept(sighting_of(FIRE, WEST, noon + timedelta(seconds=8)), PICTURES, WEST)
    for action, verdict, cause, why in (
        (Action.DISMISS, Verdict.FALSE_ALARM, Cause.FOG, ""),
        (Action.REOPEN, None, None, "烟又起"),
    ):
        now[0] += timedelta(seconds=30)
        version = sqlite_store.incident(ref.incident_id).summary.version
        decisions.decide(
            sqlite_store, ref.incident_id, Decision(action, verdict, cause, why), who="li", version=version
        )
    alerts = sqlite_store.incident(ref.incident_id).alerts
    return [message.complete(dict(one.content), sent_at=one.created_at, links=LINKS) for one in alerts]


class TestCap:
    def test_every_message_of_an_incident_is_valid_and_names_the_ones_it_replaces(
        self, messages: list[dict[str, Any]]
    ) -> None:
        documents = [cap(one) for one in messages]
        assert [texts(one, "c:msgType") for one in documents] == [
            ["Alert"],
            ["Update"],
            ["Cancel"],
            ["Alert"],
        ]
        incident_id = messages[0]["incident_id"]
        assert [texts(one, "c:identifier")[0] for one in documents] == [
            f"{incident_id}.{n}" for n in (1, 2, 3, 4)
        ]
        named = [
            f"{ORIGIN.sender},{texts(one, 'c:identifier')[0]},{texts(one, 'c:sent')[0]}" for one in documents
        ]
        assert texts(documents[0], "c:references") == texts(documents[3], "c:references") == []
        assert texts(documents[1], "c:references") == [named[0]]
        assert texts(documents[2], "c:references") == [f"{named[0]} {named[1]}"]
        assert {texts(one, "c:incidents")[0] for one in documents} == {incident_id}
        assert {texts(one, "c:status")[0] for one in documents} == {"Actual"}

    def test_times_are_local_without_fractions(self, messages: list[dict[str, Any]]) -> None:
        document = cap(messages[1])
        assert texts(document, "c:sent") == ["2026-11-24T12:00:10+08:00"]
        assert texts(document, "c:info/c:effective") == ["2026-11-24T12:00:08+08:00"] * 2

    def test_both_languages_say_the_same_fire(self, messages: list[dict[str, Any]]) -> None:
        document = cap(messages[1])
        assert texts(document, "c:info/c:language") == ["zh-CN", "en"]
        zh, en = texts(document, "c:info/c:headline")
        assert zh.startswith("1号火情更新：烟，大坑村大坑网格（北纬23.1")
        assert en.startswith("incident 1, update: smoke at 大坑网格, 大坑村 (23.1")
        assert texts(document, "c:info/c:certainty") == ["Likely", "Likely"]
        assert texts(cap(messages[2]), "c:info/c:responseType") == ["AllClear", "AllClear"]

    def test_the_area_is_the_ellipse_the_circle_in_kilometres_and_the_grid_chain(
        self, messages: list[dict[str, Any]]
    ) -> None:
        where = messages[1]["location"]
        area = cap(messages[1]).find("c:info/c:area", NS)
        assert area is not None
        corners = [tuple(map(float, pair.split(","))) for pair in texts(area, "c:polygon")[0].split()]
        assert corners[0] == corners[-1]
        polygon = shapely.Polygon([(lon, lat) for lat, lon in corners])
        assert polygon.contains(shapely.Point(where["lon_deg"], where["lat_deg"]))
        axes = where["ellipse_95"]["semi_major_m"] * where["ellipse_95"]["semi_minor_m"]
        area_m2 = polygon.area * 110_750 * 102_400  # a degree of latitude and of longitude here
        assert area_m2 == pytest.approx(3.14159 * axes, rel=0.02)
        centre, radius_km = texts(area, "c:circle")[0].split()
        assert centre == f"{where['lat_deg']},{where['lon_deg']}"
        assert float(radius_km) == pytest.approx(where["ellipse_95"]["semi_major_m"] / 1000, abs=0.001)
        codes = dict(zip(texts(area, "c:geocode/c:valueName"), texts(area, "c:geocode/c:value"), strict=True))
        assert codes == {"firewatch:grid": "G-1", "firewatch:village": "V-1"}
        assert float(texts(area, "c:altitude")[0]) == pytest.approx(where["height_m"] / 0.3048, abs=1)

    def test_a_bearing_without_a_point_is_valid_and_pretends_no_place(
        self, sqlite_store: Store, tmp_path: Path, noon: datetime
    ) -> None:
        intake = intake_into(sqlite_store, tmp_path / "evidence")
        ref = intake.accept(sighting_at((640, 40), NORTH, noon), PICTURES, NORTH)
        content = dict(sqlite_store.incident(ref.incident_id).alerts[0].content)
        document = cap(message.complete(content, sent_at=noon, links=None))
        assert texts(document, "c:info/c:area/c:polygon") == []
        assert "方位" in texts(document, "c:info/c:area/c:areaDesc")[0]

    def test_a_drill_is_an_exercise_and_says_so_in_words(self, messages: list[dict[str, Any]]) -> None:
        document = cap({**messages[0], "exercise": True})
        assert texts(document, "c:status") == ["Exercise"]
        assert texts(document, "c:note")[0].startswith("演练 EXERCISE")
        assert texts(document, "c:info/c:headline")[0].startswith("【演练】")

    def test_late_delivery_says_so_and_keeps_the_capture_time(
        self, messages: list[dict[str, Any]], noon: datetime
    ) -> None:
        late = message.complete(messages[0], sent_at=noon + timedelta(hours=24), links=None)
        document = cap(late)
        assert texts(document, "c:note")[0].startswith("迟到报警 LATE, first sent 2026-11-25T12:00:00+08:00")
        assert texts(document, "c:info/c:effective")[0] == "2026-11-24T12:00:00+08:00"
        assert texts(document, "c:sent") == ["2026-11-24T12:00:00+08:00"]

    def test_names_with_markup_or_control_characters_stay_text(self, messages: list[dict[str, Any]]) -> None:
        content = {**messages[0], "changes": ["<a>&\x00\x1b]]>"]}
        assert texts(cap(content), "c:note") == ["<a>&\ufffd\ufffd]]>"]

    def test_notices_and_heartbeats_are_valid_system_messages(
        self, store_with_notice: dict[str, Any]
    ) -> None:
        document = cap(store_with_notice)
        assert texts(document, "c:status") == ["System"]
        assert texts(document, "c:info/c:headline") == ["摄像机失明", "camera blind"]
        beat = {"format": heartbeat.FORMAT, "sequence": 3, "sent_at": "2026-11-24T04:00:00.000Z"}
        assert texts(cap(beat), "c:status") == ["System"]


@pytest.fixture
def store_with_notice(sqlite_store: Store, noon: datetime) -> dict[str, Any]:
    notice = Notice("camera-ridge-1", "camera", "摄像机失明", "镜头被遮挡", "camera blind", "covered")
    with sqlite_store.writing() as session:
        assert notices.post(session, notice, now=noon, targets=["county"])
        assert not notices.post(session, notice, now=noon, targets=["county"])
        content = session.scalars(select(NoticeRow)).one().content
    return notices.complete(content, sent_at=noon)


def test_possibly_two_fires_stand_in_the_headline_and_distrust_is_said_in_the_language_of_its_block(
    store: Store, tmp_path: Path, noon: datetime
) -> None:
    intake = intake_into(store, tmp_path)
    for at, y in ((noon, 500), (noon + timedelta(seconds=6), 488)):
        ref = intake.accept(sighting_at((640, y), NORTH, at, size_px=10), PICTURES, NORTH)
    content = message.complete(
        dict(store.incident(ref.incident_id).alerts[-1].content), sent_at=noon, links=None
    )
    root = cap(content)
    zh, en = texts(root, "c:info/c:headline")
    assert "烟（可能两处）" in zh
    assert "smoke (possibly two fires) at" in en
    described_zh, described_en = texts(root, "c:info/c:description")
    assert "此方位可能有两处火" in described_zh
    assert "possibly two" not in described_zh
    assert "possibly two fires on this bearing" in described_en
    message.validate(content)


def test_a_notice_fits_its_schema(store_with_notice: dict[str, Any]) -> None:
    notices.validate(store_with_notice)


class TestGeoJson:
    def test_the_fire_its_ellipse_the_cameras_and_their_lines_are_features(
        self, messages: list[dict[str, Any]]
    ) -> None:
        collection = json.loads(rendered("geojson", messages[1]))
        features = {one["properties"]["role"]: one for one in collection["features"]}
        assert set(features) == {"fire", "ellipse_95", "camera", "line_of_sight"}
        fire = shapely.geometry.shape(features["fire"]["geometry"])
        ellipse = shapely.geometry.shape(features["ellipse_95"]["geometry"])
        assert ellipse.is_valid
        assert ellipse.exterior.is_ccw  # RFC 7946
        assert ellipse.contains(fire)
        assert features["fire"]["properties"]["alert_id"] == messages[1]["alert_id"]
        assert "picture" not in features["fire"]["properties"]

    def test_a_bearing_without_a_point_is_a_line_of_sight_and_no_point(
        self, sqlite_store: Store, tmp_path: Path, noon: datetime
    ) -> None:
        intake = intake_into(sqlite_store, tmp_path / "evidence")
        ref = intake.accept(sighting_at((640, 40), NORTH, noon), PICTURES, NORTH)
        content = dict(sqlite_store.incident(ref.incident_id).alerts[0].content)
        collection = json.loads(rendered("geojson", message.complete(content, sent_at=noon, links=None)))
        geometries = {one["properties"]["role"]: one["geometry"] for one in collection["features"]}
        assert geometries["fire"] is None
        (start, end) = geometries["line_of_sight"]["coordinates"]
        assert end[1] < start[1]  # the camera looks south


class TestTemplate:
    def written(self, tmp_path: Path, text: str) -> dict[str, Any]:
        path = tmp_path / "body.j2"
        path.write_text(text, encoding="utf-8")
        return {"template": str(path)}

    def test_a_platform_gets_the_body_it_dictates(
        self, tmp_path: Path, messages: list[dict[str, Any]]
    ) -> None:
        text = (
            '{"msgtype": "text", "text": {"content": {{ (alert | headline_zh) | tojson }}},'
            ' "when": "{{ alert.captured_at | local_time }}"}'
        )
        made = json.loads(rendered("template", messages[1], **self.written(tmp_path, text)))
        assert made["text"]["content"].startswith("1号火情更新：烟")
        assert made["when"] == "2026-11-24 12:00:08"

    def test_a_misspelt_field_is_an_error_not_an_empty_text(
        self, tmp_path: Path, messages: list[dict[str, Any]]
    ) -> None:
        with pytest.raises(MessageError, match="latitude"):
            rendered("template", messages[0], **self.written(tmp_path, "{{ alert.latitude }}"))

    @pytest.mark.parametrize(
        "text",
        [
            "{{ ''.__class__.__mro__ }}",
            "{{ alert.__init__.__globals__ }}",
            "{% set x = alert.update({'status': 'closed'}) %}",
        ],
    )
    def test_a_template_gets_out_of_its_sandbox_nowhere(
        self, tmp_path: Path, messages: list[dict[str, Any]], text: str
    ) -> None:
        with pytest.raises(MessageError):
            rendered("template", messages[0], **self.written(tmp_path, text))
        assert messages[0]["status"] == "suspected"

    def test_a_file_that_is_no_template_is_named_with_its_line(self, tmp_path: Path) -> None:
        with pytest.raises(MessageError, match=r"body\.j2, line 2"):
            format_of(target("template", **self.written(tmp_path, "{\n{% if %}")), ORIGIN)
