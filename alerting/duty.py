"""Who is on duty for an area at the moment somebody is called: from the grid file as it is now, in the
deployment's time zone. (What an incident carries is who was on duty when it was seen.)

A roster has holes and a file may break; a fire is called all the same. Nobody on duty: everybody of the area
is called. No such area, or no usable file: the contacts that the incident carries.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

import config
from alerting.calling import Roster, contacts_of
from alerting.grid_watch import WatchedGrids
from alerting.grids import GridError
from alerting.people import Recipient

log = logging.getLogger(__name__)


def roster_of(deployment: config.Deployment) -> Roster:
    """Opens no file before somebody is called."""
    if deployment.grids is None:
        return contacts_of
    path, time_zone = str(deployment.grids), deployment.time_zone

    def on_duty(area: dict[str, Any], at: datetime) -> Sequence[Recipient]:
        try:
            return _on_duty(_watched(path, time_zone), area, at)
        except GridError as error:
            log.error("the roster cannot be read, calling whom the incident names: %s", error)
            return contacts_of(area, at)

    return on_duty


def _on_duty(grids: WatchedGrids, area: dict[str, Any], at: datetime) -> Sequence[Recipient]:
    now = grids.now()
    everybody = now.contacts_of(area["code"])
    if not everybody:
        return contacts_of(area, at)
    on_duty = now.contacts_of(area["code"], at)
    if not on_duty:
        log.warning("nobody is on duty, everybody is called: area=%s", area["code"])
    return [Recipient.of_contact(one.name, one.role, one.phone, one.channels) for one in on_duty or everybody]


@cache
def _watched(path: str, time_zone: str) -> WatchedGrids:
    """One for all of a process: a request that may call somebody reads no file again."""
    return WatchedGrids(path, time_zone)
