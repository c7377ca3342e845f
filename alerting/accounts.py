"""Users and their sessions as rows. Hashing, cookies and rules of roles are the console's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from alerting import audit
from alerting.journal import MACHINE, By
from alerting.store import ConflictError, NotFoundError, Store
from alerting.tables import SessionRow, UserRow


@dataclass(frozen=True)
class User:
    """A user without the password hash, so that the hash never reaches a log."""

    user_id: int
    username: str
    role: str
    must_change: bool
    active: bool
    failed_logins: int
    locked_until: datetime | None
    created_at: datetime
    last_login_at: datetime | None
    single_sign_on: bool = False
    """An identity provider vouches for them."""


@dataclass(frozen=True)
class UserSession:
    user: User
    csrf: str
    created_at: datetime
    expires_at: datetime


class Accounts:
    """Users and sessions in a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def count(self) -> int:
        with self._store.reading() as session:
            return session.scalar(select(func.count()).select_from(UserRow)) or 0

    def users(self) -> tuple[User, ...]:
        with self._store.reading() as session:
            return tuple(_user(row) for row in session.scalars(select(UserRow).order_by(UserRow.username)))

    def user(self, username: str) -> User:
        with self._store.reading() as session:
            return _user(_find(session, username))

    def by_subject(self, subject: str) -> User | None:
        """Whom an identity provider knows by this subject."""
        with self._store.reading() as session:
            row = session.scalars(select(UserRow).filter_by(oidc_subject=subject)).one_or_none()
            return _user(row) if row is not None else None

    def password_hash(self, username: str) -> str:
        with self._store.reading() as session:
            return _find(session, username).password_hash

    def create(
        self,
        username: str,
        password_hash: str,
        role: str,
        *,
        must_change: bool,
        subject: str | None = None,
        by: By = MACHINE,
    ) -> User:
        """Raises ConflictError when the name is taken."""
        with self._store.writing() as session:
            if session.scalars(select(UserRow).filter_by(username=username)).one_or_none() is not None:
                raise ConflictError(f"user {username!r} exists already")
            row = UserRow(
                username=username,
                password_hash=password_hash,
                role=role,
                must_change=must_change,
                active=True,
                failed_logins=0,
                created_at=self._store.clock(),
                oidc_subject=subject,
            )
            session.add(row)
            session.flush()
            audit.note(session, by, "account created", username, self._store.clock(), role=role)
            return _user(row)

    def set_password_hash(
        self, username: str, password_hash: str, *, must_change: bool, by: By = MACHINE
    ) -> None:
        """Ends the user's sessions: who knew the old password is out."""
        with self._store.writing() as session:
            row = _find(session, username)
            row.password_hash, row.must_change = password_hash, must_change
            row.failed_logins, row.locked_until = 0, None
            session.execute(delete(SessionRow).where(SessionRow.user_id == row.user_id))
            audit.note(session, by, "password replaced", username, self._store.clock())

    def set_active(self, username: str, *, active: bool, by: By = MACHINE) -> None:
        with self._store.writing() as session:
            row = _find(session, username)
            row.active = active
            if not active:
                session.execute(delete(SessionRow).where(SessionRow.user_id == row.user_id))
            what = "account switched on" if active else "account switched off"
            audit.note(session, by, what, username, self._store.clock())

    def set_role(self, username: str, role: str, *, by: By) -> None:
        with self._store.writing() as session:
            row = _find(session, username)
            before, row.role = row.role, role
            audit.note(session, by, "role changed", username, self._store.clock(), before=before, role=role)

    def record_failed_login(
        self, username: str, *, lock_after: int, locked_until: datetime, source: str = ""
    ) -> User:
        """Count one failure; the `lock_after`-th in a row locks the user until `locked_until`."""
        with self._store.writing() as session:
            row = _find(session, username)
            row.failed_logins += 1
            if row.failed_logins >= lock_after:
                row.failed_logins, row.locked_until = 0, locked_until
                audit.note(session, By("", source), "account locked", username, self._store.clock())
            return _user(row)

    def record_login(self, username: str, *, source: str = "") -> None:
        with self._store.writing() as session:
            row = _find(session, username)
            row.failed_logins, row.locked_until = 0, None
            row.last_login_at = self._store.clock()
            audit.note(session, By(username, source), "signed in", username, row.last_login_at)

    def create_session(self, username: str, token_hash: str, csrf: str, expires_at: datetime) -> None:
        """Also forgets sessions that have expired."""
        now = self._store.clock()
        with self._store.writing() as session:
            session.execute(delete(SessionRow).where(SessionRow.expires_at <= now))
            user_id = _find(session, username).user_id
            session.add(
                SessionRow(
                    token_hash=token_hash, user_id=user_id, csrf=csrf, created_at=now, expires_at=expires_at
                )
            )

    def session(self, token_hash: str) -> UserSession | None:
        """The session, unless it is unknown, expired, or its user was switched off."""
        with self._store.reading() as session:
            found = session.execute(
                select(SessionRow, UserRow)
                .join(UserRow, UserRow.user_id == SessionRow.user_id)
                .where(SessionRow.token_hash == token_hash)
            ).one_or_none()
        if found is None:
            return None
        row, user = found
        if row.expires_at <= self._store.clock() or not user.active:
            return None
        return UserSession(_user(user), row.csrf, row.created_at, row.expires_at)

    def delete_session(self, token_hash: str) -> None:
        with self._store.writing() as session:
            session.execute(delete(SessionRow).where(SessionRow.token_hash == token_hash))


def _find(session: Session, username: str) -> UserRow:
    row = session.scalars(select(UserRow).filter_by(username=username)).one_or_none()
    if row is None:
        raise NotFoundError(f"no user {username!r}")
    return row


def _user(row: UserRow) -> User:
    return User(
        user_id=row.user_id,
        username=row.username,
        role=row.role,
        must_change=row.must_change,
        active=row.active,
        failed_logins=row.failed_logins,
        locked_until=row.locked_until,
        created_at=row.created_at,
        last_login_at=row.last_login_at,
        single_sign_on=row.oidc_subject is not None,
    )
