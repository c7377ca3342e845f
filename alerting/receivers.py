"""Which receivers of alerts there are: those of the deployment file, overlaid by what was saved in the
console.

Read in the transaction of whoever tells, as rosters are: a fire is told to the receivers of this moment, in
every process, without a delay. None of it is secret; who sends has the secrets from
`alerting.target_register`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from pydantic import ValidationError
from sqlalchemy import func, select
from sqlalchemy.orm import Session

import config
from alerting import people
from alerting.lifecycle import Stage
from alerting.tables import TargetVersionRow

_log = logging.getLogger(__name__)

Hearers = Callable[[Session], tuple[str, ...]]
"""The ids of those who are to be told something, now."""


def nobody(_session: Session) -> tuple[str, ...]:
    return ()


def in_force(session: Session, deployment: config.Deployment) -> tuple[config.DispatchTarget, ...]:
    """All receivers, those that are switched off too: the file's in its order, then the added ones in theirs.
    What is secret is masked in those that were saved."""
    rows = newest_rows(session)
    found = {target.id: target for target in deployment.dispatch}
    for target_id, row in rows.items():
        if row.definition is None:
            continue
        try:
            found[target_id] = config.DispatchTarget.model_validate(row.definition)
        except ValidationError:  # rules may grow stricter than an old row: the others are told all the same
            _log.exception("saved receiver not readable, the file's counts: target=%s", target_id)
    return tuple(found.values())


def stages_of(deployment: config.Deployment) -> Callable[[Session], Mapping[str, Stage]]:
    """Who is told about incidents, from which stage on. People hear of everything that is told outside."""
    persons = [one.target_id for one in people.who_hear(deployment.notify, "incidents")]

    def stages(session: Session) -> Mapping[str, Stage]:
        found = dict.fromkeys(persons, Stage.NOTIFY)
        targets = in_force(session, deployment)
        return found | {one.id: Stage(one.from_stage) for one in targets if one.enabled}

    return stages


def wanting_notices(deployment: config.Deployment) -> Hearers:
    """The receivers that hear of more than fires."""

    def hearers(session: Session) -> tuple[str, ...]:
        return tuple(one.id for one in in_force(session, deployment) if one.notices and one.enabled)

    return hearers


def names_of(session: Session, deployment: config.Deployment) -> dict[str, str]:
    """What operators call each receiver and each person of the deployment."""
    names = {one.id: one.name for one in in_force(session, deployment)}
    return names | {people.target_of(one.id): one.name for one in deployment.notify.people}


def newest_rows(session: Session) -> dict[str, TargetVersionRow]:
    """The newest version of every receiver that was ever changed here, in the order of their first ones."""
    newest = select(func.max(TargetVersionRow.version_id)).group_by(TargetVersionRow.target_id)
    first = (
        select(TargetVersionRow.target_id, func.min(TargetVersionRow.version_id).label("first"))
        .group_by(TargetVersionRow.target_id)
        .subquery()
    )
    rows = session.scalars(
        select(TargetVersionRow)
        .join(first, first.c.target_id == TargetVersionRow.target_id)
        .where(TargetVersionRow.version_id.in_(newest))
        .order_by(first.c.first)
    )
    return {row.target_id: row for row in rows}
