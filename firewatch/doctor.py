"""Looks an installation over: clock, disks, certificates, time zone, store, refused alerts, cameras, boxes.

Each examination is a function of what was measured to a `Finding`; `examine` measures and puts them together.
Not for: watching (that is `firewatch watch`) or mending.
"""

from __future__ import annotations

import shutil
import socket
import ssl
import struct
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from sqlalchemy.engine import make_url

from alerting import snapshot
from alerting.camera_register import CameraRegister
from alerting.deliveries import open_counts
from alerting.grids import GridError, Grids
from alerting.ingest import CLOCK_WARN_S, SILENT_AFTER, RemoteWorker, remote_workers
from alerting.people import LANE, lane_of
from alerting.records import CameraState, DeliveryRecord
from alerting.roster import gaps
from alerting.secret_box import KEY_FILE, SecretBox
from alerting.store import Store, StoreError
from alerting.target_register import TargetRegister
from config import Deployment, DispatchTarget, LogSettings
from firewatch.grid_files import saved_rosters

Level = Literal["ok", "warn", "alarm"]

CLOCK_ALARM_S = 30.0
DISK_WARN_BYTES, DISK_ALARM_BYTES = 5e9, 500e6
CERTIFICATE_WARN, CERTIFICATE_ALARM = timedelta(days=30), timedelta(days=3)
BACKUP_WARN = timedelta(days=8)
ACCESS_LOG_DAYS = 184  # six months, whichever they are
BLIND_ALARM = timedelta(minutes=5)
WAITING_WARN = timedelta(minutes=10)
_NTP_EPOCH_S = 2_208_988_800  # 1900 to 1970 (RFC 5905)


@dataclass(frozen=True)
class Finding:
    """One thing looked at, and what a person should know or do about it."""

    level: Level
    subject: str
    text: str


