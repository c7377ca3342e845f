"""`firewatch doctor` sees what would kill a centre slowly: a wrong clock, a full disk, silence."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import config
from alerting import notices, roster_register
from alerting.grids import Grids
from alerting.ingest import RemoteWorker
from alerting.journal import By
from alerting.notices import Notice
from alerting.records import CameraState, DeliveryRecord, DeliveryState
from alerting.secret_box import SecretBox
from alerting.store import Store
from alerting.target_register import TargetRegister
from firewatch import doctor

NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
EPOCH_S = 2_208_988_800


@contextmanager
def time_server(ahead_s: float, *, stratum: int = 2, forged: bool = False) -> Iterator[str]:
    """A real NTP server on loopback whose clock is `ahead_s` ahead of ours."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind(("127.0.0.1", 0))
        line.settimeout(10)

        def serve() -> None:
            question, asker = line.recvfrom(512)
            theirs = time.time() + ahead_s + EPOCH_S
            stamp = struct.pack("!II", int(theirs), int(theirs % 1 * 2**32))
            cookie = bytes(8) if forged else question[40:48]
            line.sendto(bytes((0x24, stratum)) + bytes(22) + cookie + stamp + stamp, asker)

        serving = threading.Thread(target=serve)
        serving.start()
        yield f"127.0.0.1:{line.getsockname()[1]}"
        serving.join()


@pytest.mark.parametrize(
    ("ahead_s", "level"), [(0.0, "ok"), (5.0, "warn"), (-5.0, "warn"), (90.0, "alarm"), (-3600.0, "alarm")]
)
def test_a_clock_that_is_off_is_measured_against_a_real_time_server(ahead_s: float, level: str) -> None:
    with time_server(ahead_s) as server:
        found = doctor.clock(server)
    assert found.level == level
    if ahead_s:
        assert ("behind" if ahead_s > 0 else "ahead of") in found.text


def test_a_time_server_that_is_silent_unset_or_forged_is_no_comparison() -> None:
    assert "not compared" in doctor.clock("127.0.0.1:9").text
    with time_server(0, stratum=0) as unset:
        assert "not set" in doctor.clock(unset).text
    with time_server(100, forged=True) as forged:
        assert "no NTP answer" in doctor.clock(forged).text
    assert doctor.clock(None).level == "warn"


def test_a_disk_that_fills_is_told_before_it_is_full_and_one_disk_once(tmp_path: Path) -> None:
    places = [tmp_path / "evidence", tmp_path / "var"]
    levels = {
        free: [one.level for one in doctor.disks(places, lambda _: free)]  # noqa: B023
        for free in (50_000_000_000, 2_000_000_000, 100_000_000)
    }
    assert levels == {50_000_000_000: ["ok"], 2_000_000_000: ["warn"], 100_000_000: ["alarm"]}


def test_the_disk_of_the_logs_is_looked_at_too(tmp_path: Path) -> None:
    made = deployment(tmp_path, 1)
    elsewhere = Path("/proc")  # another file system, always there and always without room
    kept = made.model_copy(update={"logs": made.logs.model_copy(update={"folder": str(elsewhere)})})
    places = [one.text for one in doctor.examine(kept, tmp_path) if one.subject == "disk"]
    assert any(text.startswith("0.0 GB free at /proc") for text in places)


def delivery(state: DeliveryState, created_at: datetime) -> DeliveryRecord:
    return DeliveryRecord(
        1, "a-1", None, "inc-1", 1, "county", state, 1, created_at, "answered 400", None, created_at
    )


def test_an_alert_that_was_refused_is_an_alarm_with_receiver_and_reason() -> None:
    found = doctor.dead_letters((delivery("dead", NOON),))
    assert (found.level, "county" in found.text, "answered 400" in found.text) == ("alarm", True, True)
    assert doctor.dead_letters(()).level == "ok"


def test_an_alert_that_waits_for_long_is_told() -> None:
    assert doctor.waiting((delivery("pending", NOON - timedelta(minutes=2)),), NOON).level == "ok"
    late = doctor.waiting((delivery("pending", NOON - timedelta(minutes=20)),), NOON)
    assert (late.level, "county" in late.text) == ("warn", True)


def test_the_local_time_of_the_deployment_is_told() -> None:
    assert "2026-11-24 12:00" in doctor.time_zone("Asia/Shanghai", NOON).text
    assert "2026-11-24 04:00" in doctor.time_zone("UTC", NOON).text


def camera(state: str, since: datetime) -> CameraState:
    return CameraState("north", state, since, "")


