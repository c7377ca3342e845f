"""The centre: the console and its API over the store, on a socket the supervisor holds open.

Because the socket is the supervisor's, a centre that dies and is started again answers on the same port, and
who calls in between waits instead of being refused.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from config import Deployment
from firewatch.processes.life import add_link_options, box_of, live, parser


def main(arguments: Sequence[str] | None = None) -> None:
    made = parser("centre", "console and API over the store")
    made.add_argument(
        "--listen-fd", type=int, required=True, help="listening socket inherited from the parent"
    )
    made.add_argument("--live", type=Path, help="unix socket of the live view")
    made.add_argument(
        "--workers", type=Path, help="folder of the workers' heartbeats, which hold their figures"
    )
    add_link_options(made)
    options = made.parse_args(arguments)

    def run(deployment: Deployment) -> None:
        from alerting.evidence_links import EvidenceLinks
        from alerting.store import Store
        from console.app import create_app
        from console.serving import ConsoleServer
        from firewatch.figures import told_in
        from firewatch.logs import start_access_log

        start_access_log(deployment.logs)
        store = Store.open(deployment.storage.database_url.reveal())
        try:
            links = EvidenceLinks(options.link_key.read_bytes(), options.base_url)
            app = create_app(
                store,
                deployment,
                box=box_of(options.secrets_key),
                links=links,
                live_socket=options.live,
                worker_figures=partial(told_in, options.workers) if options.workers else dict,
            )
            ConsoleServer(app).run(sockets=[socket.socket(fileno=options.listen_fd)])
        finally:
            store.close()

    live(options, run)


if __name__ == "__main__":
    main()
