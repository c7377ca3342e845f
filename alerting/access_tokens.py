"""Tokens for machines and responders: who may report through the API without being an operator.

A token is shown once; the store keeps its SHA-256. It ends by itself and may be revoked. A responder's may
be limited to areas of responsibility: it then opens only incidents that lie in one of them. A machine's (a
worker on a hill box) may be limited to cameras: it then speaks for those only.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from alerting import audit
from alerting.journal import MACHINE, By
from alerting.store import NotFoundError, Store
from alerting.tables import AccessTokenRow, IncidentAreaRow

RESPONDER = "responder"
MACHINE_ROLE = "machine"


@dataclass(frozen=True)
class AccessToken:
    """A token without the secret."""

    token_id: int
    name: str
    role: str
    area_codes: tuple[str, ...]
    camera_ids: tuple[str, ...]
    created_by: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None

    def is_good(self, now: datetime) -> bool:
        return self.revoked_at is None and now < self.expires_at

    def speaks_for(self, camera_id: str) -> bool:
        """Whether it may report what this camera sees; a token without cameras speaks for all."""
        return not self.camera_ids or camera_id in self.camera_ids


def create(
    store: Store,
    *,
    name: str,
    role: str,
    area_codes: Collection[str] = (),
    camera_ids: Collection[str] = (),
    lifetime: timedelta,
    by: By,
) -> tuple[str, AccessToken]:
    """The token's text, never to be had again, and the token. Raises ValueError for a limit that a token of
    this role does not have."""
    if (area_codes and role != RESPONDER) or (camera_ids and role != MACHINE_ROLE):
        raise ValueError("a responder's token is limited to areas, a machine's to cameras")
    text = "fw_" + secrets.token_urlsafe(32)
    with store.writing() as session:
        now = store.clock()
        row = AccessTokenRow(
            token_hash=_hash(text),
            name=name,
            role=role,
            area_codes=sorted(set(area_codes)),
            camera_ids=sorted(set(camera_ids)),
            created_by=by.who,
            created_at=now,
            expires_at=now + lifetime,
        )
        session.add(row)
        session.flush()
        scope = {
            "name": name,
            "role": role,
            "areas": row.area_codes,
            "cameras": row.camera_ids,
            "until": row.expires_at.isoformat(),
        }
        audit.note(session, by, "token issued", row.token_id, now, **scope)
        return text, _token(row)


def find(store: Store, text: str) -> AccessToken | None:
    """The token, even one that is good no longer: who holds it may be told why."""
    with store.reading() as session:
        row = session.scalars(select(AccessTokenRow).filter_by(token_hash=_hash(text))).one_or_none()
        return _token(row) if row is not None else None


def still_good(store: Store, token: AccessToken) -> bool:
    """As it is now: tokens are withdrawn while pages are open."""
    with store.reading() as session:
        row = session.get(AccessTokenRow, token.token_id)
        return row is not None and _token(row).is_good(store.clock())


def note_sign_in(store: Store, token: AccessToken, *, source: str) -> None:
    """Somebody opened the responders' page with it, as the audit trail says."""
    with store.writing() as session:
        by = By(token.name, source)
        audit.note(session, by, "responder signed in", token.token_id, store.clock(), name=token.name)


def all_tokens(store: Store) -> tuple[AccessToken, ...]:
    with store.reading() as session:
        return tuple(
            _token(row) for row in session.scalars(select(AccessTokenRow).order_by(AccessTokenRow.token_id))
        )


def revoke(store: Store, token_id: int, *, by: By = MACHINE) -> AccessToken:
    with store.writing() as session:
        row = session.get(AccessTokenRow, token_id)
        if row is None:
            raise NotFoundError(f"no token {token_id}")
        if row.revoked_at is None:
            row.revoked_at = store.clock()
            audit.note(session, by, "token revoked", token_id, row.revoked_at, name=row.name)
        return _token(row)


def may_see(store: Store, token: AccessToken, incident_id: str) -> bool:
    """Whether the incident lies in the token's areas; a token without areas sees all."""
    if not token.area_codes:
        return True
    with store.reading() as session:
        found = select(IncidentAreaRow.code).where(
            IncidentAreaRow.incident_id == incident_id, IncidentAreaRow.code.in_(token.area_codes)
        )
        return session.scalar(found.limit(1)) is not None


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _token(row: AccessTokenRow) -> AccessToken:
    return AccessToken(
        token_id=row.token_id,
        name=row.name,
        role=row.role,
        area_codes=tuple(row.area_codes),
        camera_ids=tuple(row.camera_ids),
        created_by=row.created_by,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )
