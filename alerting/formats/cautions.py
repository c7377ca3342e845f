"""Why a position deserves distrust, in Chinese: the words that `alerting.location` and `alerting.association`
write in English. What is not known here stays as it was written; nothing is left out."""

from __future__ import annotations

import re

_KNOWN = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (
            r"with (\d+) % probability the fire stands behind this ridge, up to ([\d.]+) km away",
            r"有\1%的可能火点在山脊背后，最远\2公里",
        ),
        (
            r"with (\d+) % probability the fire stands on a slope farther away",
            r"有\1%的可能火点在更远的山坡上",
        ),
        (r"with (\d+) % probability the fire stands on a slope nearer by", r"有\1%的可能火点在更近的山坡上"),
        (
            r"the line of sight grazes the ground at ([\d.]+) degrees, the range is unsure",
            r"视线与地面夹角仅\1°，距离不确定",
        ),
        (
            r"the fire stands behind a ridge, between ([\d.]+) and ([\d.]+) km along this bearing",
            r"火点在山脊背后，沿此方位\1至\2公里之间",
        ),
        (
            r"the camera stands ([\d.]+) degrees off its pose, the position is unreliable",
            r"摄像机偏离标定方位\1°，定位不可靠",
        ),
        (r"the camera is turned away from its pose.*", "摄像机已转离标定方位，定位不可靠"),
        (r"the ground's height is not known.*", "缺少地面高程，只有方位"),
        (r"the line of sight passes above the ground", "视线未与地面相交，只有方位"),
        (r"the elevation model ends ([\d.]+) km away.*", r"高程数据只到\1公里，只有方位"),
        (r"there is no elevation model.*", "没有高程数据，按平地估算，距离很不确定"),
        (r"the position could not be worked out", "未能算出位置，只有方位"),
        (r"possibly two fires on this bearing", "此方位可能有两处火"),
        (r"the cameras do not agree on a place.*", "各摄像机定位不一致，所示为最可靠的一处"),
        (r"(\d+) of (\d+) lines of sight does not fit, it is left out", r"\2条视线中有\1条不符，未采用"),
    )
)


def caution_zh(caution: str) -> str:
    """
    >>> caution_zh("possibly two fires on this bearing; something new")
    '此方位可能有两处火；something new'
    """
    return "；".join(_one(part) for part in caution.split("; "))


def _one(part: str) -> str:
    for pattern, words in _KNOWN:
        if (match := pattern.fullmatch(part)) is not None:
            return match.expand(words)
    return part
