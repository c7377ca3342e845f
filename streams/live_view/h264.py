"""What a viewer's decoder needs to know about H.264 packets: parameter sets in front of every key frame.

Packets are in the byte stream format (start codes), as FFmpeg hands them out for RTSP and FLV once the
parameter sets of the session are put in front. MP4's length-prefixed form is not for here.
"""

from __future__ import annotations

from collections.abc import Iterator

_START = b"\x00\x00\x01"
_SPS, _PPS = 7, 8


def nal_types(stream: bytes) -> Iterator[int]:
    """Types of the NAL units in a byte stream.

    >>> list(nal_types(b"\\0\\0\\0\\1\\x67abc\\0\\0\\1\\x68d\\0\\0\\1\\x65ef"))
    [7, 8, 5]
    """
    at = stream.find(_START)
    while 0 <= at < len(stream) - 3:
        yield stream[at + 3] & 0x1F
        at = stream.find(_START, at + 3)


def with_parameter_sets(key_frame: bytes, extradata: bytes | None) -> bytes:
    """The key frame, preceded by its parameter sets: a viewer may begin with it.

    Cameras put them in band, or only in the session description; FFmpeg keeps the latter as `extradata`.

    >>> with_parameter_sets(b"\\0\\0\\1\\x65picture", b"\\0\\0\\1\\x67sps\\0\\0\\1\\x68pps")
    b'\\x00\\x00\\x01gsps\\x00\\x00\\x01hpps\\x00\\x00\\x01epicture'
    >>> with_parameter_sets(b"\\0\\0\\1\\x67sps\\0\\0\\1\\x65picture", b"...")
    b'\\x00\\x00\\x01gsps\\x00\\x00\\x01epicture'
    """
    for kind in nal_types(key_frame):
        if kind in (_SPS, _PPS):
            return key_frame
        if kind in (1, 5):
            break
    if not extradata or extradata.find(_START, 0, 4) < 0:
        return key_frame
    return extradata + key_frame
