"""What is usual at this hour is no news; what rises above it, comes elsewhere or at another hour is."""

from __future__ import annotations

from datetime import timedelta

import pytest
from handmade import START, brightness_model, found, frame, hill, with_smoke

from detector.detection import Box
from detector.pipeline import Pipeline
from detector.site_memory import DAYS, Dismissal, KnownFire, SiteMemory

SIZE = (640, 480)
HERE = Box(160, 160, 192, 192)
SHARE = Box(0.25, 1 / 3, 0.3, 0.4)
DAY = timedelta(days=1)


def memory_of(score: float = 0.5, at=START) -> SiteMemory:
    memory = SiteMemory()
    memory.record(at, [found(score, HERE)], SIZE)
    return memory


def passed(memory: SiteMemory, score: float, at, box: Box = HERE, label="smoke") -> bool:
    return memory.doubted([found(score, box, label)], SIZE, at)[0].confidence == score


def test_what_was_seen_yesterday_at_this_hour_must_be_risen_above_clearly():
    memory, tomorrow = memory_of(0.5), START + DAY
    assert not passed(memory, 0.5, tomorrow)
    assert not passed(memory, 0.6, tomorrow)
    assert passed(memory, 0.7, tomorrow)


@pytest.mark.parametrize("minutes", [-55, 55])
def test_the_hour_before_and_after_count_as_the_same(minutes):
    assert not passed(memory_of(), 0.5, START + DAY + timedelta(minutes=minutes))


def test_another_hour_another_place_and_another_class_are_news():
    memory, tomorrow = memory_of(), START + DAY
    assert passed(memory, 0.5, tomorrow + timedelta(hours=3))
    assert passed(memory, 0.5, tomorrow, Box(400, 300, 430, 330))
    assert passed(memory, 0.5, tomorrow, label="fire")


def test_the_last_half_day_never_explains_a_fire_away():
    memory = SiteMemory()
    for minute in range(12 * 60):
        at = START + timedelta(minutes=minute)
        memory.record(at, [found(0.5, HERE)], SIZE)
        assert passed(memory, 0.5, at)


def test_what_was_last_seen_a_week_and_a_day_ago_is_forgotten():
    memory = memory_of()
    assert not passed(memory, 0.5, START + DAYS * DAY)
    assert passed(memory, 0.5, START + (DAYS + 1) * DAY + timedelta(hours=2))


def test_a_score_that_is_sure_is_never_doubted():
    assert passed(memory_of(0.9), 0.92, START + DAY)


def test_a_dismissal_counts_at_once_and_says_its_cause():
    memory = SiteMemory()
    memory.judged([Dismissal("smoke", SHARE, START, 0.5, "cloud")], [])
    soon = START + timedelta(seconds=5)
    assert not passed(memory, 0.5, soon)
    usual = memory.usual("smoke", SHARE, soon)
    assert usual is not None
    assert (usual.score, usual.cause) == (0.5, "cloud")


def test_a_cloud_that_was_dismissed_is_news_again_at_another_hour_and_a_light_is_not():
    later = START + timedelta(hours=30)
    for cause, news in (("cloud", True), ("light", False)):
        memory = SiteMemory()
        memory.judged([Dismissal("smoke", SHARE, START, 0.5, cause)], [])
        assert passed(memory, 0.5, later) is news
        assert not passed(memory, 0.5, START + 2 * DAY)


def test_a_dismissal_that_was_taken_back_counts_no_more():
    memory = SiteMemory()
    memory.judged([Dismissal("smoke", SHARE, START, 0.5, "cloud")], [])
    memory.judged([], [])
    assert passed(memory, 0.5, START + timedelta(seconds=5))


def test_a_fire_that_people_confirmed_yesterday_does_not_hide_the_one_of_today():
    memory = memory_of()
    memory.judged([], [KnownFire(SHARE, START - timedelta(minutes=5))])
    assert passed(memory, 0.5, START + DAY)


def test_the_memory_survives_a_restart_and_stays_small():
    memory = SiteMemory()
    for hour in range(24 * 30):
        memory.record(START + timedelta(hours=hour), [found(0.5, HERE), found(0.3)], SIZE)
    state = memory.to_bytes()
    assert len(state) < 20_000
    again = SiteMemory.from_bytes(state)
    assert len(again._hours) <= DAYS * 24 + 2
    assert not passed(again, 0.5, START + 30 * DAY)


@pytest.mark.parametrize("state", [b"", b"nonsense", SiteMemory().to_bytes()[:-3]])
def test_a_damaged_memory_is_refused_in_words(state):
    with pytest.raises(ValueError, match="not a site memory"):
        SiteMemory.from_bytes(state)


def test_a_pipeline_does_not_report_what_is_usual_and_reports_what_rises_above_it_with_the_reason(tmp_path):
    def sightings(day: int, brightness: int):
        pipeline = Pipeline(model, site_memory=lambda _preset: memory)
        smoke = with_smoke(hill(), brightness=brightness)
        results = [
            pipeline.look(frame(smoke if n > 9 else hill(), day * 86400 + n * 2.0, n)) for n in range(40)
        ]
        return [s for result in results for s in result.sightings]

    model, memory = brightness_model(tmp_path), SiteMemory()
    assert len(sightings(0, 180)) == 1
    assert sightings(1, 180) == []
    (risen,) = sightings(2, 235)
    assert risen.usual is not None
    assert 0.5 < risen.usual.score < 0.7
    assert "usual here at this hour" in risen.reason
