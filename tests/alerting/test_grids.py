"""Whose ground a point is, and grid files that cannot be used."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from alerting_samples import BOWL, NORTH, PICTURES, ROOT, intake_into, sighting_at, sighting_of
from pyogrio.raw import write

from alerting.grid_watch import WatchedGrids
from alerting.grids import GridError, Grids
from alerting.intake import Intake
from alerting.records import Ellipse
from alerting.store import Store
from geometry.datums import unprojected

DEMO = ROOT / "config" / "demo_grids.geojson"


def square(west: float, south: float, size: float = 1.0) -> dict[str, Any]:
    east, north = west + size, south + size
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def feature(
    level: str, code: str, parent: str | None = None, geometry: Any = None, **more: Any
) -> dict[str, Any]:
    properties = {"level": level, "code": code, "name": f"name of {code}", "parent": parent, **more}
    return {"type": "Feature", "properties": properties, "geometry": geometry}


CHAIN = [
    feature("district", "d"),
    feature("town", "t", "d"),
    feature("village", "v", "t"),
    feature("grid", "g", "v", square(116, 23), contacts=[{"name": "陈", "role": "网格员", "phone": "1"}]),
    feature("grid", "h", "v", square(117, 23)),
]


def test_a_point_leads_to_its_grid_and_on_to_the_district_with_contacts() -> None:
    chain = Grids(CHAIN).chain_at(23.5, 116.5)
    assert [(one.level, one.code) for one in chain] == [
        ("grid", "g"),
        ("village", "v"),
        ("town", "t"),
        ("district", "d"),
    ]
    assert chain[0].contacts[0].role == "网格员"


def test_outside_of_every_grid_nobody_is_named() -> None:
    assert Grids(CHAIN).chain_at(30.0, 116.5) == ()


def test_on_a_border_the_grid_that_stands_first_is_responsible() -> None:
    assert Grids(CHAIN).chain_at(23.5, 117.0)[0].code == "g"


def test_where_a_town_has_a_polygon_but_no_grid_the_chain_starts_at_the_town() -> None:
    town = [feature("district", "d"), feature("town", "t", "d", square(116, 23, 2)), CHAIN[2], CHAIN[3]]
    grids = Grids(town)
    assert [one.level for one in grids.chain_at(24.5, 117.5)] == ["town", "district"]
    assert grids.chain_at(23.5, 116.5)[0].level == "grid"


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ([], "no area has a polygon"),
        ([{"type": "Point"}], "feature 1 is not a GeoJSON Feature"),
        ([feature("grid", "g", "v", square(116, 23))], "lies in 'v', which is not in the file"),
        ([*CHAIN, CHAIN[3]], "feature 6: the code 'g' is used twice"),
        ([*CHAIN, feature("town", "x", "v")], "the town 'name of x' .* cannot lie in the village"),
        ([feature("hamlet", "g")], "feature 1: property 'level'"),
        (
            [feature("grid", "g", geometry=square(116, 23), contacts=[{"name": "x", "role": "y"}])],
            r"contacts\.0\.phone",
        ),
        ([feature("grid", "g", geometry={"type": "Point", "coordinates": [1, 2]})], "not Point"),
        ([feature("grid", "g", geometry={"type": "Polygon", "coordinates": "x"})], "cannot be read"),
        ([feature("grid", "g", geometry=square(500_000, 2_500_000))], "WGS 84"),
        (
            [
                feature(
                    "grid",
                    "g",
                    geometry={"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]},
                )
            ],
            "crosses itself",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_naming_the_feature_and_the_fault(
    features: list[Any], message: str
) -> None:
    with pytest.raises(GridError, match=message):
        Grids(features)


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "cannot be read"), (b"\xff\xfe", "UTF-8"), (b"[]", "FeatureCollection"), (b"{", "not JSON")],
)
def test_a_file_that_is_no_geojson_is_refused(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "grids.geojson"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(GridError, match=message):
        Grids.open(path)


def test_names_and_numbers_of_people_stay_out_of_errors() -> None:
    bad = feature("grid", "g", contacts=[{"name": "陈秘密", "role": "", "phone": "13800000000"}])
    with pytest.raises(GridError) as caught:
        Grids([bad])
    assert "陈秘密" not in str(caught.value)
    assert "13800000000" not in str(caught.value)


def test_the_demo_grids_cover_their_square_without_gap_or_overlap_and_are_marked_as_samples() -> None:
    grids = Grids.open(DEMO)
    for north in range(-9, 10, 2):
        for east in range(-9, 10, 2):
            chain = grids.chain_at(23.1 + north / 111, 116.4 + east / 103)
            assert [one.level for one in chain] == ["grid", "village", "town", "district"]
            assert all("示例" in one.name for one in chain)
            assert all("示例" in who.name for one in chain for who in one.contacts)
            assert all(one.contacts for one in chain)
            assert all(who.channels for one in chain for who in one.contacts)
            for hour in range(0, 24, 3):
                at = datetime(2026, 11, 24, hour, tzinfo=UTC)
                (ranger,) = grids.chain_at(23.1 + north / 111, 116.4 + east / 103, at)[0].contacts
                assert ("夜班" in ranger.role) != (7 <= (hour + 8) % 24 < 19)
    assert "虚构" in json.loads(DEMO.read_text(encoding="utf-8"))["description"]


def test_an_incident_and_its_alert_name_the_responsible_grid(
    sqlite_store: Store, tmp_path: Path, noon: Any
) -> None:
    grids = Grids.open(DEMO)
    intake: Intake = intake_into(sqlite_store, tmp_path / "evidence", grids=grids)
    fire = BOWL.at(23.105, 116.395)
    ref = intake.accept(sighting_of(fire, NORTH, noon), PICTURES, NORTH)
    detail = sqlite_store.incident(ref.incident_id)
    assert detail.summary.grid_chain == grids.chain_at(23.105, 116.395, noon)
    touched = detail.summary.grids_touched
    assert touched[0].code == detail.summary.grid_chain[0].code
    assert len(touched) > 1
    assert [one["code"] for one in detail.alerts[0].content["grids_touched"]] == [one.code for one in touched]
    assert [one.location for one in detail.estimates] == [detail.summary.location]
    named = detail.alerts[0].content["grid_chain"]
    assert [one["level"] for one in named] == ["grid", "village", "town", "district"]
    assert named[0]["contacts"][0]["role"] == "网格员（护林员）"


SIDE_BY_SIDE = [
    *CHAIN[:3],
    feature("grid", "west", "v", square(116.0, 23.0, 0.1)),
    feature("grid", "east", "v", square(116.1, 23.0, 0.1)),
]


def test_a_line_of_sight_names_the_grids_it_crosses_by_how_much_of_it_lies_there() -> None:
    across_m = 0.1 * 111_320 * np.cos(np.radians(23.05))
    half = Grids(SIDE_BY_SIDE).crossed((23.05, 116.05), 90, 0.3, (0, across_m))
    assert {one.code: one.share for one in half} == pytest.approx({"west": 0.5, "east": 0.5}, abs=0.01)
    far = Grids(SIDE_BY_SIDE).crossed((23.05, 116.05), 90, 0.3, (6_000, 9_000))
    assert [(one.code, one.share) for one in far] == [("east", 1.0)]
    past = Grids(SIDE_BY_SIDE).crossed((23.05, 116.05), 270, 0.3, (0, across_m))
    assert [one.share for one in past] == pytest.approx([0.5], abs=0.01), "beyond all grids nobody is named"


def test_the_smallest_area_that_holds_most_of_a_line_of_sight_answers_for_it() -> None:
    grids = Grids(SIDE_BY_SIDE)
    half = grids.crossed((23.05, 116.05), 90, 0.3, (0, 10_000))
    assert [one.code for one in grids.holding(half)] == ["v", "t", "d"]
    most = grids.crossed((23.05, 116.05), 90, 0.3, (0, 5_500))
    assert [one.code for one in grids.holding(most)] == ["west", "v", "t", "d"]
    assert grids.holding(()) == ()


def test_smoke_without_a_point_has_somebody_responsible_and_names_all_grids_on_its_bearing(
    sqlite_store: Store, tmp_path: Path, noon: Any
) -> None:
    intake = intake_into(sqlite_store, tmp_path / "evidence", grids=Grids.open(DEMO))
    ref = intake.accept(sighting_at((640, 5), NORTH, noon), PICTURES, NORTH)
    summary = sqlite_store.incident(ref.incident_id).summary
    assert not summary.location.has_point
    assert len(summary.grids_touched) > 3
    assert 0.2 < sum(one.share for one in summary.grids_touched) < 1, "the rest lies beyond the grids"
    assert [one.level for one in summary.grid_chain][-1] == "district"


def test_the_ellipse_names_every_grid_it_touches_with_its_probability() -> None:
    grids = Grids(CHAIN)
    middle = grids.touched(23.5, 116.5, Ellipse(2000, 500, 90))
    assert [(one.code, one.share) for one in middle] == [("g", 1.0)]
    border = grids.touched(23.5, 117.0, Ellipse(2000, 500, 90))
    assert {one.code for one in border} == {"g", "h"}
    assert border[0].share == pytest.approx(0.5, abs=0.05)
    assert sum(one.share for one in border) == pytest.approx(1)
    near = grids.touched(23.5, 116.98, Ellipse(3000, 500, 90))  # two kilometres from the border
    assert near[0].share > 0.9
    assert [one.code for one in near] == ["g", "h"]


def test_only_who_is_on_duty_at_that_time_is_named_over_midnight_too() -> None:
    day = {"name": "白", "role": "网格员", "phone": "1", "duty": {"from": "08:00", "to": "20:00"}}
    night = {"name": "夜", "role": "网格员", "phone": "2", "duty": {"from": "20:00", "to": "08:00"}}
    friday = {**night, "name": "周五夜", "duty": {"days": [5], "from": "20:00", "to": "08:00"}}
    always = {"name": "常", "role": "村长", "phone": "3", "channels": {"wecom": "chang"}}
    grids = Grids([feature("grid", "g", geometry=square(116, 23), contacts=[day, night, friday, always])])

    def on_duty(moment: str) -> list[str]:
        return [one.name for one in grids.chain_at(23.5, 116.5, datetime.fromisoformat(moment))[0].contacts]

    assert on_duty("2026-11-24T04:00:00+00:00") == ["白", "常"]  # noon in China, a Tuesday
    assert on_duty("2026-11-24T13:00:00+00:00") == ["夜", "常"]
    assert on_duty("2026-11-27T22:00:00+00:00") == ["夜", "周五夜", "常"]  # six on Saturday morning
    assert [one.name for one in grids.chain_at(23.5, 116.5)[0].contacts] == ["白", "夜", "周五夜", "常"]
    assert grids.chain_at(23.5, 116.5)[0].contacts[3].channels == {"wecom": "chang"}


def test_overlaps_and_gaps_are_reported_and_a_clean_file_has_none() -> None:
    assert Grids(CHAIN).problems() == []
    assert Grids.open(DEMO).problems() == []
    overlap = [*CHAIN, feature("grid", "o", "v", square(116.9, 23.2, 0.5))]
    assert any("overlap by" in one for one in Grids(overlap).problems())
    ring = [square(116, 23, 3)["coordinates"][0], square(117, 24)["coordinates"][0]]
    holed = [feature("grid", "g", geometry={"type": "Polygon", "coordinates": ring})]
    assert Grids(holed).problems() == ["there is a gap between grids around 24.50000 N 117.50000 E"]


def test_a_changed_file_is_used_at_once_and_a_broken_one_leaves_the_last_good_in_force(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def write(features: Any) -> None:
        content = {"type": "FeatureCollection", "features": features}
        path.write_text(json.dumps(content), encoding="utf-8")

    path = tmp_path / "grids.geojson"
    write(CHAIN)
    watched = WatchedGrids(path, look_every_s=0)
    assert watched.now().chain_at(23.5, 116.5)[0].code == "g"
    write([feature("grid", "renamed", geometry=square(116, 23))])
    assert watched.now().chain_at(23.5, 116.5)[0].code == "renamed"
    path.write_text("{", encoding="utf-8")
    assert watched.now().chain_at(23.5, 116.5)[0].code == "renamed"
    assert "the last good one stays in force" in caplog.text
    write(CHAIN)
    assert watched.now().chain_at(23.5, 116.5)[0].code == "g"


def test_a_shapefile_in_the_national_projection_says_the_same_as_geojson(tmp_path: Path) -> None:
    path = tmp_path / "grids.shp"
    polygon = shapely.box(499_000, 2_555_000, 500_000, 2_556_000)
    fields = {
        "level": ["grid"],
        "code": ["g"],
        "name": ["甲网格"],
        "parent": [None],
        "contacts": [json.dumps([{"name": "陈", "role": "网格员", "phone": "1"}], ensure_ascii=False)],
    }
    columns = [np.array(values, object) for values in fields.values()]
    shapes = np.array([shapely.to_wkb(polygon)], object)
    write(path, shapes, columns, list(fields), geometry_type="Polygon", crs="EPSG:4547", encoding="UTF-8")
    grids = Grids.open(path)
    lat, lon = unprojected("EPSG:4547", 499_500, 2_555_500)
    area = grids.chain_at(lat, lon)[0]
    assert (area.code, area.name, area.contacts[0].name) == ("g", "甲网格", "陈")
    assert grids.chain_at(lat, lon + 0.01) == ()
