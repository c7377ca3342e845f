"""Pictures of the pages for the guide, from a demo whose fires have come (three minutes after its start):
`python tests/console/guide_pictures.py http://127.0.0.1:8080 PASSWORD [NAME ...]` writes docs/images."""

from __future__ import annotations

import argparse
import io
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from simulator.onvif import OnvifDevice

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
PAGES = ("duty", "map", "wall", "cameras", "records", "admin")
DESK, WALL, PHONE = (1920, 1080), (3840, 2160), (390, 844)
TALL_DESK = (1920, 1400)
GROUND = (11, 18, 20)
MARGIN_PX = 8
SETTLED_MS = 6000
"""Time for live video, clips and the map's ground."""


class Guide:
    def __init__(self, browser: Browser, url: str, password: str) -> None:
        self._browser, self._url, self._password = browser, url, password

    def duty(self) -> None:
        with self._at(DESK, "duty") as page:
            self._open_a_fire(page)
            _save("guide-duty", _shot(page, 1440))
            page.keyboard.press("d")
            page.wait_for_timeout(1500)
            _save("guide-compare", _shot(page, 1440))

    def front(self) -> None:
        with self._at((1600, 900), "duty") as page:
            self._open_a_fire(page)
            _save("console", _shot(page, 1600))

    def pages(self) -> None:
        for name in ("map", "wall", "cameras", "admin"):
            with self._at(DESK, name) as page:
                if name == "cameras":
                    page.locator("tr[data-camera-row]").first.click()
                if name == "map":
                    page.locator(".map-canvas").click(position={"x": 800, "y": 520})
                if name == "admin":
                    page.locator("[data-edit-target]").first.click()
                    page.locator("[data-receiver]").scroll_into_view_if_needed()
                page.wait_for_timeout(2000)
                _save(f"guide-{name}", _shot(page, 1440))

    def presets(self) -> None:
        """Gives a camera two presets, and a device that says at which of them it stands."""
        places = {"1": (-0.5, 0.1, 0.0), "7": (0.5, -0.1, 0.25)}
        with (
            OnvifDevice(places, login=("viewer", "viewer")) as device,
            self._at(TALL_DESK, "cameras") as page,
        ):
            page.get_by_role("button", name="大南山1号").click()
            for name, id_, azimuth, tilt in (("南门", "gate", "200", "-4"), ("北山脊", "ridge", "10", "-2")):
                page.get_by_role("button", name="添加预置位").click()
                form = page.locator(".presets")
                form.get_by_label("名称").fill(name)
                form.get_by_label("编号").fill(id_)
                form.get_by_label("方位").fill(azimuth)
                form.get_by_label("俯仰").fill(tilt)
                form.get_by_role("button", name="添加", exact=True).click()
                form.locator(f"[data-preset={id_}]").wait_for()
            turning = page.locator(".turning")
            turning.get_by_role("button", name="配置云台位置").click()
            turning.get_by_label("ONVIF 地址").fill(device.url)
            turning.get_by_role("button", name="询问摄像机").click()
            turning.locator("select[data-token-of=gate]").wait_for()
            turning.get_by_label("南门").select_option("1")
            turning.get_by_label("北山脊").select_option("7")
            _save("guide-turning", _shot_of(turning))
            turning.get_by_role("button", name="保存").click()
            page.locator("[data-turning=asked]").wait_for()
            page.get_by_role("button", name="南门", exact=True).click()
            page.wait_for_timeout(SETTLED_MS)
            shot = _shot_of(page.locator(".camera-one"))
            below = page.locator(".presets").evaluate(
                "panel => panel.getBoundingClientRect().bottom"
                " - panel.closest('.camera-one').getBoundingClientRect().top"
            )
            _save("guide-presets", shot.crop((0, 0, shot.width, round(below) + MARGIN_PX)))

    def sheets(self) -> None:
        for name, screen, width, columns in (
            ("pages-desk", DESK, 960, 3),
            ("pages-wall", WALL, 960, 3),
            ("pages-phone", PHONE, 390, 6),
        ):
            shots = []
            for page_name in PAGES:
                with self._at(screen, page_name) as page:
                    if page_name == "duty":
                        self._open_a_fire(page)
                    shots.append(_shot(page, width))
            _save(name, _sheet(shots, columns))

    @contextmanager
    def _at(self, screen: tuple[int, int], name: str) -> Iterator[Page]:
        context = self._browser.new_context(
            viewport={"width": screen[0], "height": screen[1]}, locale="zh-CN", timezone_id="Asia/Shanghai"
        )
        page = context.new_page()
        page.set_default_timeout(90_000)
        page.goto(f"{self._url}/#/{name}")
        page.get_by_label("用户名").fill("admin")
        page.get_by_label("密码").fill(self._password)
        page.get_by_role("button", name="登录").click()
        page.locator(".duty").wait_for()
        if page.locator(".map").count():
            page.locator("[data-map=ready]").wait_for()
        page.wait_for_timeout(SETTLED_MS)
        yield page
        context.close()

    def _open_a_fire(self, page: Page) -> None:
        both = page.locator(".card", has_text="+1")  # seen by two cameras: most is known of it
        (both if both.count() else page.locator(".card")).first.click()
        page.wait_for_timeout(SETTLED_MS)


def _shot(page: Page, width: int) -> Image.Image:
    picture = _shot_of(page)
    height = round(picture.height * width / picture.width)
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def _shot_of(part: Page | Locator) -> Image.Image:
    return Image.open(io.BytesIO(part.screenshot())).convert("RGB")


def _sheet(shots: list[Image.Image], columns: int) -> Image.Image:
    width, height = (side + 2 * MARGIN_PX for side in shots[0].size)
    sheet = Image.new("RGB", (columns * width, -(-len(shots) // columns) * height), GROUND)
    for number, shot in enumerate(shots):
        row, column = divmod(number, columns)
        sheet.paste(shot, (column * width + MARGIN_PX, row * height + MARGIN_PX))
    return sheet


def _save(name: str, picture: Image.Image) -> None:
    picture.save(IMAGES / f"{name}.webp", quality=80, method=6)
    print(name, picture.size)


def main() -> None:
    makers: dict[str, Callable[[Guide], None]] = {
        "duty": Guide.duty,
        "front": Guide.front,
        "pages": Guide.pages,
        "presets": Guide.presets,
        "sheets": Guide.sheets,
    }
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("password")
    parser.add_argument("names", nargs="*", choices=[[], *makers], metavar="NAME")
    options = parser.parse_args()
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--enable-unsafe-swiftshader"]
        )
        guide = Guide(chromium, options.url, options.password)
        for name in options.names or makers:
            makers[name](guide)
        chromium.close()


if __name__ == "__main__":
    main()
