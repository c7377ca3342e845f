"""A deployment file is read whole or not at all, and every mistake is named with its line and its cure."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

import config
from config.base import Section
from config.json_schema import deployment_schema_text

ROOT = Path(__file__).resolve().parents[2]

GOOD = """\
name: 测试
cameras:
  - id: ridge
    name: 山脊
    source: rtsp://viewer:${CAMERA_PASSWORD}@10.2.0.11:554/live
    lat_deg: 23.5
    lon_deg: 116.4
    mast_height_m: 25
    pose: {azimuth_deg: 120, tilt_deg: -3, hfov_deg: 45}
dispatch:
  - id: county
    name: 县指挥中心
    url: https://dispatch.example.gov.cn/api/alerts
    secret: ${DISPATCH_SECRET}
"""
ENVIRONMENT = {"CAMERA_PASSWORD": "pa/ss@word", "DISPATCH_SECRET": "hmac-key-of-the-county"}


def read(
    text: str, environment: dict[str, str] | None = None, folder: Path | None = None
) -> config.Deployment:
    return config.loads(
        text, file="d.yaml", environment=ENVIRONMENT if environment is None else environment, folder=folder
    )


def problems(text: str, **more: object) -> tuple[config.Problem, ...]:
    with pytest.raises(config.ConfigError) as caught:
        read(text, **more)  # type: ignore[arg-type]
    return caught.value.problems


def only_problem(text: str, **more: object) -> config.Problem:
    found = problems(text, **more)
    assert len(found) == 1, found
    return found[0]


def test_a_good_file_gives_a_deployment_with_its_defaults() -> None:
    deployment = read(GOOD)
    assert deployment.camera("ridge").pose.hfov_deg == 45
    assert deployment.time_zone == "Asia/Shanghai"
    assert deployment.looks.patrol_interval_s == 2


def test_an_unknown_camera_is_asked_for_by_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(KeyError, match="ridge"):
        read(GOOD).camera("valley")


# Secrets


def test_a_password_from_the_environment_is_encoded_into_the_url() -> None:
    assert read(GOOD).camera("ridge").source.reveal() == "rtsp://viewer:pa%2Fss%40word@10.2.0.11:554/live"


def test_secrets_show_in_no_representation_of_the_deployment() -> None:
    deployment = read(GOOD)
    shown = [str(deployment), repr(deployment), deployment.model_dump_json(), repr(deployment.model_dump())]
    for text in shown:
        assert "ss%40word" not in text
        assert "hmac-key-of-the-county" not in text
    assert "rtsp://***@10.2.0.11:554/live" in repr(deployment)


def test_secrets_show_in_no_error() -> None:
    text = GOOD.replace("rtsp://", "gopher://").replace("mast_height_m: 25", "mast_height_m: high")
    text = text.replace("https://dispatch", "ftp://dispatch")
    for problem in problems(text):
        assert "pa/ss" not in str(problem)
        assert "ss%40word" not in str(problem)
        assert "hmac" not in str(problem)


def test_a_secret_may_come_from_a_file_beside_the_deployment_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from-a-file\n")
    text = GOOD.replace("${DISPATCH_SECRET}", "${file:key}")
    assert read(text, folder=tmp_path).dispatch[0].secret.get_secret_value() == "from-a-file"


def test_a_missing_secret_file_is_named(tmp_path: Path) -> None:
    problem = only_problem(GOOD.replace("${DISPATCH_SECRET}", "${file:key}"), folder=tmp_path)
    assert problem.line == 14
    assert str(tmp_path / "key") in problem.what


def test_a_missing_environment_variable_is_named_with_its_line() -> None:
    problem = only_problem(GOOD, environment={"DISPATCH_SECRET": "hmac-key-of-the-county"})
    assert (problem.line, problem.field) == (5, "cameras[0].source")
    assert "CAMERA_PASSWORD" in problem.what
    assert "export CAMERA_PASSWORD" in problem.mend


def test_a_reference_may_have_a_default() -> None:
    text = GOOD.replace("${CAMERA_PASSWORD}", "${CAMERA_PASSWORD:-guest}")
    source = read(text, environment={"DISPATCH_SECRET": "hmac-key-of-the-county"}).camera("ridge").source
    assert source.reveal() == "rtsp://viewer:guest@10.2.0.11:554/live"


def test_a_reference_that_is_none_is_refused() -> None:
    assert "not a reference" in only_problem(GOOD.replace("${CAMERA_PASSWORD}", "${not this}")).what


def test_a_short_secret_is_refused_without_showing_it() -> None:
    problem = only_problem(GOOD, environment={**ENVIRONMENT, "DISPATCH_SECRET": "abc"})
    assert "at least 8" in str(problem)
    assert "abc" not in str(problem)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtsp://u:p@h/x", "rtsp://***@h/x"),
        ("rtsp://h/x?user=a&password=b", "rtsp://h/x?user=***&password=***"),
        ("rtsp://u:p/w@h/x", "***"),
        ("rtsp://u:p#w@h/x", "***"),
        ("rtsp://h:port/x", "***"),
        ("rtsp://u:1/w@h/x", "rtsp://***"),
        ("folder/near.mp4", "folder/near.mp4"),
    ],
)
def test_a_url_is_shown_without_its_secrets_even_when_it_is_malformed(url: str, shown: str) -> None:
    assert config.redact_url(url) == shown


# Mistakes


def test_an_unknown_key_is_an_error_that_suggests_the_right_one() -> None:
    problem = only_problem(
        GOOD.replace("    mast_height_m: 25", "    mast_height_m: 25\n    heigth: 3\n    naem: x").replace(
            "\n    heigth: 3", ""
        )
    )
    assert (problem.line, problem.field) == (9, "cameras[0].naem")
    assert problem.mend == "did you mean 'name'?"


def test_an_unknown_key_unlike_any_other_lists_what_is_known() -> None:
    assert "azimuth_deg" in only_problem(GOOD.replace("hfov_deg: 45", "hfov_deg: 45, zzzz: 1")).mend


def test_a_missing_key_is_named_at_its_section() -> None:
    problem = only_problem(GOOD.replace("    mast_height_m: 25\n", ""))
    assert (problem.line, problem.field) == (3, "cameras[0].mast_height_m")
    assert "metres" in problem.mend


def test_a_wrong_type_says_what_is_wanted() -> None:
    problem = only_problem(GOOD.replace("lat_deg: 23.5", "lat_deg: north"))
    assert (problem.line, problem.what) == (6, "must be a number")


def test_a_text_where_a_section_belongs_is_explained() -> None:
    text = GOOD.replace("pose: {azimuth_deg: 120, tilt_deg: -3, hfov_deg: 45}", "pose: north")
    assert "section" in only_problem(text).what


def test_a_value_out_of_range_names_the_range() -> None:
    problem = only_problem(GOOD.replace("lat_deg: 23.5", "lat_deg: 123.5"))
    assert "less than or equal to 90" in problem.what


@pytest.mark.parametrize("value", [".nan", ".inf"])
def test_numbers_that_are_none_are_refused(value: str) -> None:
    assert only_problem(GOOD.replace("lat_deg: 23.5", f"lat_deg: {value}")).line == 6


def test_all_mistakes_are_reported_at_once_in_file_order() -> None:
    text = GOOD.replace("lat_deg: 23.5", "lat_deg: 99").replace("tilt_deg: -3", "tilt_deg: down")
    text = text.replace("name: 县指挥中心", "nmae: 县指挥中心")
    found = problems(text)
    assert [problem.line for problem in found] == sorted(problem.line or 0 for problem in found)
    assert [problem.field for problem in found] == [
        "cameras[0].lat_deg",
        "cameras[0].pose.tilt_deg",
        "dispatch[0].name",
        "dispatch[0].nmae",
    ]


def test_an_error_names_file_line_field_fault_and_cure_in_one_line() -> None:
    text = str(only_problem(GOOD.replace("lat_deg: 23.5", "lat_deg: north")))
    assert (
        text == "d.yaml:6: cameras[0].lat_deg: must be a number - WGS 84 latitude of the mast, degrees north."
    )


def test_two_cameras_of_one_id_are_refused_together_with_other_mistakes() -> None:
    second = GOOD[GOOD.index("  - id: ridge") : GOOD.index("dispatch:")]
    text = GOOD.replace("dispatch:\n", second + "dispatch:\n").replace("lat_deg: 23.5", "lat_deg: 99", 1)
    assert [problem.field for problem in problems(text)] == ["cameras[0].lat_deg", "cameras[1].id"]


def test_two_cameras_of_one_id_are_refused_in_code_too() -> None:
    camera = read(GOOD).cameras[0]
    with pytest.raises(ValueError, match="used more than once"):
        config.Deployment(name="x", cameras=(camera, camera))


def test_a_receiver_that_would_share_the_outbox_of_the_people_is_refused() -> None:
    problem = only_problem(GOOD.replace("id: county", "id: people"))
    assert problem.field == "dispatch[0].id"
    assert "'people' is taken: people have their messages under it" in problem.what


def test_a_key_given_twice_is_an_error() -> None:
    problem = only_problem(GOOD.replace("name: 测试", "name: 测试\nname: 再次"))
    assert (problem.line, problem.field) == (2, "name")
    assert "line 1" in problem.what


def test_an_identifier_with_capitals_or_spaces_is_refused() -> None:
    assert only_problem(GOOD.replace("id: ridge", "id: Ridge 1")).field == "cameras[0].id"


def test_an_unknown_kind_of_source_is_refused() -> None:
    problem = only_problem(GOOD.replace("rtsp://", "ftp://"))
    assert "ftp://" in problem.what
    assert "rtsp://" in problem.mend


def test_a_gateway_source_needs_the_channel_it_asks_for() -> None:
    asking = GOOD.replace(
        "rtsp://viewer:${CAMERA_PASSWORD}@10.2.0.11:554/live", "play+https://10.2.0.2/play/{channel_id}"
    )
    assert "20 digits" in only_problem(asking).mend


def test_a_source_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    text = GOOD.replace("rtsp://viewer:${CAMERA_PASSWORD}@10.2.0.11:554/live", "ridge.mp4")
    assert str(tmp_path / "ridge.mp4") in only_problem(text, folder=tmp_path).what


def test_a_source_file_is_found_beside_the_deployment_file(tmp_path: Path) -> None:
    (tmp_path / "ridge.mp4").touch()
    text = GOOD.replace("rtsp://viewer:${CAMERA_PASSWORD}@10.2.0.11:554/live", "ridge.mp4")
    assert read(text, folder=tmp_path).cameras[0].source.reveal() == str(tmp_path / "ridge.mp4")


def test_a_terrain_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert only_problem(GOOD + "terrain: dem.tif\n", folder=tmp_path).field == "terrain"


def test_an_unknown_time_zone_is_refused() -> None:
    assert only_problem(GOOD + "time_zone: Asia/Nowhere\n").line == 15


def test_a_mask_of_an_unknown_preset_is_refused() -> None:
    mask = "    masks: [{kind: ignore, preset: east, polygon: [[0, 0], [1, 0], [1, 1]]}]\n"
    assert "'east'" in only_problem(GOOD.replace("dispatch:", mask + "dispatch:")).what


def test_a_mask_corner_outside_the_frame_is_one_mistake_not_two() -> None:
    mask = "    masks: [{kind: ignore, polygon: [[0, 0], [1.5, 0], [1, 1]]}]\n"
    problem = only_problem(GOOD.replace("dispatch:", mask + "dispatch:"))
    assert problem.field == "cameras[0].masks[0].polygon[1][0]"


@pytest.mark.parametrize("url", ["dispatch.example", "https://", "https://user:pw@host/x", "http://h:99999/"])
def test_an_unusable_target_address_is_refused(url: str) -> None:
    assert (
        only_problem(GOOD.replace("https://dispatch.example.gov.cn/api/alerts", url)).field
        == "dispatch[0].url"
    )


def test_an_unknown_database_is_refused() -> None:
    assert only_problem(GOOD + "storage: {database_url: 'mysql://h/x'}\n").field == "storage.database_url"


# Lens


def test_focal_length_and_sensor_give_the_field_of_view() -> None:
    pose = read(GOOD.replace("hfov_deg: 45", "focal_length_mm: 8, sensor_width_mm: 6.4")).cameras[0].pose
    assert pose.hfov_deg == pytest.approx(math.degrees(2 * math.atan(0.4)))


def test_a_pose_read_again_from_its_own_values_is_accepted() -> None:
    pose = read(GOOD.replace("hfov_deg: 45", "focal_length_mm: 8, sensor_width_mm: 6.4")).cameras[0].pose
    assert config.Pose.model_validate(pose.model_dump()) == pose


@pytest.mark.parametrize("lens", ["focal_length_mm: 8", "roll_deg: 0", "hfov_deg: 45, focal_length_mm: 8"])
def test_a_field_of_view_that_is_missing_or_given_twice_is_refused(lens: str) -> None:
    assert "hfov_deg" in only_problem(GOOD.replace("hfov_deg: 45", lens)).mend


# Files


def test_a_file_that_is_not_there_is_an_error_without_traceback_material(tmp_path: Path) -> None:
    with pytest.raises(config.ConfigError, match=r"none\.yaml.*No such file"):
        config.load(tmp_path / "none.yaml")


def test_a_folder_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(config.ConfigError, match="is a folder"):
        config.load(tmp_path)


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "d.yaml").write_bytes("name: 测试".encode("gb18030"))
    with pytest.raises(config.ConfigError, match="UTF-8"):
        config.load(tmp_path / "d.yaml")


@pytest.mark.parametrize("text", ["", "# only a comment\n", "- a list\n", "just text\n"])
def test_a_file_without_keys_is_refused(text: str) -> None:
    assert "config/dashan.yaml" in only_problem(text).mend


def test_broken_yaml_names_its_line() -> None:
    assert only_problem("name: x\ncameras: [1, 2\n").line is not None
    assert only_problem("name: x\n\tcameras: 3\n").line == 2


# What is shipped


def test_the_json_schema_for_editors_is_up_to_date() -> None:
    shipped = (ROOT / "config" / "deployment.schema.json").read_text(encoding="utf-8")
    assert shipped == deployment_schema_text(), (
        "run: firewatch config schema --out config/deployment.schema.json"
    )


def test_every_option_has_a_title_and_a_description() -> None:
    for section in Section.__subclasses__():
        for name, option in section.model_fields.items():
            assert option.title, f"{section.__name__}.{name}"
            assert option.description, f"{section.__name__}.{name}"


@pytest.mark.parametrize(("name", "cameras"), [("dashan.yaml", 12), ("demo.yaml", 9)])
def test_the_example_deployments_are_valid(name: str, cameras: int) -> None:
    assert len(config.load(ROOT / "config" / name, environment=ENVIRONMENT).cameras) == cameras


@pytest.mark.parametrize("name", ["dashan.yaml", "demo.yaml"])
def test_the_example_deployments_pass_the_editor_schema(name: str) -> None:
    import jsonschema

    data = yaml.safe_load((ROOT / "config" / name).read_text(encoding="utf-8"))
    jsonschema.validate(data, json.loads(deployment_schema_text()))


def test_the_version_changes_with_the_content_and_not_with_a_secret() -> None:
    version = read(GOOD).version
    assert read(GOOD, {**ENVIRONMENT, "DISPATCH_SECRET": "another-long-key"}).version == version
    assert read(GOOD.replace("23.5", "23.6")).version != version


def test_two_presets_of_a_camera_with_one_id_are_refused() -> None:
    pose = {"azimuth_deg": 0, "tilt_deg": 0, "hfov_deg": 50}
    gate = {"id": "gate", "name": "南门", "pose": pose}
    fields = {
        "id": "north", "name": "北岭", "source": "rtsp://h/x", "lat_deg": 23, "lon_deg": 116,
        "mast_height_m": 20, "pose": pose, "presets": [gate, {**gate, "name": "北门"}],
    }  # fmt: skip
    with pytest.raises(ValidationError, match="preset id 'gate' is used more than once"):
        config.Camera.model_validate(fields)


TURNING: dict[str, Any] = {
    "id": "north", "name": "北岭", "source": "rtsp://h/x", "lat_deg": 23, "lon_deg": 116, "mast_height_m": 20,
    "pose": {"azimuth_deg": 0, "tilt_deg": 0, "hfov_deg": 50},
    "presets": [
        {"id": one, "name": one, "onvif_token": token,
         "pose": {"azimuth_deg": 9, "tilt_deg": 0, "hfov_deg": 50}}
        for one, token in (("gate", "1"), ("ridge", "2"))
    ],
    "ptz": {"onvif": "http://viewer:s3cret@10.2.0.11/onvif/device_service"},
}  # fmt: skip


def test_a_turning_camera_shows_its_onvif_password_to_nobody() -> None:
    camera = config.Camera.model_validate(TURNING)
    assert camera.ptz is not None
    assert "s3cret" in camera.ptz.onvif.reveal()
    assert "s3cret" not in f"{camera!r} {camera} {camera.model_dump_json()}"


def test_an_onvif_password_is_taken_from_the_environment_whatever_it_holds() -> None:
    pose = "{azimuth_deg: 1, tilt_deg: 0, hfov_deg: 9}"
    presets = f"    presets: [{{id: gate, name: gate, onvif_token: '1', pose: {pose}}}]\n"
    ptz = "    ptz: {onvif: 'http://viewer:${CAMERA_PASSWORD}@10.2.0.11/onvif/device_service'}\n"
    text = GOOD.replace("dispatch:", presets + ptz + "dispatch:")
    camera = read(text, {**ENVIRONMENT, "CAMERA_PASSWORD": "a/b@c#d"}).cameras[0]
    assert camera.ptz is not None
    assert camera.ptz.onvif.reveal() == "http://viewer:a%2Fb%40c%23d@10.2.0.11/onvif/device_service"


def test_a_turning_camera_without_a_preset_to_recognise_is_refused() -> None:
    plain = [{key: value for key, value in one.items() if key != "onvif_token"} for one in TURNING["presets"]]
    for presets in ([], plain):
        with pytest.raises(ValidationError, match="no preset has an onvif_token"):
            config.Camera.model_validate({**TURNING, "presets": presets})


def test_two_presets_with_one_onvif_token_are_refused() -> None:
    presets = [{**one, "onvif_token": "7"} for one in TURNING["presets"]]
    with pytest.raises(ValidationError, match="two presets have the ONVIF token '7'"):
        config.Camera.model_validate({**TURNING, "presets": presets})


@pytest.mark.parametrize(
    "url", ["rtsp://h/x", "10.2.0.11", "http://", "http://viewer:a/b@h/onvif", "http://h:x/"]
)
def test_an_address_that_is_no_onvif_service_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValidationError, match="no address of an ONVIF service") as refused:
        config.Camera.model_validate({**TURNING, "ptz": {"onvif": url}})
    assert "a/b" not in str(refused.value)
