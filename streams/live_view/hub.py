"""The live view of all cameras: who watches what, and how many may.

`LiveHub.answer` takes a browser's WebRTC offer and returns the answer; `pictures` is the fallback where that
is refused or never connects. All of it runs in one event loop (`media_loop.MediaLoop` where ports matter).
No HTTP here, and nobody is asked who he is: whoever mounts the hub does that.

    LiveError             says in `reason` which of these it is
    +-- UnknownCamera     no such camera, or not enabled
    +-- TooManyViewers    of this camera, or in total
    +-- CameraAway        it cannot be connected to (now)
    +-- UnusableOffer     no WebRTC offer, or one without H.264: show pictures
    +-- NoVideo           it would have to be re-encoded and too many already are: show pictures
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import secrets
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from aiortc import (
    RTCConfiguration,
    RTCIceServer,
    RTCPeerConnection,
    RTCRtpCodecCapability,
    RTCRtpSender,
    RTCSessionDescription,
)

from config import Camera, LiveSettings
from streams.errors import SourceError
from streams.live_view.feed import EncodingSlots, Feed, FeedState, NoEncodingSlotError, PacketConnection
from streams.live_view.viewer import ViewerTrack
from streams.source import LiveConnection

_log = logging.getLogger(__name__)

SETTLE_S = 6.0
"""A camera that has not answered by then may still do while the browser connects."""
CONNECT_S = 10.0
"""A browser that has not connected by then never will."""
GONE_S = 8.0
LARGEST_OFFER_BYTES = 100_000
_H264 = re.compile(r"^a=rtpmap:\d+ H264/90000", re.MULTILINE | re.IGNORECASE)
_MDNS = re.compile(r"^a=candidate:\S+ \d+ \S+ \d+ \S+\.local .*\r?\n", re.MULTILINE)


class LiveError(Exception):
    """A live view that cannot be had; the message is for people and holds no secret."""

    reason: ClassVar[str] = "live_error"


class UnknownCamera(LiveError):
    reason = "unknown_camera"


class TooManyViewers(LiveError):
    reason = "too_many_viewers"


class CameraAway(LiveError):
    reason = "camera_away"


class UnusableOffer(LiveError):
    reason = "unusable_offer"


class NoVideo(LiveError):
    reason = "no_video"


@dataclass(frozen=True)
class Answer:
    """`session_id` ends the session; whoever holds it may."""

    session_id: str
    sdp: str


@dataclass(frozen=True)
class _Session:
    camera_id: str
    feed: Feed
    connection: RTCPeerConnection
    track: ViewerTrack


class LiveHub:
    """`connector` gives for a camera the function that makes its connections."""

    def __init__(
        self,
        cameras: Sequence[Camera],
        settings: LiveSettings,
        connector: Callable[[Camera], Callable[[], PacketConnection | LiveConnection]],
    ) -> None:
        self._cameras = {camera.id: camera for camera in cameras if camera.enabled}
        self._settings = settings
        self._connector = connector
        self._slots = EncodingSlots(settings.transcodes)
        self._feeds: dict[str, Feed] = {}
        self._sessions: dict[str, _Session] = {}
        self._opening: dict[str, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._configuration = RTCConfiguration(
            [
                RTCIceServer(
                    server.url,
                    server.username,
                    server.credential.get_secret_value() if server.credential else None,
                )
                for server in settings.ice_servers
            ]
        )

    async def answer(self, camera_id: str, sdp: str) -> Answer:
        """The answer to a browser's offer to receive video. Raises LiveError."""
        if len(sdp) > LARGEST_OFFER_BYTES or not sdp.startswith("v=0"):
            raise UnusableOffer("this is no WebRTC session description")
        if not _H264.search(sdp):
            raise UnusableOffer("this browser offers no H.264; show pictures instead")
        with self._place(camera_id) as feed:
            try:
                await feed.wait_settled(SETTLE_S)
                feed.claim_video()
            except SourceError as error:
                raise CameraAway(str(error)) from None
            except NoEncodingSlotError:
                raise NoVideo("too many cameras are being re-encoded; show pictures instead") from None
            try:
                return await self._connect(feed, sdp)
            except BaseException:
                feed.give_video_back()
                raise

    async def end(self, session_id: str) -> bool:
        """False when there is no such session (any more)."""
        session = self._sessions.pop(session_id, None)
        if session is None:
            return False
        session.track.stop()
        session.feed.give_video_back()
        session.feed.release()
        await session.connection.close()
        _log.info(
            "viewer left camera=%s pictures_sent=%d dropped=%d",
            session.camera_id,
            session.track.sent,
            session.track.queue.dropped,
        )
        return True

    async def pictures(self, camera_id: str) -> AsyncGenerator[bytes, None]:
        """JPEGs, `live.pictures_per_s` at most, the newest first of all. Raises LiveError."""
        with self._place(camera_id) as feed, feed.wanting_jpegs():
            number = 0
            while True:
                number, jpeg = await feed.next_jpeg(number)
                yield jpeg

    async def use(self, cameras: Sequence[Camera]) -> None:
        """These are the cameras now. Who watches one that is gone, or is reached in another way, is shown no
        more of it and asks again; nobody else notices."""
        before, self._cameras = self._cameras, {one.id: one for one in cameras if one.enabled}
        for camera_id, camera in before.items():
            now = self._cameras.get(camera_id)
            if now is not None and _reached_alike(camera, now):
                continue
            for session_id in [one for one, of in self._sessions.items() if of.camera_id == camera_id]:
                await self.end(session_id)
            feed = self._feeds.pop(camera_id, None)
            if feed is not None:
                feed.shut_down()

    def states(self) -> dict[str, FeedState]:
        """The cameras somebody watches or watched a moment ago."""
        return {camera_id: feed.state() for camera_id, feed in self._feeds.items() if feed.is_open}

    @property
    def viewers(self) -> int:
        return sum(self._viewers_of(camera_id) for camera_id in self._feeds)

    async def close(self) -> None:
        """Every session ends, every connection is closed."""
        for session_id in list(self._sessions):
            await self.end(session_id)
        for task in list(self._tasks):
            task.cancel()
        for feed in self._feeds.values():
            feed.shut_down()
        await asyncio.gather(*(feed.joined(2.0) for feed in self._feeds.values()))

    # Private

    def _viewers_of(self, camera_id: str) -> int:
        watching = sum(session.camera_id == camera_id for session in self._sessions.values())
        return watching + self._opening.get(camera_id, 0)

    @contextlib.contextmanager
    def _place(self, camera_id: str) -> Iterator[Feed]:
        """A viewer's place on a feed, counted while the block runs."""
        camera = self._cameras.get(camera_id)
        if camera is None:
            raise UnknownCamera(f"there is no camera '{camera_id}' to watch")
        if self._viewers_of(camera_id) >= self._settings.viewers_per_camera:
            raise TooManyViewers(f"{self._settings.viewers_per_camera} viewers watch this camera already")
        if self.viewers >= self._settings.viewers:
            raise TooManyViewers(f"{self._settings.viewers} viewers watch already")
        feed = self._feeds.get(camera_id)
        if feed is None:
            feed = self._feeds[camera_id] = Feed(
                camera, self._connector(camera), self._slots, self._settings.pictures_per_s
            )
        self._opening[camera_id] = self._opening.get(camera_id, 0) + 1
        feed.hold()
        try:
            yield feed
        finally:
            self._opening[camera_id] -= 1
            feed.release()

    async def _connect(self, feed: Feed, sdp: str) -> Answer:
        connection = RTCPeerConnection(self._configuration)
        track = ViewerTrack(feed)
        session_id = secrets.token_urlsafe(18)
        try:
            connection.addTransceiver(track, "sendonly").setCodecPreferences(_h264_codecs())
            # Browsers hide their addresses behind names that only multicast resolves; their own checks reach
            # us anyway, and waiting for the names would cost the first picture seconds.
            offer = RTCSessionDescription(_MDNS.sub("", sdp), "offer")
            await connection.setRemoteDescription(offer)
            answer = await connection.createAnswer()
            await connection.setLocalDescription(answer)
        except Exception as error:  # the library raises many kinds for what a client sends
            track.stop()
            await connection.close()
            _log.info("offer refused camera=%s reason=%s", feed.camera.id, type(error).__name__)
            raise UnusableOffer("this offer cannot be answered") from None
        feed.hold()
        self._sessions[session_id] = _Session(feed.camera.id, feed, connection, track)

        @connection.on("connectionstatechange")
        async def changed() -> None:
            if connection.connectionState in ("failed", "closed"):
                await self.end(session_id)

        self._spawn(self._end_when_gone(session_id, connection))
        return Answer(session_id, connection.localDescription.sdp)

    async def _end_when_gone(self, session_id: str, connection: RTCPeerConnection) -> None:
        """A browser that is closed, or loses its network, says nothing: its reports (about one a second, also
        while the camera is silent) fail to come. The library itself would notice after half a minute."""
        await asyncio.sleep(CONNECT_S)
        received = -1
        while session_id in self._sessions:
            now_received = await _received_datagrams(connection)
            if connection.connectionState != "connected" or now_received == received:
                await self.end(session_id)
                return
            received = now_received
            await asyncio.sleep(GONE_S)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _reached_alike(before: Camera, now: Camera) -> bool:
    """Whether the pictures of both come from the same place and are shown alike."""
    names = ("source", "sub_source", "channel_id", "stream", "masks")
    return all(getattr(before, name) == getattr(now, name) for name in names)


def _h264_codecs() -> list[RTCRtpCodecCapability]:
    codecs = RTCRtpSender.getCapabilities("video").codecs
    return [codec for codec in codecs if codec.mimeType.lower() in ("video/h264", "video/rtx")]


async def _received_datagrams(connection: RTCPeerConnection) -> int:
    report = await connection.getStats()
    return sum(one.packetsReceived for one in report.values() if one.type == "transport")
