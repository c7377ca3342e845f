"""What processes write about their work: for people, for collectors, and into files that are kept."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from config import LogSettings
from firewatch.logs import ACCESS, start_access_log, start_logging

DAY_S = 86_400


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root, access = logging.getLogger(), logging.getLogger(ACCESS)
    before = root.handlers[:], root.level
    yield
    for handler in {*root.handlers, *access.handlers} - set(before[0]):
        handler.close()
    root.handlers[:], root.level = before
    access.handlers.clear()
    access.propagate = True


def test_each_event_is_one_json_object_with_its_pairs_apart(capsys: pytest.CaptureFixture[str]) -> None:
    start_logging(settings=LogSettings(form="json"))
    try:
        raise OSError("disk full")
    except OSError:
        logging.getLogger("alerting").exception("not stored camera=%s: 大南山\nsecond line", "dns-01")
    (line,) = capsys.readouterr().err.splitlines()
    event = json.loads(line)
    assert (event["level"], event["logger"], event["fields"]) == ("ERROR", "alerting", {"camera": "dns-01"})
    assert "大南山" in event["message"]
    assert "OSError: disk full" in event["exception"]


def test_a_time_in_an_event_keeps_its_colons_and_a_pair_loses_the_one_behind_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    start_logging(settings=LogSettings(form="json"))
    logging.getLogger("alerting").warning(
        "postponed: target=county captured_at=2026-11-26T16:06:44.357380+00:00, pause_s=3: no answer"
    )
    event = json.loads(capsys.readouterr().err)
    assert event["fields"] == {
        "target": "county", "captured_at": "2026-11-26T16:06:44.357380+00:00", "pause_s": "3"
    }  # fmt: skip


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_journal_is_told_how_grave_a_line_is_and_nobody_else(form: Literal["text", "json"]) -> None:
    code = (
        "import logging\n"
        "from config import LogSettings\n"
        "from firewatch.logs import start_logging\n"
        f"start_logging(settings=LogSettings(form={form!r}))\n"
        "logging.getLogger('a').info('one'); logging.getLogger('a').warning('two')\n"
        "try: 1 / 0\n"
        "except ZeroDivisionError: logging.getLogger('a').exception('three')\n"
    )
    for journal in (True, False):
        reading, writing = os.pipe()
        given = os.fstat(writing)
        told = f"{given.st_dev}:{given.st_ino if journal else given.st_ino + 1}"
        with open(reading, encoding="utf-8") as read, open(writing, "wb") as end:
            subprocess.run(
                [sys.executable, "-c", code],
                stderr=end,
                env={**os.environ, "JOURNAL_STREAM": told},
                check=True,
            )
            end.close()
            lines = read.read().splitlines()
        expected = ["<6>", "<4>", "<3>"] if journal else []
        assert list(dict.fromkeys(line[:3] for line in lines if line[0] == "<")) == expected
        assert all(line[0] == "<" for line in lines) is journal, "lines of a traceback, too"


def test_a_folder_gets_a_file_for_each_process(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    start_logging(settings=LogSettings(folder=f"{tmp_path}/logs"), name="worker-1")
    logging.getLogger("firewatch").info("camera live camera=north")
    written = (tmp_path / "logs" / "worker-1.log").read_text(encoding="utf-8")
    assert written.endswith(" INFO firewatch camera live camera=north\n")
    assert written in capsys.readouterr().err


def test_a_new_day_begins_a_new_file_and_the_oldest_go_after_the_kept_days(tmp_path: Path) -> None:
    settings = LogSettings(folder=str(tmp_path), keep_days=3)
    for days_ago in range(8, 0, -1):  # each day a request, seen from days later
        start_access_log(settings)
        logging.getLogger(ACCESS).info("request days_ago=%d", days_ago)
        as_if = time.time() - days_ago * DAY_S
        os.utime(tmp_path / "access.log", (as_if, as_if))
    start_access_log(settings)
    logging.getLogger(ACCESS).info("request days_ago=0")
    kept = sorted(path.name for path in tmp_path.iterdir())
    told = "".join(path.read_text() for path in tmp_path.iterdir())
    assert len(kept) == 4, kept
    assert [number for number in range(9) if f"days_ago={number}" in told] == [0, 1, 2, 3]


def test_without_a_folder_requests_are_not_written_down(capsys: pytest.CaptureFixture[str]) -> None:
    start_logging(settings=LogSettings())
    start_access_log(LogSettings())
    logging.getLogger(ACCESS).info("request path=/")
    assert capsys.readouterr().err == ""


def test_access_logs_are_kept_for_more_than_half_a_year_by_default() -> None:
    assert LogSettings().keep_days > 183


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_password_in_a_librarys_exception_does_not_reach_the_log(
    form: Literal["text", "json"], capsys: pytest.CaptureFixture[str]
) -> None:
    start_logging(settings=LogSettings(form=form))
    try:
        raise OSError("cannot open rtsp://admin:hill%20top@10.2.0.11:554/live")
    except OSError:
        logging.getLogger("streams").exception("no picture from http://li:geheim@10.2.0.12/snap")
    told = capsys.readouterr().err
    assert "hill%20top" not in told
    assert "geheim" not in told
    assert "rtsp://***@10.2.0.11:554/live" in told
