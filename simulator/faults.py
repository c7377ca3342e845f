"""What can be made to go wrong with a simulated camera, and the HTTP control that does it.

| fault        | what readers see                                                                         |
|--------------|------------------------------------------------------------------------------------------|
| `freeze`     | the last key frame again and again, five times a second, with time stamps that go on      |
| `stall`      | no packet at all; the connection stays open and requests are answered                     |
| `drop`       | every connection of this camera is reset, once; new ones are accepted                     |
| `refuse`     | new connections get an error status (401, 404 ...; 302 with a location) or are closed       |
| `corrupt`    | a share of the pictures arrives with damaged bytes                                        |
| `resolution` | another file plays, announced only in band, as when somebody changes the camera's setting  |
| `clock`      | RTCP sender reports tell a wall clock that is wrong by so many seconds                    |

Freeze, stall and corrupt replace each other; refuse, resolution and clock combine with them. Clearing
ends them all: the playlist goes on at its next key frame, or from its start after `resolution`.

HTTP: `GET /cameras`, `GET /cameras/NAME`, `POST /cameras/NAME/faults` with `{"fault": "corrupt",
"share": 0.5}`, `DELETE /cameras/NAME/faults`, `POST /cameras/NAME/restart` (the playlist from its start).
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Protocol

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from simulator.rtsp_footage import Codec, FootageError, is_picture
from simulator.rtsp_jpeg import scan_of

RefusalStatus = Literal[302, 401, 403, 404, 453, 500, 503]


class _Fault(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Freeze(_Fault):
    fault: Literal["freeze"]


class Stall(_Fault):
    fault: Literal["stall"]


class Drop(_Fault):
    fault: Literal["drop"]


class Refuse(_Fault):
    fault: Literal["refuse"]
    status: RefusalStatus | Literal["close"] = 404
    location: str | None = Field(default=None, description="where a 302 sends the client")


class Corrupt(_Fault):
    fault: Literal["corrupt"]
    share: float = Field(default=0.3, gt=0, le=1, description="share of the pictures that arrive damaged")


class Resolution(_Fault):
    fault: Literal["resolution"]
    file: Path = Field(description="video file of the same codec to play instead")


class WrongClock(_Fault):
    fault: Literal["clock"]
    offset_s: float = Field(ge=-1e9, le=1e9, description="seconds the camera's clock is fast")


Fault = Annotated[
    Freeze | Stall | Drop | Refuse | Corrupt | Resolution | WrongClock, Field(discriminator="fault")
]
FAULT: TypeAdapter[Fault] = TypeAdapter(Fault)
"""Reads a fault from a dict or JSON: `FAULT.validate_python({"fault": "freeze"})`."""


@dataclass(frozen=True)
class CameraState:
    """How one simulated camera is doing, for tests and people."""

    name: str
    codec: Codec
    clip: str
    width_px: int
    height_px: int
    footage_number: int
    """As the mark of new footage tells it; 0 before the camera starts."""
    readers: int
    pictures_sent: int
    """Pictures that left the camera while at least one reader was connected."""
    pictures_skipped: int
    """Pictures withheld from readers that were too slow, summed over readers."""
    largest_backlog_bytes: int
    """Most that ever waited in this process for one reader of this camera."""
    faults: tuple[str, ...]


class FaultTarget(Protocol):
    """The cameras that the control acts on; unknown names raise KeyError."""

    def states(self) -> list[CameraState]: ...

    def state(self, name: str) -> CameraState: ...

    def apply(self, name: str, fault: Fault) -> None: ...

    def clear(self, name: str) -> None: ...

    def restart(self, name: str) -> None: ...


def damaged(codec: Codec, nals: tuple[bytes, ...], random_source: random.Random) -> tuple[bytes, ...]:
    """The same picture with about one byte in a hundred of its slices changed; headers stay whole."""
    return tuple(_damaged(codec, nal, random_source) if is_picture(codec, nal) else nal for nal in nals)


def _damaged(codec: Codec, nal: bytes, random_source: random.Random) -> bytes:
    # NAL and slice header, or the JPEG up to its scan: damaged headers would merely drop the picture
    header_bytes = len(nal) - len(scan_of(nal).data) if codec == "mjpeg" else 8
    if len(nal) <= header_bytes + 2:
        return nal
    changed = bytearray(nal)
    for _ in range(max(1, len(nal) // 100)):
        # Neither 0 nor 255, so that no start code or marker arises that the depacketiser would stumble over.
        changed[random_source.randrange(header_bytes, len(nal) - 2)] = random_source.randint(1, 254)
    return bytes(changed)


def control_app(target: FaultTarget) -> FastAPI:
    """The HTTP control; its handlers run in the event loop that runs the cameras."""
    app = FastAPI(title="Firewatch simulator: camera faults", docs_url=None, redoc_url=None)

    def found(name: str) -> str:
        try:
            target.state(name)
        except KeyError:
            known = ", ".join(state.name for state in target.states())
            raise HTTPException(404, f"no camera is called {name!r}; there are: {known}") from None
        return name

    @app.get("/cameras")
    async def cameras() -> list[CameraState]:
        return target.states()

    @app.get("/cameras/{name}")
    async def camera(name: str) -> CameraState:
        return target.state(found(name))

    @app.post("/cameras/{name}/faults")
    async def set_fault(name: str, fault: Fault) -> CameraState:
        try:
            target.apply(found(name), fault)
        except FootageError as error:
            raise HTTPException(422, str(error)) from None
        return target.state(name)

    @app.delete("/cameras/{name}/faults")
    async def clear_faults(name: str) -> CameraState:
        target.clear(found(name))
        return target.state(name)

    @app.post("/cameras/{name}/restart")
    async def restart(name: str) -> CameraState:
        target.restart(found(name))
        return target.state(name)

    return app
