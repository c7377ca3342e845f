"""Asks a video gateway for the address a camera can be played at, each time anew, because they expire.

GB/T 28181 platforms hand out HTTP-FLV, HLS or RTSP addresses that hold for minutes, for a channel named by
20 digits. A source `play+https://gateway/...` is such a question: the address after `play+` is asked by
HTTP, and the answer (JSON) holds the play URL at a configured place.
"""

from __future__ import annotations

from typing import Any

import httpx

from config import Camera, SecretSource
from streams.errors import SourceRefused, SourceTimeout, SourceUnreachable, SourceUnreadable

PLAYABLE = ("http", "https", "rtsp", "rtsps")


def is_question(source: SecretSource) -> bool:
    """Whether the source names a gateway to ask instead of a stream."""
    return source.scheme.startswith("play+")


def ask_for_play_url(camera: Camera) -> SecretSource:
    """The address to play now. Raises SourceError."""
    settings = camera.stream.play_url
    shown = camera.watched_source
    question = (
        camera.watched_source.reveal().partition("+")[2].replace("{channel_id}", camera.channel_id or "")
    )
    token = settings.token.get_secret_value() if settings.token is not None else None
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        response = httpx.request(
            settings.method,
            question,
            headers=headers,
            timeout=camera.stream.open_timeout_s,
            follow_redirects=True,
            trust_env=False,
        )
    except httpx.TimeoutException:
        raise SourceTimeout(f"the gateway {shown} did not answer in time") from None
    except httpx.HTTPError:
        raise SourceUnreachable(f"the gateway {shown} cannot be reached; check address and network") from None
    if response.status_code != 200:
        raise SourceRefused(f"the gateway {shown} answers with HTTP status {response.status_code}")
    try:
        found: Any = response.json()
        for key in settings.path.split("."):
            found = found[key]
    except (ValueError, KeyError, TypeError, IndexError):
        raise SourceUnreadable(
            f"the answer of the gateway {shown} holds nothing at '{settings.path}'; see stream.play_url.path"
        ) from None
    if not isinstance(found, str) or SecretSource(found).scheme not in PLAYABLE:
        raise SourceUnreadable(f"the gateway {shown} answers with something that is no play URL")
    return SecretSource(found)
