"""Asks a turning camera over ONVIF where it stands and where its presets are; it never turns the camera.

Written by hand because the usual library (onvif-zeep) takes tens of megabytes in every worker for the five
questions that are asked here. A camera is not trusted: its answers are bounded in size and time, documents
with a DOCTYPE are refused, and it cannot send us (and our password) to another host. What it can do wrong:

    SourceUnreachable, SourceTimeout    nobody answers, or too slowly
    SourceRefused                       user or password is wrong, or the user may not ask this
    SourceUnreadable                    the answer is no ONVIF, or holds no position

Messages name the address without its password and nothing of what the camera wrote.
"""

from __future__ import annotations

import base64
import hashlib
import math
import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import httpx

from config import SecretSource
from streams.errors import SourceRefused, SourceTimeout, SourceUnreachable, SourceUnreadable
from streams.ptz import Position, Reading

LARGEST_ANSWER_BYTES = 1_000_000
"""A camera with 300 presets answers with some 150 kB."""
_SLOWEST = 3.0
"""An answer that drips may take so many time-outs as a whole."""

_DEVICE = "http://www.onvif.org/ver10/device/wsdl"
_MEDIA = "http://www.onvif.org/ver10/media/wsdl"
_PTZ = "http://www.onvif.org/ver20/ptz/wsdl"
_SECURITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
_UTILITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
_DIGEST = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"
_DATE, _TIME = ("Year", "Month", "Day"), ("Hour", "Minute", "Second")
_MARKUP = re.compile(rb"<!(?!--|\[CDATA\[)")
"""A declaration (DOCTYPE, ENTITY): nothing of ONVIF needs one."""


@dataclass(frozen=True)
class CameraPreset:
    """A preset as the camera knows it; without a position it can be driven to and not be recognised."""

    token: str
    name: str
    """What people called it in the camera; empty where nobody did."""
    position: Position | None


