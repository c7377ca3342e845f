"""Signing in and out, and changing one's own password."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field, SecretStr

from alerting.accounts import UserSession
from console.auth import (
    COOKIE,
    Acting,
    Auth,
    SignedIn,
    client_address,
    require_same_origin,
    role_of,
    start_session,
)
from console.passwords import hash_password, problem_with
from console.problems import Problem
from console.roles import Role

router = APIRouter(prefix="/api/v1/session", tags=["session"])


class LogIn(BaseModel):
    username: str = Field(min_length=1, max_length=128)
    password: SecretStr = Field(min_length=1, max_length=500)


class NewPassword(BaseModel):
    old: SecretStr = Field(min_length=1, max_length=500)
    new: SecretStr = Field(min_length=1, max_length=500)


class SessionView(BaseModel):
    username: str
    role: Role
    must_change: bool = Field(description="The password was given by somebody else and should be changed.")
    csrf: str = Field(description="Send it in X-CSRF-Token with everything that changes something.")
    expires_at: datetime


@router.post("", status_code=201, dependencies=[Depends(require_same_origin)])
def log_in(
    given: LogIn, request: Request, response: Response, auth: Auth
) -> Annotated[SessionView, "sets the session cookie"]:
    """Sets the session's cookie. Wrong passwords are slowed down and lock the account for minutes."""
    token, session = auth.log_in(given.username, given.password.get_secret_value(), client_address(request))
    start_session(request, response, token)
    return _view(session)


@router.get("")
def who_am_i(session: SignedIn) -> SessionView:
    """Who is signed in, and the CSRF token of the session."""
    return _view(session)


@router.delete("", status_code=204)
def log_out(_session: SignedIn, request: Request, response: Response, auth: Auth) -> None:
    """The session ends, and with it the event stream and moving pictures."""
    auth.log_out(request.cookies[COOKIE])
    response.delete_cookie(COOKIE, path="/")


@router.post("/password")
def change_password(
    given: NewPassword, request: Request, response: Response, session: SignedIn, auth: Auth, by: Acting
) -> SessionView:
    """Ends all sessions of the user and opens a new one here."""
    username, new = session.user.username, given.new.get_secret_value()
    if not auth.verify_again(session, given.old.get_secret_value(), client_address(request)):
        raise Problem(403, "wrong-credentials", "the old password is wrong")
    if (problem := problem_with(new, username)) is not None:
        raise Problem(422, "weak-password", problem)
    auth.accounts.set_password_hash(username, hash_password(new), must_change=False, by=by)
    token, opened = auth.open_session(username)
    start_session(request, response, token)
    return _view(opened)


def _view(session: UserSession) -> SessionView:
    return SessionView(
        username=session.user.username,
        role=role_of(session),
        must_change=session.user.must_change,
        csrf=session.csrf,
        expires_at=session.expires_at,
    )
