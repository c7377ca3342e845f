"""The outbox sender: posts alerts to their receivers until they are acknowledged."""

from __future__ import annotations

from collections.abc import Sequence

from config import Deployment
from firewatch.processes.life import add_link_options, live, parser, stop_on_signals


def main(arguments: Sequence[str] | None = None) -> None:
    made = parser("sender", "posts alerts until they are acknowledged")
    add_link_options(made)
    options = made.parse_args(arguments)

    def run(deployment: Deployment) -> None:
        from alerting.evidence_links import EvidenceLinks
        from alerting.outbox import Sender
        from alerting.store import Store

        stop = stop_on_signals()
        store = Store.open(deployment.storage.database_url.reveal())
        try:
            links = EvidenceLinks(options.link_key.read_bytes(), options.base_url)
            Sender(store, deployment.dispatch, links).run(stop)
        finally:
            store.close()

    live(options, run)


if __name__ == "__main__":
    main()
