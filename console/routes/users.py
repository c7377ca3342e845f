"""Accounts, for administrators: list, create, switch off, give a new password."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from alerting.accounts import User
from console.auth import Acting, Admin, Auth
from console.passwords import generate_password, hash_password
from console.problems import Problem
from console.roles import Role
from console.views import UserView

router = APIRouter(prefix="/api/v1/users", tags=["users"])


class NewUser(BaseModel):
    username: Annotated[
        str, Field(pattern=r"^[\w.@-]{1,64}$", description="Letters of any script, digits, . @ _ -")
    ]
    role: Role


class UserWithPassword(BaseModel):
    user: UserView
    password: str = Field(description="Shown this once; the user should change it.")


class UserChange(BaseModel):
    active: bool


@router.get("")
def users(_session: Admin, auth: Auth) -> tuple[UserView, ...]:
    """All accounts, those switched off, too."""
    return tuple(_view(user) for user in auth.accounts.users())


@router.post("", status_code=201)
def create_user(given: NewUser, _session: Admin, auth: Auth, by: Acting) -> UserWithPassword:
    """A new account with a generated password."""
    password = generate_password()
    hashed = hash_password(password)
    user = auth.accounts.create(given.username, hashed, given.role, must_change=True, by=by)
    return UserWithPassword(user=_view(user), password=password)


@router.post("/{username}/password")
def new_password(username: str, _session: Admin, auth: Auth, by: Acting) -> UserWithPassword:
    """Replace a forgotten password; ends the user's sessions and lifts a lock-out."""
    password = generate_password()
    auth.accounts.set_password_hash(username, hash_password(password), must_change=True, by=by)
    return UserWithPassword(user=_view(auth.accounts.user(username)), password=password)


@router.patch("/{username}")
def change_user(username: str, given: UserChange, session: Admin, auth: Auth, by: Acting) -> UserView:
    """Switch an account off, which ends its sessions, or on again."""
    if username == session.user.username and not given.active:
        raise Problem(422, "own-account", "nobody switches off their own account; ask another administrator")
    auth.accounts.set_active(username, active=given.active, by=by)
    return _view(auth.accounts.user(username))


def _view(user: User) -> UserView:
    return UserView.model_validate(user)
