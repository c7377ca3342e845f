"""People who are told: by name in the deployment, or as contacts of the grid that burns.

A person is a target like any other in the outbox (`person:ID`), but has no URL: the deployment's gateways say
how a channel's address is reached. Addresses of contacts travel with the delivery, as they were when called.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import config

PREFIX = "person:"
LANE = config.targets.PEOPLE
PHONE_GATEWAY = "sms"
"""The gateway that reaches the telephone number of a contact."""


@dataclass(frozen=True)
class Recipient:
    """Somebody to be told, with the addresses by gateway. Do not log the addresses."""

    target_id: str
    name: str
    role: str
    channels: Mapping[str, str]

    @classmethod
    def of_contact(
        cls, name: str, role: str, phone: str, channels: Mapping[str, str] | None = None
    ) -> Recipient:
        """A contact of the grid file: the telephone number is a channel where there is a gateway for it."""
        digest = hashlib.sha256(f"{name}\n{phone}".encode()).hexdigest()[:16]
        reached = {PHONE_GATEWAY: phone, **(channels or {})}
        return cls(f"{PREFIX}contact-{digest}", name, role, {key: one for key, one in reached.items() if one})

    @classmethod
    def of_person(cls, person: config.Person) -> Recipient:
        return cls(target_of(person.id), person.name, "", dict(person.channels))

    def stored(self) -> dict[str, Any]:
        return {"name": self.name, "role": self.role, "channels": dict(self.channels)}


def target_of(person_id: str) -> str:
    """The target id of a person of the deployment.

    >>> target_of("duty-officer")
    'person:duty-officer'
    """
    return PREFIX + person_id


def lane_of(target_id: str) -> str:
    """Whose thread sends to this target: each target has its own, people share theirs.

    >>> lane_of("person:duty-officer"), lane_of("county")
    ('people', 'county')
    """
    return LANE if target_id.startswith(PREFIX) else target_id


def who_hear(
    notify: config.Notify, what: Literal["incidents", "cameras", "trouble"]
) -> tuple[Recipient, ...]:
    """The people of the deployment who are told of such things."""
    return tuple(Recipient.of_person(person) for person in notify.people if what in person.hears)


def reachable(recipient: Recipient, gateways: Sequence[str]) -> bool:
    """Whether there is a gateway for any of the recipient's channels."""
    return any(channel in gateways for channel in recipient.channels)
