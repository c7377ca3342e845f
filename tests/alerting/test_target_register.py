"""Receivers saved in the console: in place of the deployment file's, version by version, until given back;
and what waits for them is never lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alerting_samples import NORTH, PICTURES, sighting_at
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

import config
from alerting import audit, decisions
from alerting.camera_register import CameraRegister
from alerting.intake import Intake
from alerting.journal import By
from alerting.lifecycle import Action, Cause, Decision, Verdict
from alerting.outbox import Backoff, Sender
from alerting.placement import Placement
from alerting.secret_box import SecretBox, SecretsError
from alerting.store import ConflictError, NotFoundError, Store
from alerting.tables import AuditRow, TargetVersionRow
from alerting.target_register import TargetError, TargetFiles, TargetRegister
from alerting.trouble import Trouble
from firewatch.followed_targets import FollowedTargets
from simulator.receiver import DispatchReceiver

LI, WU = By("li", "10.0.0.7"), By("wu", "10.0.0.8")
KEY = "the key of the signature"
ROBOT = {"id": "robot", "name": "群机器人", "url": "https://chat.example/hooks/T0KEN-IN-PATH", "bearer": KEY}
SECRETS = (KEY, "T0KEN-IN-PATH", "pa$$word of theirs")


def deployment_to(url: str = "http://127.0.0.1:9/alerts", **more: Any) -> config.Deployment:
    county = {"id": "county", "name": "县指挥中心", "url": url, "secret": KEY}
    return config.Deployment.model_validate(
        {"name": "大岗顶", "cameras": [NORTH], "dispatch": [county], **more}
    )


@pytest.fixture
def box(tmp_path: Path) -> SecretBox:
    return SecretBox(tmp_path / "state" / "secrets.key")


@pytest.fixture
def deployment(tmp_path: Path) -> config.Deployment:
    return deployment_to(storage={"evidence": str(tmp_path / "evidence")})


@pytest.fixture
def register(store: Store, deployment: config.Deployment, box: SecretBox) -> TargetRegister:
    return TargetRegister(store, deployment, box)


@pytest.fixture
def intake(store: Store, deployment: config.Deployment) -> Intake:
    return Intake.from_deployment(store, deployment, placement=Placement(None, None, None))


def fire(intake: Intake, at: datetime, place: int = 0) -> str:
    seen = sighting_at((100.0 + 200 * place, 500), NORTH, at, sighting_id=f"{place}-{at.timestamp():.0f}")
    return intake.accept(seen, PICTURES, NORTH).incident_id


def told(store: Store, incident_id: str) -> list[tuple[str, int]]:
    deliveries = store.incident(incident_id).deliveries
    return sorted((one.target_id, int((one.alert_id or ".0").rpartition(".")[2])) for one in deliveries)


def waiting(store: Store) -> list[str]:
    return [one.target_id for one in store.deliveries(state="pending")]


def ids(register: TargetRegister) -> list[str]:
    return [one.id for one in register.shown()]


@contextmanager
def sending(store: Store, register: TargetRegister, *, first_pause_s: float = 0.02) -> Iterator[list[str]]:
    """As the sender's process does; the ids of the receivers that it serves now."""
    stop, served = threading.Event(), list[str]()
    sender = Sender(store, (), backoff=Backoff(first_pause_s, longest_s=600), poll_s=0.02)

    def note(targets: Sequence[config.DispatchTarget]) -> None:
        served[:] = [target.id for target in targets]

    followed = FollowedTargets(register, sender.serve, note, follow_s=0.05)
    threads = [threading.Thread(target=run, args=(stop,)) for run in (sender.run, followed.run)]
    for thread in threads:
        thread.start()
    try:
        yield served
    finally:
        stop.set()
        for thread in threads:
            thread.join(timeout=30)
        assert not any(thread.is_alive() for thread in threads)


def until(what: Callable[[], bool], limit_s: float = 60.0) -> None:
    deadline = time.monotonic() + limit_s
    while not what():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.01)


# Versions


def test_without_changes_the_receivers_are_those_of_the_deployment_file(
    register: TargetRegister, deployment: config.Deployment
) -> None:
    assert register.opened() == register.shown() == deployment.dispatch
    assert register.versions("county") == ()
    with pytest.raises(NotFoundError, match="no receiver 'nowhere'"):
        register.versions("nowhere")


