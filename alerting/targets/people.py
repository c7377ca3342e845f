"""One message to one person, by Apprise (WeCom, DingTalk, Feishu, e-mail, SMS gateways), on every channel.

The person counts as told when one channel took it; what became of the others stands in the reason. Apprise
says only yes or no, so whatever fails is tried again later.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

import apprise
from apprise.attachment.memory import AttachMemory

from alerting.targets.line import Answer, Outcome, shortened
from config.secrets import SecretSource

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Message:
    """What a person reads."""

    title: str
    text: str
    picture_jpeg: bytes | None = None
    urgent: bool = True


class PeopleLine:
    """Reaches people through the deployment's gateways. May be shared between threads."""

    def __init__(self, gateways: Mapping[str, SecretSource]) -> None:
        self._gateways = dict(gateways)
        _reasons.listen()

    @property
    def gateways(self) -> tuple[str, ...]:
        return tuple(self._gateways)

    def send(self, channels: Mapping[str, str], message: Message) -> Answer:
        """Never raises for anything a gateway does."""
        known = {name: address for name, address in channels.items() if name in self._gateways}
        if not known:
            return Answer(Outcome.REFUSED, f"no gateway for {', '.join(channels) or 'any channel'}")
        failures = []
        for gateway, address in known.items():
            if (failure := self._send_by(gateway, address, message)) is not None:
                failures.append(f"{gateway}: {failure}")
        reason = shortened("; ".join(failures))
        if len(failures) == len(known):
            return Answer(Outcome.RETRY, reason)
        return Answer(Outcome.ACKNOWLEDGED, reason)

    def _send_by(self, gateway: str, address: str, message: Message) -> str | None:
        """None when taken, or why not."""
        url = self._gateways[gateway].reveal().replace("{address}", quote(address, safe=""))
        service = apprise.Apprise.instantiate(url)
        if service is None:
            return "the gateway's URL is none that Apprise knows"
        attach = None
        if message.picture_jpeg is not None and service.attachment_support:
            attach = apprise.AppriseAttachment()
            attach.add(AttachMemory(message.picture_jpeg, name="fire.jpg", mimetype="image/jpeg"))
        with _reasons.collecting() as collected:
            try:
                # The service itself, in this thread: Apprise's own pool of threads is shared by all, and a
                # gateway that hangs would fill it.
                taken = service.notify(
                    body=message.text,
                    title=message.title,
                    notify_type=apprise.NotifyType.FAILURE if message.urgent else apprise.NotifyType.INFO,
                    body_format=apprise.NotifyFormat.TEXT,
                    attach=attach,
                )
            except Exception as error:  # a plugin of theirs must not end the thread that tells everybody else
                _log.exception("gateway failed in an unforeseen way: gateway=%s", gateway)
                return type(error).__name__
        return None if taken else (collected[-1] if collected else "not accepted")


class _Reasons(logging.Handler):
    """What Apprise logs as warnings while this thread sends: its only word on why."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._local = threading.local()

    def listen(self) -> None:
        logger = logging.getLogger("apprise")
        if self not in logger.handlers:
            logger.addHandler(self)

    def collecting(self) -> _Reasons:
        return self

    def __enter__(self) -> list[str]:
        self._local.collected = []
        collected: list[str] = self._local.collected
        return collected

    def __exit__(self, *_: object) -> None:
        self._local.collected = None

    def emit(self, record: logging.LogRecord) -> None:
        collected = getattr(self._local, "collected", None)
        if collected is not None:
            collected.append(record.getMessage())


_reasons = _Reasons()
