"""Evidence files: for people who are signed in, and for receivers who hold a signed link. (Responders have a
route of their own, which knows their areas.)"""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from alerting.evidence import EvidenceError
from alerting.evidence_links import LinkError
from alerting.records import EvidenceRecord
from console.auth import Auth, current_session
from console.context import Centre, InCentre
from console.problems import Problem
from console.views import GREATEST_ROW, RowNumber

router = APIRouter(prefix="/api/v1/evidence", tags=["evidence"])


@router.get(
    "/{evidence_id}",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}}, 206: {"description": "The part asked for."}},
    openapi_extra={"x-firewatch-role": "viewer"},
)
def evidence(
    evidence_id: RowNumber,
    request: Request,
    auth: Auth,
    centre: InCentre,
    expires: Annotated[int | None, Query(ge=0, le=GREATEST_ROW, description="From a signed link.")] = None,
    signature: Annotated[str | None, Query(description="From a signed link.", max_length=128)] = None,
) -> Response:
    """The file, by session or by signed, expiring link. A file never changes: it may be kept."""
    if expires is not None and signature is not None:
        _check_link(centre, evidence_id, expires, signature)
    else:
        current_session(request, auth)
    return file_answer(centre.store.evidence(evidence_id), request, centre)


def file_answer(record: EvidenceRecord, request: Request, centre: Centre) -> Response:
    """The file, or the part of it that a player asks for."""
    headers = {"ETag": f'"{record.sha256}"', "Cache-Control": "private, max-age=31536000, immutable"}
    if f'"{record.sha256}"' in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    try:
        content = centre.evidence.read(record.path)
    except EvidenceError as error:
        raise Problem(
            410, "evidence-missing", f"the file of evidence {record.evidence_id} cannot be read"
        ) from error
    headers["Accept-Ranges"] = "bytes"
    wanted = _part(request.headers.get("range", ""), len(content))
    if wanted is None:
        return Response(content, media_type=record.media_type, headers=headers)
    headers["Content-Range"] = f"bytes {wanted.start}-{wanted.stop - 1}/{len(content)}"
    return Response(content[wanted.start : wanted.stop], 206, headers, media_type=record.media_type)


def _part(header: str, size: int) -> range | None:
    """The one part a player asks for; None, which is always allowed, sends the whole.

    >>> _part("bytes=100-", 500), _part("bytes=0-1", 500), _part("bytes=-20", 500), _part("bytes=900-", 500)
    (range(100, 500), range(0, 2), range(480, 500), None)
    """
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", header.strip())
    if match is None or not any(match.groups()):
        return None
    first, last = match.groups()
    if not first:
        return range(size)[-int(last) :] or None
    return range(int(first), min(size, int(last) + 1) if last else size) or None


def _check_link(centre: Centre, evidence_id: int, expires: int, signature: str) -> None:
    if centre.links is None:
        raise Problem(403, "link", "this centre gives out no links; sign in to see the evidence")
    try:
        centre.links.verify(evidence_id, expires, signature, centre.store.clock())
    except LinkError as error:
        raise Problem(403, "link", str(error)) from error
