"""Tokens of responders and machines, for administrators."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from alerting import access_tokens
from console.auth import Acting, Admin
from console.context import InCentre, require_camera
from console.problems import Problem
from console.views import RowNumber, View

router = APIRouter(prefix="/api/v1/tokens", tags=["tokens"])


class NewToken(BaseModel):
    name: str = Field(min_length=1, max_length=64, description="Who has it, as the history will say.")
    role: Literal["responder", "machine"] = Field(
        default="responder", description="`machine`: a worker on a hill box; see `/api/v1/ingest`."
    )
    area_codes: tuple[str, ...] = Field(
        default=(),
        max_length=500,
        description="Responders: codes of grid areas it is limited to; without any, all.",
    )
    camera_ids: tuple[str, ...] = Field(
        default=(), max_length=500, description="Machines: cameras it is limited to; without any, all."
    )
    days: int = Field(default=365, ge=1, le=3660, description="How long it is good for.")


class TokenView(View):
    token_id: int
    name: str
    role: str
    area_codes: tuple[str, ...]
    camera_ids: tuple[str, ...]
    created_by: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


class TokenWithSecret(BaseModel):
    token: TokenView
    secret: str = Field(description="Shown this once; send it as 'Authorization: Bearer SECRET'.")
    link: str | None = Field(
        description="For a responder's phone: opens the page /field signed in. The token stands behind "
        "the #, which browsers send to nobody. Null for a machine's."
    )


@router.get("")
def tokens(_session: Admin, centre: InCentre) -> tuple[TokenView, ...]:
    """All tokens, without their secrets; revoked ones, too."""
    return tuple(TokenView.model_validate(one) for one in access_tokens.all_tokens(centre.store))


@router.post("", status_code=201)
def create_token(
    given: NewToken, _session: Admin, centre: InCentre, by: Acting, request: Request
) -> TokenWithSecret:
    """A new token; its secret is told here and never again."""
    for camera_id in given.camera_ids:
        require_camera(camera_id, centre)
    try:
        secret, token = access_tokens.create(
            centre.store,
            name=given.name,
            role=given.role,
            area_codes=given.area_codes,
            camera_ids=given.camera_ids,
            lifetime=timedelta(days=given.days),
            by=by,
        )
    except ValueError as error:
        raise Problem(422, "invalid-request", str(error)) from error
    link = None
    if token.role == access_tokens.RESPONDER:
        base = centre.deployment.console.public_url or str(request.base_url)
        link = f"{base.rstrip('/')}/field#token={secret}"
    return TokenWithSecret(token=TokenView.model_validate(token), secret=secret, link=link)


@router.delete("/{token_id}")
def revoke_token(token_id: RowNumber, _session: Admin, centre: InCentre, by: Acting) -> TokenView:
    """The token opens nothing any more, at once."""
    return TokenView.model_validate(access_tokens.revoke(centre.store, token_id, by=by))
