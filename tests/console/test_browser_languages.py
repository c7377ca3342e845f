"""Every page in both languages: nothing of the other is left but names, and no key shows for a word."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from conftest import Served, go_in
from console_scenery import Scenery

from alerting import access_tokens, decisions
from alerting.journal import By
from alerting.keeper import ClockKeeper
from alerting.lifecycle import Action, Cause, Decision, Verdict
from alerting.policy import Rules

pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install '.[dev]'")
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

SAID = """() => {
    const said = new Set();
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const element = node.nodeType === Node.TEXT_NODE ? node.parentElement : node;
        if (element.closest("[lang]:not(html), code, script, .maplibregl-map")) continue;
        const attributes = ["aria-label", "placeholder", "alt", "title"];
        const texts = [node.data, ...attributes.map((name) => element.getAttribute(name))];
        for (const text of texts) said.add((text ?? "").trim());
    }
    return [...said].filter(Boolean);
}"""
"""What a page says, in sight or to a screen reader. Texts with a language of their own are not counted."""

PAGES = ("duty", "map", "wall", "cameras", "records", "admin")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
ENGLISH_SENTENCE = re.compile(r"[A-Za-z]{2,} [A-Za-z]{2,} [A-Za-z]{2,}")


@pytest.fixture
def busy(console: Served, scenery: Scenery) -> Served:
    """A centre where something of everything is to be seen."""
    store, now = console.store, datetime.now(UTC)
    dust = scenery.sight("shk-01", scenery.fire_at("shk-01", 640, 420), now - timedelta(hours=2))
    false = Decision(Action.DISMISS, Verdict.FALSE_ALARM, Cause.DUST)
    decisions.decide(store, dust.incident_id, false, who="li.wei", version=1)
    old = scenery.sight("dns-01", scenery.fire_at("dns-01", 560, 400), now - timedelta(hours=1), label="fire")
    decisions.decide(store, old.incident_id, Decision(Action.CONFIRM), who="li.wei", version=1)
    scenery.sight("ltz-01", scenery.fire_at("ltz-01", 700, 400), now)
    ClockKeeper(store, Rules.of(console.deployment)).ring_due()
    access_tokens.create(
        store,
        name="消防大队",
        role="responder",
        area_codes=["445299101"],
        lifetime=timedelta(days=9),
        by=By("admin"),
    )
    store.set_camera_state("hbs-01", "stale", now, "no picture comes")
    return console


def words(page: Page) -> dict[str, dict[str, str]]:
    """The page's own tables: key -> word, for "zh" and "en"."""
    found: dict[str, dict[str, str]] = page.evaluate(
        """async () => ({
            ...(await import("/web/js/words_en.js")),
            ...(await import("/web/js/words_zh.js")),
        })"""
    )
    return found


def names(console: Served) -> list[str]:
    """What people called places, cameras and each other, the longest first."""
    with console.signed_in("admin") as client:
        told = [
            client.get(f"/api/v1/{path}").text
            for path in ("cameras", "deployment", "incidents", "map/grids", "tokens", "rosters")
        ]
        place = client.get("/api/v1/map/place", params={"lat_deg": 23.1, "lon_deg": 116.4}).text
    found = {text for one in [*told, place] for text in re.findall(r'"([^"]*[\u4e00-\u9fff][^"]*)"', one)}
    return sorted(found, key=len, reverse=True)


def said_on_every_page(page: Page, console: Served) -> dict[str, list[str]]:
    found = {}
    for name in PAGES:
        page.goto(f"{console.url}/#/{name}")
        expect(page.locator(".history li" if name == "duty" else f"[data-page={name}]").first).to_be_visible()
        expect(page.locator(".spinner")).to_have_count(0)
        found[name] = page.evaluate(SAID)
        assert len(found[name]) > 20
        if name == "duty":
            for tab in ("active", "ended"):
                page.locator(f".tab.{tab}").click()
                page.locator(".cards .card").first.click()
                expect(page.locator(".history li[data-action=raise]")).to_be_visible()
                found[tab] = page.evaluate(SAID)
            page.keyboard.press("?")
            expect(page.locator(".keys")).to_be_visible()
            found["keys"] = page.evaluate(SAID)
            page.keyboard.press("Escape")
    return found


@pytest.mark.slow  # test_page_types.py compares the words in every run
def test_in_english_nothing_chinese_is_left_but_names(busy: Served, page: Page) -> None:
    page.add_init_script("localStorage.setItem('firewatch.language', 'en')")
    go_in(page, busy, "admin")
    known = names(busy)

    def without_names(text: str) -> str:
        for name in known:
            text = text.replace(name, "")
        return text

    keys = set(words(page)["zh"]) - set(words(page)["en"].values())
    left = {
        where: [text for text in texts if CHINESE.search(without_names(text)) or text in keys]
        for where, texts in said_on_every_page(page, busy).items()
    }
    assert {where: texts for where, texts in left.items() if texts} == {}
    assert page.locator("html").get_attribute("lang") == "en"


def test_in_chinese_no_english_word_of_the_page_and_no_english_sentence_is_left(
    busy: Served, page: Page
) -> None:
    go_in(page, busy, "admin")
    zh, en = words(page)["zh"], words(page)["en"]
    foreign = {word for key, word in en.items() if word != zh[key]} | set(zh)
    left = {
        where: [text for text in texts if text in foreign or ENGLISH_SENTENCE.search(text)]
        for where, texts in said_on_every_page(page, busy).items()
    }
    assert {where: texts for where, texts in left.items() if texts} == {}
