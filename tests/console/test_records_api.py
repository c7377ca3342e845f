"""Records through the API: search, statistics and exports that other programs can read."""

from __future__ import annotations

import csv
import io
import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from conftest import Served
from console_scenery import Scenery
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from alerting import audit
from console import duty_report
from console.auth import LOCK_AFTER


@pytest.fixture
def incident_number(console: Served, now: datetime) -> int:
    scenery = Scenery(console.deployment, console.store)
    return scenery.sight("dns-01", scenery.fire_at("dns-01", 560, 400), now).number


def test_a_search_names_what_fits_and_says_what_is_wrong_with_a_question(
    console: Served, incident_number: int
) -> None:
    with console.signed_in() as client:
        found = client.get("/api/v1/records", params={"camera_id": "dns-01", "outcome": "open"}).json()
        nothing = client.get("/api/v1/records", params={"outcome": "wildfire"}).json()
        naive = client.get("/api/v1/records", params={"since": "2026-01-01T00:00:00"})
    assert [one["number"] for one in found["incidents"]] == [incident_number]
    assert nothing == {"incidents": [], "next_cursor": None}
    assert naive.status_code == 422
    assert "since" in naive.json()["detail"]


def test_statistics_are_those_of_the_span(console: Served, incident_number: int, now: datetime) -> None:
    span = {"since": (now - timedelta(days=1)).isoformat(), "until": (now + timedelta(days=1)).isoformat()}
    with console.signed_in("viewer") as client:
        found = client.get("/api/v1/records/statistics", params=span).json()
        backwards = client.get(
            "/api/v1/records/statistics", params={"since": span["until"], "until": span["since"]}
        )
    assert found["all"]["total"] == incident_number == 1
    assert found["by_camera"] == {"dns-01": found["all"]}
    assert backwards.status_code == 422


def test_the_csv_opens_in_a_spreadsheet_with_its_chinese_whole(console: Served, incident_number: int) -> None:
    with console.signed_in() as client:
        answer = client.get("/api/v1/records/export")
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    assert answer.content.startswith(b"\xef\xbb\xbf")
    (row,) = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert (row["number"], row["cameras"]) == (str(incident_number), "大南山主峰 · 东北向")
    assert row["confirmed_at"].endswith("+08:00")


def test_the_geojson_has_a_point_for_each_located_incident(console: Served, incident_number: int) -> None:
    with console.signed_in() as client:
        answer = client.get("/api/v1/records/export", params={"form": "geojson"})
        empty = client.get("/api/v1/records/export", params={"form": "geojson", "outcome": "wildfire"})
    (feature,) = answer.json()["features"]
    assert feature["properties"]["number"] == incident_number
    assert feature["geometry"]["coordinates"] == pytest.approx([116.43, 23.09], abs=0.1)
    assert empty.json()["features"] == []


def test_who_decided_what_is_exported_whole_and_in_order(
    console: Served, incident_number: int, now: datetime
) -> None:
    span = {"since": (now - timedelta(hours=1)).isoformat(), "until": (now + timedelta(hours=1)).isoformat()}
    with console.signed_in("operator") as operator:
        incident = operator.get("/api/v1/incidents").json()["incidents"][0]
        decision = {"action": "dismiss", "verdict": "other_smoke", "why": "=kitchen", "version": 1}
        operator.post(f"/api/v1/incidents/{incident['incident_id']}/decisions", json=decision)
    with console.signed_in("admin") as admin:
        answer = admin.get("/api/v1/records/history", params=span)
        none = admin.get("/api/v1/records/history", params={**span, "until": span["since"]})
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [(row["who"], row["action"]) for row in rows] == [("machine", "raise"), ("operator", "dismiss")]
    assert {row["incident"] for row in rows} == {str(incident_number)}
    assert (rows[1]["source"], rows[1]["why"]) == ("127.0.0.1", "'=kitchen")
    assert len(none.text.splitlines()) == 1


