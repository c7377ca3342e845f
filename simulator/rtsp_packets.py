"""Bytes on the wire: RTP payloads of H.264 (RFC 6184), H.265 (RFC 7798) and JPEG, RTCP sender reports, SDP.

Pure functions of values; sockets and clocks are elsewhere. Small NAL units that stand together
(parameter sets, SEI) are aggregated (STAP-A, AP), large ones are fragmented (FU-A, FU).
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterable

from simulator.rtsp_footage import CLOCK_HZ, Codec, Footage
from simulator.rtsp_jpeg import jpeg_payloads

PAYLOAD_TYPE = 96
LARGEST_PAYLOAD = 1400
"""Fits an Ethernet frame with every header, although TCP would not mind more."""

MARK_UUID = bytes.fromhex("d5a54f1e7e0b4c579a6cf13e3a7c1de5")
"""The same as `streams.new_footage.MARK_UUID`; the simulator does not import what it tests."""

_NTP_EPOCH_OFFSET_S = 2_208_988_800  # 1900-01-01 to 1970-01-01


def footage_mark_nal(codec: Codec, number: int, is_first: bool) -> bytes:
    """The SEI that tells readers which piece of footage a key frame belongs to.

    An SEI "user data unregistered" message, which decoders skip unless they know its UUID; the text is
    `footage NUMBER`, followed by ` first` on the key frame that opens the footage.
    """
    text = f"footage {number}{' first' if is_first else ''}".encode("ascii")
    message = MARK_UUID + text
    header = b"\x06" if codec == "h264" else b"\x4e\x01"
    return header + bytes((5, len(message))) + message + b"\x80"


def payloads(codec: Codec, nals: Iterable[bytes], largest: int = LARGEST_PAYLOAD) -> list[bytes]:
    """RTP payloads of one access unit, in order."""
    if codec == "mjpeg":
        return [part for jpeg in nals for part in jpeg_payloads(jpeg, largest)]
    out: list[bytes] = []
    small: list[bytes] = []
    small_size = 0
    for nal in nals:
        if len(nal) > largest:
            _flush(codec, small, out)
            small_size = 0
            out.extend(_fragments_h264(nal, largest) if codec == "h264" else _fragments_h265(nal, largest))
            continue
        if small and small_size + len(nal) + 2 > largest:
            _flush(codec, small, out)
            small_size = 0
        small_size += len(nal) + 2 if small else len(nal) + 4  # the first pays for the aggregate's header
        small.append(nal)
    _flush(codec, small, out)
    return out


def _flush(codec: Codec, small: list[bytes], out: list[bytes]) -> None:
    if len(small) == 1:
        out.append(small[0])
    elif small:
        parts = b"".join(struct.pack("!H", len(nal)) + nal for nal in small)
        out.append((_stap_a(small) if codec == "h264" else _ap(small)) + parts)
    small.clear()


def _stap_a(nals: list[bytes]) -> bytes:
    forbidden = max(nal[0] & 0x80 for nal in nals)
    importance = max(nal[0] & 0x60 for nal in nals)
    return bytes((forbidden | importance | 24,))


def _ap(nals: list[bytes]) -> bytes:
    headers = [struct.unpack("!H", nal[:2])[0] for nal in nals]
    forbidden = max(header & 0x8000 for header in headers)
    layer = min(header & 0x01F8 for header in headers)
    temporal = min(header & 0x0007 for header in headers)
    return struct.pack("!H", forbidden | 48 << 9 | layer | temporal)


def _fragments_h264(nal: bytes, largest: int) -> Iterable[bytes]:
    indicator, kind = nal[0] & 0xE0 | 28, nal[0] & 0x1F
    step = largest - 2
    for at in range(1, len(nal), step):
        flags = (0x80 if at == 1 else 0) | (0x40 if at + step >= len(nal) else 0)
        yield bytes((indicator, flags | kind)) + nal[at : at + step]


def _fragments_h265(nal: bytes, largest: int) -> Iterable[bytes]:
    header, kind = bytes((nal[0] & 0x81 | 49 << 1, nal[1])), (nal[0] >> 1) & 0x3F
    step = largest - 3
    for at in range(2, len(nal), step):
        flags = (0x80 if at == 2 else 0) | (0x40 if at + step >= len(nal) else 0)
        yield header + bytes((flags | kind,)) + nal[at : at + step]


def rtp_packets(parts: list[bytes], sequence: int, timestamp: int, ssrc: int) -> list[bytes]:
    """One RTP packet for each payload of an access unit; the last carries the marker bit."""
    last = len(parts) - 1
    return [
        struct.pack(
            "!BBHII",
            0x80,
            PAYLOAD_TYPE | (0x80 if index == last else 0),
            (sequence + index) & 0xFFFF,
            timestamp & 0xFFFFFFFF,
            ssrc,
        )
        + part
        for index, part in enumerate(parts)
    ]


class PacketTemplate:
    """The RTP packets of one access unit, framed for one channel: made once, stamped for each sending.

    Looping cameras send the same pictures again and again; only number, time and sender change.
    """

    def __init__(self, parts: list[bytes], channel: int) -> None:
        self.packets = len(parts)
        self.octets = sum(len(part) for part in parts)
        self._bytes = bytearray(interleaved(channel, rtp_packets(parts, 0, 0, 0)))
        self._headers: list[int] = []
        at = 0
        for part in parts:
            self._headers.append(at + 6)  # past "$", channel, length, and the first two bytes of RTP
            at += 4 + 12 + len(part)

    def stamped(self, sequence: int, timestamp: int, ssrc: int) -> bytes:
        """What goes over the wire."""
        stamp, made = _STAMP.pack_into, self._bytes
        for at in self._headers:
            stamp(made, at, sequence, timestamp, ssrc)
            sequence = (sequence + 1) & 0xFFFF
        return bytes(made)


_STAMP = struct.Struct("!HII")


def sender_report(ssrc: int, unix_s: float, timestamp: int, packets: int, octets: int) -> bytes:
    """RTCP SR + SDES: `timestamp` on the RTP clock is `unix_s` on the wall (RFC 3550, 6.4.1)."""
    whole_s = int(unix_s // 1)
    fraction = int((unix_s - whole_s) * 2**32)
    report = struct.pack(
        "!BBHIIIIII",
        0x80,
        200,
        6,
        ssrc,
        (whole_s + _NTP_EPOCH_OFFSET_S) & 0xFFFFFFFF,
        fraction,
        timestamp & 0xFFFFFFFF,
        packets & 0xFFFFFFFF,
        octets & 0xFFFFFFFF,
    )
    item = b"\x01\x0efirewatch@host" + b"\0" * 4  # CNAME; ends in a zero, up to a 32-bit boundary
    return report + struct.pack("!BBHI", 0x81, 202, 1 + len(item) // 4, ssrc) + item


def goodbye(ssrc: int) -> bytes:
    """RTCP BYE: the stream ends here."""
    return struct.pack("!BBHI", 0x81, 203, 1, ssrc)


def interleaved(channel: int, packets: Iterable[bytes]) -> bytes:
    """Packets as they travel inside the RTSP connection (RFC 2326, 10.12)."""
    return b"".join(struct.pack("!cBH", b"$", channel, len(packet)) + packet for packet in packets)


def session_description(name: str, host: str, session_id: int, footage: Footage) -> str:
    """SDP of one camera, with the parameter sets a decoder needs before the first key frame."""
    sets = [base64.b64encode(nal).decode("ascii") for nal in footage.parameter_sets]
    if footage.codec == "h264":
        encoding = "H264"
        profile = footage.parameter_sets[0][1:4].hex()
        format_parameters = (
            f"packetization-mode=1;profile-level-id={profile};sprop-parameter-sets={','.join(sets)}"
        )
    elif footage.codec == "h265":
        encoding = "H265"
        kinds = ("vps", "sps", "pps")
        by_kind = {
            kind: ",".join(
                text
                for text, nal in zip(sets, footage.parameter_sets, strict=True)
                if (nal[0] >> 1) & 0x3F == 32 + index
            )
            for index, kind in enumerate(kinds)
        }
        format_parameters = ";".join(f"sprop-{kind}={by_kind[kind]}" for kind in kinds)
    else:
        encoding, format_parameters = "JPEG", ""
    lines = [
        "v=0",
        f"o=- {session_id} 1 IN IP4 {host}",
        f"s={name}",
        "c=IN IP4 0.0.0.0",
        "t=0 0",
        "a=tool:firewatch-simulator",
        "a=control:*",
        "a=range:npt=now-",
        f"m=video 0 RTP/AVP {PAYLOAD_TYPE}",
        f"a=rtpmap:{PAYLOAD_TYPE} {encoding}/{CLOCK_HZ}",
        *([f"a=fmtp:{PAYLOAD_TYPE} {format_parameters}"] if format_parameters else []),
        f"a=framerate:{footage.frames_per_second:.3f}",
        "a=control:trackID=0",
    ]
    return "\r\n".join(lines) + "\r\n"
