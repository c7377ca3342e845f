"""The page of the sandbox dispatch receiver: what arrived, for a person to see, in Chinese.

It knows the fields of our alert messages but trusts nothing in them: any part may be missing or of another
type, every text is escaped, and a picture is shown only when it is a base64 JPEG inside the message.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from html import escape
from typing import Any

from simulator.receiver_inbox import ReceivedAlert, Rejection
from simulator.receiver_messages import kind_of

SHOWN = 50
"""The newest alerts on the page; `GET /api/alerts` has them all."""

_LARGEST_TEXT = 20_000
_JPEG = re.compile(r"/9j/[A-Za-z0-9+/]+={0,2}")
_CHINA = timezone(timedelta(hours=8))
_TYPES = {"Alert": ("报警", "new"), "Update": ("更新", "update"), "Cancel": ("取消", "cancel")}
_EVENTS = {"smoke": "烟", "fire": "明火"}
_CERTAINTIES = {"Observed": "人工确认", "Likely": "机器确认", "Unlikely": "已排除"}
_MISSING = "—"
_MODES = {
    "ok": "正常",
    "fail": "失败",
    "status": "返回错误码",
    "delay": "延迟",
    "hang": "挂起",
    "reset": "断开连接",
}

_STYLE = """
body { font: 15px/1.5 "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif; margin: 0;
  background: #f2f4f3; color: #1d2421 }
header { background: #1f3d2f; color: #fff; padding: 14px 24px }
h1 { font-size: 20px; margin: 0 } header p { margin: 4px 0 0; opacity: .85 }
main { max-width: 1100px; margin: 16px auto; padding: 0 16px }
article { background: #fff; border-radius: 8px; margin-bottom: 14px; padding: 14px; display: flex; gap: 16px;
  box-shadow: 0 1px 3px #0002 }
article > div { flex: 1; min-width: 0 }
img { width: 320px; height: auto; border-radius: 4px; align-self: flex-start }
h2 { font-size: 16px; margin: 0 0 6px }
b { padding: 1px 8px; border-radius: 4px; color: #fff; background: #666 }
b.new { background: #c0392b } b.update { background: #b9770e } b.cancel { background: #3d7a58 }
b.exercise { background: #1d6fb8 } b.notice { background: #5c6b64 }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 14px; margin: 0 0 8px }
dt { color: #5c6b64 } dd { margin: 0 } small { color: #5c6b64 } .rejected { color: #8a2b20 }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: #f2f4f3; padding: 8px; font-size: 12px }
@media (max-width: 700px) { article { flex-direction: column } img { width: 100% } }
"""


def page(
    alerts: Sequence[ReceivedAlert],
    rejections: Sequence[Rejection],
    mode: str,
    heartbeat_at: datetime | None = None,
) -> str:
    """The whole page as HTML, the newest alert first."""
    shown = alerts[::-1][:SHOWN]
    articles = "".join(_article(received) for received in shown) or "<p>尚未收到报警。</p>"
    rejected = "".join(
        f"<li>{_local(rejection.at)} {rejection.status} {escape(rejection.reason)}</li>"
        for rejection in rejections[::-1][:20]
    )
    rejected = f'<section class="rejected"><h2>已拒收</h2><ul>{rejected}</ul></section>' if rejected else ""
    heard = f"；最近心跳 {_local(heartbeat_at)}" if heartbeat_at is not None else "；尚无心跳"
    return f"""<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta http-equiv="refresh" content="5">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>演练调度接收端</title><style>{_STYLE}</style></head>
<body><header><h1>演练调度接收端</h1>
<p>已收到 {len(alerts)} 条报警，拒收 {len(rejections)} 次；当前状态：{_MODES.get(mode, escape(mode))}{heard}。
本页仅供演练，每 5 秒刷新。</p>
</header><main>{articles}{rejected}</main></body></html>"""


def _article(received: ReceivedAlert) -> str:
    alert = received.alert
    word, style = _TYPES.get(str(alert.get("type")), ("消息", ""))
    if kind_of(alert) == "notice":
        word, style = "通知", "notice"
    if alert.get("exercise") is True:
        word, style = f"演练 · {word}", "exercise"
    rows = "".join(f"<dt>{label}</dt><dd>{escape(text)}</dd>" for label, text in _rows(alert))
    encoded = _at(alert, "picture", "base64")
    has_jpeg = isinstance(encoded, str) and _JPEG.fullmatch(encoded)
    picture = f'<img alt="现场图片" src="data:image/jpeg;base64,{encoded}">' if has_jpeg else ""
    shown = {**alert, "picture": "（见图）"} if has_jpeg else alert
    source = json.dumps(shown, ensure_ascii=False, indent=1)[:_LARGEST_TEXT]
    repeated = f"，共送达 {received.deliveries} 次" if received.deliveries > 1 else ""
    return (
        f'<article>{picture}<div><h2><b class="{style}">{word}</b> 第 {received.number} 条 '
        f"<small>{_local(received.received_at)} 收到{repeated}</small></h2>"
        f"<dl>{rows}</dl><details><summary>报文</summary><pre>{escape(source)}</pre></details></div></article>"
    )


def _rows(alert: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What a dispatcher asks first: which fire, what, where, whose ground, seen when and by whom."""
    if "title" in alert:  # a notice, or CAP: both say themselves what they are
        yield "标题", _text(alert.get("title"))
        yield "内容", _text(alert.get("text"))
        for label, name in (("CAP 状态", "cap_status"), ("区域", "area"), ("替代", "references")):
            if alert.get(name):
                yield label, _text(alert.get(name))
        yield "时间", _written_time(alert.get("captured_at") or alert.get("issued_at"))
        return
    yield "火情", f"{_text(alert.get('incident_number'))} 号，第 {_text(alert.get('sequence'))} 报"
    event, certainty = _text(alert.get("event")), _text(alert.get("certainty"))
    yield "类别", f"{_EVENTS.get(event, event)}（{_CERTAINTIES.get(certainty, certainty)}）"
    lat_deg, lon_deg = _at(alert, "location", "lat_deg"), _at(alert, "location", "lon_deg")
    if isinstance(lat_deg, int | float) and isinstance(lon_deg, int | float):
        radius_m = _text(_at(alert, "location", "ellipse_95", "semi_major_m"))
        height_m = _text(_at(alert, "location", "height_m"))
        yield "位置", f"北纬 {lat_deg:.5f}°，东经 {lon_deg:.5f}°，海拔 {height_m} 米，误差 {radius_m} 米"
    else:
        yield "位置", "仅有方位，无坐标"
    yield "责任区", _names(alert.get("grid_chain"), " · ")
    yield "摄像机", _names(alert.get("cameras"), "、")
    yield "拍摄时间", _written_time(alert.get("captured_at"))
    late = "（迟到）" if alert.get("late") is True else ""
    yield "发送时间", _written_time(alert.get("sent_at")) + late


def _at(value: Any, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _names(parts: Any, between: str) -> str:
    parts = parts if isinstance(parts, list) else []
    return between.join(_text(_at(part, "name")) for part in parts[:10]) or _MISSING


def _text(value: Any) -> str:
    return _MISSING if value is None else str(value)[:200]


def _written_time(value: Any) -> str:
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return _text(value)
    return _in_china(at) if at.tzinfo else _text(value)


def _local(at: datetime) -> str:
    return f"<time>{_in_china(at)}</time>"


def _in_china(at: datetime) -> str:
    return at.astimezone(_CHINA).strftime("%Y-%m-%d %H:%M:%S")
