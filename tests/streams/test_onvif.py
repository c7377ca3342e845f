"""The ONVIF client against a device that checks passwords and misbehaves when told to."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import pytest
from ports import own_port

from config import SecretSource
from simulator.onvif import OnvifDevice
from streams.errors import SourceError, SourceRefused, SourceTimeout, SourceUnreachable, SourceUnreadable
from streams.onvif import CameraPreset, OnvifCamera
from streams.ptz import Position

PRESETS = {"1": (-0.5, 0.1, 0.0), "2": (0.5, -0.1, 0.25)}
LOGIN = ("viewer", "s3cret-w<o&rd")


def camera(device: OnvifDevice, **more: object) -> OnvifCamera:
    return OnvifCamera(SecretSource(device.url), timeout_s=0.5, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("http_digest", [False, True])
def test_a_camera_with_a_password_tells_its_presets_and_where_it_stands(http_digest: bool) -> None:
    with OnvifDevice(PRESETS, login=LOGIN, http_digest=http_digest) as device:
        before = datetime.now(UTC)
        with camera(device) as asked:
            assert asked.presets() == (
                CameraPreset("1", "预置点1", Position(-0.5, 0.1, 0.0)),
                CameraPreset("2", "预置点2", Position(0.5, -0.1, 0.25)),
            )
            reading = asked.reading()
            assert (reading.position, reading.moving) == (Position(-0.5, 0.1, 0.0), False)
            assert before <= reading.asked_at <= reading.told_at <= datetime.now(UTC)
            device.go_to("2")
            assert asked.reading().position == Position(0.5, -0.1, 0.25)


def test_a_camera_on_its_way_says_so() -> None:
    with OnvifDevice(PRESETS, travel_s=60) as device, camera(device) as asked:
        device.go_to("2")
        assert asked.reading().moving is True
        device.faults.says_moving = False
        assert asked.reading().moving is None


@pytest.mark.parametrize("http_digest", [False, True])
def test_a_wrong_password_is_told_without_the_password(http_digest: bool) -> None:
    with OnvifDevice(PRESETS, login=LOGIN, http_digest=http_digest) as device:
        wrong = SecretSource(f"http://viewer:wr0ng-word@127.0.0.1:{device.port}/onvif/device_service")
        with (
            pytest.raises(SourceRefused, match="refuses the user or password") as refused,
            OnvifCamera(wrong),
        ):
            pass
        assert "wr0ng" not in str(refused.value)
        none = SecretSource(f"http://127.0.0.1:{device.port}/onvif/device_service")
        with pytest.raises(SourceRefused), OnvifCamera(none):
            pass


def test_a_camera_whose_clock_is_a_day_off_takes_the_password_all_the_same() -> None:
    with OnvifDevice(PRESETS, login=LOGIN) as device:
        device.faults.clock_off_s = -86400
        with camera(device) as asked:
            assert asked.reading().position == Position(-0.5, 0.1, 0.0)


@pytest.mark.parametrize(
    "own_address", ["http://192.168.1.64", "http://192.168.1.64:8000", "https://[::1]:1"]
)
def test_a_camera_that_names_another_address_for_itself_is_asked_at_the_one_it_was_reached_at(
    own_address: str,
) -> None:
    with OnvifDevice(PRESETS, login=LOGIN) as device:
        device.faults.own_address = own_address
        with camera(device) as asked:
            assert len(asked.presets()) == 2


def test_an_answer_with_a_document_type_is_refused() -> None:
    with OnvifDevice(PRESETS) as device:
        device.faults.doctype = True
        with pytest.raises(SourceUnreadable, match="document type"), camera(device):
            pass


def test_an_answer_without_end_is_given_up() -> None:
    with OnvifDevice(PRESETS) as device:
        device.faults.garbage_bytes = 3_000_000
        with pytest.raises(SourceUnreadable, match="far more than was asked for"), camera(device):
            pass


def test_a_camera_that_does_not_say_where_it_stands_is_told_from_one_that_is_away() -> None:
    with OnvifDevice(PRESETS) as device, camera(device) as asked:
        device.faults.says_position = False
        with pytest.raises(SourceUnreadable, match="does not say where the camera stands"):
            asked.reading()


def test_a_camera_that_falls_silent_and_one_that_is_not_there_are_told_apart() -> None:
    with OnvifDevice(PRESETS) as device, camera(device) as asked:
        device.faults.silent = True
        with pytest.raises(SourceTimeout):
            asked.reading()
    nobody = SecretSource(f"http://viewer:s3cret@127.0.0.1:{own_port()}/onvif/device_service")
    with pytest.raises(SourceUnreachable) as away, OnvifCamera(nobody):
        pass
    assert "s3cret" not in str(away.value)


def test_a_path_that_is_no_onvif_and_a_profile_that_is_not_there_are_told() -> None:
    with OnvifDevice(PRESETS) as device:
        wrong = SecretSource(f"http://127.0.0.1:{device.port}/nothing")
        with pytest.raises(SourceUnreadable, match="check its path"), OnvifCamera(wrong):
            pass
        with pytest.raises(SourceUnreadable, match=r"see ptz\.profile"), camera(device, profile="still"):
            pass
        with camera(device, profile="main") as asked:
            assert len(asked.presets()) == 2


def test_no_password_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with OnvifDevice(PRESETS, login=("viewer", "s3cret-word")) as device:
        with camera(device) as asked:
            asked.reading()
        device.faults.refuses = True
        with pytest.raises(SourceError), camera(device):
            pass
    assert "s3cret-word" not in caplog.text
