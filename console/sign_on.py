"""Signing in through an OpenID Connect provider: authorization code with PKCE.

A log-in is begun here (`begin`), goes on at the provider in the person's browser, and comes back with a code
(`finish`), which is exchanged for an ID token over our own line to the provider. The token counts only with
the provider's signature, for us, now, and with the nonce of this very log-in. What belongs to a log-in that
is under way is kept in memory for ten minutes: a centre that starts again meanwhile asks to begin anew.

Not for: accounts and sessions (`console.routes.sign_on`).
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import ssl
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlencode

import httpx

from config.sign_on import SingleSignOn
from console.roles import Role

UNDER_WAY_S = 600.0
MOST_UNDER_WAY = 1000
SILENCE_S = 10.0
LEEWAY_S = 60
"""The provider's clock and ours may differ so much."""
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384")
"""Signatures with the provider's public key only: a shared secret or none would prove nothing."""


class SignOnError(Exception):
    """This log-in came to nothing; the message says why, for our log."""


class NoRoleError(SignOnError):
    """The provider vouches for the person, but none of their roles is one of ours."""


class ExtraMissingError(Exception):
    """The `oidc` extra is not installed."""


@dataclass(frozen=True)
class Person:
    """Whom the provider vouches for. `subject` never changes; names may."""

    subject: str
    username: str
    role: Role


@dataclass(frozen=True)
class _UnderWay:
    nonce: str
    verifier: str
    redirect_uri: str
    until_s: float


class SignOn:
    """One provider. Thread-safe."""

    def __init__(self, settings: SingleSignOn, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Raises ExtraMissingError."""
        if find_spec("joserfc") is None:
            raise ExtraMissingError("console.oidc needs the package joserfc: pip install 'firewatch[oidc]'")
        self.settings = settings
        self._monotonic = monotonic
        self._client = httpx.Client(
            verify=ssl.create_default_context(cafile=settings.authority), timeout=SILENCE_S, trust_env=False
        )
        self._lock = threading.Lock()
        self._under_way: OrderedDict[str, _UnderWay] = OrderedDict()
        self._provider: dict[str, Any] | None = None
        self._keys: Any = None

    def close(self) -> None:
        self._client.close()

    def begin(self, redirect_uri: str) -> tuple[str, str]:
        """Where to send the browser, and the state that it must bring back. Raises SignOnError while the
        provider does not answer."""
        endpoint = self._described()["authorization_endpoint"]
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        with self._lock:
            self._under_way[state] = _UnderWay(nonce, verifier, redirect_uri, self._monotonic() + UNDER_WAY_S)
            while len(self._under_way) > MOST_UNDER_WAY:
                self._under_way.popitem(last=False)
        question = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": redirect_uri,
            "scope": self.settings.scopes,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(question)}", state

    def finish(self, state: str, code: str) -> Person:
        """Who has come back. Each state counts once. Raises SignOnError, NoRoleError."""
        with self._lock:
            began = self._under_way.pop(state, None)
        if began is None or self._monotonic() > began.until_s:
            raise SignOnError("no log-in of this state is under way")
        return self._person(self._claims(self._exchange(code, began), began.nonce))

    def _exchange(self, code: str, began: _UnderWay) -> str:
        secret = self.settings.client_secret
        given = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": began.redirect_uri,
            "code_verifier": began.verifier,
            "client_id": self.settings.client_id,
        }
        if secret is not None:
            given["client_secret"] = secret.get_secret_value()
        told = self._ask("POST", self._described()["token_endpoint"], data=given)
        token = told.get("id_token")
        if not isinstance(token, str):
            raise SignOnError("the provider gave no ID token")
        return token

    def _claims(self, token: str, nonce: str) -> Mapping[str, Any]:
        from joserfc import jwt
        from joserfc.errors import JoseError

        rules = jwt.JWTClaimsRegistry(
            leeway=LEEWAY_S,
            iss={"essential": True, "value": self.settings.issuer},
            aud={"essential": True, "value": self.settings.client_id},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            try:
                claims = jwt.decode(token, self._key_set(), algorithms=ALGORITHMS).claims
            except (JoseError, ValueError):  # the provider may have changed its keys since we asked
                claims = jwt.decode(token, self._key_set(anew=True), algorithms=ALGORITHMS).claims
            rules.validate(claims)
        except (JoseError, ValueError) as error:
            raise SignOnError(f"the ID token does not hold: {type(error).__name__}: {error}") from None
        return claims

    def _person(self, claims: Mapping[str, Any]) -> Person:
        username = claims.get(self.settings.username_claim)
        if not isinstance(username, str) or not username:
            raise SignOnError(f"the ID token has no claim {self.settings.username_claim!r}")
        role = role_of(claims, self.settings)
        if role is None:
            raise NoRoleError(f"{username} has none of the roles that console.oidc.roles names")
        return Person(f"{self.settings.issuer}|{claims['sub']}", username, role)

    def _described(self) -> dict[str, Any]:
        """The provider's description of itself, asked for once."""
        with self._lock:
            known = self._provider
        if known is not None:
            return known
        told = self._ask("GET", f"{self.settings.issuer.rstrip('/')}/.well-known/openid-configuration")
        if told.get("issuer") != self.settings.issuer:
            raise SignOnError("the provider calls itself by another issuer; correct console.oidc.issuer")
        if not all(
            isinstance(told.get(name), str)
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")
        ):
            raise SignOnError("the provider does not say where its endpoints are")
        with self._lock:
            self._provider = told
        return told

    def _key_set(self, *, anew: bool = False) -> Any:
        from joserfc.jwk import KeySet

        with self._lock:
            known = self._keys
        if known is not None and not anew:
            return known
        found = KeySet.import_key_set(self._ask("GET", self._described()["jwks_uri"]))  # type: ignore[arg-type]
        with self._lock:
            self._keys = found
        return found

    def _ask(self, method: str, url: str, **what: Any) -> dict[str, Any]:
        try:
            answer = self._client.request(method, url, **what)
            told = answer.json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise SignOnError(f"the provider does not answer: {type(error).__name__}") from None
        if not answer.is_success or not isinstance(told, dict):
            said = told.get("error", "") if isinstance(told, dict) else ""
            raise SignOnError(f"the provider answers {answer.status_code} {str(said)[:100]}".rstrip())
        return told


def role_of(claims: Mapping[str, Any], settings: SingleSignOn) -> Role | None:
    """The highest role that the claim stands for.

    >>> settings = SingleSignOn(issuer="https://sso.example", client_id="fw", role_claim="access.roles",
    ...                         roles={"duty": "operator", "chief": "supervisor"})
    >>> role_of({"access": {"roles": ["chief", "duty", "cook"]}}, settings)
    <Role.SUPERVISOR: 'supervisor'>
    >>> role_of({"access": {"roles": "cook"}}, settings) is None
    True
    """
    found: Any = claims
    for part in settings.role_claim.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    values = [found] if isinstance(found, str) else found if isinstance(found, list) else []
    mine = [Role(settings.roles[one]) for one in values if isinstance(one, str) and one in settings.roles]
    return max(mine, key=list(Role).index, default=None)
