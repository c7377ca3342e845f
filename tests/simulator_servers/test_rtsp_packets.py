"""RTP, RTCP and SDP as pure functions: what is taken apart must go together again."""

from __future__ import annotations

import doctest
import hashlib
import struct
from types import ModuleType
from typing import Literal

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import receiver_inbox, rtsp_footage, rtsp_playlist
from simulator.rtsp_auth import DigestGuard
from simulator.rtsp_jpeg import UnsendableJpeg, jpeg_payloads
from simulator.rtsp_packets import (
    MARK_UUID,
    footage_mark_nal,
    interleaved,
    payloads,
    rtp_packets,
    sender_report,
)
from streams import new_footage

Codec = Literal["h264", "h265"]


def depacketised(codec: Codec, parts: list[bytes]) -> list[bytes]:
    """NAL units from RTP payloads, written from the RFCs and not from the code under test."""
    header = 1 if codec == "h264" else 2
    aggregate, fragment = (24, 28) if codec == "h264" else (48, 49)
    nals: list[bytes] = []
    for part in parts:
        kind = part[0] & 0x1F if codec == "h264" else part[0] >> 1 & 0x3F
        if kind == aggregate:
            at = header
            while at < len(part):
                (size,) = struct.unpack_from("!H", part, at)
                nals.append(part[at + 2 : at + 2 + size])
                at += 2 + size
        elif kind == fragment:
            flags = part[header]
            if flags & 0x80:
                if codec == "h264":
                    nals.append(bytes((part[0] & 0xE0 | flags & 0x1F,)))
                else:
                    nals.append(bytes((part[0] & 0x81 | (flags & 0x3F) << 1, part[1])))
            nals[-1] += part[header + 1 :]
        else:
            nals.append(part)
    return nals


def nal(codec: Codec, size: int, kind: int) -> bytes:
    head = bytes((0x60 | kind,)) if codec == "h264" else bytes((kind << 1, 1))
    return head + bytes(1 + index % 251 for index in range(size - len(head)))


@pytest.mark.parametrize("codec", ["h264", "h265"])
@given(sizes=st.lists(st.integers(3, 700), min_size=1, max_size=8), kind=st.integers(1, 23))
def test_payloads_put_together_give_the_same_nal_units(codec: Codec, sizes: list[int], kind: int) -> None:
    nals = [nal(codec, size, kind) for size in sizes]
    parts = payloads(codec, nals, largest=100)
    assert depacketised(codec, parts) == nals
    assert all(len(part) <= 100 for part in parts)


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_a_large_nal_unit_starts_and_ends_exactly_once(codec: Codec) -> None:
    parts = payloads(codec, [nal(codec, 5000, 5)])
    flags = [part[1 if codec == "h264" else 2] & 0xC0 for part in parts]
    assert len(parts) > 2
    assert flags == [0x80, *[0] * (len(parts) - 2), 0x40]


def jpeg_of(width_px: int = 320, height_px: int = 240, *, encoding: tuple[int, ...] = ()) -> bytes:
    noise = np.random.default_rng(7).integers(0, 256, (height_px, width_px, 3), np.uint8)
    return cv2.imencode(".jpg", noise, [*encoding, cv2.IMWRITE_JPEG_QUALITY, 60])[1].tobytes()


def test_a_jpeg_picture_travels_as_its_tables_and_its_scan() -> None:
    jpeg = jpeg_of()
    parts = jpeg_payloads(jpeg, largest=1000)
    heads = [struct.unpack("!IBBBB", part[:8]) for part in parts]
    assert {head[1:] for head in heads} == {(1, 255, 40, 30)}, "4:2:0, tables in band, 320 x 240"
    assert all(len(part) <= 1000 for part in parts)
    zero, precision, length = struct.unpack("!BBH", parts[0][8:12])
    assert (zero, precision, length) == (0, 0, 128)
    tables = parts[0][12:140]
    assert tables[:64] in jpeg
    assert tables[64:] in jpeg
    scan = b"".join(part[140 if number == 0 else 8 :] for number, part in enumerate(parts))
    assert jpeg.endswith(scan + b"\xff\xd9")
    sizes = [len(part) - (140 if number == 0 else 8) for number, part in enumerate(parts)]
    assert [head[0] for head in heads] == [sum(sizes[:number]) for number in range(len(sizes))]


