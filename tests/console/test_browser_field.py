"""The responders' page on a phone in a real browser: their own fires, what they report, and how it ends."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from conftest import Serve, Served, go_in
from console_scenery import Scenery, make_deployment
from test_browser_languages import CHINESE, ENGLISH_SENTENCE, SAID, names, words
from test_browser_pages import violations

from alerting import access_tokens, decisions
from alerting.intake import IncidentRef
from alerting.journal import By
from alerting.lifecycle import Action, Cause, Decision, Step, Verdict
from alerting.store import Store
from geometry.datums import gcj02_from_wgs84

pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install '.[dev]'")
from playwright.sync_api import Page, Route, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

TEAM, PERSON = "青溪镇半专业队", "陈志强"


class Field:
    """One centre for all of these tests, with a fire of their own for each."""

    def __init__(self, serve: Serve, console: Served) -> None:
        self.serve, self.console = serve, console
        self.scenery = Scenery(console.deployment, console.store)
        self._fires = 0

    def fire(self, label: str = "smoke") -> IncidentRef:
        """A new one; those before are over."""
        store = self.console.store
        for one in store.list_incidents().incidents:
            if one.status not in ("closed", "dismissed"):
                dust = Decision(Action.DISMISS, Verdict.FALSE_ALARM, Cause.DUST)
                decisions.decide(store, one.incident_id, dust, who="li.wei", version=one.version)
        self._fires += 1
        at = datetime.now(UTC) + timedelta(seconds=self._fires)
        return self.scenery.sight("dns-01", self.scenery.fire_at("dns-01", 560, 400), at, label=label)

    def elsewhere(self) -> IncidentRef:
        at = datetime.now(UTC) + timedelta(seconds=self._fires)
        return self.scenery.sight("hbs-01", self.scenery.fire_at("hbs-01", 420, 470), at)

    def grid(self, fire: IncidentRef) -> str:
        return self.console.store.incident(fire.incident_id).summary.grid_chain[0].code

    def token(self, *area_codes: str, hours: int = 9000) -> tuple[str, int]:
        secret, token = access_tokens.create(
            self.console.store, name=TEAM, role="responder", area_codes=area_codes,
            lifetime=timedelta(hours=hours), by=By("admin"),
        )  # fmt: skip
        return secret, token.token_id

    def enter(self, phone: Page, secret: str, *, name: str = PERSON) -> None:
        remember = f"localStorage.setItem('firewatch.field.name', {name!r})"
        phone.add_init_script(f"if (location.protocol === 'http:') {remember}")
        phone.goto(f"{self.console.url}/field#token={secret}")
        expect(phone.locator(".field-list")).to_be_visible()

    def history(self, fire: IncidentRef) -> list[tuple[str, str]]:
        rows = self.console.store.incident(fire.incident_id).history
        return [(row.action, row.who) for row in rows if row.who != "machine"]


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    deployment = make_deployment(tmp_path_factory.mktemp("field"))
    store = Store.open(deployment.storage.database_url.reveal())
    serve = Serve()
    yield Field(serve, serve(store, deployment))
    serve.stop_all()
    store.close()


@pytest.fixture
def phone(open_page: Callable[..., Page]) -> Page:
    return open_page(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)


def test_a_link_signs_in_leaves_no_token_and_shows_the_fires_of_the_own_grids_as_they_come(
    field: Field, phone: Page
) -> None:
    own, other = field.fire("fire"), field.elsewhere()
    secret, _ = field.token(field.grid(own))
    asked: list[str] = []
    problems: list[str] = []
    phone.on("request", lambda request: asked.append(request.url))
    phone.on("pageerror", lambda error: problems.append(str(error)))
    phone.on("console", lambda m: problems.append(m.text) if "Content Security Policy" in m.text else None)
    field.enter(phone, secret)
    expect(phone.locator(f"[data-incident={own.incident_id}]")).to_contain_text("明火")
    expect(phone.locator(f"[data-incident={other.incident_id}]")).to_have_count(0)
    assert phone.url == f"{field.console.url}/field"
    assert secret not in phone.evaluate("JSON.stringify([document.cookie, {...localStorage}, history.state])")
    phone.go_back()
    assert secret not in phone.url
    phone.go_forward()
    expect(phone.locator(".field-list")).to_be_visible()  # the cookie remembers

    phone.locator(f"[data-incident={own.incident_id}]").click()
    where = field.console.store.incident(own.incident_id).summary.location
    assert where.lat_deg is not None
    assert where.lon_deg is not None
    page = phone.locator(".field-incident")
    expect(page.locator(".field-picture img")).to_have_js_property("naturalWidth", 1280)
    expect(page.locator(".field-map .ellipse")).to_have_count(1)
    expect(page.get_by_role("link", name="137-0000").first).to_have_attribute("href", re.compile("^tel:137"))
    link = page.locator("[data-map-link=amap]").get_attribute("href") or ""
    lon, lat = (float(one) for one in link.split("position=")[1].split("&")[0].split(","))
    assert (lat, lon) == pytest.approx(gcj02_from_wgs84(where.lat_deg, where.lon_deg), abs=1e-5)
    plain = page.locator("[data-map-link=other]").get_attribute("href") or ""
    assert plain.startswith(f"geo:{where.lat_deg:.6f},{where.lon_deg:.6f}?")

    phone.get_by_role("button", name="返回列表").click()
    phone.evaluate("window.sameDocument = true")
    new = field.fire()
    expect(phone.locator(f".card[data-incident={new.incident_id}]")).to_have_attribute(
        "data-status", "suspected"
    )
    expect(phone.locator(f".card[data-incident={own.incident_id}]")).to_contain_text(
        "误报"
    )  # nobody goes there
    expect(phone.locator(".notice.alarm")).to_contain_text(f"#{new.number}")
    assert phone.evaluate("window.sameDocument") is True, "the page was reloaded"
    assert [url for url in asked if secret in url and "#" not in url] == []
    assert problems == []


def test_each_step_is_one_tap_asked_once_more_where_it_is_final_and_seen_by_the_operator(
    field: Field, phone: Page, page: Page
) -> None:
    fire = field.fire()
    field.enter(phone, field.token(field.grid(fire))[0])
    go_in(page, field.console, path=f"#/duty/{fire.incident_id}")
    phone.locator(f".card[data-incident={fire.incident_id}]").click()

    phone.locator("[data-report=accepted]").click()
    phone.get_by_role("button", name="取消").click()
    assert field.history(fire) == [], "a tap in a pocket is not a promise"
    phone.locator("[data-report=accepted]").click()
    phone.locator("[data-sure=accepted]").click()
    expect(phone.locator("[data-accepted]")).to_contain_text("您已接警")
    expect(page.locator(".response")).to_contain_text(f"{PERSON} ({TEAM}) 已接警")
    phone.locator("[data-report=arrived]").click()
    expect(page.locator(".stage .tag").first).to_have_text("已到场")
    phone.locator("[data-report=found]").click()
    phone.locator("[data-found=fire]").click()
    phone.get_by_label("补充说明").fill("沿山脊向北")
    phone.get_by_role("button", name="发送").click()
    expect(page.locator(".history li[data-action=found]")).to_contain_text("有明火 · 沿山脊向北")
    for step in ("under_control", "closed"):
        phone.locator(f"[data-report={step}]").click()
        phone.locator(f"[data-sure={step}]").click()
    expect(phone.locator(".field-over")).to_contain_text("本火情已办结")
    expect(phone.locator(".field-reports")).to_have_count(0)
    who = f"{PERSON} ({TEAM})"
    assert field.history(fire) == [
        (action, who) for action in ("accept", "arrive", "found", "control", "close")
    ]


def test_whoever_was_second_is_told_who_was_first(field: Field, phone: Page) -> None:
    fire = field.fire()
    field.enter(phone, field.token(field.grid(fire))[0])
    phone.locator(f".card[data-incident={fire.incident_id}]").click()

    def while_on_its_way(route: Route) -> None:
        decisions.take_step(field.console.store, fire.incident_id, Step.ACCEPT, who="仙庵村")
        route.continue_()

    phone.route("**/reports", while_on_its_way)
    phone.locator("[data-report=accepted]").click()
    phone.locator("[data-sure=accepted]").click()
    expect(phone.locator(".notice.bad")).to_contain_text("仙庵村 已先回报接警")
    expect(phone.locator("[data-accepted]")).to_contain_text("仙庵村 已接警")
    assert field.history(fire) == [("accept", "仙庵村")]


def test_a_report_made_without_a_line_is_shown_as_such_and_sent_when_there_is_one_again(
    field: Field, phone: Page
) -> None:
    fire = field.fire()
    decisions.take_step(field.console.store, fire.incident_id, Step.ACCEPT, who="仙庵村")
    field.enter(phone, field.token(field.grid(fire))[0])
    phone.locator(f".card[data-incident={fire.incident_id}]").click()
    expect(phone.locator("[data-report=arrived]")).to_be_visible()
    field.serve.stop(field.console)
    expect(phone.locator(".banner")).to_contain_text("正在自动重连")
    phone.locator("[data-report=arrived]").click()
    expect(phone.locator(".field-unsent")).to_contain_text("“到场”尚未送达")

    port = urlsplit(field.console.url).port or 0
    field.console = field.serve(field.console.store, field.console.deployment, port=port)

    expect(phone.locator(".banner")).to_have_count(0)
    expect(phone.locator(".field-unsent")).to_have_count(0)
    expect(phone.locator(".field-incident")).to_have_attribute("data-status", "on_scene")
    assert field.history(fire)[-1] == ("arrive", f"{PERSON} ({TEAM})")


def test_who_is_signed_out_is_told_why_and_sees_no_fire_any_more(field: Field, phone: Page) -> None:
    fire = field.fire()
    secret, token_id = field.token(field.grid(fire))
    phone.goto(f"{field.console.url}/field")
    phone.get_by_label("访问令牌").fill("fw_made-up")
    phone.get_by_role("button", name="进入").click()
    expect(phone.get_by_role("alert")).to_contain_text("令牌不正确")
    phone.get_by_label("访问令牌").fill(f"请打开 {field.console.url}/field#token={secret} 进入")
    phone.get_by_role("button", name="进入").click()
    phone.get_by_label("您的姓名").fill(PERSON)
    phone.get_by_role("button", name="保存").click()
    phone.get_by_role("button", name="账户").click()
    phone.get_by_role("button", name="退出登录").click()
    expect(phone.locator("[data-out=signed-out]")).to_be_visible()
    phone.reload()
    expect(phone.locator(".login")).to_be_visible()

    field.enter(phone, secret)
    phone.locator(f".card[data-incident={fire.incident_id}]").click()
    access_tokens.revoke(field.console.store, token_id)
    expect(phone.locator("[data-out=token-withdrawn]")).to_contain_text("已被管理员吊销")
    expect(phone.locator("body")).not_to_contain_text(f"#{fire.number}")
    phone.goto(
        f"{field.console.url}/field#token={field.token(hours=-1)[0]}"
    )  # in a page that is open already
    expect(phone.locator("[data-out=token-expired]")).to_contain_text("已过期")


def test_in_both_languages_the_page_is_whole_and_accessible_by_the_rules_of_wcag_2_1_aa(
    field: Field, phone: Page
) -> None:
    fire = field.fire()
    secret, _ = field.token(field.grid(fire))
    known = names(field.console)
    phone.goto(f"{field.console.url}/field")
    expect(phone.locator(".login")).to_be_visible()
    found = {"login": violations(phone)}
    field.enter(phone, secret)
    tables = words(phone)
    for language in ("zh", "en"):
        said: dict[str, list[str]] = {}
        expect(phone.locator("html")).to_have_attribute("lang", "zh-CN" if language == "zh" else "en")
        said["list"], found[f"{language} list"] = phone.evaluate(SAID), violations(phone)
        phone.locator(f".card[data-incident={fire.incident_id}]").click()
        expect(phone.locator(".history li").first).to_be_visible()
        said["incident"], found[f"{language} incident"] = phone.evaluate(SAID), violations(phone)
        for what in ("accepted", "found"):
            phone.locator(f"[data-report={what}]").click()
            expect(phone.locator("dialog")).to_be_visible()
            said[what], found[f"{language} {what}"] = phone.evaluate(SAID), violations(phone)
            phone.keyboard.press("Escape")
        assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing is cut off"
        phone.locator(".field-top .chip").first.click()
        assert {where: foreign(texts, language, tables, known) for where, texts in said.items()} == {
            where: [] for where in said
        }
        phone.get_by_role("button", name="EN" if language == "zh" else "中文").click()
    assert {where: problems for where, problems in found.items() if problems} == {}


def foreign(
    texts: list[str], language: str, tables: dict[str, dict[str, str]], known: list[str]
) -> list[str]:
    """What belongs to the other language, names apart."""
    keys = set(tables["zh"]) - set(tables["en"].values())
    if language == "zh":
        return [text for text in texts if text in keys or ENGLISH_SENTENCE.search(text)]
    left = {text: text for text in texts}
    for name in (*known, TEAM, PERSON):
        left = {text: rest.replace(name, "") for text, rest in left.items()}
    return [text for text, rest in left.items() if CHINESE.search(rest) or text in keys]
