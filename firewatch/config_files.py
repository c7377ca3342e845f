"""The deployment file beside the store: written with the store's cameras and receivers; its cameras compared
with the store's, applied to it (receivers: `firewatch.target_files`, rosters: `firewatch.grid_files`).

The file seeds, the store rules: what was changed in the console counts, whatever the file says. Addresses are
compared as they are, and shown as scheme and host.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from alerting.camera_register import CameraRegister, shown_address
from alerting.journal import By
from config import Camera, Deployment, SecretSource
from firewatch import target_files

_SECRET = ("source", "sub_source")


@dataclass(frozen=True)
class Difference:
    """One camera that is not as the file says. `field` is empty where the file has no such camera."""

    camera_id: str
    field: str
    in_file: str
    in_store: str

    def __str__(self) -> str:
        if not self.field:
            return f"{self.camera_id}: only in the store ({self.in_store})"
        return f"{self.camera_id}.{self.field}: {self.in_file} -> {self.in_store}"


def differences(file: Deployment, now: Deployment) -> tuple[Difference, ...]:
    """What the store says otherwise (`now`: with the cameras of the register)."""
    seeds = {camera.id: camera for camera in file.cameras}
    found: list[Difference] = []
    for camera in now.cameras:
        seed = seeds.get(camera.id)
        if seed is None:
            state = "in service" if camera.enabled else "out of service"
            found.append(Difference(camera.id, "", "", f"{camera.name}, {state}"))
        elif seed != camera:
            found += [
                Difference(camera.id, name, _shown(getattr(seed, name)), _shown(getattr(camera, name)))
                for name in Camera.model_fields
                if getattr(seed, name) != getattr(camera, name)
            ]
    return tuple(found)


def exported(text: str, file: Deployment, now: Deployment, *, with_secrets: bool = False) -> str:
    """The deployment file `text` with the cameras and receivers as they are now. What did not change stays as
    it is written, references to secrets included; an address that is only in the store becomes a reference to
    a variable of its own, or stands there whole `with_secrets`. Comments are lost."""
    values: dict[str, Any] = yaml.safe_load(text)
    written = {one["id"]: one for one in values["cameras"]}
    seeds = {camera.id: camera for camera in file.cameras}
    values["cameras"] = [
        written[camera.id]
        if seeds.get(camera.id) == camera
        else _written(camera, seeds.get(camera.id), written.get(camera.id, {}), with_secrets)
        for camera in now.cameras
    ]
    if now.dispatch:
        values["dispatch"] = target_files.exported(
            values.get("dispatch", []), file.dispatch, now.dispatch, with_secrets=with_secrets
        )
    dumped: str = yaml.safe_dump(values, allow_unicode=True, sort_keys=False, width=110)
    return dumped


def apply(file: Deployment, register: CameraRegister, *, by: By, remove: bool = False) -> tuple[str, ...]:
    """Make the store say what the file says, as new versions; cameras that the file has not are left, or
    taken out of service with `remove`. The ids of those that changed."""
    seeds = {camera.id: camera for camera in file.cameras}
    changed: list[str] = []
    for camera in register.cameras:
        seed = seeds.get(camera.id)
        if seed is None:
            if remove and camera.enabled:
                register.remove(camera.id, by=by, why="not in the deployment file")
                changed.append(camera.id)
        elif seed != camera:
            register.change(camera.id, _fields(seed, camera), by=by, why="as the deployment file says")
            changed.append(camera.id)
    return tuple(changed)


def _fields(wanted: Camera, before: Camera) -> dict[str, Any]:
    """What must be said of `before` to make it `wanted`, secrets and all."""
    found = {
        name: value
        for name in Camera.model_fields
        if (value := getattr(wanted, name)) != getattr(before, name)
    }
    if "stream" in found and wanted.stream.play_url.token is None:  # a token that is not spoken of would stay
        play_url = wanted.stream.play_url.model_copy(update={"token": None})
        found["stream"] = wanted.stream.model_copy(update={"play_url": play_url})
    return found


def _written(
    camera: Camera, seed: Camera | None, written: Mapping[str, Any], with_secrets: bool
) -> dict[str, Any]:
    found = camera.model_dump(mode="json", exclude_unset=True)
    for name in _SECRET:
        source: SecretSource | None = getattr(camera, name)
        if source is None:
            found.pop(name, None)
        elif seed is not None and getattr(seed, name) == source:
            found[name] = written[name]  # as a reference, if it is one
        else:
            variable = f"{camera.id}_{name}".upper().replace("-", "_")
            found[name] = source.reveal() if with_secrets or not source.scheme else f"${{{variable}}}"
    if camera.ptz is not None:
        onvif = camera.ptz.onvif
        if seed is not None and seed.ptz is not None and seed.ptz.onvif == onvif:
            found["ptz"]["onvif"] = written["ptz"]["onvif"]
        else:
            variable = f"{camera.id}_onvif".upper().replace("-", "_")
            found["ptz"]["onvif"] = onvif.reveal() if with_secrets else f"${{{variable}}}"
    if camera.stream.play_url.token is not None:
        known = written.get("stream", {}).get("play_url", {}).get("token")
        found["stream"]["play_url"]["token"] = known or f"${{{camera.id.upper().replace('-', '_')}_TOKEN}}"
    if camera.enabled:
        found.pop("enabled", None)
    return found


def _shown(value: Any) -> str:
    if isinstance(value, SecretSource):
        return shown_address(value)
    if hasattr(value, "model_dump"):
        value = value.model_dump(mode="json", exclude_unset=True)
    elif isinstance(value, tuple):
        value = [one.model_dump(mode="json") if hasattr(one, "model_dump") else one for one in value]
    return str(value)
