"""Signing in, staying signed in, and everything that must be refused."""

from __future__ import annotations

import logging
import time
from datetime import timedelta

import pytest
from conftest import PASSWORD, Served

from alerting.accounts import Accounts
from alerting.store import Store
from config import Deployment
from console import auth
from console.auth import COOKIE, SESSION_LIFETIME, Authentication, ensure_first_admin
from console.limits import RateLimit
from console.passwords import hash_password, problem_with, verify_password
from console.problems import Problem


def log_in(console: Served, username: str, password: str):
    with console.client() as client:
        return client.post("/api/v1/session", json={"username": username, "password": password})


def test_an_empty_store_gets_one_administrator_whose_password_works_once_told(console: Served) -> None:
    password = ensure_first_admin(console.store)
    assert password is not None
    assert ensure_first_admin(console.store) is None
    answer = log_in(console, "admin", password)
    assert (answer.status_code, answer.json()["role"]) == (201, "admin")
    assert answer.json()["must_change"] is True
    with console.client() as client:
        client.cookies.set(COOKIE, answer.cookies[COOKIE])
        client.headers["X-CSRF-Token"] = answer.json()["csrf"]
        refused = client.get("/api/v1/incidents")
        assert refused.json()["type"] == "urn:firewatch:problem:password-change"
        change = {"old": password, "new": "ridge and river 12"}
        changed = client.post("/api/v1/session/password", json=change)
        assert (changed.status_code, changed.json()["must_change"]) == (200, False)
        assert client.get("/api/v1/incidents").status_code == 200


def test_two_stores_get_different_first_passwords(tmp_path) -> None:
    passwords = []
    for name in ("one", "two"):
        store = Store.open(f"sqlite:///{tmp_path}/{name}.db")
        passwords.append(ensure_first_admin(store))
        store.close()
    assert passwords[0] != passwords[1]


def test_the_store_keeps_neither_password_nor_token(console: Served, tmp_path) -> None:
    with console.signed_in() as client:
        token = client.cookies[COOKIE]
    stored = b"".join(file.read_bytes() for file in tmp_path.glob("store.db*"))
    assert b"operator" in stored
    assert token.encode() not in stored
    assert PASSWORD.encode() not in stored


def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(console: Served) -> None:
    console.account("operator")
    cookie = log_in(console, "operator", PASSWORD).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()


@pytest.mark.parametrize("username", ["operator", "nobody"])
def test_a_wrong_password_and_an_unknown_user_get_the_same_answer(console: Served, username: str) -> None:
    console.account("operator")
    answer = log_in(console, username, "wrong password")
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == "user name or password is wrong"


def test_too_many_wrong_passwords_lock_the_account_even_for_the_right_one(
    console: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "LOCK_AFTER", 2)
    console.account("operator")
    for _ in range(2):
        assert log_in(console, "operator", "wrong password").status_code == 401
    answer = log_in(console, "operator", PASSWORD)
    assert (answer.status_code, answer.json()["type"]) == (429, "urn:firewatch:problem:account-locked")
    assert int(answer.headers["retry-after"]) > 0


def test_attempts_from_one_address_are_slowed_down_whatever_the_name(console: Served) -> None:
    authentication = Authentication(console.store, RateLimit(2, 60, lambda: 0.0))
    kinds = []
    for username in ("one", "two", "three"):
        with pytest.raises(Problem) as refused:
            authentication.log_in(username, "guess", "10.0.0.9")
        kinds.append(refused.value.kind)
    assert kinds == ["wrong-credentials", "wrong-credentials", "too-many-attempts"]
    assert refused.value.headers["Retry-After"] == "61"


def test_the_rate_limit_forgets_after_its_window_and_keeps_addresses_apart() -> None:
    clock = [0.0]
    limit = RateLimit(2, 60, lambda: clock[0])
    assert [limit.attempt("a"), limit.attempt("a"), limit.attempt("b")] == [0, 0, 0]
    assert limit.attempt("a") == 60
    clock[0] = 60.0
    assert limit.attempt("a") == 0


