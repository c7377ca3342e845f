"""JPEG pictures as cameras send them over RTP (RFC 2435): without their headers, which readers make again.

What travels is the size, the sampling, the quantisation tables and the coded scan; everything else is fixed
by the standard, so that only some JPEG files can be sent: `scan_of` says why one cannot.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

_START, _BASELINE, _HUFFMAN, _QUANTISATION, _SCAN, _RESTARTS = 0xD8, 0xC0, 0xC4, 0xDB, 0xDA, 0xDD
_STANDARD_HUFFMAN_BYTES = 2 * (1 + 16 + 12) + 2 * (1 + 16 + 162)
"""Of the four tables of JPEG, annex K; optimised ones are shorter."""
_TYPES = {0x21: 0, 0x22: 1}
"""RTP/JPEG type by the sampling of the first component: 4:2:2 and 4:2:0."""
_TABLES_IN_BAND = 255
_LARGEST_SIDE_PX = 2040


class UnsendableJpeg(ValueError):
    """A JPEG that RFC 2435 cannot describe; says why."""


@dataclass(frozen=True)
class Scan:
    rtp_type: int
    width_px: int
    height_px: int
    quantisation: bytes
    """One or two tables of 64 bytes."""
    data: bytes
    """Entropy-coded, between the start-of-scan header and the end of the image."""


def scan_of(jpeg: bytes) -> Scan:
    """Raises `UnsendableJpeg`."""
    if jpeg[:2] != bytes((0xFF, _START)):
        raise UnsendableJpeg("not a JPEG picture")
    at, quantisation, huffman_bytes = 2, b"", 0
    width_px = height_px = 0
    rtp_type: int | None = None
    while at + 4 <= len(jpeg):
        marker, length = struct.unpack_from("!xBH", jpeg, at)
        segment = jpeg[at + 4 : at + 2 + length]
        at += 2 + length
        if marker == _QUANTISATION:
            quantisation += b"".join(segment[start + 1 : start + 65] for start in range(0, len(segment), 65))
        elif marker == _HUFFMAN:
            huffman_bytes += len(segment)
        elif marker == _RESTARTS and any(segment):
            raise UnsendableJpeg("has restart markers")
        elif marker == _BASELINE:
            height_px, width_px = struct.unpack_from("!xHH", segment)
            rtp_type = _TYPES.get(segment[7])
        elif marker == _SCAN:
            break
    if rtp_type is None:
        raise UnsendableJpeg("is not baseline with 4:2:0 or 4:2:2 colour")
    if huffman_bytes != _STANDARD_HUFFMAN_BYTES:
        raise UnsendableJpeg("has Huffman tables of its own (ffmpeg: -huffman default)")
    if max(width_px, height_px) > _LARGEST_SIDE_PX or width_px % 8 or height_px % 8:
        raise UnsendableJpeg(f"is {width_px}x{height_px}: sides are multiples of 8, up to {_LARGEST_SIDE_PX}")
    return Scan(rtp_type, width_px, height_px, quantisation, jpeg[at : jpeg.rindex(b"\xff\xd9")])


def jpeg_payloads(jpeg: bytes, largest: int) -> list[bytes]:
    """RTP payloads of one picture, in order; the first carries the tables."""
    scan = scan_of(jpeg)
    tables = struct.pack("!BBH", 0, 0, len(scan.quantisation)) + scan.quantisation
    out, at = [], 0
    while at < len(scan.data):
        header = struct.pack(
            "!IBBBB", at, scan.rtp_type, _TABLES_IN_BAND, scan.width_px // 8, scan.height_px // 8
        )
        header += b"" if at else tables
        part = scan.data[at : at + largest - len(header)]
        out.append(header + part)
        at += len(part)
    return out
