// Live video of one camera over WebRTC (WHEP); where that shows nothing in time, pictures instead.
import { plain } from "./api.js";
import { get } from "./state.js";

const PATIENCE_MS = 3000; // without a picture by then: pictures one by one
const REFUSED_MS = 5000; // too many viewers, or the camera is away: asked again

/**
 * Watch a camera in a <video>. `tell` hears "connecting", "video", "pictures" (show /mjpeg), or
 * "refused" with the problem. Returns the function that stops watching.
 */
export function watch(cameraId, video, tell) {
  const stopping = new AbortController();
  let peer = null;
  let session = null;
  let shown = false;
  let retry = 0;

  function leave() {
    peer?.close();
    peer = null;
    video.srcObject = null;
    const url = session;
    session = null;
    if (url) plain(url, { method: "DELETE", keepalive: true }).catch(() => null);
  }

  function pictures() {
    if (stopping.signal.aborted) return;
    leave();
    tell("pictures");
  }

  async function begin() {
    tell("connecting");
    const patience = setTimeout(() => !shown && pictures(), PATIENCE_MS);
    try {
      const mine = (peer = new RTCPeerConnection({ iceServers: get().deployment.ice_servers.map(server) }));
      mine.addTransceiver("video", { direction: "recvonly" });
      mine.ontrack = (event) => {
        video.srcObject = new MediaStream([event.track]);
        video.play().catch(() => null);
      };
      mine.onconnectionstatechange = () => {
        if (peer === mine && mine.connectionState === "failed") pictures();
      };
      video.requestVideoFrameCallback(() => {
        if (peer !== mine) return;
        shown = true;
        clearTimeout(patience);
        tell("video");
      });
      await mine.setLocalDescription(await mine.createOffer());
      const answer = await plain(`/api/v1/cameras/${cameraId}/whep`, {
        method: "POST", type: "application/sdp", body: mine.localDescription.sdp, signal: stopping.signal,
      });
      session = answer.headers.get("Location");
      const sdp = await answer.text();
      if (peer === mine) await mine.setRemoteDescription({ type: "answer", sdp });
      else leave(); // given up, or left, meanwhile
    } catch (problem) {
      if (stopping.signal.aborted || !peer) return;
      clearTimeout(patience);
      if (problem.status === 503) {
        leave();
        tell("refused", problem);
        retry = setTimeout(begin, REFUSED_MS);
      } else pictures();
    }
  }

  const gone = () => leave(); // the page is closed
  addEventListener("pagehide", gone);
  begin();
  return () => {
    stopping.abort();
    clearTimeout(retry);
    removeEventListener("pagehide", gone);
    leave();
  };
}

const server = ({ urls, username, credential }) => (username ? { urls, username, credential } : { urls });
