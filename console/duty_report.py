"""The duty report: what happened in a day, a month, or any span of days, for the file and for superiors.

Gathered once (`gather`), put into headings and tables (`sections`), and written as page or PDF from these.
Exercises are not in it; days and times are those of the deployment's zone.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from html import escape
from itertools import islice
from typing import Any, Literal
from zoneinfo import ZoneInfo

from alerting import archive
from alerting.archive import Delay, Outcome, Statistics, Wanted, outcome_of
from alerting.camera_periods import blind_minutes, days_until, minutes_per_day, span_of
from alerting.records import IncidentSummary
from alerting.store import Store
from config import Deployment

Language = Literal["zh", "en"]
MOST_INCIDENTS = 1000
"""Listed one by one; a span with more is an export's business, and the report says how many it leaves out."""

_WORDS: dict[Language, dict[str, str]] = {
    "zh": {
        "title": "值班报告", "made": "生成于", "by": "生成人",
        "summary": "概况", "all": "报警总数", "wildfire": "山火", "permitted_burn": "审批用火",
        "other_smoke": "其他烟雾", "false_alarm": "误报", "open": "待研判",
        "per_camera": "误报 / 每摄像机每天", "times": "用时（中位数；九成不超过）",
        "seen_to_confirmed": "首次发现 → 系统确认", "confirmed_to_told": "系统确认 → 接收方签收",
        "raised_to_judged": "报警 → 人工研判", "raised_to_closed": "报警 → 办结",
        "causes": "误报原因", "cause": "原因", "count": "次数",
        "cameras": "摄像机", "camera": "摄像机", "alarms": "报警", "blind": "失明分钟", "available": "可用率",
        "incidents": "火情明细", "number": "编号", "time": "时间", "kind": "类型", "place": "地点",
        "result": "结果", "hands": "受理 / 移交", "smoke": "烟", "fire": "明火", "none": "无",
        "page": "第 {n} 页",
        "left_out": "另有 {n} 起未列出，请用导出功能。", "cloud": "云", "fog": "雾", "dust": "扬尘",
        "glare": "反光眩光", "light": "灯光", "water": "水面水汽", "lens": "镜头虫雨", "other": "其他原因",
    },
    "en": {
        "title": "Duty report", "made": "made", "by": "by",
        "summary": "Summary", "all": "Alarms", "wildfire": "Wildfire", "permitted_burn": "Permitted burn",
        "other_smoke": "Other smoke", "false_alarm": "False alarm", "open": "To be judged",
        "per_camera": "False alarms a camera and day", "times": "Times taken (median; nine in ten within)",
        "seen_to_confirmed": "First seen to confirmed", "confirmed_to_told": "Confirmed to acknowledged",
        "raised_to_judged": "Raised to judged", "raised_to_closed": "Raised to closed",
        "causes": "Causes of false alarms", "cause": "Cause", "count": "Count",
        "cameras": "Cameras", "camera": "Camera", "alarms": "Alarms", "blind": "Blind minutes",
        "available": "Availability", "incidents": "Incidents", "number": "Number", "time": "Time",
        "kind": "Kind", "place": "Place", "result": "Result", "hands": "Taken / handed to", "smoke": "Smoke",
        "fire": "Fire", "none": "None", "page": "Page {n}",
        "left_out": "{n} more are not listed; export them.",
        "cloud": "Cloud", "fog": "Fog", "dust": "Dust", "glare": "Glare", "light": "Light",
        "water": "Water", "lens": "Lens", "other": "Other",
    },
}  # fmt: skip


@dataclass(frozen=True)
class CameraLine:
    name: str
    alarms: int
    blind_minutes: float
    available: float
    """Share of the span in which it could have seen a fire."""


@dataclass(frozen=True)
class Report:
    """Everything a report says. `days` are local, both included."""

    centre: str
    days: tuple[date, date]
    zone: ZoneInfo
    made_at: datetime
    made_by: str
    figures: Statistics
    cameras: tuple[CameraLine, ...]
    incidents: tuple[IncidentSummary, ...]
    left_out: int
    camera_names: dict[str, str]


@dataclass(frozen=True)
class Section:
    """A heading and a table; the first row names the columns, unless it is a list of two columns."""

    heading: str
    rows: tuple[tuple[str, ...], ...]
    has_header: bool = True
    note: str = ""