def examine(
    deployment: Deployment, state: Path, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> tuple[Finding, ...]:
    """Everything, worst first within the order of `_examinations`. Never raises for what it examines."""
    return tuple(_examinations(deployment, state, now()))


def _examinations(deployment: Deployment, state: Path, now: datetime) -> Iterator[Finding]:
    yield clock(deployment.time_server)
    yield time_zone(deployment.time_zone, now)
    yield from disks(_folders(deployment, state))
    yield from certificates(_with_receivers_of_the_store(deployment, state), now)
    yield access_log(deployment.logs)
    yield weights(deployment)
    yield from store(deployment, state, now)
    yield backups(state / "backups", now)


def clock(server: str | None, ask: Callable[[str], float] | None = None) -> Finding:
    """How far this machine's clock is from the time server's."""
    if server is None:
        return Finding(
            "warn", "clock", "not compared: no time_server in the deployment file (any NTP server in reach)"
        )
    try:
        offset_s = (ask or clock_offset_s)(server)
    except OSError as error:
        return Finding("warn", "clock", f"not compared: {server} gives no time ({error or 'no answer'})")
    text = f"{abs(offset_s):.2f} s {'behind' if offset_s > 0 else 'ahead of'} {server}"
    if abs(offset_s) > CLOCK_ALARM_S:
        return Finding("alarm", "clock", f"{text}: capture times and signatures are wrong; set the clock")
    if abs(offset_s) > CLOCK_WARN_S:
        return Finding("warn", "clock", f"{text}: is a time service running here?")
    return Finding("ok", "clock", text)


def clock_offset_s(server: str, timeout_s: float = 3.0) -> float:
    """Seconds the server's clock is ahead of ours, by one SNTP question (RFC 4330, section 5). OSError when
    it does not answer."""
    host, _, port = server.partition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.settimeout(timeout_s)
        line.connect((host, int(port or 123)))
        sent = time.time()
        line.send(b"\x23" + bytes(39) + _ntp_stamp(sent))  # version 4, client; our time as the cookie
        answer = line.recv(512)
        received = time.time()
    if len(answer) < 48 or answer[0] & 0x07 != 4 or answer[24:32] != _ntp_stamp(sent):
        raise OSError("the answer is no NTP answer")
    if answer[1] == 0 or answer[0] >> 6 == 3:
        raise OSError("the server says that its own clock is not set")
    arrived, left = (_unix_s(answer[at : at + 8]) for at in (32, 40))
    return ((arrived - sent) + (left - received)) / 2


def time_zone(name: str, now: datetime) -> Finding:
    """What the deployment's local time is; people compare it with their watch."""
    return Finding("ok", "time zone", f"{name}: it is {now.astimezone(ZoneInfo(name)):%Y-%m-%d %H:%M} there")


def disks(folders: Iterable[Path], free_bytes: Callable[[Path], int] | None = None) -> Iterator[Finding]:
    """Room where the store, the evidence, the state and the logs are; one line a disk."""
    seen = set()
    for folder in folders:
        place = next(one for one in (folder, *folder.parents) if one.exists())
        if (device := place.stat().st_dev) in seen:
            continue
        seen.add(device)
        free = (free_bytes or (lambda path: shutil.disk_usage(path).free))(place)
        level: Level = "alarm" if free < DISK_ALARM_BYTES else "warn" if free < DISK_WARN_BYTES else "ok"
        more = "" if level == "ok" else ": make room, evidence is being lost soon"
        yield Finding(level, "disk", f"{free / 1e9:.1f} GB free at {place}{more}")


def certificates(deployment: Deployment, now: datetime) -> Iterator[Finding]:
    """Certificates of the receivers of alerts, our own for mutual TLS, and the console's."""
    for target in deployment.dispatch:
        parts = urlsplit(target.url)
        if parts.scheme not in ("https", "mqtts"):
            continue
        subject = f"certificate of {target.id}"
        authority = target.tls.authority if target.tls else None
        try:
            yield until(subject, _expiry_of(parts.hostname or "", parts.port or 443, authority), now)
        except ssl.SSLCertVerificationError as error:
            yield Finding("alarm", subject, f"not trusted: {error.verify_message}")
        except OSError as error:
            yield Finding("warn", subject, f"not seen: {error or type(error).__name__}")
        if target.tls and target.tls.certificate:
            ours = target.tls.certificate.read_bytes()
            yield until(f"our certificate for {target.id}", _expiry_in(ours), now)
    console = urlsplit(deployment.console.public_url or "")
    if console.scheme == "https":
        subject = "certificate of the console"
        try:
            yield until(subject, _expiry_shown(console.hostname or "", console.port or 443), now)
        except OSError as error:
            yield Finding("warn", subject, f"not seen: {error or type(error).__name__}")


def until(subject: str, expires: datetime, now: datetime) -> Finding:
    """How long a certificate still holds."""
    left = expires - now
    level: Level = "alarm" if left < CERTIFICATE_ALARM else "warn" if left < CERTIFICATE_WARN else "ok"
    text = f"expired {expires:%Y-%m-%d}" if left < timedelta() else f"holds until {expires:%Y-%m-%d}"
    return Finding(level, subject, text)


def access_log(settings: LogSettings) -> Finding:
    """Whether it can be told half a year later who asked the console for what."""
    if settings.folder is None:
        return Finding("warn", "access log", "not kept: no logs.folder in the deployment file")
    text = f"kept for {settings.keep_days} days in {settings.folder}"
    if settings.keep_days < ACCESS_LOG_DAYS:
        return Finding("warn", "access log", f"{text}: regulations ask for six months")
    return Finding("ok", "access log", text)


def weights(deployment: Deployment) -> Finding:
    """Whether the weights in use are whole."""
    from detector.errors import DetectorError
    from detector.registry import load_model

    try:
        model = load_model(deployment.detector.model)
    except (DetectorError, OSError) as error:
        return Finding("alarm", "weights", str(error))
    return Finding("ok", "weights", f"{model.model_id}, whole")


def store(deployment: Deployment, state: Path, now: datetime) -> Iterator[Finding]:
    """The store: its file, what receivers refused or still wait for, receivers that cannot be sent to, and
    cameras that see nothing."""
    url = deployment.storage.database_url.reveal()
    try:
        revision = None if snapshot.is_empty(url) else snapshot.revision_of(url)
        if revision is None:
            yield Finding("warn", "store", "empty: this centre has never run")
            return
        if not snapshot.is_known(revision):
            yield Finding("alarm", "store", f"version {revision} is of a newer program")
            return
        if faults := snapshot.faults_of(url):
            yield Finding("alarm", "store", f"damaged: {faults[0]}; restore a backup")
            return
        opened = Store.open(url)
    except StoreError as error:
        yield Finding("alarm", "store", str(error))
        return
    try:
        yield Finding("ok", "store", f"whole, version {revision}")
        yield dead_letters(opened.deliveries(state="dead", limit=500))
        yield waiting(opened.deliveries(state="pending", limit=500), now)
        yield receivers(TargetRegister(opened, deployment, SecretBox(state / KEY_FILE)), opened)
        cameras = CameraRegister(opened, deployment).cameras
        enabled = {camera.id: camera.name for camera in cameras if camera.enabled}
        yield blind_cameras(enabled, opened.camera_states(), now)
        if deployment.grids is not None:
            yield rosters(deployment, opened)
        for worker in remote_workers(opened):
            yield box(worker, now)
    finally:
        opened.close()


def dead_letters(dead: tuple[DeliveryRecord, ...]) -> Finding:
    """What receivers have refused for good."""
    if not dead:
        return Finding("ok", "dead letters", "none")
    targets = ", ".join(sorted({one.target_id for one in dead}))
    return Finding(
        "alarm", "dead letters", f"{len(dead)} alerts were refused by {targets}; last: {dead[0].last_error}"
    )


def waiting(pending: tuple[DeliveryRecord, ...], now: datetime) -> Finding:
    """What should have been acknowledged by now."""
    late = [one for one in pending if now - one.created_at > WAITING_WARN]
    if not late:
        return Finding("ok", "deliveries", f"{len(pending)} under way")
    targets = ", ".join(sorted({one.target_id for one in late}))
    return Finding("warn", "deliveries", f"{len(late)} wait for more than 10 minutes: {targets}")


def receivers(register: TargetRegister, store: Store) -> Finding:
    """Receivers whose secrets cannot be opened, and messages for those that are switched off or not there."""
    shown = {one.id: one for one in register.shown()}
    closed = sorted(shown.keys() - {one.id for one in register.opened()})
    if closed:
        return Finding(
            "alarm",
            "receivers",
            f"the secrets of {', '.join(closed)} cannot be opened, nothing is sent there: bring back"
            f" {KEY_FILE} from a backup, or enter them anew",
        )
    owed = {one: n for (one, delivery), n in open_counts(store).items() if delivery == "pending"}
    idle = {one: n for one, n in owed.items() if lane_of(one) != LANE and not _is_served(shown.get(one))}
    if idle:
        told = ", ".join(
            f"{n} for {one} ({'switched off' if one in shown else 'no such receiver'})"
            for one, n in sorted(idle.items())
        )
        return Finding("warn", "receivers", f"messages wait that nobody sends: {told}")
    saved = sum(one.is_saved for one in register.current().values())
    off = sum(not one.enabled for one in shown.values())
    return Finding("ok", "receivers", f"{len(shown)}, {off} switched off; {saved} saved in the console")


def blind_cameras(enabled: dict[str, str], states: tuple[CameraState, ...], now: datetime) -> Finding:
    """Cameras that should see and do not."""
    known = {one.camera_id: one for one in states}
    blind = [
        (id_, known.get(id_)) for id_ in enabled if (one := known.get(id_)) is None or one.state != "live"
    ]
    if not blind:
        return Finding("ok", "cameras", f"all {len(enabled)} live")
    names = ", ".join(f"{enabled[id_]} ({one.state if one else 'never seen'})" for id_, one in blind[:5])
    long_blind = any(one is None or now - one.since > BLIND_ALARM for _, one in blind)
    more = f" and {len(blind) - 5} more" if len(blind) > 5 else ""
    return Finding(
        "alarm" if long_blind else "warn",
        "cameras",
        f"{len(blind)} of {len(enabled)} not live: {names}{more}",
    )


def rosters(deployment: Deployment, store: Store) -> Finding:
    """Hours at which nobody is on duty, and saved rosters whose area the grid file has lost."""
    assert deployment.grids is not None
    saved = saved_rosters(store)
    try:
        grids = Grids.open(deployment.grids, deployment.time_zone).with_rosters(saved)
    except GridError as error:
        return Finding("alarm", "rosters", str(error))
    lost = [code for code in saved if grids.area(code) is None]
    open_hours = [one.name for one in grids.listed() if gaps(one.contacts)]
    if lost:
        return Finding(
            "warn",
            "rosters",
            f"the grid file has no area {', '.join(lost)}, whose people were saved in the console: "
            "mend the file, or give them back on the page of rosters",
        )
    if open_hours:
        more = f" and {len(open_hours) - 5} more" if len(open_hours) > 5 else ""
        named = ", ".join(open_hours[:5])
        return Finding(
            "warn", "rosters", f"at some hours nobody is on duty, everybody is called then: {named}{more}"
        )
    return Finding("ok", "rosters", f"no gaps; {len(saved)} saved in the console")


def box(worker: RemoteWorker, now: datetime) -> Finding:
    """Whether a worker on a hill box is heard, how its clock goes, and what waits there."""
    subject = f"box {worker.name}"
    silent = now - worker.heard_at
    if silent > SILENT_AFTER:
        return Finding("alarm", subject, f"not heard for {silent / timedelta(minutes=1):.0f} min")
    ahead_s = worker.clock_ahead_s
    waiting = worker.figures.get("waiting_sightings", 0)
    text = f"heard; its clock is {abs(ahead_s):.1f} s {'ahead' if ahead_s > 0 else 'behind'}"
    if abs(ahead_s) > CLOCK_WARN_S:
        level: Level = "alarm" if abs(ahead_s) > CLOCK_ALARM_S else "warn"
        return Finding(level, subject, f"{text}: its capture times are wrong by as much; set it (NTP)")
    if waiting > 0:
        return Finding("warn", subject, f"{waiting:.0f} sightings wait there")
    return Finding("ok", subject, text)


def backups(folder: Path, now: datetime) -> Finding:
    """How old the newest backup is."""
    made = [datetime.fromtimestamp(file.stat().st_mtime, UTC) for file in folder.glob("*.tar")]
    if not made:
        return Finding("warn", "backup", f"none in {folder}; see `firewatch backup`")
    age = now - max(made)
    level: Level = "warn" if age > BACKUP_WARN else "ok"
    return Finding(level, "backup", f"the newest in {folder} is {age / timedelta(days=1):.0f} days old")


def _is_served(target: DispatchTarget | None) -> bool:
    return target is not None and target.enabled


def _with_receivers_of_the_store(deployment: Deployment, state: Path) -> Deployment:
    """Those that are sent to now; the file's where the store cannot be read, which is told elsewhere."""
    url = deployment.storage.database_url.reveal()
    try:
        if snapshot.is_empty(url) or not snapshot.is_known(snapshot.revision_of(url) or ""):
            return deployment
        opened = Store.open(url)
    except StoreError:
        return deployment
    try:
        targets = TargetRegister(opened, deployment, SecretBox(state / KEY_FILE)).opened()
    finally:
        opened.close()
    return deployment.model_copy(update={"dispatch": tuple(one for one in targets if one.enabled)})


def _folders(deployment: Deployment, state: Path) -> Iterator[Path]:
    yield state.absolute()
    url = make_url(deployment.storage.database_url.reveal())
    if url.get_backend_name() == "sqlite" and url.database:
        yield Path(url.database).absolute().parent
    if "://" not in deployment.storage.evidence:
        yield Path(deployment.storage.evidence).absolute()
    if deployment.logs.folder is not None:
        yield Path(deployment.logs.folder).absolute()


def _expiry_of(host: str, port: int, authority: Path | None) -> datetime:
    context = ssl.create_default_context(cafile=authority)
    with (
        socket.create_connection((host, port), timeout=5) as line,
        context.wrap_socket(line, server_hostname=host) as secure,
    ):
        found = secure.getpeercert() or {}
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(found["notAfter"])), UTC)


def _expiry_shown(host: str, port: int) -> datetime:
    """Trusted or not: browsers know the intranet's own authority, this machine need not."""
    return _expiry_in(ssl.get_server_certificate((host, port), timeout=5).encode())


def _expiry_in(pem: bytes) -> datetime:
    from cryptography import x509

    return x509.load_pem_x509_certificate(pem).not_valid_after_utc


def _ntp_stamp(unix_s: float) -> bytes:
    return struct.pack("!II", int(unix_s) + _NTP_EPOCH_S, int(unix_s % 1 * 2**32))


def _unix_s(stamp: bytes) -> float:
    seconds, fraction = struct.unpack("!II", stamp)
    return float(seconds - _NTP_EPOCH_S + fraction / 2**32)
