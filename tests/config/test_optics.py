"""Positions, heights and zooms given in other systems than ours."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from config.camera import Camera
from config.json_schema import deployment_schema
from config.optics import WRITTEN_OTHERWISE
from geometry.position import Position, distance_m


def mapping(**more: Any) -> dict[str, Any]:
    given = {
        "id": "one",
        "name": "一号",
        "source": "rtsp://127.0.0.1/one",
        "lat_deg": 23.1,
        "lon_deg": 116.4,
        "mast_height_m": 20,
        "pose": {"azimuth_deg": 0, "tilt_deg": -3, "hfov_deg": 40},
    }
    return {**given, **more}


def camera(**more: Any) -> Camera:
    return Camera.model_validate(mapping(**more))


def test_a_position_read_off_a_web_map_is_shifted_back_by_hundreds_of_metres() -> None:
    shifted = camera(datum="gcj02")
    moved_m = distance_m(Position(shifted.lat_deg, shifted.lon_deg, 0), Position(23.1, 116.4, 0))
    assert 400 < moved_m < 700
    assert Camera.model_validate(shifted.model_dump()) == shifted  # once, not again


def test_the_national_datum_is_taken_as_it_is_and_an_unknown_one_is_refused() -> None:
    assert camera(datum="cgcs2000").lat_deg == 23.1
    with pytest.raises(ValidationError, match="the datum 'bd09' is not known"):
        camera(datum="bd09")


def test_a_gnss_height_is_refused_without_the_height_of_the_geoid() -> None:
    with pytest.raises(ValidationError, match="needs the height of the geoid"):
        camera(ground_height_gnss_m=612.0)
    assert camera(ground_height_gnss_m=612.0, geoid_height_m=-8.5).ground_height_m == 620.5
    with pytest.raises(ValidationError, match="given twice"):
        camera(ground_height_gnss_m=612.0, geoid_height_m=-8.5, ground_height_m=620.0)


def test_a_pose_may_give_a_zoom_where_the_lens_has_a_table() -> None:
    table = [[1, 60.0], [20, 3.3]]
    zoomed = {"azimuth_deg": 0, "tilt_deg": -3, "zoom": 20}
    presets = [{"id": "near", "name": "近", "pose": {**zoomed, "zoom": 1}}]
    both = camera(pose=zoomed, presets=presets, zoom_table=table)
    assert both.pose.hfov_deg == pytest.approx(3.3)
    assert both.presets[0].pose.hfov_deg == pytest.approx(60)
    with pytest.raises(ValidationError, match="the zoom 30 is not within the camera's zoom_table"):
        camera(pose={**zoomed, "zoom": 30}, zoom_table=table)
    with pytest.raises(ValidationError, match="the zoom 20 is not within the camera's zoom_table"):
        camera(pose=zoomed)


def test_editors_accept_every_way_of_writing_a_camera_that_the_program_accepts() -> None:
    """The schema is made from the sections, which no longer have what is converted on the way in."""
    schema = {**deployment_schema(), "$ref": "#/$defs/Camera"}
    del schema["properties"], schema["required"]
    schema.pop("additionalProperties", None)
    pose = {"azimuth_deg": 0, "tilt_deg": 0}
    written: dict[str, Any] = {
        "datum": {"datum": "gcj02"},
        "ground_height_gnss_m": {"ground_height_gnss_m": 612.0, "geoid_height_m": -8.5},
        "geoid_height_m": {"ground_height_gnss_m": 612.0, "geoid_height_m": -8.5},
        "zoom": {"zoom_table": [[1, 60], [10, 7]], "pose": {**pose, "zoom": 4}},
    }
    assert set(written) == {name for section in WRITTEN_OTHERWISE.values() for name in section}
    for more in written.values():
        assert camera(**more)
        jsonschema.validate(mapping(**more), schema)
    for wrong in ({"datum": "bd09"}, {"datun": "gcj02"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(mapping(**wrong), schema)
