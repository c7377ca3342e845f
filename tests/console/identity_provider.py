"""A small OpenID Connect provider of our own, for the tests only: real HTTP, real signatures (RS256), one
person who always agrees. What it hands out can be spoiled, to see what the console refuses."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID, CLIENT_SECRET = "firewatch", "a secret of the test"


@functools.cache
def _first_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "one"})


class IdentityProvider:
    """`claims` are those of the person; `spoil` replaces claims of the ID token; `key` signs."""

    def __init__(self) -> None:
        self.claims: dict[str, Any] = {"sub": "person-7", "preferred_username": "陈志强", "roles": ["duty"]}
        self.spoil: dict[str, Any] = {}
        self.published = self.key = _first_key()
        self.algorithm = "RS256"
        self.asked: list[dict[str, str]] = []
        """Questions at the authorization endpoint."""
        self._codes: dict[str, dict[str, str]] = {}
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
                if path == "/.well-known/openid-configuration":
                    self.tell(provider.described())
                elif path == "/keys":
                    self.tell({"keys": [provider.published.as_dict(private=False)]})
                elif path == "/authorize":
                    self.send_response(302)
                    self.send_header("Location", provider.agree({k: v[0] for k, v in query.items()}))
                    self.end_headers()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                told = provider.exchange({k: v[0] for k, v in parse_qs(body).items()})
                self.tell(told, 400 if "error" in told else 200)

            def tell(self, what: dict[str, Any], status: int = 200) -> None:
                body = json.dumps(what).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.end()

    def end(self) -> None:
        """May be called again."""
        if not self._thread.is_alive():
            return
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def described(self) -> dict[str, Any]:
        ends = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/keys"}
        return {"issuer": self.issuer, **{name: self.issuer + path for name, path in ends.items()}}

    def agree(self, question: dict[str, str]) -> str:
        """Where the browser goes on, with a code."""
        self.asked.append(question)
        code = f"code-{len(self.asked)}"
        self._codes[code] = question
        return f"{question['redirect_uri']}?{urlencode({'code': code, 'state': question['state']})}"

    def exchange(self, given: dict[str, str]) -> dict[str, Any]:
        question = self._codes.pop(given.get("code", ""), None)
        if question is None or (given["client_id"], given["client_secret"]) != (CLIENT_ID, CLIENT_SECRET):
            return {"error": "invalid_grant"}
        challenge = base64.urlsafe_b64encode(hashlib.sha256(given["code_verifier"].encode()).digest())
        if challenge.rstrip(b"=").decode() != question["code_challenge"]:
            return {"error": "invalid_grant"}
        if given["redirect_uri"] != question["redirect_uri"]:
            return {"error": "invalid_grant"}
        now = int(time.time())
        claims = {
            "iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": question["nonce"],
            **self.claims, **self.spoil,
        }  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": self.algorithm, "kid": "one"}
        token = jwt.encode(header, claims, self.key, algorithms=[self.algorithm])
        return {"access_token": "x", "token_type": "Bearer", "id_token": token}
