"""Alerts and notices as people read them on a telephone: short, Chinese, the most important first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from typing import Any

from alerting.formats.cap import headline_zh
from alerting.formats.cautions import caution_zh
from alerting.formats.origin import CERTAINTIES, STATUSES, kind_of, local_time, place_zh


def title(message: dict[str, Any]) -> str:
    """One line that says what this is."""
    if kind_of(message) == "alert":
        return headline_zh(message)
    return ("【演练】" if message["exercise"] else "") + str(message["title"])


def text(message: dict[str, Any], zone: tzinfo, alert: dict[str, Any] | None = None) -> str:
    """What the title leaves open. `alert` is the newest one of the fire that a notice is about."""
    lines = []
    if kind_of(message) != "alert":
        lines.append(message["text"])
    told = message if kind_of(message) == "alert" else alert
    if told is not None:
        lines += _of_alert(told, zone)
    return "\n".join(line for line in lines if line)


def digest(messages: Sequence[dict[str, Any]]) -> tuple[str, str]:
    """Title and text of several messages that arrive as one, because more would not be read."""
    lines = [title(message) for message in messages]
    return f"{len(lines)}条火情消息：{lines[-1]}", "\n".join(
        f"{i}. {line}" for i, line in enumerate(lines, 1)
    )


def _of_alert(alert: dict[str, Any], zone: tzinfo) -> list[str]:
    caution = alert["location"].get("caution")
    link = next((one["url"] for one in reversed(alert["evidence"]) if one["url"]), None)
    accepted = (alert.get("response") or {}).get("accepted")
    late = f"；迟到，发送时间 {local_time(alert['sent_at'], zone)}" if alert["late"] else ""
    return [
        f"状态：{STATUSES.get(alert['status'], alert['status'])}（{CERTAINTIES[alert['certainty']]}）",
        f"已接单：{accepted['by']}，{local_time(accepted['at'], zone)}" if accepted else "",
        f"位置：{place_zh(alert)}",
        f"位置须慎用：{caution_zh(caution)}" if caution else "",
        f"摄像机：{'、'.join(one['name'] for one in alert['cameras'])}",
        f"拍摄时间：{local_time(alert['captured_at'], zone)}{late}",
        f"图片：{link}" if link else "",
    ]
