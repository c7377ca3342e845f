"""Signing in through an identity provider, a real one over HTTP, which is ours (`identity_provider.py`)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
from conftest import PASSWORD, Serve, Served
from identity_provider import CLIENT_ID, CLIENT_SECRET, IdentityProvider
from joserfc.jwk import OctKey, RSAKey
from pydantic import ValidationError

from alerting import audit
from alerting.accounts import Accounts
from alerting.store import Store
from config import Deployment
from config.sign_on import SingleSignOn
from console.auth import COOKIE

pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install '.[dev]'")
from playwright.sync_api import Page, expect


@pytest.fixture
def provider() -> Iterator[IdentityProvider]:
    with IdentityProvider() as running:
        yield running


@pytest.fixture
def console(store: Store, deployment: Deployment, serve: Serve, provider: IdentityProvider) -> Served:
    oidc = SingleSignOn.model_validate(
        {
            "issuer": provider.issuer,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "label": "林业统一认证",
            "roles": {"duty": "operator", "chief": "supervisor", "root": "admin"},
        }
    )
    settings = deployment.console.model_copy(update={"oidc": oidc})
    return serve(store, deployment.model_copy(update={"console": settings}))


def go(client: httpx.Client) -> httpx.Response:
    """There and back, as a browser does; the last answer is the page."""
    return client.get("/api/v1/session/oidc", follow_redirects=True)


def came_back_with(answer: httpx.Response) -> str | None:
    return answer.url.params.get("login")


def test_a_person_signs_in_at_the_provider_and_gets_an_account_with_the_role_of_their_claim(
    console: Served, provider: IdentityProvider
) -> None:
    with console.client() as client:
        answer = go(client)
        assert (answer.status_code, answer.url.path, came_back_with(answer)) == (200, "/", None)
        session = client.get("/api/v1/session").json()
        assert (session["username"], session["role"]) == ("陈志强", "operator")
        assert session["must_change"] is False
    (question,) = provider.asked
    assert question["code_challenge_method"] == "S256"
    assert question["redirect_uri"] == f"{console.url}/api/v1/session/oidc/callback"
    now = console.store.clock()
    noted = list(audit.entries(console.store, now - timedelta(hours=1), now + timedelta(hours=1)))
    assert [(one.action, one.who) for one in noted] == [("account created", "oidc"), ("signed in", "陈志强")]


def test_the_role_follows_the_provider_and_an_account_switched_off_here_stays_out(
    console: Served, provider: IdentityProvider
) -> None:
    with console.client() as client:
        go(client)
        provider.claims |= {"roles": ["duty", "chief"], "preferred_username": "又名"}
        go(client)
        session = client.get("/api/v1/session").json()
        assert (session["username"], session["role"]) == ("陈志强", "supervisor")
    Accounts(console.store).set_active("陈志强", active=False)
    with console.client() as client:
        assert came_back_with(go(client)) == "failed"
        assert client.get("/api/v1/session").status_code == 401


def test_who_has_none_of_our_roles_does_not_get_in_and_leaves_no_account(
    console: Served, provider: IdentityProvider
) -> None:
    provider.claims["roles"] = ["cook"]
    with console.client() as client:
        assert came_back_with(go(client)) == "no-role"
    assert Accounts(console.store).users() == ()


def test_a_local_account_is_not_taken_over_by_a_namesake_and_still_signs_in_with_its_password(
    console: Served, provider: IdentityProvider
) -> None:
    console.account("admin")
    provider.claims["preferred_username"] = "admin"
    with console.client() as client:
        assert came_back_with(go(client)) == "failed"
        local = client.post("/api/v1/session", json={"username": "admin", "password": PASSWORD})
        assert local.status_code == 201


def test_an_account_of_the_provider_has_no_password_here(console: Served) -> None:
    with console.client() as client:
        go(client)
        for password in ("!", "x"):
            answer = client.post("/api/v1/session", json={"username": "陈志强", "password": password})
            assert answer.status_code == 401


@pytest.mark.parametrize(
    "spoiled",
    [
        {"nonce": "of another log-in"},
        {"nonce": None},
        {"aud": "another-client"},
        {"iss": "http://elsewhere"},
        {"exp": 1_700_000_000},  # long ago
        {"exp": None},
        {"sub": None},
        {"preferred_username": None},
        {"preferred_username": "two words"},
    ],
    ids=str,
)
def test_an_id_token_that_is_not_for_this_log_in_opens_nothing(
    console: Served, provider: IdentityProvider, spoiled: dict[str, object]
) -> None:
    provider.spoil = spoiled
    with console.client() as client:
        assert came_back_with(go(client)) == "failed"
        assert COOKIE not in client.cookies
    assert Accounts(console.store).users() == ()


def test_a_signature_of_another_key_or_with_a_shared_secret_proves_nothing(
    console: Served, provider: IdentityProvider
) -> None:
    with console.client() as client:
        provider.key = RSAKey.generate_key(2048, {"kid": "one"})
        assert came_back_with(go(client)) == "failed"
        provider.key, provider.algorithm = OctKey.import_key(CLIENT_SECRET * 2), "HS256"
        assert came_back_with(go(client)) == "failed"


def test_a_provider_that_changed_its_keys_is_asked_for_the_new_ones(
    console: Served, provider: IdentityProvider
) -> None:
    with console.client() as client:
        go(client)
        provider.key = provider.published = RSAKey.generate_key(2048, {"kid": "one"})
        assert came_back_with(go(client)) is None


def test_a_way_back_that_another_browser_began_or_that_was_walked_before_opens_nothing(
    console: Served,
) -> None:
    with console.client() as attacker, console.client() as victim:
        there = attacker.get("/api/v1/session/oidc").headers["location"]
        back = httpx.get(there, trust_env=False).headers["location"]
        assert came_back_with(victim.get(back, follow_redirects=True)) == "failed"
        assert COOKIE not in victim.cookies
        state = attacker.cookies["firewatch_sign_on"]
        assert came_back_with(attacker.get(back, follow_redirects=True)) is None
        attacker.cookies.clear()
        attacker.cookies.set("firewatch_sign_on", state)
        assert came_back_with(attacker.get(back, follow_redirects=True)) == "failed"


def test_a_refusal_at_the_provider_leads_back_to_the_log_in_page_and_no_secret_into_the_log(
    console: Served, caplog: pytest.LogCaptureFixture
) -> None:
    with console.client() as client:
        client.get("/api/v1/session/oidc")
        refused = {"state": client.cookies["firewatch_sign_on"], "error": "access_denied"}
        answer = client.get("/api/v1/session/oidc/callback", params=refused)
    assert answer.headers["location"] == "/?login=failed"
    assert "access_denied" in caplog.text
    assert CLIENT_SECRET not in caplog.text
    assert CLIENT_SECRET not in repr(console.deployment)


def test_a_provider_that_is_away_is_said_and_the_password_still_opens(
    console: Served, provider: IdentityProvider
) -> None:
    console.account("operator")
    provider.end()
    with console.client() as client:
        assert client.get("/api/v1/session/oidc").headers["location"] == "/?login=unreachable"
        local = client.post("/api/v1/session", json={"username": "operator", "password": PASSWORD})
        assert local.status_code == 201


def test_a_console_without_a_provider_offers_none(store: Store, deployment: Deployment, serve: Serve) -> None:
    with serve(store, deployment).client() as client:
        assert client.get("/api/v1/session/ways").json() == {"oidc": None}
        assert client.get("/api/v1/session/oidc").status_code == 404


def test_a_provider_that_anybody_on_the_way_could_read_is_not_configured() -> None:
    with pytest.raises(ValidationError, match="http:// issuer"):
        SingleSignOn.model_validate(
            {"issuer": "http://sso.example", "client_id": "x", "roles": {"a": "viewer"}}
        )


@pytest.mark.browser
def test_the_log_in_page_has_the_button_and_the_person_arrives_on_the_duty_page(
    console: Served, provider: IdentityProvider, page: Page
) -> None:
    provider.claims["roles"] = ["cook"]
    page.goto(console.url)
    page.get_by_role("link", name="使用林业统一认证登录").click()
    expect(page.get_by_role("alert")).to_contain_text("尚无角色")
    assert page.url == f"{console.url}/"
    provider.claims["roles"] = ["duty"]
    page.get_by_role("link", name="使用林业统一认证登录").click()
    expect(page.get_by_text("没有待研判的火情")).to_be_visible()
