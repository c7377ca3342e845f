"""People are told through Apprise: real HTTP and mail receivers, the grid chain, and no more than they can
read."""

from __future__ import annotations

import email
import email.policy
import http.server
import json
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from aiosmtpd.controller import Controller
from alerting_samples import BOWL, NORTH, PICTURES, intake_into, sighting_of
from ports import own_port
from sqlalchemy import select
from test_outbox import raise_incident

from alerting import calling, notices
from alerting.claims import SenderName
from alerting.composing import Composer
from alerting.evidence_links import EvidenceLinks
from alerting.grids import Grids
from alerting.notices import Notice
from alerting.notifying import Notifier
from alerting.people import Recipient
from alerting.records import DeliveryRecord
from alerting.store import Store, find_incident
from alerting.tables import DeliveryRow, NoticeRow
from alerting.targets.people import PeopleLine
from alerting.trouble import Trouble
from config import SecretSource

ZONE = ZoneInfo("Asia/Shanghai")
COMPOSER = Composer(EvidenceLinks(b"0123456789abcdef", "https://centre.example"))
ME = SenderName.of_this_process()


class Gateway(http.server.ThreadingHTTPServer):
    """An SMS gateway or chat robot: keeps what is posted, answers what it is told to."""

    def __init__(self) -> None:
        self.posts: list[tuple[str, dict[str, Any]]] = []
        self.status = 200
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if outer.status == 200:
                    outer.posts.append((self.path, json.loads(body)))
                self.send_response(outer.status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_: object) -> None: ...

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> SecretSource:
        return SecretSource(f"json://gate:way-s3cret@127.0.0.1:{self.server_port}/sms/{{address}}")


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    made = Gateway()
    yield made
    made.shutdown()
    made.server_close()


class Mailbox:
    def __init__(self) -> None:
        self.mails: list[email.message.EmailMessage] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))  # type: ignore[arg-type]
        return "250 OK"


CHIEF = Recipient("person:chief", "值班长", "", {"sms": "13800000000"})


class Scene:
    """A store with a movable clock, and a notifier over one gateway."""

    def __init__(
        self, store: Store, tmp_path: Path, noon: datetime, gateways: dict[str, SecretSource]
    ) -> None:
        self.now = noon
        store.clock = lambda: self.now
        self.store = store
        self.intake = intake_into(store, tmp_path / "evidence", targets=("person:chief",))
        self.notifier = Notifier(
            store,
            PeopleLine(gateways),
            {CHIEF.target_id: CHIEF},
            time_zone=ZONE,
            most_per_window=3,
            trouble=Trouble([CHIEF]),
            chance=lambda: 1.0,
        )

    def tell(self) -> bool:
        return self.notifier.tell_next(COMPOSER, ME)

    def tell_all(self) -> None:
        while self.tell():
            pass

    def told(self) -> tuple[DeliveryRecord, ...]:
        return self.store.deliveries(target_id="person:chief")


@pytest.fixture
def scene(sqlite_store: Store, tmp_path: Path, noon: datetime, gateway: Gateway) -> Scene:
    return Scene(sqlite_store, tmp_path, noon, {"sms": gateway.url})


def test_a_person_reads_what_where_when_with_a_signed_link(
    scene: Scene, gateway: Gateway, noon: datetime
) -> None:
    scene.intake.accept(sighting_of(BOWL.at(23.105, 116.4), NORTH, noon), PICTURES, NORTH)
    scene.tell_all()
    ((path, post),) = gateway.posts
    assert path == "/sms/13800000000"
    assert post["title"].startswith("1号火情报警：烟，责任区未知（北纬23.1")
    assert "拍摄时间：2026-11-24 12:00:00" in post["message"]
    assert "图片：https://centre.example/api/v1/evidence/" in post["message"]
    assert [one["mimetype"] for one in post["attachments"]] == ["image/jpeg"]
    assert [one.state for one in scene.told()] == ["delivered"]
    assert not scene.tell()


def test_an_e_mail_carries_the_picture(
    sqlite_store: Store, tmp_path: Path, noon: datetime, gateway: Gateway
) -> None:
    box = Mailbox()
    port = own_port()
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    mail = SecretSource(f"mailto://127.0.0.1:{port}?from=firewatch@example.cn&to={{address}}&mode=insecure")
    scene = Scene(sqlite_store, tmp_path, noon, {"email": mail, "sms": gateway.url})
    both = Recipient("person:both", "两者", "", {"email": "duty@example.cn"})
    with sqlite_store.writing() as session:
        notices.post(
            session,
            Notice("n-1", "camera", "摄像机失明", "镜头被遮挡", "blind", "-"),
            now=noon,
            people=[both],
        )
    raise_incident(scene.intake, noon)
    with sqlite_store.writing() as session:
        incident_id = session.scalars(select(DeliveryRow.incident_id)).all()[-1]
        about = Notice("n-2", "call", "请处置", "请核实", "act", "-", incident_id=incident_id)
        notices.post(session, about, now=noon, people=[both])
    sqlite_store.clock = lambda: noon
    scene.tell_all()
    server.stop()
    (digest,) = box.mails  # what waited for one person came as one
    assert "2条火情消息：请处置" in str(digest["Subject"])
    assert digest["To"] == "duty@example.cn"
    kinds = [part.get_content_type() for part in digest.walk()]
    assert "image/jpeg" in kinds


