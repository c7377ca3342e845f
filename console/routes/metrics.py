"""Figures for Prometheus: counts and ages only, no names of people, no places."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from fastapi import APIRouter, Response

from alerting.heartbeat import SENDER_PULSE, last_pulse
from alerting.ingest import SILENT_AFTER, remote_workers
from alerting.lifecycle import Status
from alerting.store import Store
from console.context import InCentre

router = APIRouter(tags=["health"])

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_OF_WORKERS = (
    ("stretch", "gauge", "How much longer than wanted look intervals are for want of processor time."),
    ("cameras", "gauge", "Cameras that it watches."),
    ("looks", "counter", "Looks since its start."),
    ("failed_looks", "counter", "Looks that failed, by an answer that is no number for instance."),
    ("unlooked", "counter", "Pictures replaced by newer ones before anybody looked."),
    ("given_up", "counter", "Connections that its watchdog gave up."),
)
_MOST = 10_000
"""Deliveries that wait are counted up to here."""


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics(centre: InCentre) -> Response:
    """Cameras by state, incidents by status, deliveries that wait or were refused, the sender's pulse,
    and how workers are doing."""
    store, now = centre.store, centre.store.clock()
    states = {one.camera_id: one for one in store.camera_states()}
    enabled = [camera.id for camera in centre.deployment.cameras if camera.enabled]
    by_state = Counter(states[id_].state if id_ in states else "connecting" for id_ in enabled)
    ages = [
        (now - at).total_seconds() for id_ in enabled if (at := centre.latest.captured_at(id_)) is not None
    ]
    counts = store.count_incidents()
    sender_at = last_pulse(store, SENDER_PULSE)
    lines = [
        *_gauge("firewatch_cameras", "Enabled cameras by state.", "state", sorted(by_state.items())),
        *_gauge(
            "firewatch_incidents",
            "Incidents by status.",
            "status",
            [(one, counts.get(one, 0)) for one in Status],
        ),
        *_gauge(
            "firewatch_deliveries",
            "Messages that wait for their receiver, and that were refused.",
            "state",
            [(state, len(store.deliveries(state=state, limit=_MOST))) for state in ("pending", "dead")],
        ),
    ]
    workers = {**centre.worker_figures(), **_boxes(store)}
    for figure, kind, words in _OF_WORKERS:
        told = [(name, figures[figure]) for name, figures in workers.items() if figure in figures]
        name = f"firewatch_worker_{figure}" + ("_total" if kind == "counter" else "")
        lines += _gauge(name, words, "worker", told, kind) if told else []
    if ages:
        lines += _plain("firewatch_oldest_picture_seconds", "Age of the oldest newest picture.", max(ages))
    if sender_at is not None:
        age_s = (now - sender_at).total_seconds()
        lines += _plain("firewatch_sender_pulse_seconds", "Since the sender last said that it works.", age_s)
    return Response("\n".join(lines) + "\n", media_type=MEDIA_TYPE)


def _boxes(store: Store) -> dict[str, Mapping[str, float]]:
    """Workers elsewhere that were heard lately. They are named by their token's number."""
    heard_after = store.clock() - SILENT_AFTER
    return {f"box-{one.token_id}": one.figures for one in remote_workers(store) if one.heard_at > heard_after}


def _gauge(
    name: str, words: str, label: str, values: Iterable[tuple[str, float]], kind: str = "gauge"
) -> list[str]:
    head = [f"# HELP {name} {words}", f"# TYPE {name} {kind}"]
    return head + [f'{name}{{{label}="{value}"}} {count}' for value, count in values]


def _plain(name: str, words: str, value: float) -> list[str]:
    return [f"# HELP {name} {words}", f"# TYPE {name} gauge", f"{name} {value:.1f}"]
