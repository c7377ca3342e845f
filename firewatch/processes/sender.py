"""The outbox sender: tells receivers and people until they have acknowledged it, watches the clocks of
incidents and the cameras' eyesight, and tells the outside that the centre lives."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from config import Deployment
from firewatch.processes.life import (
    add_link_options,
    box_of,
    heartbeat_of,
    live,
    parser,
    run_all,
    stop_on_signals,
)


def main(arguments: Sequence[str] | None = None) -> None:
    made = parser("sender", "sends alerts and notices until they are acknowledged")
    add_link_options(made)
    options = made.parse_args(arguments)

    def run(deployment: Deployment) -> None:
        from alerting.camera_register import CameraRegister
        from alerting.camera_watch import CameraWatch
        from alerting.database import SMALL_CACHE_KIB
        from alerting.evidence_links import EvidenceLinks
        from alerting.formats import Origin
        from alerting.heartbeat import Heartbeats
        from alerting.keeper import ClockKeeper
        from alerting.notifying import Notifier
        from alerting.outbox import Sender
        from alerting.policy import Rules
        from alerting.store import Store
        from alerting.target_register import TargetRegister
        from alerting.trouble import Trouble
        from firewatch.drill import DailyDrill
        from firewatch.followed_targets import FollowedTargets

        stop = stop_on_signals()
        store = Store.open(deployment.storage.database_url.reveal(), cache_kib=SMALL_CACHE_KIB)
        box = box_of(options.secrets_key)
        register = CameraRegister(store, deployment, box)
        zone = ZoneInfo(deployment.time_zone)
        trouble = Trouble.of(deployment)
        origin = Origin(deployment.name, deployment.sender, zone)
        try:
            sender = Sender(
                store,
                (),
                EvidenceLinks(options.link_key.read_bytes(), options.base_url),
                origin=origin,
                notifier=Notifier.of(store, deployment, zone),
                trouble=trouble,
            )
            heartbeats = Heartbeats(store, (), origin, alive=heartbeat_of(options.heartbeat))
            followed = FollowedTargets(TargetRegister(store, deployment, box), sender.serve, heartbeats.serve)
            run_all(
                stop,
                {
                    "targets": followed.run,
                    "outbox": sender.run,
                    "clocks": ClockKeeper(store, Rules.of(deployment)).run,
                    "camera-watch": CameraWatch.of(store, register).run,
                    "drill": DailyDrill(store, register, trouble).run,
                    "heartbeats": heartbeats.run,
                },
            )
        finally:
            store.close()

    live(options, run)


if __name__ == "__main__":
    main()
