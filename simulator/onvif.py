"""A turning camera that speaks ONVIF, with a picture that follows it: `python -m simulator.onvif`.

    python -m simulator.onvif --port 8580 --preset 1=-0.5,0 --preset 2=0.5,0 --panorama hill.jpg
    curl -d '{"go_to": "2"}' -H 'Content-Type: application/json' http://127.0.0.1:8580/control

prints one JSON line with its addresses and turns when it is told. In tests:

    with OnvifDevice({"1": (-0.5, 0.0, 0.0)}, login=("viewer", "secret")) as device:
        ask(device.url)
        device.go_to("1")

What it can do wrong is set on `faults` (`Faults`), at any time, or given to `/control`. Passwords are
checked: a WS-Security UsernameToken whose time must be right on the device's own clock, or HTTP digest.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self
from urllib.parse import quote
from xml.etree import ElementTree

import cv2
import numpy as np
import numpy.typing as npt
from fastapi import FastAPI, HTTPException, Request, Response
from pydantic import BaseModel, ConfigDict

from simulator.http_server import bound_socket, http_server, run_until_signal
from simulator.rtsp_auth import DigestGuard

Place = tuple[float, float, float]
"""Pan and tilt (-1..1) and zoom (0..1)."""

_NAMESPACES = (
    'xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:d="http://www.onvif.org/ver10/device/wsdl" '
    'xmlns:m="http://www.onvif.org/ver10/media/wsdl" xmlns:p="http://www.onvif.org/ver20/ptz/wsdl" '
    'xmlns:t="http://www.onvif.org/ver10/schema" xmlns:e="http://www.onvif.org/ver10/error"'
)
_OLDEST_TOKEN = timedelta(seconds=30)


class Faults(BaseModel):
    """How the device misbehaves."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    silent: bool = False
    """Connections are taken and nothing is answered."""
    refuses: bool = False
    """HTTP status 401 to everything, without a challenge."""
    clock_off_s: float = 0.0
    """Its clock is ahead by so much; passwords are judged by it."""
    says_moving: bool = True
    """Whether GetStatus holds a MoveStatus."""
    says_position: bool = True
    own_address: str | None = None
    """What it takes its own address for: `http://HOST:PORT`."""
    doctype: bool = False
    garbage_bytes: int = 0
    """Answers are followed by so much more."""


class Wish(BaseModel):
    """What `/control` takes."""

    model_config = ConfigDict(extra="forbid")

    go_to: str | None = None
    place: Place | None = None
    faults: Faults | None = None


