"""The centre: the console and its API over the store, on a socket the supervisor holds open.

Because the socket is the supervisor's, a centre that dies and is started again answers on the same port, and
who calls in between waits instead of being refused.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from config import Deployment
from firewatch.processes.life import add_link_options, box_of, heartbeat_of, live, parser

if TYPE_CHECKING:
    from alerting.store import Store

_log = logging.getLogger(__name__)


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
            _record(store, deployment)
            links = EvidenceLinks(options.link_key.read_bytes(), options.base_url)
            app = create_app(
                store,
                deployment,
                box=box_of(options.secrets_key),
                links=links,
                live_socket=options.live,
                worker_figures=partial(told_in, options.workers) if options.workers else dict,
            )
            server = ConsoleServer(app, heartbeat=heartbeat_of(options.heartbeat))
            server.run(sockets=[socket.socket(fileno=options.listen_fd)])
        finally:
            store.close()

    live(options, run)


def _record(store: Store, deployment: Deployment) -> None:
    """A centre that cannot note what it starts with starts all the same."""
    from alerting import configuration_log
    from alerting.database import first_line

    try:
        if configuration_log.record(store, deployment, version("firewatch")):
            _log.info("configuration is another than before: version=%s", deployment.version)
    except SQLAlchemyError as error:
        _log.error("configuration not noted: %s", first_line(error))


if __name__ == "__main__":
    main()