def test_a_gateway_that_fails_is_tried_again_and_its_secret_is_shown_nowhere(
    scene: Scene, gateway: Gateway, noon: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    raise_incident(scene.intake, noon)
    gateway.status = 503
    assert scene.tell()
    (waiting,) = scene.told()
    assert (waiting.state, waiting.attempts) == ("pending", 1)
    assert waiting.last_error is not None
    assert "503" in waiting.last_error
    gateway.status = 200
    assert not scene.tell()  # its pause
    scene.now += timedelta(seconds=5)
    scene.tell_all()
    assert [one.state for one in scene.told()] == ["delivered"]
    assert "way-s3cret" not in caplog.text + (waiting.last_error or "")


def test_a_person_no_gateway_reaches_for_hours_becomes_a_dead_letter(
    scene: Scene, gateway: Gateway, noon: datetime
) -> None:
    raise_incident(scene.intake, noon)
    gateway.status = 500
    for _ in range(80):
        scene.tell()
        scene.now += timedelta(minutes=5)
    (dead,) = [one for one in scene.told() if one.alert_id]
    assert dead.state == "dead"


def test_a_burst_arrives_as_few_messages_and_nothing_is_dropped(
    scene: Scene, gateway: Gateway, noon: datetime
) -> None:
    """Three messages in ten minutes are allowed here; six come one after the other."""
    for number in range(1, 7):
        notice = Notice(f"n-{number}", "camera", f"{number}号摄像机失明", "-", "-", "-")
        with scene.store.writing() as session:
            notices.post(session, notice, now=scene.now, people=[CHIEF])
        scene.tell_all()
        scene.now += timedelta(seconds=20)
    assert len(gateway.posts) == 3
    assert [one.state for one in scene.told()] == ["pending"] * 3 + ["delivered"] * 3
    scene.now = noon + timedelta(minutes=10, seconds=1)
    scene.tell_all()
    assert len(gateway.posts) == 4
    digest = gateway.posts[-1][1]
    assert digest["title"].startswith("3条火情消息")
    assert all(f"{number}号摄像机失明" in digest["message"] for number in (4, 5, 6))
    assert {one.state for one in scene.told()} == {"delivered"}


class TestCalls:
    @pytest.fixture
    def incident_id(self, sqlite_store: Store, tmp_path: Path, noon: datetime) -> str:
        square = [[116.3, 23.0], [116.5, 23.0], [116.5, 23.2], [116.3, 23.2], [116.3, 23.0]]
        contacts = [
            {"name": "陈某", "role": "网格员", "phone": "000-1"},
            {"name": "林某", "role": "护林员", "phone": "000-2"},
        ]
        area = {"level": "grid", "code": "G-1", "name": "大坑网格", "contacts": contacts}
        grid = {"type": "Polygon", "coordinates": [square]}
        grids = Grids([{"type": "Feature", "properties": area, "geometry": grid}])
        intake = intake_into(sqlite_store, tmp_path / "evidence", targets=(), grids=grids)
        return intake.accept(sighting_of(BOWL.at(23.105, 116.4), NORTH, noon), PICTURES, NORTH).incident_id

    def call(self, store: Store, incident_id: str, level: str, gateways: tuple[str, ...]) -> list[str]:
        with store.writing() as session:
            called = calling.call(
                session,
                find_incident(session, incident_id),
                level,
                key=f"call-{level}",
                why="120 秒内无人接单",
                now=store.clock(),
                gateways=gateways,
                trouble=Trouble([CHIEF]),
            )
        return [one.name for one in called]

    def test_everybody_of_the_level_gets_the_call_with_the_fire_in_it(
        self, sqlite_store: Store, incident_id: str, gateway: Gateway
    ) -> None:
        assert self.call(sqlite_store, incident_id, "grid", ("sms",)) == ["陈某", "林某"]
        notifier = Notifier(
            sqlite_store, PeopleLine({"sms": gateway.url}), {}, time_zone=ZONE, most_per_window=10
        )
        while notifier.tell_next(COMPOSER, ME):
            pass
        assert sorted(path for path, _ in gateway.posts) == ["/sms/000-1", "/sms/000-2"]
        post = gateway.posts[0][1]
        assert post["title"] == "请大坑网格处置1号火情"
        assert "原因：120 秒内无人接单" in post["message"]
        assert "拍摄时间：" in post["message"]
        assert [one.recipient for one in sqlite_store.incident(incident_id).deliveries] == ["陈某", "林某"]

    @pytest.mark.parametrize(
        ("level", "gateways", "who"),
        [("grid", (), "陈某（网格员）、林某（护林员）"), ("town", ("sms",), "无联系人")],
    )
    def test_a_call_nobody_gets_is_told_to_those_who_can_telephone(
        self, sqlite_store: Store, incident_id: str, level: str, gateways: tuple[str, ...], who: str
    ) -> None:
        assert self.call(sqlite_store, incident_id, level, gateways) == []
        with sqlite_store.reading() as session:
            (notice,) = session.scalars(select(NoticeRow))
        assert notice.kind == "trouble"
        assert who in notice.content["text"]
        assert [one.target_id for one in sqlite_store.deliveries()] == ["person:chief"]
