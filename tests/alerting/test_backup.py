"""Backups of a centre in use, restored on an empty machine; and upgrades that go back when they fail."""

from __future__ import annotations

import shutil
import tarfile
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alerting_samples import BOWL, NORTH, PICTURES, intake_into, sighting_of
from sqlalchemy import text

import config
from alerting import roster_register, snapshot
from alerting.grids import Grids
from alerting.journal import By
from alerting.secret_box import SecretBox
from alerting.store import Store, StoreError, StoreVersionError
from alerting.target_register import TargetRegister
from firewatch.backup import (
    BackupError,
    back_up,
    dated,
    prune,
    read_manifest,
    restore,
    restore_deployment,
)
from firewatch.failures import UserError
from firewatch.running import alone
from firewatch.upgrade import upgrade

ROOT = Path(__file__).resolve().parents[2]
GROUND = ROOT / "sample_videos" / "terrain.tif"
GRIDS = ROOT / "config" / "demo_grids.geojson"


def deployment(database_url: str, evidence: Path) -> config.Deployment:
    return config.Deployment.model_validate(
        {
            "name": "大南山",
            "cameras": [NORTH.model_dump()],
            "storage": {"database_url": database_url, "evidence": str(evidence)},
        }
    )


@pytest.fixture
def centre(database_url: str, tmp_path: Path, noon) -> config.Deployment:  # type: ignore[no-untyped-def]
    """A deployment with one incident, its pictures, and a key in its state folder."""
    store = Store.open(database_url)
    fire = sighting_of(BOWL.at(23.105, 116.4), NORTH, noon)
    intake_into(store, tmp_path / "evidence").accept(fire, PICTURES, NORTH)
    store.close()
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "link.key").write_bytes(b"k" * 32)
    return deployment(database_url, tmp_path / "evidence")


