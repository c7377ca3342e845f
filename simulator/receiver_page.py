"""The page of the sandbox dispatch receiver: what arrived, for a person to see, in Chinese.

It shows any JSON object somebody sent, so nothing in it is trusted: every text is escaped, and pictures
are shown only when they are base64 JPEG inside the alert.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from simulator.receiver_inbox import ReceivedAlert, Rejection

SHOWN = 50
"""The newest alerts on the page; `GET /api/alerts` has them all."""

_LARGEST_TEXT = 20_000
_JPEG = re.compile(r"(?:data:image/jpeg;base64,)?(/9j/[A-Za-z0-9+/]+={0,2})")
_FIELDS = (  # first name found in the alert is shown; nested ones with dots
    ("火情", ("incident_id", "incident.id")),
    ("序号", ("sequence",)),
    ("类别", ("event", "label", "hazard")),
    ("拍摄时间", ("captured_at", "capture_time")),
    ("发送时间", ("sent_at", "sent_time")),
    ("纬度", ("position.lat_deg",)),
    ("经度", ("position.lon_deg",)),
    ("海拔（米）", ("position.height_m", "position.altitude_m")),
    ("摄像机", ("cameras.0.name", "camera.name", "cameras.0.id", "camera.id")),
    ("网格", ("grid.name", "grids.0.name", "grid_chain.0.name")),
)
_TYPES = {"alert": ("报警", "new"), "update": ("更新", "update"), "cancel": ("取消", "cancel")}
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
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 14px; margin: 0 0 8px }
dt { color: #5c6b64 } dd { margin: 0 } small { color: #5c6b64 } .rejected { color: #8a2b20 }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: #f2f4f3; padding: 8px; font-size: 12px }
@media (max-width: 700px) { article { flex-direction: column } img { width: 100% } }
"""


def page(alerts: Sequence[ReceivedAlert], rejections: Sequence[Rejection], mode: str) -> str:
    """The whole page as HTML, the newest alert first."""
    shown = alerts[::-1][:SHOWN]
    articles = "".join(_article(received) for received in shown) or "<p>尚未收到报警。</p>"
    rejected = "".join(
        f"<li>{_local(rejection.at)} {rejection.status} {escape(rejection.reason)}</li>"
        for rejection in rejections[::-1][:20]
    )
    rejected = f'<section class="rejected"><h2>已拒收</h2><ul>{rejected}</ul></section>' if rejected else ""
    return f"""<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta http-equiv="refresh" content="5">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>演练调度接收端</title><style>{_STYLE}</style></head>
<body><header><h1>演练调度接收端</h1>
<p>已收到 {len(alerts)} 条报警，拒收 {len(rejections)} 次；当前状态：{_MODES.get(mode, escape(mode))}。
本页仅供演练，每 5 秒刷新。</p>
</header><main>{articles}{rejected}</main></body></html>"""


def _article(received: ReceivedAlert) -> str:
    alert = received.alert
    kind = str(alert.get("type", ""))
    word, style = _TYPES.get(kind.lower(), (kind or "消息", ""))
    rows = "".join(
        f"<dt>{label}</dt><dd>{escape(_text(value))}</dd>"
        for label, names in _FIELDS
        if (value := next((v for name in names if (v := _lookup(alert, name)) is not None), None)) is not None
    )
    jpeg = next((match[1] for text in _texts(alert) if (match := _JPEG.fullmatch(text))), None)
    picture = f'<img alt="现场图片" src="data:image/jpeg;base64,{jpeg}">' if jpeg else ""
    source = json.dumps(_without_pictures(alert), ensure_ascii=False, indent=1)[:_LARGEST_TEXT]
    repeated = f"，共送达 {received.deliveries} 次" if received.deliveries > 1 else ""
    return (
        f'<article>{picture}<div><h2><b class="{style}">{escape(word)}</b> 第 {received.number} 条 '
        f"<small>{_local(received.received_at)} 收到{repeated}</small></h2>"
        f"<dl>{rows}</dl><details><summary>报文</summary><pre>{escape(source)}</pre></details></div></article>"
    )


def _lookup(value: Any, dotted: str) -> Any:
    for part in dotted.split("."):
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def _text(value: Any) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)[:200]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def _without_pictures(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_pictures(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_without_pictures(inner) for inner in value]
    if isinstance(value, str) and _JPEG.fullmatch(value):
        return f"（图片，{len(value) * 3 // 4 // 1024} KiB）"
    return value


def _local(at: Any) -> str:
    return f"<time>{at.astimezone().strftime('%Y-%m-%d %H:%M:%S')}</time>"
