"""Cameras whose worker died are blind, and the store says so until a new worker has taken them over.

The worker writes its cameras' states itself while it lives; one that is killed cannot. So the supervisor's
process does it at the moment of death.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from firewatch.plan import Plan
from firewatch.supervision import ProcessSpec
from streams.condition import Condition

_log = logging.getLogger(__name__)


def tell_of_dead_workers(plan: Plan) -> Callable[[ProcessSpec, float], None]:
    """For `Supervisor(on_death=...)`."""

    def tell(spec: ProcessSpec, pause_s: float) -> None:
        if not plan.is_worker(spec.name):
            return
        reason = "its worker process ended and is started again"
        if pause_s:
            reason = f"its worker process keeps ending; it is tried again in {pause_s:.0f} s"
            _log.error("cameras are blind worker=%s reason=%s", spec.name, reason)
        from alerting.camera_register import CameraRegister
        from alerting.store import Store

        try:
            store = Store.open(plan.deployment.storage.database_url.reveal())
            try:
                register = CameraRegister(store, plan.deployment)
                for camera in plan.share_of(spec.name, register.cameras):
                    store.set_camera_state(camera.id, Condition.STALE, store.clock(), reason)
            finally:
                store.close()
        except Exception:  # the supervisor must go on, whatever the store is up to
            _log.exception("blind cameras not stored worker=%s", spec.name)

    return tell
