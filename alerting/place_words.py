"""Where a fire is from a named place, in words; one way of saying it in all messages."""

from __future__ import annotations

from alerting.records import NearPlace

_AT_M = 100.0
"""Nearer than this it is the place itself."""

_ZH = ("北", "东北", "东", "东南", "南", "西南", "西", "西北")
_EN = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")


def near_zh(place: NearPlace) -> str:
    """
    >>> near_zh(NearPlace("大岗顶", "Dagangding", 1234.0, 40.0))
    '大岗顶东北1.2公里'
    >>> near_zh(NearPlace("大岗顶", None, 20.0, 0.0))
    '大岗顶附近'
    """
    if place.distance_m < _AT_M:
        return f"{place.name}附近"
    away = f"{place.distance_m / 1000:.1f}公里" if place.distance_m >= 950 else f"{_metres(place)}米"
    return f"{place.name}{_ZH[_eighth(place)]}{away}"


def near_en(place: NearPlace) -> str:
    """
    >>> near_en(NearPlace("大岗顶", "Dagangding", 1234.0, 40.0))
    '1.2 km north-east of Dagangding'
    >>> near_en(NearPlace("大岗顶", None, 430.0, 359.0))
    '450 m north of 大岗顶'
    """
    name = place.name_en or place.name
    if place.distance_m < _AT_M:
        return f"at {name}"
    away = f"{place.distance_m / 1000:.1f} km" if place.distance_m >= 950 else f"{_metres(place)} m"
    return f"{away} {_EN[_eighth(place)]} of {name}"


def _metres(place: NearPlace) -> int:
    return 50 * round(place.distance_m / 50)


def _eighth(place: NearPlace) -> int:
    return round(place.bearing_deg / 45) % 8
