"""Bringing a store to a new program: backup, migrate, look whether it is well, go back if it is not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from alerting import snapshot
from alerting.store import Store
from config import Deployment
from firewatch.backup import back_up, restore
from firewatch.failures import UserError
from firewatch.prepare import check_parts


@dataclass(frozen=True)
class Upgraded:
    """Where the store stands now, and the backup made before."""

    before: str | None
    after: str | None
    backup: Path


def upgrade(deployment: Deployment, state: Path, backups: Path) -> Upgraded:
    """Migrate the store of a centre that does not run. Raises UserError when it had to go back."""
    url = deployment.storage.database_url.reveal()
    before = snapshot.revision_of(url)
    backup = backups / f"before-upgrade-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.tar"
    back_up(deployment, state, backup)
    try:
        Store.open(url).close()
        _check_health(deployment, url)
    except Exception as error:
        restore(deployment, state, backup, replace=True, migrate=False)
        raise UserError(
            f"the upgrade failed and the store is again what it was ({backup} holds it, too): {error}"
        ) from error
    return Upgraded(before, snapshot.revision_of(url), backup)


def _check_health(deployment: Deployment, url: str) -> None:
    check_parts(deployment)
    if faults := snapshot.faults_of(url):
        raise UserError(f"the store is damaged: {'; '.join(faults)}")
    store = Store.open(url)
    try:
        store.list_incidents(limit=1)
        store.count_incidents()
        store.camera_states()
        store.deliveries(limit=1)
    finally:
        store.close()
