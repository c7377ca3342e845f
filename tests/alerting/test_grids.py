"""Whose ground a point is, and grid files that cannot be used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from alerting_samples import BOWL, NORTH, PICTURES, ROOT, intake_into, sighting_of

from alerting.grids import GridError, Grids
from alerting.intake import Intake
from alerting.store import Store

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
    assert "虚构" in json.loads(DEMO.read_text(encoding="utf-8"))["description"]


def test_an_incident_and_its_alert_name_the_responsible_grid(
    sqlite_store: Store, tmp_path: Path, noon: Any
) -> None:
    grids = Grids.open(DEMO)
    intake: Intake = intake_into(sqlite_store, tmp_path / "evidence", grids=grids)
    fire = BOWL.at(23.105, 116.395)
    ref = intake.accept(sighting_of(fire, NORTH, noon), PICTURES, NORTH)
    detail = sqlite_store.incident(ref.incident_id)
    assert detail.summary.grid_chain == grids.chain_at(23.105, 116.395)
    named = detail.alerts[0].content["grid_chain"]
    assert [one["level"] for one in named] == ["grid", "village", "town", "district"]
    assert named[0]["contacts"][0]["role"] == "网格员（护林员）"