@pytest.mark.parametrize(
    ("jpeg", "why"),
    [
        (b"no picture", "not a JPEG"),
        (jpeg_of(322, 240), "multiples of 8"),
        (jpeg_of(2048, 16), "up to 2040"),
        (jpeg_of(encoding=(cv2.IMWRITE_JPEG_OPTIMIZE, 1)), "Huffman tables"),
        (jpeg_of(encoding=(cv2.IMWRITE_JPEG_PROGRESSIVE, 1)), "baseline"),
        (jpeg_of(encoding=(cv2.IMWRITE_JPEG_RST_INTERVAL, 4)), "restart markers"),
    ],
)
def test_a_jpeg_that_rtp_cannot_describe_is_refused_and_says_why(jpeg: bytes, why: str) -> None:
    with pytest.raises(UnsendableJpeg, match=why):
        jpeg_payloads(jpeg, largest=1000)


def test_only_the_last_packet_of_a_picture_carries_the_marker_and_all_share_its_time() -> None:
    packets = rtp_packets([b"a", b"b", b"c"], sequence=65534, timestamp=2**32 + 7, ssrc=9)
    heads = [struct.unpack("!BBHII", packet[:12]) for packet in packets]
    assert [head[1] >> 7 for head in heads] == [0, 0, 1]
    assert [head[2] for head in heads] == [65534, 65535, 0]
    assert {head[3] for head in heads} == {7}


def test_a_sender_report_ties_the_rtp_clock_to_the_wall_clock() -> None:
    report = sender_report(ssrc=9, unix_s=1_700_000_000.25, timestamp=1234, packets=5, octets=600)
    assert len(report) % 4 == 0
    _, kind, words, ssrc, seconds, fraction, timestamp, packets, octets = struct.unpack(
        "!BBHIIIIII", report[:28]
    )
    assert (kind, words, ssrc, timestamp, packets, octets) == (200, 6, 9, 1234, 5, 600)
    assert seconds - 2_208_988_800 == 1_700_000_000
    assert fraction == 2**30
    _, kind, words = struct.unpack("!BBH", report[28:32])
    assert (kind, 4 + 4 * words) == (202, len(report) - 28)


def test_interleaved_packets_carry_their_channel_and_length() -> None:
    assert interleaved(3, [b"ab", b"c"]) == b"$\x03\x00\x02ab$\x03\x00\x01c"


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_the_mark_of_new_footage_is_read_by_streams(codec: Codec) -> None:
    assert new_footage.MARK_UUID.bytes == MARK_UUID
    first = b"\0\0\0\1" + footage_mark_nal(codec, 4_000_000_000, is_first=True) + b"\0\0\1\x65picture"
    later = b"\0\0\0\1" + footage_mark_nal(codec, 12, is_first=False)
    assert new_footage.footage_mark(first) == new_footage.FootageMark(4_000_000_000, True)
    assert new_footage.is_new_footage(first)
    assert new_footage.footage_mark(later) == new_footage.FootageMark(12, False)
    assert not new_footage.is_new_footage(later)
    assert not new_footage.is_new_footage(b"\0\0\0\1\x65picture of a real camera")


def test_a_mark_never_holds_a_start_code() -> None:
    for number in range(0, 100_000, 97):
        assert b"\0\0" not in footage_mark_nal("h264", number, is_first=True)


def test_digest_answers_of_both_generations_are_understood() -> None:
    def md5(text: str) -> str:
        return hashlib.md5(text.encode()).hexdigest()

    guard = DigestGuard({"Mufasa": "Circle Of Life"})
    secret = md5(f"Mufasa:{guard.realm}:Circle Of Life")
    action = md5("DESCRIBE:rtsp://host/north")
    old = f'Digest username="Mufasa", realm="{guard.realm}", nonce="abc", uri="rtsp://host/north", response='
    new = old.replace("response=", 'qop=auth, nc=00000001, cnonce="0a4f", response=')
    old += f'"{md5(f"{secret}:abc:{action}")}"'
    new += f'"{md5(f"{secret}:abc:00000001:0a4f:auth:{action}")}"'
    assert guard.allows("DESCRIBE", old, "abc")
    assert guard.allows("DESCRIBE", new, "abc")
    assert not guard.allows("SETUP", old, "abc")
    assert not guard.allows("DESCRIBE", old, "another nonce")
    assert not guard.allows("DESCRIBE", "Basic TXVmYXNhOng=", "abc")
    assert not guard.allows("DESCRIBE", None, "abc")


@pytest.mark.parametrize("module", [receiver_inbox, rtsp_footage, rtsp_playlist, new_footage])
def test_examples_in_docstrings_are_true(module: ModuleType) -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0