def test_what_administrators_do_is_told_with_who_and_from_where(console: Served, now: datetime) -> None:
    span = {"since": (now - timedelta(hours=1)).isoformat(), "until": (now + timedelta(days=1)).isoformat()}
    with console.signed_in("admin") as admin:
        admin.post("/api/v1/users", json={"username": "li", "role": "operator"}).raise_for_status()
        admin.patch("/api/v1/users/li", json={"active": False}).raise_for_status()
        issued = admin.post("/api/v1/tokens", json={"name": "护林员老陈", "days": 30}).json()
        admin.delete(f"/api/v1/tokens/{issued['token']['token_id']}").raise_for_status()
        answer = admin.get("/api/v1/records/audit", params=span)
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    mine = [(row["action"], row["subject"]) for row in rows if row["who"] == "admin"]
    number = str(issued["token"]["token_id"])
    assert mine == [
        ("account created", "li"),
        ("account switched off", "li"),
        ("token issued", number),
        ("token revoked", number),
    ]
    assert {row["source"] for row in rows if row["who"] == "admin"} == {"127.0.0.1"}
    assert "护林员老陈" in rows[-2]["detail"]
    assert issued["secret"] not in answer.text


def test_the_audit_trail_cannot_be_rewritten(console: Served) -> None:
    console.account("viewer")
    for statement in ("UPDATE audit_entries SET who = 'nobody'", "DELETE FROM audit_entries"):
        with pytest.raises(SQLAlchemyError, match="append-only"), console.store.writing() as session:
            session.execute(text(statement))


def test_a_locked_account_is_in_the_audit_trail_with_the_address_that_guessed(
    console: Served, now: datetime
) -> None:
    console.account("operator")
    with console.client() as stranger:
        for _ in range(LOCK_AFTER):
            stranger.post("/api/v1/session", json={"username": "operator", "password": "wrong"})
    found = list(audit.entries(console.store, now - timedelta(days=1), now + timedelta(days=1)))
    assert ("account locked", "operator", "127.0.0.1") in [(e.action, e.subject, e.source) for e in found]


def test_a_duty_report_tells_the_day_in_both_languages_on_paper_and_on_the_screen(
    console: Served, incident_number: int, now: datetime
) -> None:
    console.store.set_camera_state("dns-01", "stale", now - timedelta(minutes=30), "no picture")
    day = now.astimezone(ZoneInfo("Asia/Shanghai")).date().isoformat()
    asked = {"first": day, "last": day}
    with console.signed_in("operator") as client:
        incident = client.get("/api/v1/incidents").json()["incidents"][0]
        decision = {"action": "dismiss", "verdict": "false_alarm", "cause": "cloud", "version": 1}
        client.post(f"/api/v1/incidents/{incident['incident_id']}/decisions", json=decision)
        page = client.get("/api/v1/records/report", params=asked)
        english = client.get("/api/v1/records/report", params={**asked, "language": "en"})
        pdf = client.get("/api/v1/records/report", params={**asked, "form": "pdf"})
        backwards = client.get("/api/v1/records/report", params={"first": day, "last": "2020-01-01"})
    text = page.text
    assert f"值班报告 {day}" in text
    assert f"<td>#{incident_number}</td>" in text
    assert "<td>误报 · 云</td>" in text
    assert "<td>误报</td><td>1</td>" in text
    assert "Blind minutes" in english.text
    blind_min = float(re.search(r"大南山主峰 · 东北向</td><td>1</td><td>(\d+)</td>", text)[1])
    assert 0 < blind_min <= 31  # less when the day has just begun
    assert pdf.content.startswith(b"%PDF-")
    assert b"STSong-Light" in pdf.content
    assert backwards.status_code == 422


@pytest.mark.parametrize("day", ["0001-01-01", "1999-12-31", "9999-12-31"])
def test_a_report_of_days_beyond_all_calendars_is_refused_in_words(console: Served, day: str) -> None:
    with console.signed_in() as client:
        answer = client.get("/api/v1/records/report", params={"first": day, "last": day})
    assert (answer.status_code, "years 2000 to 2199" in answer.json()["detail"]) == (422, True)


def test_names_with_markup_stay_text_in_a_report(console: Served, now: datetime) -> None:
    day = now.astimezone(ZoneInfo("Asia/Shanghai")).date()
    named = console.deployment.model_copy(update={"name": "<script>大南山</script>"})
    made = duty_report.gather(console.store, named, day, day, "li & wang")
    assert "<script>" not in duty_report.to_page(made, "zh")
    assert duty_report.to_pdf(made, "zh").startswith(b"%PDF-")
