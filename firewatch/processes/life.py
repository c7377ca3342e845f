"""What every process of ours does alike: logging, stop signals, the heartbeat, errors that need a person."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType

from alerting.secret_box import SecretBox
from config import Deployment, load
from firewatch.failures import EXIT_FAULT, EXIT_KNOWN, known_error_types
from firewatch.logs import start_logging

_log = logging.getLogger(__name__)


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = threading.Event()

    def set_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, set_stop)
    return stop


def heartbeat_of(path: Path | None) -> Callable[[], None]:
    """A function that tells the supervisor we are alive."""
    return path.touch if path is not None else lambda: None


def parser(name: str, description: str) -> argparse.ArgumentParser:
    """Options that all processes share."""
    made = argparse.ArgumentParser(prog=f"python -m firewatch.processes.{name}", description=description)
    made.add_argument("config", type=Path, help="deployment file")
    made.add_argument("--heartbeat", type=Path, help="file to touch while alive")
    made.add_argument(
        "--secrets-key", type=Path, help="file with the key of the addresses and secrets in the store"
    )
    made.set_defaults(process=name)
    return made


def box_of(key_file: Path | None) -> SecretBox | None:
    """Opens the addresses of cameras in the store; without it those that were added there stay closed."""
    return SecretBox(key_file) if key_file is not None else None


def run_all(stop: threading.Event, jobs: Mapping[str, Callable[[threading.Event], None]]) -> None:
    """Run jobs side by side until `stop` is set. One that ends by a fault ends the process: the supervisor
    starts a fresh one."""
    faults: list[BaseException] = []

    def run(job: Callable[[threading.Event], None]) -> None:
        try:
            job(stop)
        except BaseException as error:
            faults.append(error)
            stop.set()

    threads = [threading.Thread(target=run, args=(job,), name=name) for name, job in jobs.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]


def add_link_options(made: argparse.ArgumentParser) -> None:
    """Options of the processes that sign or check links to evidence."""
    made.add_argument("--link-key", type=Path, required=True, help="file with the signing key")
    made.add_argument("--base-url", required=True, help="how receivers of alerts reach the console")


def live(options: argparse.Namespace, run: Callable[[Deployment], None]) -> None:
    """Run a process body; errors that only a person can mend end it with code 2, others with 1."""
    start_logging()
    try:
        deployment = load(options.config)
        start_logging(settings=deployment.logs, name=options.process)
        run(deployment)
    except known_error_types() as error:
        # An OSError (disk full, port taken) may pass; what our packages raise on purpose at start does not.
        code = EXIT_FAULT if isinstance(error, OSError) else EXIT_KNOWN
        _log.critical("cannot work: %s", error)
        sys.exit(code)
    except Exception:
        _log.exception("process failed")
        sys.exit(EXIT_FAULT)