def test_a_change_without_the_csrf_token_is_refused(console: Served) -> None:
    with console.signed_in() as client:
        del client.headers["X-CSRF-Token"]
        answer = client.delete("/api/v1/session")
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:firewatch:problem:csrf")
        assert client.get("/api/v1/session").status_code == 200


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.example"}])
def test_a_request_made_by_another_site_is_refused(console: Served, headers: dict[str, str]) -> None:
    with console.signed_in() as client:
        assert client.delete("/api/v1/session", headers=headers).json()["type"].endswith("other-origin")
    answer = console.client().post(
        "/api/v1/session", json={"username": "operator", "password": PASSWORD}, headers=headers
    )
    assert answer.status_code == 403


def test_a_session_ends_with_log_out(console: Served) -> None:
    with console.signed_in() as client:
        token = client.cookies[COOKIE]
        assert client.delete("/api/v1/session").status_code == 204
    with console.client() as other:
        other.cookies[COOKIE] = token
        assert other.get("/api/v1/session").status_code == 401


def test_a_session_ends_with_the_shift(deployment: Deployment, store: Store, serve) -> None:
    console = serve(store, deployment)
    with console.signed_in() as client:
        real = store.clock
        store.clock = lambda: real() + SESSION_LIFETIME + timedelta(seconds=1)
        assert client.get("/api/v1/session").status_code == 401


def test_a_user_who_is_switched_off_is_out_at_once(console: Served) -> None:
    with console.signed_in() as client:
        Accounts(console.store).set_active("operator", active=False)
        assert client.get("/api/v1/session").status_code == 401
    assert log_in(console, "operator", PASSWORD).status_code == 401


def test_changing_the_password_ends_other_sessions_and_keeps_this_one(console: Served) -> None:
    with console.signed_in() as here, console.signed_in() as there:
        change = {"old": PASSWORD, "new": "a newer watchword"}
        answer = here.post("/api/v1/session/password", json=change)
        assert answer.status_code == 200
        assert answer.json()["must_change"] is False
        assert here.get("/api/v1/session").status_code == 200
        assert there.get("/api/v1/session").status_code == 401
    assert log_in(console, "operator", "a newer watchword").status_code == 201


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [("not it at all", "a newer watchword", 403), (PASSWORD, "short", 422), (PASSWORD, "operator12345", 422)],
)
def test_a_password_change_needs_the_old_one_and_a_good_new_one(
    console: Served, old: str, new: str, status: int
) -> None:
    with console.signed_in() as client:
        assert client.post("/api/v1/session/password", json={"old": old, "new": new}).status_code == status
    assert log_in(console, "operator", PASSWORD).status_code == 201


def test_hashing_is_argon2id_and_salted() -> None:
    one, two = hash_password("the same words"), hash_password("the same words")
    assert one.startswith("$argon2id$")
    assert one != two
    assert verify_password(one, "the same words")
    assert not verify_password(one, "other words")
    assert not verify_password(None, "the same words")


def test_a_password_of_one_repeated_letter_is_refused() -> None:
    assert problem_with("aaaaaaaaaaaaaaaa", "li") is not None


def test_each_request_is_in_the_access_log_with_who_asked_and_without_what_a_link_keeps_secret(
    console: Served, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="firewatch.access"):
        with console.signed_in("viewer") as viewer:
            viewer.get("/api/v1/users")
        with console.client() as stranger:
            stranger.get("/api/v1/evidence/7", params={"expires": 1, "signature": "abc123"})
        # A line is written once its answer is out, so the asker may read the answer before the line is there.
        within_s = time.monotonic() + 60
        while not any("/evidence/7" in record.getMessage() for record in caplog.records):
            assert time.monotonic() < within_s, caplog.text
            time.sleep(0.01)
    told = [record.getMessage() for record in caplog.records if record.name == "firewatch.access"]
    assert any("method=GET path=/api/v1/users status=403" in one and "who=viewer" in one for one in told)
    assert any("path=/api/v1/evidence/7 status=403" in one and "who=-" in one for one in told)
    assert all("from=127.0.0.1" in one for one in told)
    assert "abc123" not in caplog.text