def wipe(database_url: str) -> None:
    """The machine is lost: an empty database is all there is."""
    if database_url.startswith("sqlite"):
        for file in Path(database_url.removeprefix("sqlite:///")).parent.glob("store.db*"):
            file.unlink()
        return
    from sqlalchemy import create_engine

    engine = create_engine(database_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()


def save_a_roster(database_url: str) -> roster_register.Contacts:
    """As somebody does in the console."""
    ring = [[116, 23], [117, 23], [117, 24], [116, 24], [116, 23]]
    area = {"level": "district", "code": "g", "name": "区"}
    polygon = {"type": "Polygon", "coordinates": [ring]}
    grids = Grids([{"type": "Feature", "properties": area, "geometry": polygon}])
    contacts = roster_register.checked([{"name": "王（示例）", "role": "网格员", "phone": "138"}])
    store = Store.open(database_url)
    roster_register.save(store, grids, "g", contacts, by=By("li"))
    store.close()
    return contacts


def save_a_receiver(database_url: str, of: config.Deployment, state: Path) -> config.DispatchTarget:
    """As somebody does in the console."""
    fields = {"id": "robot", "name": "群", "url": "https://chat.example/T0KEN", "bearer": "their token"}
    store = Store.open(database_url)
    TargetRegister(store, of, SecretBox(state / "secrets.key")).add(fields, by=By("li"))
    store.close()
    return config.DispatchTarget.model_validate(fields)


def test_a_lost_machine_is_brought_back_with_its_incidents_pictures_and_keys(
    centre: config.Deployment, database_url: str, tmp_path: Path
) -> None:
    saved, target = save_a_roster(database_url), save_a_receiver(database_url, centre, tmp_path / "var")
    back_up(centre, tmp_path / "var", tmp_path / "all.tar", evidence=True)
    wipe(database_url)
    shutil.rmtree(tmp_path / "evidence")

    elsewhere = deployment(database_url, tmp_path / "new" / "evidence")
    done = restore(elsewhere, tmp_path / "new" / "var", tmp_path / "all.tar")

    assert (done.evidence_written, done.evidence_missing) == (3, ())
    store = Store.open(database_url)
    (incident,) = store.list_incidents().incidents
    evidence = store.incident(incident.incident_id).evidence
    with store.reading() as session:
        assert roster_register.saved(session) == {"g": saved}
    box = SecretBox(tmp_path / "new" / "var" / "secrets.key")
    assert TargetRegister(store, elsewhere, box).opened() == (target,)
    store.close()
    for one in evidence:
        assert (tmp_path / "new" / "evidence" / one.path).stat().st_size == one.size_bytes
    key = tmp_path / "new" / "var" / "link.key"
    assert key.read_bytes() == b"k" * 32
    assert key.stat().st_mode & 0o077 == 0


def test_a_restored_postgresql_store_knows_its_statistics_at_once(
    centre: config.Deployment, database_url: str, tmp_path: Path
) -> None:
    """Its plans depend on them, and a dump brings none."""
    if database_url.startswith("sqlite"):
        pytest.skip("SQLite's copy is the file itself, statistics and all")
    back_up(centre, tmp_path / "var", tmp_path / "all.tar")
    wipe(database_url)
    restore(centre, tmp_path / "var", tmp_path / "all.tar", migrate=False)
    store = Store.open(database_url)
    with store.reading() as session:
        known = session.scalar(text("SELECT count(*) FROM pg_stats WHERE tablename = 'incidents'"))
    store.close()
    assert known


def test_a_backup_without_evidence_lists_it_and_a_restore_says_what_is_missing(
    centre: config.Deployment, database_url: str, tmp_path: Path
) -> None:
    made = back_up(centre, tmp_path / "var", tmp_path / "small.tar")
    assert len(made.evidence) == 3
    wipe(database_url)
    done = restore(deployment(database_url, tmp_path / "elsewhere"), tmp_path / "var", tmp_path / "small.tar")
    assert len(done.evidence_missing) == 3


def test_a_backup_taken_while_sightings_arrive_is_one_moment_of_the_store(
    centre: config.Deployment, database_url: str, tmp_path: Path, noon
) -> None:  # type: ignore[no-untyped-def]
    store = Store.open(database_url)
    intake = intake_into(store, tmp_path / "evidence")
    stop = threading.Event()

    def burn() -> None:
        while not stop.is_set():
            intake.accept(sighting_of(BOWL.at(23.105, 116.4), NORTH, noon), PICTURES, NORTH)

    burning = threading.Thread(target=burn)
    burning.start()
    try:
        back_up(centre, tmp_path / "var", tmp_path / "busy.tar")
    finally:
        stop.set()
        burning.join()
        store.close()
    wipe(database_url)
    restore(centre, tmp_path / "var", tmp_path / "busy.tar")
    assert snapshot.faults_of(database_url) == ()


def test_a_store_that_holds_something_is_not_replaced_unless_told_and_then_kept_aside(
    centre: config.Deployment, tmp_path: Path
) -> None:
    back_up(centre, tmp_path / "var", tmp_path / "all.tar")
    with pytest.raises(BackupError, match="not empty; say --replace"):
        restore(centre, tmp_path / "var", tmp_path / "all.tar")
    done = restore(centre, tmp_path / "var", tmp_path / "all.tar", replace=True)
    if done.manifest.store_kind == "sqlite":
        assert done.kept_aside is not None
        assert snapshot.faults_of(f"sqlite:///{done.kept_aside}") == ()


def damaged(whole: Path, copy: Path) -> Path:
    """The same archive with one byte of the store changed."""
    content = bytearray(whole.read_bytes())
    with tarfile.open(whole) as archive:
        member = archive.getmember(read_manifest(whole).store.path)
    content[member.offset_data + 5000 if member.size > 5000 else member.offset_data] ^= 0xFF
    copy.write_bytes(content)
    return copy


def test_a_damaged_or_cut_backup_changes_nothing(
    centre: config.Deployment, database_url: str, tmp_path: Path
) -> None:
    whole = tmp_path / "all.tar"
    back_up(centre, tmp_path / "var", whole)
    cut = tmp_path / "cut.tar"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    for bad, says in ((damaged(whole, tmp_path / "damaged.tar"), "damaged"), (cut, "cut off")):
        with pytest.raises(BackupError, match=says):
            restore(centre, tmp_path / "var", bad, replace=True)
    store = Store.open(database_url)
    assert len(store.list_incidents().incidents) == 1
    store.close()


def test_a_disk_without_room_leaves_no_half_backup(
    centre: config.Deployment, tmp_path: Path, small_disk: Path
) -> None:
    (small_disk / "filler").write_bytes(b"x" * 2_000_000)
    with pytest.raises((BackupError, StoreError), match=r"full|No space left"):
        back_up(centre, tmp_path / "var", small_disk / "backup.tar")
    assert [file.name for file in small_disk.iterdir()] == ["filler"]


def test_years_of_daily_backups_leave_only_the_newest_and_what_people_named_themselves(
    tmp_path: Path,
) -> None:
    first = datetime(2026, 11, 24, 19, 30, tzinfo=UTC)
    daily = [dated(first + timedelta(days=day)) for day in range(800)]
    others = ["before-upgrade-20261124T193000Z.tar", "firewatch-before-the-move.tar"]
    for name in (*daily, *others):
        (tmp_path / name).touch()
    gone = prune(tmp_path, keep=14)
    assert len(gone) == 786
    assert {path.name for path in tmp_path.iterdir()} == {*daily[-14:], *others}
    assert prune(tmp_path, keep=14) == ()
    with pytest.raises(ValueError, match="at least one"):
        prune(tmp_path, keep=0)


def test_a_backup_of_a_newer_program_is_refused(
    centre: config.Deployment, database_url: str, tmp_path: Path
) -> None:
    store = Store.open(database_url)
    current = snapshot.revision_of(database_url)
    with store.writing() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    store.close()
    with pytest.raises(StoreVersionError, match="newer"):
        back_up(centre, tmp_path / "var", tmp_path / "new.tar")
    assert current is not None


def test_an_upgrade_that_fails_leaves_the_store_as_it_was(
    centre: config.Deployment, database_url: str, tmp_path: Path
) -> None:
    before = snapshot.revision_of(database_url)
    broken = centre.model_copy(update={"terrain": tmp_path / "no-terrain.tif"})
    with pytest.raises(UserError, match="again what it was"):
        upgrade(broken, tmp_path / "var", tmp_path / "backups")
    assert snapshot.revision_of(database_url) == before
    assert len(list((tmp_path / "backups").iterdir())) == 1


def test_an_upgrade_of_a_healthy_store_keeps_a_backup(
    centre: config.Deployment, database_url: str, tmp_path: Path
) -> None:
    done = upgrade(centre, tmp_path / "var", tmp_path / "backups")
    assert done.after == snapshot.revision_of(database_url)
    assert read_manifest(done.backup).store_revision == done.before


def test_what_belongs_to_a_running_centre_is_not_touched(tmp_path: Path) -> None:
    with (
        alone(tmp_path, wanted_for="run"),
        pytest.raises(UserError, match=r"process \d+ \(run\).*stop it first"),
        alone(tmp_path, wanted_for="restore"),
    ):
        pass
    with alone(tmp_path, wanted_for="restore"):
        pass


WRITTEN = """
name: 大南山
cameras:
  - {id: a, name: A, source: "rtsp://viewer:${CAMERA_PASSWORD}@10.9.8.7/1", lat_deg: 23.1, lon_deg: 116.4,
     mast_height_m: 20, pose: {azimuth_deg: 90, tilt_deg: -3, hfov_deg: 60}}
terrain: ground/terrain.tif
grids: ground/grids.geojson
dispatch:
  - id: county
    name: County
    url: https://dispatch.example/alerts
    tls: {authority: authority.pem, certificate: ours.pem, key: ours.key}
    template: OUTSIDE
    format: template
storage: {database_url: "DATABASE", evidence: EVIDENCE}
"""
WORDS = {"CAMERA_PASSWORD": "PLANTED-word"}


@pytest.fixture
def written(centre: config.Deployment, database_url: str, tmp_path: Path) -> Path:
    """The deployment file of that centre, with files of its own beside it and elsewhere."""
    folder = tmp_path / "etc"
    (folder / "ground").mkdir(parents=True)
    shutil.copy(GROUND, folder / "ground" / "terrain.tif")
    shutil.copy(GRIDS, folder / "ground" / "grids.geojson")
    for name in ("authority.pem", "ours.pem", "ours.key"):
        (folder / name).write_text(f"PLANTED {name}")
    (tmp_path / "elsewhere.j2").write_text("{{ alert.alert_id }}")
    text = WRITTEN.replace("DATABASE", database_url).replace("EVIDENCE", centre.storage.evidence)
    file = folder / "deployment.yaml"
    file.write_text(text.replace("OUTSIDE", str(tmp_path / "elsewhere.j2")), encoding="utf-8")
    file.chmod(0o640)
    return file


def test_a_lost_machine_gets_its_deployment_back_and_is_told_what_no_backup_holds(
    written: Path, tmp_path: Path
) -> None:
    deployed = config.load(written, environment=WORDS)
    made = back_up(deployed, tmp_path / "var", tmp_path / "all.tar", config_file=written)
    left_out = " | ".join(made.left_out)
    for told in ("terrain: ", "dispatch[0].tls.key: ", "what ${CAMERA_PASSWORD} stands for"):
        assert told in left_out
    with tarfile.open(tmp_path / "all.tar") as archive:
        held = b"".join(content.read() for one in archive if (content := archive.extractfile(one)))
    assert b"PLANTED authority.pem" in held
    assert b"PLANTED ours.key" not in held
    assert b"PLANTED-word" not in held

    (tmp_path / "elsewhere.j2").write_text("somebody has been here")
    new = tmp_path / "new" / "etc" / "deployment.yaml"
    put, stayed = restore_deployment(tmp_path / "all.tar", new)
    assert new.read_bytes() == written.read_bytes()
    assert new.stat().st_mode & 0o777 == 0o640
    assert stayed == (tmp_path / "elsewhere.j2",)
    assert {one.relative_to(new.parent).as_posix() for one in put} == {
        "deployment.yaml", "ground/grids.geojson", "authority.pem", "ours.pem"
    }  # fmt: skip
    for lacking in ("ground/terrain.tif", "ours.key"):
        shutil.copy(written.parent / lacking, new.parent / lacking)
    assert config.load(new, environment=WORDS).version


def test_terrain_is_in_a_backup_when_it_is_asked_for(written: Path, tmp_path: Path) -> None:
    deployed = config.load(written, environment=WORDS)
    back_up(deployed, tmp_path / "var", tmp_path / "all.tar", config_file=written, terrain=True)
    new = tmp_path / "new" / "deployment.yaml"
    restore_deployment(tmp_path / "all.tar", new)
    assert (new.parent / "ground" / "terrain.tif").read_bytes() == GROUND.read_bytes()


def test_a_deployment_is_not_put_back_from_a_damaged_backup_nor_from_one_that_holds_none(
    centre: config.Deployment, written: Path, tmp_path: Path
) -> None:
    back_up(centre, tmp_path / "var", tmp_path / "without.tar")
    with pytest.raises(BackupError, match="holds no deployment file"):
        restore_deployment(tmp_path / "without.tar", tmp_path / "new.yaml")
    deployed = config.load(written, environment=WORDS)
    back_up(deployed, tmp_path / "var", tmp_path / "all.tar", config_file=written)
    whole = (tmp_path / "all.tar").read_bytes()
    (tmp_path / "all.tar").write_bytes(whole.replace(b"PLANTED authority", b"CHANGED authority"))
    with pytest.raises(BackupError, match="damaged"):
        restore_deployment(tmp_path / "all.tar", tmp_path / "new.yaml")
    assert not (tmp_path / "new.yaml").exists()
