"""What the deployment file said, start by start: kept, without secrets, when it is not what was kept last.

Cameras, rosters and receivers have registers of their own, and may be otherwise than the file says. The rest
is changed in the file only: it is what a start needs (the store's address, the ports, what a worker loads),
and counts from the next start on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from alerting.store import NotFoundError, Store
from alerting.tables import ConfigurationVersionRow
from config import Deployment
from config.outline import outline

MOST_LISTED = 200


@dataclass(frozen=True)
class Started:
    """A centre started with another configuration than the one before."""

    version: int
    digest: str
    """`Deployment.version`: what sightings and alerts name as `config_version`."""
    program: str
    at: datetime


@dataclass(frozen=True)
class Configuration(Started):
    """As `config.outline` tells it. `changed`: the options that are not as at the version before."""

    configuration: dict[str, Any]
    changed: tuple[str, ...]


def record(store: Store, deployment: Deployment, program: str) -> bool:
    """Keep what a centre starts with; whether it was another than the last."""
    newest = select(ConfigurationVersionRow.digest).order_by(ConfigurationVersionRow.version.desc()).limit(1)
    with store.writing() as session:
        if session.scalar(newest) == deployment.version:
            return False
        session.add(
            ConfigurationVersionRow(
                digest=deployment.version,
                program=program,
                configuration=outline(deployment),
                at=store.clock(),
            )
        )
        return True


def versions(store: Store) -> tuple[Started, ...]:
    """The newest first."""
    table = ConfigurationVersionRow
    query = select(table.version, table.digest, table.program, table.at).order_by(table.version.desc())
    with store.reading() as session:
        return tuple(Started(*row) for row in session.execute(query.limit(MOST_LISTED)))


def version(store: Store, number: int) -> Configuration:
    """Raises NotFoundError."""
    table = ConfigurationVersionRow
    query = select(table).where(table.version <= number).order_by(table.version.desc()).limit(2)
    with store.reading() as session:
        rows = session.scalars(query).all()
        if not rows or rows[0].version != number:
            raise NotFoundError(f"no version {number} of the configuration")
        row, before = rows[0], rows[1].configuration if len(rows) > 1 else None
        changed = differing(before, row.configuration) if before is not None else ()
        return Configuration(row.version, row.digest, row.program, row.at, row.configuration, changed)


def differing(before: Any, after: Any, at: str = "") -> tuple[str, ...]:
    """The names of options that differ. Items of lists that have an id are named by it.

    >>> differing({"logs": {"keep_days": 200}, "name": "x"}, {"logs": {"keep_days": 30}, "name": "x"})
    ('logs.keep_days',)
    >>> differing({"cameras": [{"id": "a", "fps": 1}]}, {"cameras": [{"id": "a", "fps": 2}, {"id": "b"}]})
    ('cameras.a.fps', 'cameras.b')
    """
    if before == after:
        return ()
    one, other = _by_name(before), _by_name(after)
    if one is None or other is None:
        return (at,)
    found: list[str] = []
    for name in dict.fromkeys((*one, *other)):
        below = f"{at}.{name}" if at else name
        found += differing(one[name], other[name], below) if name in one and name in other else [below]
    return tuple(found) or (at,)


def _by_name(value: Any) -> dict[str, Any] | None:
    if isinstance(value, dict):
        return value
    if isinstance(value, list) and all(isinstance(one, dict) and "id" in one for one in value):
        return {one["id"]: one for one in value}
    return None