class OnvifDevice:
    """One camera on a loopback port, in a thread of its own."""

    def __init__(
        self,
        presets: Mapping[str, Place],
        *,
        login: tuple[str, str] | None = None,
        http_digest: bool = False,
        travel_s: float = 0.0,
        panorama: npt.NDArray[np.uint8] | None = None,
        port: int = 0,
    ) -> None:
        """It stands at the first preset. With a `panorama` it has a picture, one third of its width, at
        `picture_url`."""
        self.presets = dict(presets)
        self.faults = Faults()
        self.asked: list[str] = []
        """The actions it was asked for, oldest first."""
        self._login = login
        self._guard = DigestGuard(dict([login]) if login and http_digest else {})
        self._nonce = DigestGuard.new_nonce()
        self._used_nonces: set[str] = set()
        self._travel_s = travel_s
        self._panorama = panorama
        self._pictures = 0
        self._from = self._to = next(iter(self.presets.values()))
        self._left_s = float("-inf")
        self._socket = bound_socket("127.0.0.1", port)
        self.port: int = self._socket.getsockname()[1]
        self._server = http_server(self._app())
        self._thread = threading.Thread(target=self._run, name="onvif-device", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.faults.silent = False
        self._server.should_exit = True
        self._thread.join(5)

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    @property
    def url(self) -> str:
        """Its device service, with the password where it wants one."""
        user = ":".join(quote(one, safe="") for one in self._login) + "@" if self._login else ""
        return f"http://{user}127.0.0.1:{self.port}/onvif/device_service"

    @property
    def picture_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/picture"

    def go_to(self, token: str) -> None:
        """Turn to a preset; takes `travel_s`."""
        self.turn_to(self.presets[token])

    def turn_to(self, place: Place) -> None:
        self._from, self._to, self._left_s = self.place, place, time.monotonic()

    @property
    def moving(self) -> bool:
        return time.monotonic() - self._left_s < self._travel_s

    @property
    def place(self) -> Place:
        """Where it stands at this moment."""
        share = min(1.0, (time.monotonic() - self._left_s) / self._travel_s) if self._travel_s else 1.0
        pan, tilt, zoom = (a + share * (b - a) for a, b in zip(self._from, self._to, strict=True))
        return pan, tilt, zoom

    def _run(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._socket]))

    def _app(self) -> FastAPI:
        app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

        @app.post("/onvif/{service}")
        async def ask(service: str, request: Request) -> Response:
            while self.faults.silent and not self._server.should_exit:
                await asyncio.sleep(0.05)
            if self.faults.refuses:
                return Response(status_code=401)
            return self._answer(service, await request.body(), request.headers.get("authorization"))

        @app.get("/picture")
        async def picture() -> Response:
            return Response(self._jpeg(), media_type="image/jpeg")

        @app.post("/control")
        async def control(wish: Wish) -> dict[str, object]:
            if wish.go_to is not None and wish.go_to not in self.presets:
                raise HTTPException(404, f"no preset {wish.go_to!r}; there are: {', '.join(self.presets)}")
            if wish.faults is not None:
                self.faults = wish.faults
            if wish.go_to is not None:
                self.go_to(wish.go_to)
            elif wish.place is not None:
                self.turn_to(wish.place)
            return {"place": self.place, "moving": self.moving, "faults": self.faults.model_dump()}

        return app

    def _answer(self, service: str, body: bytes, authorization: str | None) -> Response:
        envelope = ElementTree.fromstring(body)
        question = next(iter(envelope.find("{*}Body") or ()))
        action = question.tag.rpartition("}")[2]
        self.asked.append(action)
        if action != "GetSystemDateAndTime":
            if not self._guard.allows("POST", authorization, self._nonce):
                challenge = self._guard.challenge(self._nonce)
                return Response(status_code=401, headers={"WWW-Authenticate": challenge})
            if self._guard.is_open and not self._knows(envelope):
                return self._fault("s:Sender", "e:NotAuthorized")
        answers = {
            ("device_service", "GetSystemDateAndTime"): self._date_and_time,
            ("device_service", "GetCapabilities"): self._capabilities,
            ("media", "GetProfiles"): self._profiles,
            ("ptz", "GetPresets"): self._presets,
            ("ptz", "GetStatus"): self._status,
        }
        known = answers.get((service, action))
        if known is None:
            return self._fault("s:Receiver", "e:ActionNotSupported")
        prefix = {"device_service": "d", "media": "m", "ptz": "p"}[service]
        return self._soap(f"<{prefix}:{action}Response>{known()}</{prefix}:{action}Response>")

    def _knows(self, envelope: ElementTree.Element) -> bool:
        """Whether the UsernameToken is right, recent and new."""
        if self._login is None:
            return True
        token = envelope.find("{*}Header/{*}Security/{*}UsernameToken")
        if token is None or token.findtext("{*}Username") != self._login[0]:
            return False
        nonce, created = token.findtext("{*}Nonce", ""), token.findtext("{*}Created", "")
        parts = base64.b64decode(nonce) + created.encode() + self._login[1].encode()
        digest = base64.b64encode(hashlib.sha1(parts, usedforsecurity=False).digest()).decode()
        recent = abs(datetime.fromisoformat(created) - self._clock()) <= _OLDEST_TOKEN
        new = nonce not in self._used_nonces
        self._used_nonces.add(nonce)
        return token.findtext("{*}Password") == digest and recent and new

    def _clock(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.faults.clock_off_s)

    def _date_and_time(self) -> str:
        at = self._clock()
        return (
            "<d:SystemDateAndTime><t:UTCDateTime>"
            f"<t:Time><t:Hour>{at.hour}</t:Hour><t:Minute>{at.minute}</t:Minute><t:Second>{at.second}</t:Second>"
            f"</t:Time><t:Date><t:Year>{at.year}</t:Year><t:Month>{at.month}</t:Month><t:Day>{at.day}</t:Day>"
            "</t:Date></t:UTCDateTime></d:SystemDateAndTime>"
        )

    def _capabilities(self) -> str:
        own = self.faults.own_address or f"http://127.0.0.1:{self.port}"
        media = f"<t:Media><t:XAddr>{own}/onvif/media</t:XAddr></t:Media>"
        ptz = f"<t:PTZ><t:XAddr>{own}/onvif/ptz</t:XAddr></t:PTZ>"
        return f"<d:Capabilities>{media}{ptz}</d:Capabilities>"

    def _profiles(self) -> str:
        return (
            '<m:Profiles token="still" fixed="true"><t:Name>still</t:Name></m:Profiles>'
            '<m:Profiles token="main" fixed="true"><t:Name>main</t:Name>'
            '<t:PTZConfiguration token="ptz"/></m:Profiles>'
        )

    def _presets(self) -> str:
        return "".join(
            f'<p:Preset token="{token}"><t:Name>预置点{token}</t:Name>'
            f"<t:PTZPosition>{_position(place)}</t:PTZPosition></p:Preset>"
            for token, place in self.presets.items()
        )

    def _status(self) -> str:
        state = "MOVING" if self.moving else "IDLE"
        move = f"<t:MoveStatus><t:PanTilt>{state}</t:PanTilt><t:Zoom>IDLE</t:Zoom></t:MoveStatus>"
        return (
            "<p:PTZStatus>"
            + (f"<t:Position>{_position(self.place)}</t:Position>" if self.faults.says_position else "")
            + (move if self.faults.says_moving else "")
            + f"<t:UtcTime>{self._clock():%Y-%m-%dT%H:%M:%SZ}</t:UtcTime></p:PTZStatus>"
        )

    def _fault(self, code: str, subcode: str) -> Response:
        value = f"<s:Value>{code}</s:Value><s:Subcode><s:Value>{subcode}</s:Value></s:Subcode>"
        return self._soap(f"<s:Fault><s:Code>{value}</s:Code></s:Fault>", 400)

    def _soap(self, body: str, status: int = 200) -> Response:
        doctype = '<!DOCTYPE x [<!ENTITY a "aaaa">]>' if self.faults.doctype else ""
        text = f'<?xml version="1.0"?>{doctype}<s:Envelope {_NAMESPACES}><s:Body>{body}</s:Body></s:Envelope>'
        text += "<!--" + "x" * self.faults.garbage_bytes + "-->" if self.faults.garbage_bytes else ""
        return Response(text, status, media_type="application/soap+xml")

    def _jpeg(self) -> bytes:
        """What it sees: a third of the panorama, and a little grain, for no two pictures are alike."""
        if self._panorama is None:
            raise HTTPException(404, "this device has no panorama")
        width = self._panorama.shape[1] // 3
        left = round((self.place[0] + 1) / 2 * (self._panorama.shape[1] - width))
        view = self._panorama[:, left : left + width]
        self._pictures += 1
        grain = np.random.default_rng(self._pictures).normal(0, 2, view.shape)
        return cv2.imencode(".jpg", np.clip(view + grain, 0, 255).astype(np.uint8))[1].tobytes()