def test_an_added_receiver_comes_after_the_files_with_all_its_secrets(register: TargetRegister) -> None:
    made = register.add(ROBOT, by=LI, why="their new group")
    assert (made.version, made.action, made.who, made.why) == (1, "added", "li", "their new group")
    assert ids(register) == ["county", "robot"]
    assert register.opened()[1] == config.DispatchTarget.model_validate(ROBOT)
    assert register.opened_one("robot") == register.opened()[1]
    with pytest.raises(ConflictError, match="a receiver 'robot' already"):
        register.add(ROBOT, by=LI)
    with pytest.raises(ConflictError, match="a receiver 'county' already"):
        register.add({**ROBOT, "id": "county"}, by=LI)


def test_the_first_change_keeps_the_files_word_as_its_first_version_and_the_secrets_that_it_does_not_name(
    register: TargetRegister,
) -> None:
    made = register.change("county", {"name": "县森防办", "notices": True}, by=LI, why="new name", seen=0)
    assert (made.version, made.action) == (2, "changed")
    (now,) = register.opened()
    assert (now.name, now.notices, now.url) == ("县森防办", True, "http://127.0.0.1:9/alerts")
    assert now.secret is not None
    assert now.secret.get_secret_value() == KEY
    assert [one.action for one in register.versions("county")] == ["changed", "seeded"]


def test_a_password_that_a_change_leaves_out_stays_and_what_is_set_to_nothing_goes(
    register: TargetRegister,
) -> None:
    basic = {"user": "us", "password": "pa$$word of theirs"}
    register.change("county", {"basic": basic}, by=LI)
    register.change("county", {"basic": {"user": "them"}, "secret": None}, by=LI)
    (now,) = register.opened()
    assert now.basic is not None
    assert (now.basic.user, now.basic.password.get_secret_value()) == ("them", "pa$$word of theirs")
    assert now.secret is None


def test_an_earlier_version_comes_back_with_its_secrets_as_a_new_one(register: TargetRegister) -> None:
    register.change("county", {"url": "https://elsewhere.example/x", "secret": "another key"}, by=LI)
    assert register.revert("county", 1, by=WU).action == "reverted to 1"
    (now,) = register.opened()
    assert now.url == "http://127.0.0.1:9/alerts"
    assert now.secret is not None
    assert now.secret.get_secret_value() == KEY
    with pytest.raises(NotFoundError, match="no version 9"):
        register.revert("county", 9, by=WU)


def test_given_back_the_file_counts_again_as_it_is_then(
    register: TargetRegister, store: Store, box: SecretBox
) -> None:
    register.change("county", {"name": "县森防办"}, by=LI)
    later = TargetRegister(store, deployment_to("http://127.0.0.1:9/v2"), box)
    assert later.opened()[0].name == "县森防办", "whatever the file says"
    assert later.give_back("county", by=LI).action == "given back"
    assert later.opened()[0].url == "http://127.0.0.1:9/v2"
    with pytest.raises(ConflictError, match="is the deployment file's already"):
        later.give_back("county", by=LI)
    with pytest.raises(ConflictError, match="give it back instead"):
        later.revert("county", 3, by=LI)


def test_of_two_who_change_a_receiver_at_once_one_is_told(register: TargetRegister) -> None:
    register.change("county", {"name": "甲"}, by=LI, seen=0)
    for change in (
        lambda: register.change("county", {"name": "乙"}, by=WU, seen=0),
        lambda: register.give_back("county", by=WU, seen=0),
        lambda: register.revert("county", 1, by=WU, seen=0),
    ):
        with pytest.raises(ConflictError, match="changed by li"):
            change()
    assert register.change("county", {"name": "乙"}, by=WU, seen=2).version == 3


