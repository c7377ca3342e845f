"""How a turning camera is asked where it stands, over the API: against a device that answers over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import Served

from alerting.camera_register import CameraRegister
from alerting.secret_box import SecretBox
from config import Camera
from simulator.onvif import OnvifDevice

PASSWORD = "s3cret-words"
CAMERA = "/api/v1/cameras/dns-01"
POSE = {"azimuth_deg": 200, "tilt_deg": -4, "hfov_deg": 30}


@pytest.fixture
def device() -> Iterator[OnvifDevice]:
    places = {"1": (-0.5, 0.1, 0.0), "2": (0.5, -0.1, 0.25)}
    with OnvifDevice(places, login=("viewer", PASSWORD)) as running:
        yield running


@pytest.fixture
def admin(console: Served) -> Iterator[httpx.Client]:
    with console.signed_in("admin") as client:
        for id_, name in (("gate", "南门"), ("graves", "公墓")):
            client.post(f"{CAMERA}/presets", json={"id": id_, "name": name, "pose": POSE})
        yield client


def kept(console: Served) -> Camera:
    """The camera as a worker reads it, with its secrets."""
    box = SecretBox(Path(console.deployment.storage.evidence).with_name("secrets.key"))
    return CameraRegister(console.store, console.deployment, box, look_every_s=0).deployment.camera("dns-01")


def tokens(camera: Camera) -> dict[str, str | None]:
    return {one.id: one.onvif_token for one in camera.presets}


def test_a_camera_is_asked_for_its_presets_before_anything_is_kept(
    console: Served, admin: httpx.Client, device: OnvifDevice
) -> None:
    device.go_to("2")
    found = admin.post(f"{CAMERA}/ptz/probe", json={"onvif": device.url}).json()
    assert (found["problem"], found["stands_at"]) == ("", "2")
    assert found["presets"][0] == {"token": "1", "name": "预置点1", "pan": -0.5, "tilt": 0.1, "zoom": 0.0}
    assert kept(console).ptz is None


def test_what_keeps_a_camera_from_answering_is_said_without_its_password(
    admin: httpx.Client, device: OnvifDevice
) -> None:
    wrong = device.url.replace(PASSWORD, "wr0ng-words")
    refused = admin.post(f"{CAMERA}/ptz/probe", json={"onvif": wrong})
    nobody = admin.post(f"{CAMERA}/ptz/probe", json={"onvif": f"http://v:{PASSWORD}@127.0.0.1:1/onvif"})
    unknown = admin.post(f"{CAMERA}/ptz/probe", json={})
    assert "refuses the user or password" in refused.json()["problem"]
    assert "nothing answers" in nobody.json()["problem"]
    assert (unknown.status_code, "none is kept" in unknown.json()["detail"]) == (422, True)
    assert "words" not in refused.text + nobody.text + unknown.text


def test_it_is_said_how_the_camera_is_asked_and_which_preset_is_which(
    console: Served, admin: httpx.Client, device: OnvifDevice
) -> None:
    body = {"onvif": device.url, "settle_s": 3, "tokens": {"gate": "1"}, "why": "turning head"}
    made = admin.put(f"{CAMERA}/ptz", json=body)
    assert made.status_code == 200, made.text
    assert PASSWORD not in made.text
    shown = made.json()["camera"]
    assert shown["ptz"] == {
        "address": f"http://127.0.0.1:{device.port}", "poll_s": 1.0, "settle_s": 3.0, "tolerance": 0.01,
        "profile": None,
    }  # fmt: skip
    assert [one["onvif_token"] for one in shown["presets"]] == ["1", None]
    now = kept(console)
    assert now.ptz is not None
    assert now.ptz.onvif.reveal() == device.url
    assert admin.post(f"{CAMERA}/ptz/probe", json={}).json()["problem"] == "", "the address that is kept"


def test_the_address_and_other_tokens_stay_when_only_the_rest_is_said_anew(
    console: Served, admin: httpx.Client, device: OnvifDevice
) -> None:
    admin.put(f"{CAMERA}/ptz", json={"onvif": device.url, "tokens": {"gate": "1"}})
    again = admin.put(f"{CAMERA}/ptz", json={"tolerance": 0.05, "tokens": {"graves": "2"}})
    assert again.status_code == 200, again.text
    now = kept(console)
    assert now.ptz is not None
    assert (now.ptz.onvif.reveal(), now.ptz.tolerance) == (device.url, 0.05)
    assert tokens(now) == {"gate": "1", "graves": "2"}


def test_a_camera_is_asked_no_more_and_a_revert_brings_the_question_back(
    console: Served, admin: httpx.Client, device: OnvifDevice
) -> None:
    asked = admin.put(f"{CAMERA}/ptz", json={"onvif": device.url, "tokens": {"gate": "1"}}).json()
    assert admin.delete(f"{CAMERA}/ptz").json()["camera"]["ptz"] is None
    assert kept(console).ptz is None
    assert admin.delete(f"{CAMERA}/ptz").status_code == 404
    admin.post(f"{CAMERA}/revert", json={"version": asked["version"]})
    ptz = kept(console).ptz
    assert ptz is not None
    assert ptz.onvif.reveal() == device.url


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"onvif": "rtsp://10.2.0.11/x", "tokens": {"gate": "1"}}, "ONVIF service"),
        ({"onvif": "http://10.2.0.11/${HOME}", "tokens": {"gate": "1"}}, "must be the address itself"),
        ({"onvif": "http://10.2.0.11/x"}, "no preset has an onvif_token"),
        ({"onvif": "http://10.2.0.11/x", "tokens": {"gate": "1", "graves": "1"}}, "two presets"),
        ({"onvif": "http://10.2.0.11/x", "tokens": {"nowhere": "1"}}, "no preset 'nowhere'"),
        ({"tokens": {"gate": "1"}}, "none is kept"),
        ({"onvif": "http://10.2.0.11/x", "tokens": {"gate": "1"}, "tolerance": 0}, "greater than 0"),
    ],
)
def test_what_cannot_be_asked_is_refused_and_changes_nothing(
    console: Served, admin: httpx.Client, body: dict[str, Any], said: str
) -> None:
    answer = admin.put(f"{CAMERA}/ptz", json=body)
    assert answer.status_code == 422, answer.text
    assert said in answer.text
    assert kept(console).ptz is None


def test_who_was_slower_changes_nothing(admin: httpx.Client, device: OnvifDevice) -> None:
    body = {"onvif": device.url, "tokens": {"gate": "1"}, "seen": 1}
    assert admin.put(f"{CAMERA}/ptz", json=body).status_code == 409