def _position(place: Place) -> str:
    pan, tilt, zoom = place
    return f'<t:PanTilt x="{pan:.5f}" y="{tilt:.5f}"/><t:Zoom x="{zoom:.5f}"/>'


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m simulator.onvif", description="A turning camera.")
    parser.add_argument("--port", type=int, default=8580, help="0 takes a free one")
    parser.add_argument("--preset", action="append", required=True, metavar="TOKEN=PAN,TILT[,ZOOM]")
    parser.add_argument("--travel-s", type=float, default=3.0, help="seconds from view to view (default: 3)")
    parser.add_argument("--panorama", help="a picture; what the camera sees is a third of it")
    options = parser.parse_args(arguments)
    try:
        presets = dict(_preset(text) for text in options.preset)
    except ValueError:
        parser.error("write --preset TOKEN=PAN,TILT or TOKEN=PAN,TILT,ZOOM, such as 1=-0.5,0")
    panorama = cv2.imread(options.panorama) if options.panorama else None
    if options.panorama and panorama is None:
        parser.error(f"{options.panorama} is no picture")
    device = OnvifDevice(presets, travel_s=options.travel_s, panorama=panorama, port=options.port)
    return run_until_signal(
        device,
        {
            "event": "listening",
            "onvif": device.url,
            "picture": device.picture_url if options.panorama else None,
            "control": f"http://127.0.0.1:{device.port}/control",
        },
    )


def _preset(text: str) -> tuple[str, Place]:
    token, _, numbers = text.partition("=")
    pan, tilt, *zoom = (float(one) for one in numbers.split(","))
    return token, (pan, tilt, zoom[0] if zoom else 0.0)


if __name__ == "__main__":
    sys.exit(main())
