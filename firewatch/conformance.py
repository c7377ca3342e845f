"""Is a receiver fit to be trusted with alerts? Sends marked exercises to one target and judges the answers.

"must": without it alerts are lost, doubled or forged. "should": the receiver works, but an error of ours or
an attack would go unnoticed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import SecretStr

from alerting.formats import Format, Origin, format_of
from alerting.samples import parcel_of, sample_alert, sample_heartbeat, sample_notice
from alerting.targets import Answer, Outcome, Parcel, open_line
from alerting.targets.http import HttpLine
from config import DispatchTarget

OLD = timedelta(hours=1)


@dataclass(frozen=True)
class Check:
    """One question to the receiver and its answer."""

    name: str
    need: Literal["must", "should"]
    passed: bool
    answer: str


def check_target(
    target: DispatchTarget, origin: Origin, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> tuple[Check, ...]:
    """All checks that the target's kind and settings allow. Raises MessageError for a template that is
    none."""
    return tuple(_checks(target, format_of(target, origin), now))


def _checks(target: DispatchTarget, make: Format, now: Callable[[], datetime]) -> Iterator[Check]:
    began = now()
    incident = f"inc-test-{began:%Y%m%d%H%M%S}"
    first = parcel_of(make, sample_alert(incident, 1, "Alert", began))
    line = open_line(target)
    try:
        yield _accepted("takes an alert", line.send(first))
        yield _accepted("takes the same alert again, under the same key", line.send(first))
        for sequence, type_ in ((2, "Update"), (3, "Cancel")):
            message = sample_alert(incident, sequence, type_, began)
            yield _accepted(f"takes {type_}", line.send(parcel_of(make, message)))
        if target.heartbeat:
            yield _accepted(
                "takes a heartbeat", line.send(parcel_of(make, sample_heartbeat(began), "heartbeat"))
            )
        if target.notices:
            yield _accepted("takes a notice", line.send(parcel_of(make, sample_notice(began), "notice")))
        if not target.is_mqtt:
            other = parcel_of(make, {**sample_alert(incident, 1, "Alert", began), "confidence": 0.123})
            if other.body != first.body:
                yield _refused("refuses other bytes under a key it knows", "should", line.send(other))
    finally:
        line.close()
    if target.secret is not None and not target.is_mqtt:
        yield from _forgeries(target, first, now)


def _forgeries(target: DispatchTarget, parcel: Parcel, now: Callable[[], datetime]) -> Iterator[Check]:
    wrong = target.model_copy(update={"secret": SecretStr("not the secret of this target")})
    for name, line in (
        ("refuses a wrong signature", HttpLine(wrong)),
        ("refuses a time stamp an hour old (replay)", HttpLine(target, clock=lambda: now() - OLD)),
    ):
        try:
            yield _refused(name, "must", line.send(parcel))
        finally:
            line.close()


def _accepted(name: str, answer: Answer) -> Check:
    return Check(name, "must", answer.outcome is Outcome.ACKNOWLEDGED, answer.reason)


def _refused(name: str, need: Literal["must", "should"], answer: Answer) -> Check:
    return Check(name, need, answer.outcome is Outcome.REFUSED, answer.reason)
