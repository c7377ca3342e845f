"""Evidence files: for people who are signed in, and for receivers who hold a signed link."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from alerting.evidence import EvidenceError
from alerting.evidence_links import LinkError
from console.auth import Auth, current_session
from console.context import Centre, InCentre
from console.problems import Problem

router = APIRouter(prefix="/api/v1/evidence", tags=["evidence"])


@router.get(
    "/{evidence_id}",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}}},
)
def evidence(
    evidence_id: int,
    request: Request,
    auth: Auth,
    centre: InCentre,
    expires: Annotated[int | None, Query(description="From a signed link.")] = None,
    signature: Annotated[str | None, Query(description="From a signed link.", max_length=128)] = None,
) -> Response:
    """The file, by session or by signed, expiring link. A file never changes: it may be kept."""
    if expires is not None and signature is not None:
        _check_link(centre, evidence_id, expires, signature)
    else:
        current_session(request, auth)
    record = centre.store.evidence(evidence_id)
    headers = {"ETag": f'"{record.sha256}"', "Cache-Control": "private, max-age=31536000, immutable"}
    if f'"{record.sha256}"' in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    try:
        content = centre.evidence.read(record.path)
    except EvidenceError as error:
        raise Problem(
            410, "evidence-missing", f"the file of evidence {evidence_id} cannot be read"
        ) from error
    return Response(content, media_type=record.media_type, headers=headers)


def _check_link(centre: Centre, evidence_id: int, expires: int, signature: str) -> None:
    if centre.links is None:
        raise Problem(403, "link", "this centre gives out no links; sign in to see the evidence")
    try:
        centre.links.verify(evidence_id, expires, signature, centre.store.clock())
    except LinkError as error:
        raise Problem(403, "link", str(error)) from error