def test_a_camera_blind_for_long_is_an_alarm_one_that_just_reconnects_is_not() -> None:
    enabled = {"north": "北塔"}
    just = (camera("stale", NOON - timedelta(seconds=20)),)
    long = (camera("frozen", NOON - timedelta(hours=1)),)
    assert doctor.blind_cameras(enabled, (camera("live", NOON),), NOON).level == "ok"
    assert doctor.blind_cameras(enabled, just, NOON).level == "warn"
    found = doctor.blind_cameras(enabled, long, NOON)
    assert (found.level, "北塔 (frozen)" in found.text) == ("alarm", True)
    assert doctor.blind_cameras(enabled, (), NOON).level == "alarm"


@pytest.mark.parametrize(
    ("silent_s", "ahead_s", "waiting", "level", "said"),
    [
        (5, 0.3, 0, "ok", "heard"),
        (300, 0.0, 0, "alarm", "not heard for 5 min"),
        (5, -4.0, 0, "warn", "4.0 s behind"),
        (5, 90.0, 0, "alarm", "90.0 s ahead"),
        (5, 0.0, 7, "warn", "7 sightings wait"),
    ],
)
def test_a_box_is_told_of_when_it_is_silent_has_a_wrong_clock_or_holds_sightings_back(
    silent_s: float, ahead_s: float, waiting: float, level: str, said: str
) -> None:
    heard_at = NOON - timedelta(seconds=silent_s)
    found = doctor.box(RemoteWorker(1, "北峰", heard_at, ahead_s, {"waiting_sightings": waiting}), NOON)
    assert (found.level, said in found.text, found.subject) == (level, True, "box 北峰")


def certificate(folder: Path, expires: datetime) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1 that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=400))
        .not_valid_after(expires)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / "cert.pem", folder / "key.pem"
    certificate_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return certificate_file, key_file


@contextmanager
def https_receiver(certificate_file: Path, key_file: Path) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate_file, key_file)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            line, _ = listening.accept()
            try:
                with context.wrap_socket(line, server_side=True) as secure:
                    secure.recv(1)
            except OSError:  # a client that does not trust us hangs up
                line.close()

        serving = threading.Thread(target=serve)
        serving.start()
        yield listening.getsockname()[1]
        serving.join()


@pytest.mark.parametrize(("days", "level"), [(100, "ok"), (20, "warn"), (2, "alarm"), (-1, "alarm")])
def test_a_receivers_certificate_is_told_before_it_expires(tmp_path: Path, days: int, level: str) -> None:
    files = certificate(tmp_path, datetime.now(UTC) + timedelta(days=days, hours=1))
    with https_receiver(*files) as port:
        found = list(doctor.certificates(deployment(tmp_path, port, authority=files[0]), datetime.now(UTC)))
    assert [one.level for one in found] == [level]


@pytest.mark.parametrize(("days", "level"), [(100, "ok"), (20, "warn"), (-1, "alarm")])
def test_the_consoles_certificate_is_told_before_it_expires_whoever_signed_it(
    tmp_path: Path, days: int, level: str
) -> None:
    files = certificate(tmp_path, datetime.now(UTC) + timedelta(days=days, hours=1))
    with https_receiver(*files) as port:
        seen = console_at(tmp_path, port)
    gone = console_at(tmp_path, port)
    assert (seen.subject, seen.level) == ("certificate of the console", level)
    assert (gone.level, "not seen" in gone.text) == ("warn", True)


def console_at(folder: Path, port: int) -> doctor.Finding:
    console = config.ConsoleSettings(public_url=f"https://localhost:{port}")
    made = deployment(folder, 1).model_copy(update={"console": console, "dispatch": ()})
    (found,) = doctor.certificates(made, datetime.now(UTC))
    return found


def test_an_access_log_that_is_not_kept_or_not_for_half_a_year_is_told() -> None:
    folder = "/var/log/firewatch"
    assert doctor.access_log(config.LogSettings()).level == "warn"
    assert doctor.access_log(config.LogSettings(folder=folder, keep_days=30)).level == "warn"
    assert doctor.access_log(config.LogSettings(folder=folder)).level == "ok"


def deployment(folder: Path, port: int, authority: Path | None = None) -> config.Deployment:
    target = {"id": "dispatch", "name": "接警台", "url": f"https://localhost:{port}/", "secret": "12345678"}
    return config.Deployment.model_validate(
        {
            "name": "大南山",
            "cameras": [
                {
                    "id": "north",
                    "name": "北塔",
                    "source": "rtsp://127.0.0.1/north",
                    "lat_deg": 23.1,
                    "lon_deg": 116.4,
                    "mast_height_m": 30,
                    "pose": {"azimuth_deg": 0, "tilt_deg": 0, "hfov_deg": 60},
                }
            ],
            "dispatch": [target | ({"tls": {"authority": str(authority)}} if authority else {})],
            "storage": {
                "database_url": f"sqlite:///{folder}/firewatch.db",
                "evidence": str(folder / "evidence"),
            },
        }
    )