EARLIEST_YEAR, LATEST_YEAR = 2000, 2199
"""Far from where local midnights leave the calendar."""


def gather(store: Store, deployment: Deployment, first: date, last: date, by: str) -> Report:
    """The report of local days `first` to `last`. Raises ValueError for a span that makes no sense."""
    if first.year < EARLIEST_YEAR or last.year > LATEST_YEAR:
        raise ValueError(f"days of the years {EARLIEST_YEAR} to {LATEST_YEAR} can be told")
    if not first <= last <= first + timedelta(days=archive.MOST_DAYS - 1):
        raise ValueError(
            f"the last day must not come before the first, and at most {archive.MOST_DAYS} later"
        )
    zone, now = ZoneInfo(deployment.time_zone), store.clock()
    days = days_until(last, (last - first).days + 1)
    since, until = span_of(days, zone)
    cameras = [camera for camera in deployment.cameras if camera.enabled]
    figures = archive.figures(store, since, until, zone, len(cameras))
    minutes = minutes_per_day(store.camera_periods(since, until), days, zone, now)
    watched_min = max(0.0, (min(until, now) - since).total_seconds() / 60)

    def line(camera_id: str, name: str) -> CameraLine:
        blind = sum(blind_minutes(minutes.get((camera_id, day), {})) for day in days)
        tally = figures.by_camera.get(camera_id)
        available = max(0.0, 1 - blind / watched_min) if watched_min else 1.0
        return CameraLine(name, tally.total if tally else 0, blind, available)

    listed = tuple(islice(archive.every(store, Wanted(since, until)), MOST_INCIDENTS))
    return Report(
        centre=deployment.name,
        days=(first, last),
        zone=zone,
        made_at=now,
        made_by=by,
        figures=figures,
        cameras=tuple(line(camera.id, camera.name) for camera in cameras),
        incidents=listed,
        left_out=figures.all.total - len(listed),
        camera_names={camera.id: camera.name for camera in deployment.cameras},
    )


def title_of(report: Report, language: Language) -> str:
    first, last = report.days
    span = f"{first:%Y-%m-%d}" if first == last else f"{first:%Y-%m-%d} – {last:%Y-%m-%d}"
    return f"{report.centre} {_WORDS[language]['title']} {span}"


def sections(report: Report, language: Language) -> tuple[Section, ...]:
    words, figures = _WORDS[language], report.figures
    outcomes: tuple[Outcome, ...] = ("wildfire", "permitted_burn", "other_smoke", "false_alarm", "open")
    summary = [
        (words["all"], str(figures.all.total)),
        *((words[name], str(getattr(figures.all, name))) for name in outcomes),
        (words["per_camera"], f"{figures.false_alarms_per_camera_day:.3f}"),
    ]
    times = [
        (words[name], _delay(getattr(figures, name)))
        for name in ("seen_to_confirmed", "confirmed_to_told", "raised_to_judged", "raised_to_closed")
    ]
    causes = [(words["cause"], words["count"])]
    causes += [(words[cause.value], str(count)) for cause, count in figures.by_cause.items()]
    cameras = [(words["camera"], words["alarms"], words["blind"], words["available"])]
    cameras += [
        (one.name, str(one.alarms), f"{one.blind_minutes:.0f}", f"{one.available:.2%}")
        for one in report.cameras
    ]
    incidents = [
        tuple(words[name] for name in ("number", "time", "kind", "place", "camera", "result", "hands"))
    ]
    incidents += [_incident(one, report, words) for one in report.incidents]
    return (
        Section(words["summary"], tuple(summary), has_header=False),
        Section(words["times"], tuple(times), has_header=False),
        Section(words["causes"], tuple(causes)),
        Section(words["cameras"], tuple(cameras)),
        Section(
            words["incidents"],
            tuple(incidents),
            note=words["left_out"].format(n=report.left_out) if report.left_out > 0 else "",
        ),
    )


def _incident(one: IncidentSummary, report: Report, words: dict[str, str]) -> tuple[str, ...]:
    response, outcome = one.response, outcome_of(one.status, one.verdict)
    result = words[outcome] + (f" · {words[one.cause.value]}" if one.cause else "")
    hands = " → ".join(name for name in (response.acknowledged_by, response.assigned_to) if name)
    return (
        f"#{one.number}",
        f"{one.confirmed_at.astimezone(report.zone):%m-%d %H:%M:%S}",
        words[one.label],
        one.grid_chain[0].name if one.grid_chain else "",
        ", ".join(report.camera_names.get(camera_id, camera_id) for camera_id in one.camera_ids),
        result,
        hands,
    )


