"""Signing in through the organisation's provider, in the browser: there, and back with a session.

Whoever comes back must be the browser that went: the state is in a cookie of ours, too. Failures lead back to
the log-in page, which says what to do; why exactly is in our log.
"""

from __future__ import annotations

import logging
import re
import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from alerting.accounts import Accounts
from alerting.journal import By
from alerting.store import ConflictError
from console.auth import Auth, client_address, start_session
from console.context import Centre, InCentre
from console.problems import Problem
from console.sign_on import NoRoleError, Person, SignOn, SignOnError

_log = logging.getLogger(__name__)

router = APIRouter(prefix="/api/v1/session", tags=["session"])

STATE_COOKIE = "firewatch_sign_on"
_PATH = "/api/v1/session/oidc"
_USERNAME = re.compile(r"[\w.@-]{1,64}")
NO_PASSWORD = "!"
"""A hash that no password has."""

_TO_A_PAGE: dict[int | str, dict[str, Any]] = {
    303: {"description": "To the provider, to the page, or back to the log-in page with `?login=`."}
}


class Provider(BaseModel):
    label: str = Field(description="What the button calls it.")


class Ways(BaseModel):
    """How one can sign in besides with a password."""

    oidc: Provider | None


@router.get("/ways")
def ways(centre: InCentre) -> Ways:
    """For the log-in page: how one can sign in besides with a password."""
    sign_on = centre.sign_on
    return Ways(oidc=Provider(label=sign_on.settings.label) if sign_on is not None else None)


@router.get("/oidc", status_code=303, response_class=RedirectResponse, responses=_TO_A_PAGE)
def begin(request: Request, centre: InCentre, auth: Auth) -> RedirectResponse:
    """Go to the provider."""
    sign_on = _configured(centre)
    auth.slow_down(client_address(request))
    base = centre.deployment.console.public_url or str(request.base_url)
    try:
        url, state = sign_on.begin(f"{base.rstrip('/')}{_PATH}/callback")
    except SignOnError as error:
        return _back("unreachable", error)
    answer = RedirectResponse(url, 303)
    answer.set_cookie(
        STATE_COOKIE,
        state,
        max_age=600,
        path=_PATH,
        httponly=True,
        samesite="lax",  # it must come with the way back, which another site begins
        secure=request.url.scheme == "https",
    )
    return answer


@router.get("/oidc/callback", status_code=303, response_class=RedirectResponse, responses=_TO_A_PAGE)
def finish(
    request: Request,
    centre: InCentre,
    auth: Auth,
    state: Annotated[str, Query(max_length=200)] = "",
    code: Annotated[str, Query(max_length=4000)] = "",
    error: Annotated[str, Query(max_length=200)] = "",
) -> RedirectResponse:
    """Come back from the provider."""
    sign_on = _configured(centre)
    mine = request.cookies.get(STATE_COOKIE, "")
    if not state or not secrets.compare_digest(mine.encode(), state.encode()):
        return _back("failed", SignOnError("the state is not that of this browser"))
    if error or not code:
        return _back("failed", SignOnError(f"the provider says {error[:100]!r}"))
    try:
        person = sign_on.finish(state, code)
        username = _account(auth.accounts, person, client_address(request))
    except NoRoleError as problem:
        return _back("no-role", problem)
    except SignOnError as problem:
        return _back("failed", problem)
    auth.accounts.record_login(username, source=f"{client_address(request)} oidc")
    answer = RedirectResponse("/", 303)
    answer.delete_cookie(STATE_COOKIE, path=_PATH)
    token, _session = auth.open_session(username)
    start_session(request, answer, token)
    return answer


def _account(accounts: Accounts, person: Person, address: str) -> str:
    """The name of the person's account, made at the first log-in; its role is what the provider says now."""
    by = By("oidc", address)
    user = accounts.by_subject(person.subject)
    if user is None:
        if not _USERNAME.fullmatch(person.username):
            raise SignOnError(f"{person.username[:64]!r} cannot be a user name here")
        try:
            user = accounts.create(
                person.username, NO_PASSWORD, person.role, must_change=False, subject=person.subject, by=by
            )
        except ConflictError:  # or whoever is called admin there would be admin here
            raise SignOnError(f"there is a local account {person.username!r} already") from None
    elif not user.active:
        raise SignOnError(f"the account {user.username!r} is switched off here")
    elif user.role != person.role:
        accounts.set_role(user.username, person.role, by=by)
    return user.username


def _configured(centre: Centre) -> SignOn:
    if centre.sign_on is None:
        raise Problem(404, "not-found", "no provider is configured: see console.oidc")
    return centre.sign_on


def _back(why: str, error: SignOnError) -> RedirectResponse:
    _log.warning("sign-on failed: %s", error)
    answer = RedirectResponse(f"/?login={why}", 303)
    answer.delete_cookie(STATE_COOKIE, path=_PATH)
    return answer
