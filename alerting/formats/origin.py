"""What every format needs to know about the sender, and the words that messages are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any, Literal

Kind = Literal["alert", "notice", "heartbeat"]

EVENTS = {"smoke": "烟", "fire": "明火"}
STATUSES = {
    "suspected": "疑似",
    "confirmed": "已确认",
    "dismissed": "已排除",
    "dispatched": "已派警",
    "on_scene": "已到场",
    "controlled": "已控制",
    "closed": "已结案",
}
CERTAINTIES = {"Observed": "人工确认", "Likely": "机器确认", "Unlikely": "已排除"}
TYPES = {"Alert": "报警", "Update": "更新", "Cancel": "取消"}


class MessageError(Exception):
    """A message that cannot be made, or does not fit its published schema."""


@dataclass(frozen=True)
class Origin:
    """The centre that sends."""

    name: str
    sender: str = "firewatch.local"
    time_zone: tzinfo = field(default=UTC)


def kind_of(message: dict[str, Any]) -> Kind:
    """Which of the three a message is.

    >>> kind_of({"format": "firewatch.notice/1"})
    'notice'
    """
    name = str(message["format"]).removeprefix("firewatch.").partition("/")[0]
    if name == "notice":
        return "notice"
    return "heartbeat" if name == "heartbeat" else "alert"


def moment(text: str) -> datetime:
    """A time of a message.

    >>> moment("2026-11-24T04:00:08.000Z")
    datetime.datetime(2026, 11, 24, 4, 0, 8, tzinfo=datetime.timezone.utc)
    """
    return datetime.fromisoformat(text).astimezone(UTC)


def local_time(text: str, zone: tzinfo) -> str:
    """A time of a message, for people.

    >>> local_time("2026-11-24T04:00:08.000Z", UTC)
    '2026-11-24 04:00:08'
    """
    return moment(text).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def place_zh(alert: dict[str, Any]) -> str:
    """Whose ground, largest area first, and where, in one line of Chinese."""
    names = "".join(area["name"] for area in reversed(alert["grid_chain"]))
    where = alert["location"]
    if where.get("lat_deg") is not None:
        radius = (where.get("ellipse_95") or {}).get("semi_major_m")
        point = f"北纬{where['lat_deg']:.5f}° 东经{where['lon_deg']:.5f}°"
        near = (where.get("near_place") or {}).get("words_zh")
        named = f"{names}，{near}" if names and near else near or names
        return f"{named or '责任区未知'}（{point}" + (
            f"，误差{radius:.0f}米）" if radius is not None else "）"
        )
    return f"{names or '位置未定'}（{bearings(alert, '方位{:.1f}°')}）"


def place_en(alert: dict[str, Any]) -> str:
    """As `place_zh`, in English."""
    names = ", ".join(area["name"] for area in alert["grid_chain"])
    where = alert["location"]
    if where.get("lat_deg") is not None:
        radius = (where.get("ellipse_95") or {}).get("semi_major_m")
        point = f"{where['lat_deg']:.5f} N {where['lon_deg']:.5f} E"
        near = (where.get("near_place") or {}).get("words_en")
        named = f"{near}, {names}" if names and near else near or names
        return f"{named or 'no known area'} ({point}" + (
            f", within {radius:.0f} m)" if radius is not None else ")"
        )
    return f"{names or 'no known point'} ({bearings(alert, 'bearing {:.1f} deg')})"


def bearings(alert: dict[str, Any], words: str) -> str:
    return ", ".join(f"{one['name']} {words.format(one['bearing_deg'])}" for one in alert["cameras"])
