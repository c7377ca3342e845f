"""Who is on duty for an area at the moment somebody is called: by the roster that was saved in the console,
or by the grid file as it is now, in the deployment's time zone. (What an incident carries is who was on duty
when it was seen.)

A roster has holes and a file may break; a fire is called all the same. Nobody on duty: everybody of the area
is called. No such area, or no usable file: the contacts that the incident carries.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

import config
from alerting import roster_register
from alerting.calling import Roster, contacts_of
from alerting.grid_watch import WatchedGrids
from alerting.grids import GridError, ListedContact
from alerting.records import Contact, GridArea

log = logging.getLogger(__name__)


def roster_of(deployment: config.Deployment) -> Roster:
    """Opens no file before somebody is called."""

    def on_duty(session: Session, area: dict[str, Any], at: datetime) -> Sequence[Contact]:
        everybody = _everybody(deployment, session, area["code"])
        if everybody is None:
            return contacts_of(session, area, at)
        found = _on_duty(everybody, deployment, at)
        if everybody and not found:
            log.warning("nobody is on duty, everybody is called: area=%s", area["code"])
        return found or [one.contact for one in everybody]

    return on_duty


def on_call(
    deployment: config.Deployment, session: Session, chain: Iterable[GridArea], at: datetime
) -> tuple[GridArea, ...]:
    """The areas of an incident with whoever would be called there at that time, for those who look at it."""

    def answering(area: GridArea) -> tuple[Contact, ...]:
        everybody = _everybody(deployment, session, area.code)
        if everybody is None:
            return area.contacts
        return tuple(_on_duty(everybody, deployment, at) or (one.contact for one in everybody))

    return tuple(replace(area, contacts=answering(area)) for area in chain)


def _everybody(deployment: config.Deployment, session: Session, code: str) -> Sequence[ListedContact] | None:
    """All people of an area, on duty or not; None: nothing is known of it but what the incident carries."""
    saved = roster_register.saved(session, [code]).get(code)
    return saved if saved is not None else _of_file(deployment, code) or None


def _on_duty(
    everybody: Iterable[ListedContact], deployment: config.Deployment, at: datetime
) -> list[Contact]:
    local = at.astimezone(ZoneInfo(deployment.time_zone))
    return [one.contact for one in everybody if one.covers(local)]


def _of_file(deployment: config.Deployment, code: str) -> tuple[ListedContact, ...]:
    if deployment.grids is None:
        return ()
    try:
        area = _watched(str(deployment.grids), deployment.time_zone).now().area(code)
    except GridError as error:
        log.error("the roster cannot be read, calling whom the incident names: %s", error)
        return ()
    return area.contacts if area is not None else ()


@cache
def _watched(path: str, time_zone: str) -> WatchedGrids:
    """One for all of a process: a request that may call somebody reads no file again."""
    return WatchedGrids(path, time_zone)