class OnvifCamera:
    """One connection to a camera's services: `with OnvifCamera(...) as camera: camera.reading()`."""

    def __init__(
        self,
        url: SecretSource,
        *,
        profile: str | None = None,
        timeout_s: float = 5.0,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        parts = urlsplit(url.reveal())
        self._shown = url
        self._login = (unquote(parts.username or ""), unquote(parts.password or ""))
        self._device_url = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        self._profile = profile
        self._timeout_s = timeout_s
        self._now = now
        self._clock_ahead = timedelta(0)
        self._ptz_url = ""
        self._client: httpx.Client | None = None

    def __enter__(self) -> Self:
        """Find the services and the profile. Raises SourceError."""
        self._client = httpx.Client(timeout=self._timeout_s, follow_redirects=False, trust_env=False)
        try:
            self._clock_ahead = self._clock_of_camera()
            media_url, self._ptz_url = self._services()
            self._profile = self._turning_profile(media_url)
        except BaseException:
            self._client.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            self._client.close()

    def presets(self) -> tuple[CameraPreset, ...]:
        """All that the camera has. Raises SourceError."""
        answer = self._ask(self._ptz_url, _PTZ, "GetPresets", self._of_profile())
        return tuple(
            CameraPreset(token, _name(one.findtext("{*}Name", "")), _position(one.find("{*}PTZPosition")))
            for one in answer.iterfind("{*}Preset")
            if (token := one.get("token", ""))
        )

    def reading(self) -> Reading:
        """Where it stands now. Raises SourceError."""
        asked_at = self._now()
        answer = self._ask(self._ptz_url, _PTZ, "GetStatus", self._of_profile())
        told_at = self._now()
        position = _position(answer.find("{*}PTZStatus/{*}Position"))
        if position is None:
            raise SourceUnreadable(f"{self._shown} answers, but does not say where the camera stands")
        return Reading(asked_at, told_at, position, _moving(answer.find("{*}PTZStatus/{*}MoveStatus")))

    # What is asked once a connection

    def _clock_of_camera(self) -> timedelta:
        """How far its clock is ahead of ours: passwords are only good for a while on its own clock.

        ONVIF has this one question answered without a password. A camera that wants one, or says nonsense, is
        taken to have our time.
        """
        try:
            answer = self._ask(self._device_url, _DEVICE, "GetSystemDateAndTime", login=False)
        except SourceRefused:
            return timedelta(0)
        told = answer.find("{*}SystemDateAndTime/{*}UTCDateTime")
        if told is None:
            return timedelta(0)
        try:
            year, month, day = (int(told.findtext(f"{{*}}Date/{{*}}{one}", "")) for one in _DATE)
            hour, minute, second = (int(told.findtext(f"{{*}}Time/{{*}}{one}", "")) for one in _TIME)
            return datetime(year, month, day, hour, minute, second, tzinfo=UTC) - self._now()
        except (ValueError, OverflowError):
            return timedelta(0)

    def _services(self) -> tuple[str, str]:
        """Where media and PTZ are asked."""
        body = "<Category>All</Category>"
        answer = self._ask(self._device_url, _DEVICE, "GetCapabilities", body)
        found = [
            (answer.findtext(f"{{*}}Capabilities/{{*}}{name}/{{*}}XAddr") or "").strip()
            for name in ("Media", "PTZ")
        ]
        if not found[1]:
            raise SourceUnreadable(f"{self._shown} has no PTZ service: the camera does not turn, or hides it")
        return self._own(found[0]), self._own(found[1])

    def _own(self, address: str) -> str:
        """An address the camera gives for itself, on the host it was reached at: behind a router, or after a
        change of its network, it names another, and the password goes to no other host."""
        ours = urlsplit(self._device_url)
        try:
            theirs = urlsplit(address)
            same = (theirs.scheme, theirs.hostname) == (ours.scheme, ours.hostname)
            netloc = theirs.netloc.rpartition("@")[2] if same and theirs.port != 0 else ours.netloc
        except ValueError:
            raise SourceUnreadable(f"{self._shown} names an address that cannot be read") from None
        return ours._replace(netloc=netloc, path=theirs.path or ours.path, query=theirs.query).geturl()

    def _turning_profile(self, media_url: str) -> str:
        answer = self._ask(media_url, _MEDIA, "GetProfiles")
        turning = [
            one.get("token", "")
            for one in answer.iterfind("{*}Profiles")
            if one.find("{*}PTZConfiguration") is not None and one.get("token")
        ]
        if self._profile is not None and self._profile not in turning:
            raise SourceUnreadable(
                f"{self._shown} has no PTZ in the media profile {self._profile!r}; see ptz.profile"
            )
        if not turning:
            raise SourceUnreadable(f"{self._shown} has no media profile with PTZ; set one up in the camera")
        return self._profile or turning[0]

    def _of_profile(self) -> str:
        return f"<ProfileToken>{escape(self._profile or '')}</ProfileToken>"

    # One question

    def _ask(
        self, url: str, namespace: str, action: str, body: str = "", *, login: bool = True
    ) -> ElementTree.Element:
        """The element that answers `action`."""
        status, headers, content = self._post(url, namespace, action, body, login)
        digest = "digest" in headers.get("www-authenticate", "").lower()
        if status == 401 and digest and login and any(self._login) and self._http.auth is None:
            self._http.auth = httpx.DigestAuth(*self._login)
            status, headers, content = self._post(url, namespace, action, body, login)
        if status in (401, 403):
            raise self._refusal()
        answer = _parsed(content, self._shown)
        if (fault := answer.find("{*}Body/{*}Fault")) is not None:
            raise self._fault(fault, action)
        found = answer.find(f"{{*}}Body/{{*}}{action}Response")
        if status != 200 or found is None:
            raise SourceUnreadable(
                f"{self._shown} does not answer {action} as ONVIF does (HTTP status {status}); check its path"
            )
        return found

    @property
    def _http(self) -> httpx.Client:
        if self._client is None:
            raise RuntimeError("open the camera first: `with camera: ...`")
        return self._client

    def _post(
        self, url: str, namespace: str, action: str, body: str, login: bool
    ) -> tuple[int, Mapping[str, str], bytes]:
        # a camera that asks for HTTP digest may not even understand a UsernameToken
        security = self._security() if login and any(self._login) and self._http.auth is None else ""
        envelope = (
            '<?xml version="1.0" encoding="utf-8"?>'
            f'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header>{security}</s:Header>'
            f'<s:Body><{action} xmlns="{namespace}">{body}</{action}></s:Body></s:Envelope>'
        )
        kind = f'application/soap+xml; charset=utf-8; action="{namespace}/{action}"'
        deadline_s = time.monotonic() + _SLOWEST * self._timeout_s
        try:
            with self._http.stream(
                "POST", url, content=envelope.encode(), headers={"Content-Type": kind}
            ) as response:
                content = bytearray()
                for part in response.iter_bytes():
                    content += part
                    if len(content) > LARGEST_ANSWER_BYTES:
                        raise SourceUnreadable(f"{self._shown} answers with far more than was asked for")
                    if time.monotonic() > deadline_s:
                        raise httpx.ReadTimeout("too slow as a whole")
                return response.status_code, dict(response.headers), bytes(content)
        except httpx.ConnectError:
            raise SourceUnreachable(
                f"nothing answers at {self._shown}; check address, port and network"
            ) from None
        except httpx.TimeoutException:
            raise SourceTimeout(f"{self._shown} did not answer within {self._timeout_s:g} s") from None
        except httpx.HTTPError:
            raise SourceUnreadable(f"{self._shown} does not answer as a web server does") from None

    def _security(self) -> str:
        """A UsernameToken with a digest, good once and for a short while on the camera's clock."""
        user, password = self._login
        nonce = os.urandom(16)
        created = (self._now() + self._clock_ahead).strftime("%Y-%m-%dT%H:%M:%SZ")
        digest = hashlib.sha1(nonce + created.encode() + password.encode(), usedforsecurity=False).digest()
        return (
            f'<Security s:mustUnderstand="1" xmlns="{_SECURITY}"><UsernameToken>'
            f"<Username>{escape(user)}</Username>"
            f'<Password Type="{_DIGEST}">{base64.b64encode(digest).decode()}</Password>'
            f"<Nonce>{base64.b64encode(nonce).decode()}</Nonce>"
            f'<Created xmlns="{_UTILITY}">{created}</Created></UsernameToken></Security>'
        )

    def _fault(self, fault: ElementTree.Element, action: str) -> SourceRefused | SourceUnreadable:
        codes = " ".join(one.text or "" for one in fault.iter() if one.tag.rpartition("}")[2] == "Value")
        if "NotAuthorized" in codes or "FailedAuthentication" in codes:
            return self._refusal()
        return SourceUnreadable(f"{self._shown} answers {action} with a fault")

    def _refusal(self) -> SourceRefused:
        return SourceRefused(
            f"{self._shown} refuses the user or password; check them, and that the user may use ONVIF"
        )


def _parsed(content: bytes, shown: SecretSource) -> ElementTree.Element:
    # read as UTF-8 whatever it declares: no other coding can hide a declaration
    text = content.decode("utf-8", "replace").encode()
    if _MARKUP.search(text):
        raise SourceUnreadable(f"{shown} answers with a document type, which is refused")
    try:
        return ElementTree.fromstring(text, ElementTree.XMLParser(encoding="utf-8"))
    except ElementTree.ParseError:
        raise SourceUnreadable(f"{shown} does not answer with XML; check its path") from None


def _name(told: str) -> str:
    return "".join(one for one in told.strip() if one.isprintable())[:100]


def _position(told: ElementTree.Element | None) -> Position | None:
    if told is None:
        return None
    pan_tilt, zoom = told.find("{*}PanTilt"), told.find("{*}Zoom")
    try:
        if pan_tilt is None:
            return None
        pan, tilt = float(pan_tilt.get("x", "")), float(pan_tilt.get("y", ""))
        zoom_in = float(zoom.get("x", "")) if zoom is not None else None
    except ValueError:
        return None
    finite = all(math.isfinite(one) for one in (pan, tilt, zoom_in or 0.0))
    return Position(pan, tilt, zoom_in) if finite else None


def _moving(told: ElementTree.Element | None) -> bool | None:
    """Whether any axis moves; None where the camera does not know or say (`UNKNOWN`)."""
    said = {(one.text or "").strip().upper() for one in told} if told is not None else set()
    if "MOVING" in said:
        return True
    return False if said and said <= {"IDLE"} else None
