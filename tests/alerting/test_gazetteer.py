"""Places people know: which one names a fire, how that reads, and what is wrong with a bad file."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import pytest
from alerting_samples import BOWL, NORTH, PICTURES, intake_into, sighting_of

from alerting import message
from alerting.formats import Origin, words
from alerting.formats.cap import render
from alerting.gazetteer import Gazetteer, GazetteerError, Place
from alerting.place_words import near_en, near_zh
from alerting.records import NearPlace
from alerting.store import Store

FIRE = BOWL.at(23.105, 116.395)
ROOT = Path(__file__).resolve().parents[2]


def top(name: str, lat_deg: float, lon_deg: float, importance: float = 3) -> Place:
    return Place(name=name, lat_deg=lat_deg, lon_deg=lon_deg, importance=importance)


def test_the_nearest_place_names_a_point_unless_a_more_important_one_is_hardly_farther() -> None:
    hut, peak, far = (
        top("看山棚", 23.10, 116.40, 1),
        top("大岗顶", 23.11, 116.40, 5),
        top("远山", 23.3, 116.4),
    )
    near = Gazetteer((hut, peak, far)).near(23.101, 116.40)
    assert near is not None
    assert near.name == "大岗顶"
    alone = Gazetteer((hut, far)).near(23.101, 116.40)
    assert alone is not None
    assert (alone.name, round(alone.bearing_deg)) == ("看山棚", 0)
    assert Gazetteer((far,)).near(23.101, 116.40) is None, "22 km away names nothing"


@pytest.mark.parametrize(
    ("bearing_deg", "zh", "en"),
    [(0, "北", "north"), (22, "北", "north"), (23, "东北", "north-east"), (180, "南", "south"),
     (338, "北", "north"), (315, "西北", "north-west")],
)  # fmt: skip
def test_directions_are_eight_words(bearing_deg: float, zh: str, en: str) -> None:
    place = NearPlace("大岗顶", "Dagangding", 2_040, bearing_deg)
    assert near_zh(place) == f"大岗顶{zh}2.0公里"
    assert near_en(place) == f"2.0 km {en} of Dagangding"


def test_every_message_names_the_place(store: Store, tmp_path: Path, noon: datetime) -> None:
    gazetteer = Gazetteer((Place(name="大岗顶", name_en="Dagangding", lat_deg=23.1, lon_deg=116.387),))
    ref = intake_into(store, tmp_path, gazetteer=gazetteer).accept(
        sighting_of(FIRE, NORTH, noon), PICTURES, NORTH
    )
    detail = store.incident(ref.incident_id)
    assert detail.summary.near_place is not None
    assert detail.summary.near_place.name == "大岗顶"
    content = message.complete(dict(detail.alerts[0].content), sent_at=noon, links=None)
    message.validate(content)
    assert content["location"]["near_place"]["words_zh"] == "大岗顶东北1.0公里"
    assert "大岗顶东北1.0公里" in words.title(content)
    zone = ZoneInfo("Asia/Shanghai")
    root = ET.fromstring(render(content, Origin("centre", "s@example", zone)))
    areas = [one.text or "" for one in root.iter("{urn:oasis:names:tc:emergency:cap:1.2}areaDesc")]
    assert areas[0].startswith("大岗顶东北1.0公里（")
    assert areas[1].startswith("1.0 km north-east of Dagangding (")
    headlines = [one.text or "" for one in root.iter("{urn:oasis:names:tc:emergency:cap:1.2}headline")]
    assert "大岗顶东北1.0公里" in headlines[0]
    assert "north-east of Dagangding" in headlines[1]


def test_csv_and_geojson_say_the_same(tmp_path: Path) -> None:
    table = tmp_path / "places.csv"
    table.write_text("\ufeffname,lat_deg,lon_deg,importance\n大岗顶,23.1,116.4,\n", encoding="utf-8")
    map_ = tmp_path / "places.geojson"
    map_.write_text(
        '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"name": "大岗顶"},'
        ' "geometry": {"type": "Point", "coordinates": [116.4, 23.1]}}]}',
        encoding="utf-8",
    )
    assert Gazetteer.open(table) == Gazetteer.open(map_)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("p.csv", "name,lat\n大岗顶,23.1\n", "line 1: the column lat_deg is missing"),
        ("p.csv", "name,lat_deg,lon_deg\n大岗顶,23.1,116.4\n石牛山,123,116.4\n", "line 3: 'lat_deg'"),
        ("p.csv", "name,lat_deg,lon_deg\n", "there are no places in it"),
        ("p.geojson", "{", "is not JSON"),
        ("p.geojson", '{"type": "Point"}', "must be a GeoJSON FeatureCollection"),
        (
            "p.geojson",
            '{"type": "FeatureCollection", "features": [{"geometry": {"type": "Polygon"}}]}',
            "feature 1: a place must be a Point",
        ),
    ],
)
def test_a_bad_file_is_refused_with_where_and_why(tmp_path: Path, name: str, content: str, says: str) -> None:
    file = tmp_path / name
    file.write_text(content, encoding="utf-8")
    with pytest.raises(GazetteerError, match=says) as caught:
        Gazetteer.open(file)
    assert str(file) in str(caught.value)


def test_a_file_in_another_encoding_is_refused_with_the_cure(tmp_path: Path) -> None:
    file = tmp_path / "p.csv"
    file.write_bytes("name,lat_deg,lon_deg\n大岗顶,23.1,116.4\n".encode("gb18030"))
    with pytest.raises(GazetteerError, match="save it as UTF-8"):
        Gazetteer.open(file)


def test_the_sample_places_of_the_demo_are_readable_and_marked_as_made_up() -> None:
    file = ROOT / "config" / "demo_places.geojson"
    assert len(Gazetteer.open(file).places) >= 15
    assert "示例数据" in file.read_text(encoding="utf-8")