def test_a_receiver_that_was_removed_is_brought_back_by_its_version_or_added_anew(
    register: TargetRegister,
) -> None:
    register.add(ROBOT, by=LI)
    assert register.give_back("robot", by=LI).action == "removed"
    assert ids(register) == ["county"]
    for change in (
        lambda: register.change("robot", {"name": "x"}, by=LI),
        lambda: register.give_back("robot", by=LI),
        lambda: register.opened_one("nowhere"),
    ):
        with pytest.raises(NotFoundError, match="no receiver"):
            change()
    register.revert("robot", 1, by=LI)
    assert register.opened()[1] == config.DispatchTarget.model_validate(ROBOT)
    register.give_back("robot", by=LI)
    assert register.add(ROBOT, by=LI).version == 5


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"url": "ftp://h/x"}, "url: is not an http://"),
        ({"url": "https://user:word@h/x"}, "url: carries a user or password"),
        ({"url": "mqtt://h:1883"}, "url: names no topic"),
        ({"timeout_s": 0}, "timeout_s"),
        ({"secret": None}, "cannot know that alerts come from us"),
        ({"format": "template"}, "'template' and 'format: template' go together"),
        ({"url": "mqtts://h/topic", "bearer": KEY}, "MQTT has no bearer tokens"),
        ({"tls": {"certificate": "/etc/x.pem"}}, "needs both 'certificate' and 'key'"),
        ({"id": "other"}, "never changes"),
        ({"colour": "red"}, "no such option"),
    ],
)
def test_a_receiver_that_cannot_be_is_refused_in_the_words_of_the_file_and_nothing_is_written(
    register: TargetRegister, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(TargetError, match=said) as refused:
        register.change("county", changes, by=LI)
    assert not any(secret in str(refused.value) for secret in SECRETS)
    assert register.versions("county") == ()


def test_no_file_of_this_machine_is_read_that_the_deployment_file_does_not_name(
    register: TargetRegister, store: Store, box: SecretBox, tmp_path: Path
) -> None:
    """A template of any file would be a way to send its content to an address of one's choice."""
    template = tmp_path / "named.j2"
    template.write_text("{{ alert.alert_id }}", encoding="utf-8")
    for changes in (
        {"format": "template", "template": "/etc/passwd"},
        {"tls": {"authority": str(tmp_path / "ca.pem")}},
    ):
        with pytest.raises(TargetError, match="only files that a receiver of the deployment file names"):
            register.change("county", changes, by=LI)
    file = deployment_to()
    named = file.dispatch[0].model_copy(update={"id": "town", "format": "template", "template": template})
    knows = TargetRegister(store, file.model_copy(update={"dispatch": (*file.dispatch, named)}), box)
    knows.change("county", {"format": "template", "template": str(template)}, by=LI)
    assert knows.opened()[0].template == template


def test_a_file_is_read_only_for_what_the_deployment_file_names_it_for(
    store: Store, box: SecretBox, tmp_path: Path
) -> None:
    """A private key that is named as one makes no template: its content would be sent away."""
    key, certificate = tmp_path / "own.key", tmp_path / "own.pem"
    file = deployment_to()
    tls = config.Tls(certificate=certificate, key=key)
    mutual = file.dispatch[0].model_copy(update={"id": "town", "tls": tls})
    knows = TargetRegister(store, file.model_copy(update={"dispatch": (*file.dispatch, mutual)}), box)
    assert knows.named_files() == TargetFiles(certificate=(certificate,), key=(key,))
    with pytest.raises(TargetError, match=r"template: .*own\.key: only files .* for this can be used"):
        knows.change("county", {"format": "template", "template": str(key)}, by=LI)
    knows.change("county", {"tls": {"certificate": str(certificate), "key": str(key)}}, by=LI)
    assert knows.opened()[0].tls == tls


def test_nobody_takes_the_name_under_which_people_have_their_messages(register: TargetRegister) -> None:
    with pytest.raises(TargetError, match="'people' is taken"):
        register.add({**ROBOT, "id": "people"}, by=LI)


# Secrets


def test_no_secret_is_in_the_store_the_log_the_record_or_a_representation(
    register: TargetRegister, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    register.add({**ROBOT, "basic": {"user": "us", "password": "pa$$word of theirs"}}, by=LI)
    register.change("robot", {"name": "群"}, by=LI)
    with store.reading() as session:
        rows = [(row.definition, row.secrets) for row in session.scalars(select(TargetVersionRow))]
        noted = [(row.action, row.subject, row.detail) for row in session.scalars(select(AuditRow))]
    events = [one.data for one in store.events_since(0)]
    seen = repr((rows, noted, events, register.versions("robot"), register.opened(), caplog.text))
    for secret in SECRETS:
        assert secret not in seen
    assert "https://chat.example/***" in seen
    assert [one[:2] for one in noted] == [("receiver added", "robot"), ("receiver changed", "robot")]
    assert [one["target"] for one in events if "target" in one] == ["added", "changed"]
    entries = list(
        audit.entries(store, store.clock() - timedelta(hours=1), store.clock() + timedelta(hours=1))
    )
    assert [one.who for one in entries] == ["li", "li"]


def test_without_the_key_a_receiver_is_told_of_but_not_sent_to_and_the_files_are(
    register: TargetRegister, store: Store, deployment: config.Deployment, tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    register.add(ROBOT, by=LI)
    (tmp_path / "state" / "secrets.key").rename(tmp_path / "state" / "aside")
    assert ids(register) == ["county", "robot"]
    assert [one.id for one in register.opened()] == ["county"]
    assert "receiver not usable, its messages wait: target=robot" in caplog.text
    with pytest.raises(SecretsError, match="cannot be read"):
        register.opened_one("robot")
    with pytest.raises(SecretsError, match="cannot be read"):
        register.add({**ROBOT, "id": "other"}, by=LI)  # another key would lock the first one out
    with pytest.raises(SecretsError, match="no key file"):
        TargetRegister(store, deployment).add({**ROBOT, "id": "other"}, by=LI)
    register.change("robot", {"url": ROBOT["url"], "bearer": KEY}, by=LI)  # all was entered anew
    assert [one.id for one in register.opened()] == ["county", "robot"]


def test_a_lost_key_of_cameras_is_not_replaced_by_one_for_receivers(
    register: TargetRegister, store: Store, deployment: config.Deployment, box: SecretBox, tmp_path: Path
) -> None:
    """They share it: another key would lock the cameras' addresses out for good."""
    CameraRegister(store, deployment, box).change(NORTH.id, {"name": "北岭"}, by=LI)
    (tmp_path / "state" / "secrets.key").unlink()
    with pytest.raises(SecretsError, match="cannot be read"):
        register.add(ROBOT, by=LI)
    assert not box.has_key


@pytest.mark.parametrize("statement", ["UPDATE target_versions SET why = 'x'", "DELETE FROM target_versions"])
def test_the_database_itself_refuses_to_change_a_version(
    store: Store, register: TargetRegister, statement: str
) -> None:
    register.add(ROBOT, by=LI)
    with pytest.raises(DBAPIError, match="append-only"), store.writing() as session:
        session.execute(text(statement))


# Who is told


def test_an_added_receiver_is_told_of_the_next_fire_in_every_process(
    register: TargetRegister, store: Store, intake: Intake, noon: datetime
) -> None:
    assert told(store, fire(intake, noon)) == [("county", 1)]
    register.add(ROBOT, by=LI)
    assert told(store, fire(intake, noon, 3)) == [("county", 1), ("robot", 1)]


def test_an_added_receiver_hears_of_a_fire_that_burns_already_with_its_next_message(
    register: TargetRegister, store: Store, intake: Intake, noon: datetime
) -> None:
    incident_id = fire(intake, noon)
    register.add(ROBOT, by=LI)
    decisions.decide(store, incident_id, Decision(Action.CONFIRM), who="li", version=1)
    assert told(store, incident_id) == [("county", 1), ("county", 2), ("robot", 2)]


def test_a_receiver_that_is_switched_off_hears_of_no_new_fire_but_is_owed_the_end_of_those_it_knows(
    register: TargetRegister, store: Store, intake: Intake, noon: datetime
) -> None:
    known = fire(intake, noon)
    assert register.change("county", {"enabled": False}, by=LI).action == "switched off"
    assert told(store, fire(intake, noon, 3)) == []
    false_alarm = Decision(Action.DISMISS, Verdict.FALSE_ALARM, Cause.FOG)
    decisions.decide(store, known, false_alarm, who="li", version=1)
    assert told(store, known) == [("county", 1), ("county", 2)]
    assert register.change("county", {"enabled": True}, by=LI).action == "switched on"
    assert told(store, fire(intake, noon, 6)) == [("county", 1)]


def test_a_receiver_that_the_file_switches_off_is_told_nothing(
    store: Store, deployment: config.Deployment, noon: datetime
) -> None:
    (county,) = deployment.dispatch
    off = deployment.model_copy(update={"dispatch": (county.model_copy(update={"enabled": False}),)})
    assert told(store, fire(Intake.from_deployment(store, off), noon)) == []


def test_a_receiver_that_was_not_told_of_a_fire_before_it_was_switched_off_is_not_told_when_it_is_dispatched(
    register: TargetRegister, store: Store, intake: Intake, noon: datetime
) -> None:
    register.add({**ROBOT, "from_stage": "dispatch"}, by=LI)
    incident_id = fire(intake, noon)
    register.change("robot", {"enabled": False}, by=LI)
    for action, version in ((Action.CONFIRM, 1), (Action.DISPATCH, 2)):
        decisions.decide(store, incident_id, Decision(action), who="li", version=version)
    assert {target_id for target_id, _ in told(store, incident_id)} == {"county"}


def test_those_who_hear_of_trouble_are_the_receivers_of_this_moment(
    register: TargetRegister, store: Store, deployment: config.Deployment, noon: datetime
) -> None:
    trouble = Trouble.of(deployment)
    register.add({**ROBOT, "notices": True}, by=LI)
    with store.writing() as session:
        trouble.target_down(session, "county", "no connection", noon)
    assert waiting(store) == ["robot"]
    register.change("robot", {"enabled": False}, by=LI)
    with store.writing() as session:
        trouble.over(session, "county", noon)
    assert waiting(store) == ["robot"], "no second one"


def test_nothing_that_waits_is_lost_by_removing_its_receiver(
    register: TargetRegister, store: Store, intake: Intake, noon: datetime
) -> None:
    register.add(ROBOT, by=LI)
    incident_id = fire(intake, noon)
    with pytest.raises(ConflictError, match=r"1 messages wait for 'robot'.* 1 fires that are still open"):
        register.give_back("robot", by=LI)
    register.change("robot", {"enabled": False}, by=LI)
    assert sorted(waiting(store)) == ["county", "robot"]
    with pytest.raises(ConflictError, match="messages wait"):
        register.give_back("robot", by=LI)
    assert told(store, incident_id) == [("county", 1), ("robot", 1)]


# The sender follows


def test_a_receiver_that_moves_gets_what_waited_for_it_at_its_new_address_before_its_next_attempt(
    store: Store, box: SecretBox, noon: datetime, tmp_path: Path
) -> None:
    """Its old address answers nothing: the next attempt there would be made in five minutes or later."""
    nowhere = deployment_to(storage={"evidence": str(tmp_path / "evidence")})
    register = TargetRegister(store, nowhere, box)
    intake = Intake.from_deployment(store, nowhere, placement=Placement(None, None, None))
    with DispatchReceiver(KEY) as receiver, sending(store, register, first_pause_s=600):
        incident_id = fire(intake, noon)
        until(lambda: store.deliveries(state="pending")[0].attempts == 1)
        register.change("county", {"url": receiver.url}, by=LI)
        until(lambda: not waiting(store))
        (received,) = receiver.alerts
        assert (received.idempotency_key, received.deliveries) == (f"{incident_id}.1", 1)


def test_what_waits_for_a_receiver_that_is_switched_off_goes_out_in_order_when_it_is_switched_on(
    register: TargetRegister, store: Store, intake: Intake, noon: datetime
) -> None:
    with DispatchReceiver(KEY) as receiver, sending(store, register) as served:
        register.change("county", {"url": receiver.url}, by=LI)
        incident_id = fire(intake, noon)
        until(lambda: len(receiver.alerts) == 1)
        register.change("county", {"enabled": False}, by=LI)
        until(lambda: served == [])
        decisions.decide(store, incident_id, Decision(Action.CONFIRM), who="li", version=1)
        decisions.decide(store, incident_id, Decision(Action.DISPATCH), who="li", version=2)
        time.sleep(0.5)
        assert [one.alert["sequence"] for one in receiver.alerts] == [1]
        assert waiting(store) == ["county", "county"]
        register.change("county", {"enabled": True}, by=LI)
        until(lambda: not waiting(store))
        assert [(one.alert["sequence"], one.deliveries) for one in receiver.alerts] == [
            (1, 1),
            (2, 1),
            (3, 1),
        ]


def test_a_receiver_that_changes_while_it_hangs_gets_the_message_once_more_under_the_same_key_or_not_at_all(
    register: TargetRegister, store: Store, intake: Intake, noon: datetime
) -> None:
    """At least once, as ever: the attempt that hangs is not cut off, and no second one runs beside it."""
    with DispatchReceiver(KEY) as receiver, sending(store, register):
        register.change("county", {"url": receiver.url}, by=LI)
        receiver.control(mode="hang", after_storing=True)
        incident_id = fire(intake, noon)
        until(lambda: len(receiver.alerts) == 1)
        register.change("county", {"name": "县森防办"}, by=LI)
        time.sleep(0.5)
        assert [one.deliveries for one in receiver.alerts] == [1]
        receiver.control(mode="ok")
        until(lambda: not waiting(store))
        (received,) = receiver.alerts
        assert received.idempotency_key == f"{incident_id}.1"
        assert received.deliveries <= 2


def test_one_receiver_that_cannot_be_used_delays_no_other(
    store: Store, box: SecretBox, noon: datetime, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = tmp_path / "broken.j2"
    broken.write_text("{% if %}", encoding="utf-8")
    with DispatchReceiver(KEY) as receiver:
        file = deployment_to(receiver.url, storage={"evidence": str(tmp_path / "evidence")})
        town = file.dispatch[0].model_copy(update={"id": "town", "format": "template", "template": broken})
        both = file.model_copy(update={"dispatch": (town, *file.dispatch)})
        intake = Intake.from_deployment(store, both, placement=Placement(None, None, None))
        with sending(store, TargetRegister(store, both, box)):
            fire(intake, noon)
            until(lambda: len(receiver.alerts) == 1)
    assert waiting(store) == ["town"]
    assert "target unusable: target=town" in caplog.text
