"""The receivers of the deployment file beside the store: compared with those saved in the console, written
with them, counted again in their place. Secrets are compared, and never shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, SecretStr

from alerting.journal import By
from alerting.target_register import TargetRegister
from config import DispatchTarget
from config.outline import host_of

_SECRETS = ("url", "secret", "bearer", "basic")


def differences(file: Sequence[DispatchTarget], now: Sequence[DispatchTarget]) -> tuple[str, ...]:
    """Where the store says otherwise than the file."""
    seeds = {target.id: target for target in file}
    found: list[str] = []
    for target in now:
        seed = seeds.get(target.id)
        if seed is None:
            state = "switched on" if target.enabled else "switched off"
            found.append(f"receiver {target.id}: only in the store ({target.name}, {state})")
            continue
        for name in DispatchTarget.model_fields:
            before, after = getattr(seed, name), getattr(target, name)
            if before != after:
                told = f"{_shown(name, before)} -> {_shown(name, after)}"
                found.append(f"receiver {target.id}.{name}: {told}")
    return tuple(found)


def exported(
    written: Sequence[Mapping[str, Any]],
    file: Sequence[DispatchTarget],
    now: Sequence[DispatchTarget],
    *,
    with_secrets: bool = False,
) -> list[Mapping[str, Any]]:
    """The section `dispatch` with the receivers as they are now. What did not change stays as it is
    `written`; a secret that is only in the store becomes a reference to a variable of its own, or stands
    there whole `with_secrets`."""
    as_written = {one["id"]: one for one in written}
    seeds = {target.id: target for target in file}
    return [
        as_written[target.id]
        if seeds.get(target.id) == target
        else _written(target, seeds.get(target.id), as_written.get(target.id, {}), with_secrets)
        for target in now
    ]


def apply(register: TargetRegister, *, by: By, remove: bool = False) -> tuple[str, ...]:
    """Let the file count again for all its receivers; those that it has not are left, or removed as well with
    `remove`. The ids of those that changed. Raises ConflictError for one that something is still owed to."""
    changed = []
    for target_id, newest in register.current().items():
        if newest.is_saved and (register.is_in_file(target_id) or remove):
            register.give_back(target_id, by=by, why="as the deployment file says")
            changed.append(target_id)
    return tuple(changed)


def _written(
    target: DispatchTarget, seed: DispatchTarget | None, written: Mapping[str, Any], with_secrets: bool
) -> dict[str, Any]:
    found = target.model_dump(mode="json", exclude_unset=True)
    variable = target.id.upper().replace("-", "_")
    for name in _SECRETS:
        value = getattr(target, name)
        if value is None:
            found.pop(name, None)
        elif seed is not None and getattr(seed, name) == value:
            found[name] = written[name]  # as a reference, if it is one
        elif name == "basic":
            password = target.basic.password if target.basic is not None else SecretStr("")
            found[name]["password"] = (
                password.get_secret_value() if with_secrets else f"${{{variable}_PASSWORD}}"
            )
        else:
            plain = value.get_secret_value() if isinstance(value, SecretStr) else value
            found[name] = plain if with_secrets else f"${{{variable}_{name.upper()}}}"
    for name in ("template", "tls"):
        if seed is not None and name in written and getattr(seed, name) == getattr(target, name):
            found[name] = written[name]  # relative, if it is
    if target.enabled:
        found.pop("enabled", None)
    return found


def _shown(name: str, value: Any) -> str:
    if name == "url":
        return host_of(value)
    if isinstance(value, BaseModel):
        return str(value.model_dump(mode="json", exclude_none=True))
    return "***" if isinstance(value, SecretStr) else str(value)
