"""Logging in and staying logged in: accounts, sessions, and the guards that routes depend on.

A session is a random token in an HttpOnly, SameSite=Strict cookie; the store keeps only its hash. Whoever
changes something must also send the session's CSRF token in a header, which another site cannot read, and
must come from our own origin. Wrong passwords are slowed down per address and lock the account for a while.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request, Response

from alerting import access_tokens
from alerting.access_tokens import AccessToken
from alerting.accounts import Accounts, UserSession
from alerting.journal import By
from alerting.store import ConflictError, NotFoundError, Store
from console.limits import RateLimit
from console.passwords import generate_password, hash_password, is_outdated, verify_password
from console.problems import Problem
from console.roles import Role

COOKIE = "firewatch_session"
CSRF_HEADER = "X-CSRF-Token"
SESSION_LIFETIME = timedelta(hours=14)
"""One 12-hour shift with its hand-over."""

LOCK_AFTER = 8
LOCKED_FOR = timedelta(minutes=5)
"""Long enough to make guessing hopeless, short enough not to lock a duty desk out of a fire."""

FIRST_USER = "admin"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def ensure_first_admin(store: Store, *, must_change: bool = True) -> str | None:
    """Give a store without users its administrator; the password, to be shown once, or None.

    It is to be changed at the first log-in (`must_change`)."""
    accounts = Accounts(store)
    if accounts.count():
        return None
    password = generate_password()
    try:
        accounts.create(FIRST_USER, hash_password(password), Role.ADMIN, must_change=must_change)
    except ConflictError:  # another process was faster
        return None
    return password


class Authentication:
    """Opens and checks sessions."""

    def __init__(self, store: Store, attempts: RateLimit) -> None:
        self.accounts = Accounts(store)
        self._store = store
        self._attempts = attempts

    def log_in(self, username: str, password: str, address: str) -> tuple[str, UserSession]:
        """The new session's token and the session. Raises Problem; why it failed is not told apart."""
        self.slow_down(address)
        now = self._store.clock()
        try:
            user = self.accounts.user(username)
            password_hash: str | None = self.accounts.password_hash(username)
        except NotFoundError:
            user, password_hash = None, None
        locked = user is not None and user.locked_until is not None and user.locked_until > now
        right = verify_password(password_hash, password)
        if locked:
            raise Problem(
                429,
                "account-locked",
                "too many wrong passwords; the account is locked for some minutes",
                {"Retry-After": str(int(LOCKED_FOR.total_seconds()))},
            )
        if user is None or password_hash is None or not right or not user.active:
            if user is not None:
                self.accounts.record_failed_login(
                    username, lock_after=LOCK_AFTER, locked_until=now + LOCKED_FOR, source=address
                )
            raise Problem(401, "wrong-credentials", "user name or password is wrong")
        if is_outdated(password_hash):
            self.accounts.set_password_hash(username, hash_password(password), must_change=user.must_change)
        self.accounts.record_login(username, source=address)
        return self.open_session(username)

    def open_session(self, username: str) -> tuple[str, UserSession]:
        token = secrets.token_urlsafe(32)
        expires_at = self._store.clock() + SESSION_LIFETIME
        self.accounts.create_session(username, _hash(token), secrets.token_urlsafe(32), expires_at)
        session = self.accounts.session(_hash(token))
        assert session is not None
        return token, session

    def verify_again(self, session: UserSession, password: str, address: str) -> bool:
        """Whether the one who sits there still knows the password."""
        self.slow_down(address)
        return verify_password(self.accounts.password_hash(session.user.username), password)

    def session(self, token: str | None) -> UserSession | None:
        return self.accounts.session(_hash(token)) if token else None

    def log_out(self, token: str) -> None:
        self.accounts.delete_session(_hash(token))

    def slow_down(self, address: str) -> None:
        """Raises Problem for an address that tries too often."""
        wait_s = self._attempts.attempt(address)
        if wait_s > 0:
            seconds = int(wait_s) + 1
            raise Problem(
                429,
                "too-many-attempts",
                f"too many attempts from this address; try again in {seconds} s",
                {"Retry-After": str(seconds)},
            )


def require_same_origin(request: Request) -> None:
    """Refuse what a browser sent on behalf of another site."""
    if request.method in _SAFE_METHODS:
        return
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Problem(403, "other-origin", "this request was made by another site")
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise Problem(403, "other-origin", "this request was made by another site")


def client_address(request: Request) -> str:
    return request.client.host if request.client else "unknown"