def _delay(delay: Delay) -> str:
    if delay.median_s is None or delay.p90_s is None:
        return "–"
    return f"{_span(delay.median_s)}; {_span(delay.p90_s)}"


def _span(seconds: float) -> str:
    """
    >>> _span(75), _span(7325)
    ('1:15', '2:02:05')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _made(report: Report, language: Language) -> str:
    words, at = _WORDS[language], report.made_at.astimezone(report.zone)
    return f"{words['made']} {at:%Y-%m-%d %H:%M} · {words['by']} {report.made_by}"


def to_page(report: Report, language: Language) -> str:
    """A page of its own; its looks are in `web/css/report.css`, for the console allows no inline style."""
    title = escape(title_of(report, language))
    parts = [
        f'<!doctype html><html lang="{language}"><meta charset="utf-8"><title>{title}</title>'
        '<link rel="stylesheet" href="/web/css/report.css">'
        f"<main><h1>{title}</h1><p>{escape(_made(report, language))}</p>"
    ]
    for section in sections(report, language):
        header, rows = (section.rows[:1], section.rows[1:]) if section.has_header else ((), section.rows)
        parts.append(f"<h2>{escape(section.heading)}</h2><table>")
        parts += [f"<thead>{_row(row, 'th')}</thead>" for row in header]
        parts += ["<tbody>", *(_row(row, "td") for row in rows), "</tbody></table>"]
        if not rows:
            parts.append(f"<p>{_WORDS[language]['none']}</p>")
        if section.note:
            parts.append(f"<p>{escape(section.note)}</p>")
    return "".join([*parts, "</main></html>"])


def _row(cells: Sequence[str], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"


def to_pdf(report: Report, language: Language) -> bytes:
    """A4. Chinese in the reader's own song face: every reader of PDF has one, and files stay small."""
    from reportlab.lib import colors
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.lib.units import mm
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table

    face = "STSong-Light"
    pdfmetrics.registerFont(UnicodeCIDFont(face))
    plain = ParagraphStyle("plain", fontName=face, fontSize=8.5, leading=11, wordWrap="CJK")
    heading = ParagraphStyle("heading", parent=plain, fontSize=12, leading=18, spaceBefore=8)
    title = ParagraphStyle("title", parent=plain, fontSize=16, leading=22)
    content: list[Flowable] = [
        Paragraph(_in_face(title_of(report, language)), title),
        Paragraph(_in_face(_made(report, language)), plain),
    ]
    lines = [("LINEBELOW", (0, 0), (-1, -1), 0.3, colors.lightgrey), ("VALIGN", (0, 0), (-1, -1), "TOP")]
    shaded = [("BACKGROUND", (0, 0), (-1, 0), colors.whitesmoke)]
    for section in sections(report, language):
        content.append(Paragraph(escape(section.heading), heading))
        cells = [[Paragraph(_in_face(cell), plain) for cell in row] for row in section.rows]
        if len(cells) > (1 if section.has_header else 0):
            content.append(
                Table(cells, repeatRows=int(section.has_header), style=lines + shaded * section.has_header)
            )
        else:
            content.append(Paragraph(_WORDS[language]["none"], plain))
        if section.note:
            content.append(Paragraph(escape(section.note), plain))
        content.append(Spacer(1, 3 * mm))

    def numbered(canvas: Any, document: Any) -> None:
        canvas.setFont(face, 8)
        canvas.drawCentredString(A4[0] / 2, 8 * mm, _WORDS[language]["page"].format(n=document.page))

    buffer = io.BytesIO()
    SimpleDocTemplate(
        buffer, pagesize=A4, title=title_of(report, language), author=report.centre,
        leftMargin=15 * mm, rightMargin=15 * mm, topMargin=15 * mm, bottomMargin=15 * mm,
    ).build(content, onFirstPage=numbered, onLaterPages=numbered)  # fmt: skip
    return buffer.getvalue()


def _in_face(text: str) -> str:
    """As markup, with the middle dot that the song face has."""
    return escape(text).replace("·", "・")
