"""One line an event: time, level, who, what, and key=value pairs; for people, or as JSON for collectors.

Processes log to standard error, where the service manager takes it (the journal is told how grave a line is),
and, where the deployment names a folder, also into a file each that begins anew every day (UTC) and is kept
for a time.
"""

from __future__ import annotations

import json
import logging
import os
import re
import time
from datetime import UTC, datetime
from logging.handlers import TimedRotatingFileHandler
from pathlib import Path

from config.logs import LogSettings

_FORMAT = "%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s %(message)s"
_PAIR = re.compile(r"(?<![\w.])([a-z][a-z_]*)=([^\s;,]+?)(?=:?(?:[\s;,]|$))")  # a time has colons inside

_PLAIN = LogSettings()

ACCESS = "firewatch.access"
"""The logger of `console.access`: who asked for what, in a file of its own or nowhere."""


_CREDENTIALS = re.compile(r"([a-z][a-z0-9+.-]*://)[^/\s@]+@", re.IGNORECASE)


def without_credentials(text: str) -> str:
    """Our own messages hold none; what a library says in an exception may.

    >>> without_credentials("cannot open rtsp://admin:s3cret@10.2.0.11/live")
    'cannot open rtsp://***@10.2.0.11/live'
    """
    return _CREDENTIALS.sub(r"\1***@", text)


class Lines(logging.Formatter):
    """An event as a line for people, times in UTC."""

    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        return without_credentials(super().format(record))


class JsonLines(logging.Formatter):
    """An event as one JSON object; the key=value pairs of its text are members of `fields`.

    >>> record = logging.LogRecord("alerting", 20, "", 0, "sent camera=%s ms=%d", ("dns-01", 7), None)
    >>> made = json.loads(JsonLines().format(record))
    >>> made["message"], made["fields"]
    ('sent camera=dns-01 ms=7', {'camera': 'dns-01', 'ms': '7'})
    """

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        event = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "process": record.process,
            "message": message,
            "fields": dict(_PAIR.findall(message)),
        }
        if record.exc_info:
            event["exception"] = self.formatException(record.exc_info)
        return without_credentials(json.dumps(event, ensure_ascii=False))


class JournalLines(logging.Formatter):
    """Another formatter's lines, each behind its priority (sd-daemon(3)): `journalctl -p warning` finds them.

    >>> record = logging.LogRecord("alerting", logging.WARNING, "", 0, "blind camera=%s", ("dns-01",), None)
    >>> JournalLines(Lines("%(message)s")).format(record)
    '<4>blind camera=dns-01'
    """

    def __init__(self, lines: logging.Formatter) -> None:
        super().__init__()
        self._lines = lines

    def format(self, record: logging.LogRecord) -> str:
        priority = next(number for level, number in _PRIORITIES if record.levelno >= level)
        return "\n".join(f"<{priority}>{line}" for line in self._lines.format(record).splitlines())


_PRIORITIES = (
    (logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (logging.NOTSET, 7),
)  # fmt: skip


def _journal_has_our_errors() -> bool:
    """systemd names the file that it gave us as standard error; a process may have got another one since."""
    try:
        given = os.fstat(2)
    except OSError:  # closed
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{given.st_dev}:{given.st_ino}"


def start_logging(level: int = logging.INFO, settings: LogSettings = _PLAIN, name: str = "firewatch") -> None:
    """Once per process, and again when its settings are known. `name` is the file's, without `.log`."""
    formatter = _formatter(settings)
    handlers: list[logging.Handler] = [logging.StreamHandler()]
    if settings.folder is not None:
        handlers.append(_daily(settings, name))
    for handler in handlers:
        handler.setFormatter(formatter)
    if _journal_has_our_errors():
        handlers[0].setFormatter(JournalLines(formatter))
    logging.basicConfig(level=level, handlers=handlers, force=True)
    for noisy in ("httpx", "httpcore", "alembic", "uvicorn.access", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def start_access_log(settings: LogSettings) -> None:
    """Requests to the console go into `access.log`; without a folder they are not written down."""
    access = logging.getLogger(ACCESS)
    access.propagate = False
    for old in access.handlers[:]:
        access.removeHandler(old)
        old.close()
    if settings.folder is None:
        access.addHandler(logging.NullHandler())
        return
    handler = _daily(settings, "access")
    handler.setFormatter(_formatter(settings))
    access.addHandler(handler)
    access.setLevel(logging.INFO)


def _formatter(settings: LogSettings) -> logging.Formatter:
    return JsonLines() if settings.form == "json" else Lines(_FORMAT, datefmt="%Y-%m-%dT%H:%M:%S")


def _daily(settings: LogSettings, name: str) -> logging.Handler:
    assert settings.folder is not None
    folder = Path(settings.folder)
    folder.mkdir(parents=True, exist_ok=True)
    return TimedRotatingFileHandler(
        folder / f"{name}.log", when="midnight", utc=True, backupCount=settings.keep_days, encoding="utf-8"
    )