def start_session(request: Request, response: Response, token: str) -> None:
    """The cookie of a session that was opened."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(SESSION_LIFETIME.total_seconds()),
        path="/",
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )


def authentication(request: Request) -> Authentication:
    made: Authentication = request.app.state.authentication
    return made


Auth = Annotated[Authentication, Depends(authentication)]


OWN_SESSION = "/api/v1/session"
"""Who has yet to change a password given by somebody else gets no farther than this."""


def current_session(request: Request, auth: Auth) -> UserSession:
    """The session of the request; an unsafe request must also prove its origin."""
    session = auth.session(request.cookies.get(COOKIE))
    if session is None:
        raise Problem(401, "not-signed-in", "sign in first; the session may have expired")
    request.state.who = session.user.username
    _require_own_page(request, session.csrf)
    if session.user.must_change and not request.url.path.startswith(OWN_SESSION):
        raise Problem(403, "password-change", "change your password first: it was given by somebody else")
    return session


def _require_own_page(request: Request, csrf: str) -> None:
    """Refuse an unsafe request that a page of ours has not made: cookies come along with any."""
    if request.method in _SAFE_METHODS:
        return
    require_same_origin(request)
    if not secrets.compare_digest(request.headers.get(CSRF_HEADER, "").encode(), csrf.encode()):
        raise Problem(403, "csrf", f"the header {CSRF_HEADER} does not carry this session's token")


SignedIn = Annotated[UserSession, Depends(current_session)]

_GUARDS: dict[Callable[..., object], str] = {current_session: Role.VIEWER.value}


def needs(guard: Callable[..., object]) -> str | None:
    """The least role that a guard lets pass, for the description; None: it is no guard."""
    return _GUARDS.get(guard)


def acting(session: SignedIn, request: Request) -> By:
    """Who changes something, and from where, as histories say it."""
    return By(session.user.username, client_address(request))


Acting = Annotated[By, Depends(acting)]


def at_least(role: Role) -> Callable[[UserSession], UserSession]:
    """A guard for routes that need this role."""

    def guard(session: SignedIn) -> UserSession:
        require_role(session, role)
        return session

    _GUARDS[guard] = role.value
    return guard


def require_role(session: UserSession, role: Role) -> None:
    if not role_of(session).includes(role):
        raise Problem(403, "role", f"this needs the role '{role}'; {session.user.username} has none such")


def role_of(session: UserSession) -> Role:
    """An unknown role in the store may only look."""
    try:
        return Role(session.user.role)
    except ValueError:
        return Role.VIEWER


_BEARER = {"WWW-Authenticate": "Bearer"}


def with_token(role: str, cookie: str | None = None) -> Callable[[Request], AccessToken]:
    """A guard for routes that need a token of this role; a session does not do. With `cookie`, a page of ours
    may have it in that cookie."""

    def guard(request: Request) -> AccessToken:
        scheme, _, sent = request.headers.get("authorization", "").partition(" ")
        bearer = sent.strip() if scheme.lower() == "bearer" else ""
        kept = request.cookies.get(cookie, "") if cookie and not bearer else ""
        token = good_token(request.app.state.centre.store, bearer or kept)
        if token is None:
            said = f"send a {role}'s token as 'Authorization: Bearer ...'; none came, or it is unknown"
            raise Problem(401, "not-signed-in", said, _BEARER)
        request.state.who = token.name
        if token.role != role:
            raise Problem(403, "role", f"this needs a token of a {role}; {token.name} has none such")
        if kept:
            _require_own_page(request, csrf_of(kept))
        return token

    _GUARDS[guard] = role
    return guard


def good_token(store: Store, text: str) -> AccessToken | None:
    """The token of this text; None: there is no such. Raises Problem for one that is good no longer."""
    token = access_tokens.find(store, text) if text else None
    if token is None or token.is_good(store.clock()):
        return token
    if token.revoked_at is not None:
        raise Problem(401, "token-withdrawn", "an administrator has withdrawn this token", _BEARER)
    raise Problem(401, "token-expired", "this token's time is over; ask for a new one", _BEARER)


RESPONDER_COOKIE = "firewatch_responder"
RESPONDER_PATH = "/api/v1/response"


def csrf_of(token_text: str) -> str:
    """What a page that has a token in its cookie sends back in the header; it does not tell the token."""
    return _hash(f"csrf {token_text}")


Responder = Annotated[AccessToken, Depends(with_token(access_tokens.RESPONDER, RESPONDER_COOKIE))]
Machine = Annotated[AccessToken, Depends(with_token(access_tokens.MACHINE_ROLE))]
Operator = Annotated[UserSession, Depends(at_least(Role.OPERATOR))]
Supervisor = Annotated[UserSession, Depends(at_least(Role.SUPERVISOR))]
Admin = Annotated[UserSession, Depends(at_least(Role.ADMIN))]


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
