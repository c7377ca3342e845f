"""Watches a centre from another machine: it must answer, and say that its sender works, again and again.

Three missed heartbeats in a row are an alarm; it is repeated every `again_s` while the silence lasts, and the
end of the silence is told too. Pure but for what is passed in: how to ask, how to alarm, how to wait.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import httpx

MISSED = 3
INTERVAL_S = 60.0
AGAIN_S = 1800.0
TIMEOUT_S = 10.0

Ask = Callable[[], str | None]
"""None when the centre is well, or what is wrong."""


@dataclass(frozen=True)
class Report:
    """Something to tell people: the centre is silent, still silent, or heard again."""

    silent: bool
    at: datetime
    since: datetime
    reason: str

    @property
    def title(self) -> str:
        return "森林防火中心失联" if self.silent else "森林防火中心已恢复"

    @property
    def text(self) -> str:
        since = self.since.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        if self.silent:
            return f"自 {since} 起无心跳：{self.reason}。请立即检查中心、网络和电源。"
        return f"自 {since} 起的失联已结束。"


class Watch:
    """Counts missed heartbeats of one centre."""

    def __init__(
        self,
        ask: Ask,
        tell: Callable[[Report], None],
        clock: Callable[[], datetime],
        *,
        missed: int = MISSED,
        interval_s: float = INTERVAL_S,
        again_s: float = AGAIN_S,
    ) -> None:
        self._ask, self._tell, self._clock = ask, tell, clock
        self._missed, self._interval_s, self._again_s = missed, interval_s, again_s
        self._in_a_row = 0
        self._since: datetime | None = None
        self._reported_at: datetime | None = None

    def look(self) -> str | None:
        """Ask once; returns what is wrong."""
        problem = self._ask()
        now = self._clock()
        if problem is None:
            if self._reported_at is not None and self._since is not None:
                self._tell(Report(False, now, self._since, ""))
            self._in_a_row, self._since, self._reported_at = 0, None, None
            return None
        self._in_a_row += 1
        self._since = self._since or now
        if self._in_a_row >= self._missed and self._is_time_to_report(now):
            self._reported_at = now
            self._tell(Report(True, now, self._since, problem))
        return problem

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self.look()
            stop.wait(self._interval_s)

    def _is_time_to_report(self, now: datetime) -> bool:
        if self._reported_at is None:
            return True
        waited_s = (now - self._reported_at).total_seconds()
        return waited_s >= self._again_s or waited_s < 0


def asking(url: str, timeout_s: float = TIMEOUT_S, verify: bool | str = True) -> Ask:
    """Asks the centre whose console is at `url`."""
    address = url.rstrip("/") + "/heartbeat"

    def ask() -> str | None:
        try:
            answer = httpx.get(address, timeout=timeout_s, trust_env=False, verify=verify)
        except httpx.TimeoutException:
            return f"{timeout_s:g} 秒内无应答"
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return f"无法连接（{type(error).__name__}: {error}）"
        if answer.status_code == 200 and answer.headers.get("content-type", "").startswith(
            "application/json"
        ):
            return None
        return f"HTTP {answer.status_code}: {answer.text[:200]}"

    return ask