def test_the_command_says_all_of_it_as_json_and_an_alarm_is_exit_code_two(tmp_path: Path) -> None:
    database = tmp_path / "firewatch.db"
    store = Store.open(f"sqlite:///{database}")
    store.set_camera_state("north", "frozen", datetime.now(UTC) - timedelta(hours=3), "same picture")
    store.close()
    file = tmp_path / "centre.yaml"
    file.write_text(
        "name: 大南山\n"
        f"storage: {{database_url: 'sqlite:///{database}', evidence: '{tmp_path}/evidence'}}\n"
        "cameras:\n"
        "  - {id: north, name: 北塔, source: 'rtsp://127.0.0.1/north', lat_deg: 23.1, lon_deg: 116.4,\n"
        "     mast_height_m: 30, pose: {azimuth_deg: 0, tilt_deg: 0, hfov_deg: 60}}\n"
    )
    answer = subprocess.run(
        [sys.executable, "-m", "firewatch.cli", "doctor", str(file), "--json", "--state", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    found = {one["subject"]: one["level"] for one in json.loads(answer.stdout)}
    assert answer.returncode == 2
    assert found["cameras"] == "alarm"
    assert found["store"] == found["dead letters"] == found["weights"] == "ok"
    assert found["backup"] == found["clock"] == "warn"


def test_a_store_that_is_damaged_is_an_alarm_that_names_the_cure(tmp_path: Path) -> None:
    made = deployment(tmp_path, 1)
    (tmp_path / "firewatch.db").write_bytes(b"no database at all, " * 500)
    levels = {one.subject: one for one in doctor.store(made, tmp_path, NOON)}
    assert levels["store"].level == "alarm"


def test_hours_without_anybody_on_duty_and_rosters_of_lost_areas_are_told(tmp_path: Path) -> None:
    path, database = tmp_path / "grids.geojson", f"sqlite:///{tmp_path}/rosters.db"

    def write(code: str, **duty: str) -> None:
        person = {"name": "陈（示例）", "role": "网格员", "phone": "1", **({"duty": duty} if duty else {})}
        ring = [[116, 23], [117, 23], [117, 24], [116, 24], [116, 23]]
        area = {"level": "district", "code": code, "name": "大山区", "contacts": [person]}
        feature = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]}}
        features = [{**feature, "properties": area}]
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")

    write("d", **{"from": "08:00", "to": "20:00"})
    deployment = config.loads(
        f"name: hills\ngrids: {path}\nstorage: {{database_url: '{database}'}}\ncameras:\n"
        "  - {id: north, name: 北岭, source: 'rtsp://h/x', lat_deg: 23.1, lon_deg: 116.4, mast_height_m: 20,"
        " pose: {azimuth_deg: 0, tilt_deg: 0, hfov_deg: 50}}\n"
    )
    store = Store.open(database)
    assert "everybody is called then: 大山区" in doctor.rosters(deployment, store).text
    always = roster_register.checked([{"name": "王（示例）", "role": "网格员", "phone": "2"}])
    roster_register.save(store, Grids.open(path), "d", always, by=By("li"))
    assert doctor.rosters(deployment, store) == doctor.Finding(
        "ok", "rosters", "no gaps; 1 saved in the console"
    )
    write("renamed")
    found = doctor.rosters(deployment, store)
    store.close()
    assert (found.level, "no area d" in found.text) == ("warn", True)


def test_receivers_that_nobody_sends_to_while_something_waits_and_secrets_that_cannot_be_opened_are_told(
    tmp_path: Path,
) -> None:
    made = deployment(tmp_path, 1)
    store = Store.open(made.storage.database_url.reveal())
    register = TargetRegister(store, made, SecretBox(tmp_path / "secrets.key"))
    (target,) = made.dispatch
    assert doctor.receivers(register, store) == doctor.Finding(
        "ok", "receivers", "1, 0 switched off; 0 saved in the console"
    )
    notice = Notice("n-1", "trouble", "一", "一", "one", "one")
    with store.writing() as session:
        notices.post(session, notice, now=NOON, targets=[target.id, "gone"])
    register.change(target.id, {"enabled": False}, by=By("li"))
    found = doctor.receivers(register, store)
    assert (found.level, found.text) == (
        "warn",
        f"messages wait that nobody sends: 1 for {target.id} (switched off), 1 for gone (no such receiver)",
    )
    (tmp_path / "secrets.key").unlink()
    found = doctor.receivers(register, store)
    store.close()
    assert (found.level, f"the secrets of {target.id} cannot be opened" in found.text) == ("alarm", True)
