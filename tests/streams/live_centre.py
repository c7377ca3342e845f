"""A live hub on a loopback port with a page that watches, as a console would, and a Chromium to open it."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import httpx
from fastapi import Response

from config import Camera, LiveSettings
from firewatch.live_app import LiveServer, create_live_app
from streams.cameras import connector
from streams.live_view.hub import LiveHub
from streams.live_view.media_loop import MediaLoop

ADDRESS = "127.0.0.1"

PAGE = """<!doctype html><meta charset=utf-8><body><script>
const wait = ms => new Promise(done => setTimeout(done, ms));
async function until(condition, ms) {
  for (const end = performance.now() + ms; performance.now() < end; await wait(10)) {
    if (condition()) return true;
  }
  return false;
}
async function whep(camera) {
  const video = document.createElement('video');
  video.muted = video.autoplay = true;
  document.body.append(video);
  const peer = new RTCPeerConnection({iceServers: []});
  peer.addTransceiver('video', {direction: 'recvonly'});
  peer.ontrack = event => { video.srcObject = new MediaStream([event.track]); };
  await peer.setLocalDescription(await peer.createOffer());
  const answer = await fetch(`/cameras/${camera}/whep`, {method: 'POST', body: peer.localDescription.sdp});
  if (answer.status !== 201) return {status: answer.status, ...(await answer.json())};
  const sdp = await answer.text();
  await peer.setRemoteDescription({type: 'answer', sdp});
  return {status: 201, sdp, video, peer, session: answer.headers.get('Location')};
}
const watching = [];
/* As firewatch.live_app asks of a browser: video, or pictures when none has come 2 s after the answer. */
async function watch(camera, patience_ms = 2000) {
  const began = performance.now();
  const got = await whep(camera);
  if (got.status === 201) {
    if (await until(() => got.video.videoWidth > 0 && got.video.currentTime > 0, patience_ms)) {
      watching.push(got);
      return {kind: 'video', after_ms: performance.now() - began, sdp: got.sdp};
    }
    await fetch(got.session, {method: 'DELETE'});
  }
  const picture = new Image();
  picture.src = `/cameras/${camera}/mjpeg`;
  document.body.append(picture);
  const shown = await until(() => picture.naturalWidth > 0, 20000);
  return {kind: shown ? 'pictures' : 'nothing', after_ms: performance.now() - began, status: got.status};
}
const times = () => watching.map(one => one.video.currentTime);
const frames = () => watching.map(one => one.video.getVideoPlaybackQuality().totalVideoFrames);
const widths = () => watching.map(one => one.video.videoWidth);
async function leave() {
  for (const one of watching.splice(0)) { one.peer.close(); await fetch(one.session, {method: 'DELETE'}); }
}
</script>"""


class LiveCentre:
    """`with LiveCentre(cameras) as centre:` runs a hub in a thread with its own event loop."""

    def __init__(self, cameras: Sequence[Camera], **settings: Any) -> None:
        self._cameras = cameras
        self._settings = LiveSettings(media_address=ADDRESS, **settings)
        self._listener = socket.create_server((ADDRESS, 0))
        self._server: LiveServer | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live-centre", daemon=True)
        self.url = f"http://{ADDRESS}:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(20)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.should_exit = True
        self._thread.join(20)
        assert not self._thread.is_alive()

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=20, trust_env=False, verify=False)

    def state(self) -> dict[str, Any]:
        with self.client() as client:
            found: dict[str, Any] = client.get("/state").json()
            return found

    def _run(self) -> None:
        settings = self._settings
        ports = (settings.udp_first_port, settings.udp_last_port) if settings.udp_first_port else None

        async def serve() -> None:
            hub = LiveHub(self._cameras, settings, connector)
            app = create_live_app(hub)
            app.add_api_route("/", lambda: Response(PAGE, media_type="text/html"))
            self._server = LiveServer(app, hub)
            self._ready.set()
            await self._server.serve(sockets=[self._listener])

        with asyncio.Runner(loop_factory=lambda: MediaLoop(ports, settings.media_address)) as runner:
            runner.run(serve())
