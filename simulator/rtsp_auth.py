"""Digest authentication for RTSP (RFC 2617 with MD5, the only kind every camera and client speaks)."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping

_FIELD = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,]+))')


class DigestGuard:
    """Knows the users and checks one connection's answers; a new nonce for every connection."""

    realm = "firewatch-simulator"

    def __init__(self, users: Mapping[str, str]) -> None:
        self._users = dict(users)

    def __repr__(self) -> str:
        return f"DigestGuard({len(self._users)} users)"

    @property
    def is_open(self) -> bool:
        return not self._users

    @staticmethod
    def new_nonce() -> str:
        return secrets.token_hex(16)

    def challenge(self, nonce: str, authorization: str | None = None) -> str:
        """Value of `WWW-Authenticate`; a client that answered an older nonce is told that it is stale."""
        given = _fields(authorization or "").get("nonce", nonce)
        stale = "" if given == nonce else ", stale=TRUE"
        return f'Digest realm="{self.realm}", nonce="{nonce}", algorithm=MD5{stale}'

    def allows(self, method: str, authorization: str | None, nonce: str) -> bool:
        """Whether an `Authorization` header answers this connection's challenge."""
        if self.is_open:
            return True
        if authorization is None or not authorization.lower().startswith("digest "):
            return False
        given = _fields(authorization)
        password = self._users.get(given.get("username", ""))
        if password is None or given.get("nonce") != nonce:
            return False
        who = _md5(f"{given['username']}:{self.realm}:{password}")
        what = _md5(f"{method}:{given.get('uri', '')}")
        between = nonce
        if "qop" in given:
            between = f"{nonce}:{given.get('nc', '')}:{given.get('cnonce', '')}:{given['qop']}"
        expected = _md5(f"{who}:{between}:{what}")
        return hmac.compare_digest(expected, given.get("response", "").lower())


def _fields(authorization: str) -> dict[str, str]:
    return {key.lower(): quoted or bare for key, quoted, bare in _FIELD.findall(authorization)}


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
