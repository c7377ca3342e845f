"""The outbox sender: tells receivers and people until they have acknowledged it. Beside it run the clocks of
incidents: what has to be done about them in time, and who is called when it is not."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from config import Deployment
from firewatch.processes.life import add_link_options, live, parser, stop_on_signals


def main(arguments: Sequence[str] | None = None) -> None:
    made = parser("sender", "sends alerts and notices until they are acknowledged")
    add_link_options(made)
    options = made.parse_args(arguments)

    def run(deployment: Deployment) -> None:

        from alerting.camera_watch import CameraWatch
        from alerting.evidence_links import EvidenceLinks
        from alerting.formats import Origin
        from alerting.keeper import ClockKeeper
        from alerting.notifying import Notifier
        from alerting.outbox import Sender
        from alerting.policy import Rules
        from alerting.store import Store
        from alerting.trouble import Trouble

        stop = stop_on_signals()
        store = Store.open(deployment.storage.database_url.reveal())
        zone = ZoneInfo(deployment.time_zone)
        watch = threading.Thread(
            target=CameraWatch.of(store, deployment).run, args=(stop,), name="camera-watch"
        )
        watch.start()
        try:
            sender = Sender(
                store,
                deployment.dispatch,
                EvidenceLinks(options.link_key.read_bytes(), options.base_url),
                origin=Origin(deployment.name, deployment.sender, zone),
                notifier=Notifier.of(store, deployment, zone),
                trouble=Trouble.of(deployment),
            )
            keeper = ClockKeeper(store, Rules.of(deployment))
            clocks = threading.Thread(target=keeper.run, args=(stop,), name="clocks")
            clocks.start()
            try:
                sender.run(stop)
            finally:
                stop.set()
                clocks.join()
        finally:
            stop.set()
            watch.join()
            store.close()

    live(options, run)


if __name__ == "__main__":
    main()
