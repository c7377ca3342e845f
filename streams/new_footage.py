"""Reads the "new footage" mark of looped or cut recordings from an H.264 or H.265 packet.

A camera that plays recorded footage (our simulator, a demonstration wall) jumps in time where the
recording loops or is cut; what a view remembers no longer holds after that. Such a sender says so in
band: every key frame carries an SEI "user data unregistered" message (ITU-T H.264 and H.265, annex D)
with the UUID below and the ASCII text `footage NUMBER` or `footage NUMBER first`. Decoders skip SEI
messages with an unknown UUID, real cameras never send this one.

The number is another one after each jump, and after a restart of the sender, and stands on every key frame,
so a reader that lost the first key frame after a jump (a fault, a reconnection) still sees that the footage
is another one: compare `mark.number` with the last one seen. `is_new_footage` is the short question about
one packet.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID

MARK_UUID = UUID("d5a54f1e-7e0b-4c57-9a6c-f13e3a7c1de5")
"""Its bytes hold no zero, so emulation prevention never changes them inside a NAL unit."""

_TEXT = re.compile(rb"footage (\d{1,10})( first)?")
_LONGEST_TEXT = 32


@dataclass(frozen=True)
class FootageMark:
    """What a marked key frame says: which piece of footage it belongs to, and whether it opens it."""

    number: int
    is_first: bool


def footage_mark(packet: bytes) -> FootageMark | None:
    """The mark a packet carries, or None (frames that are not key frames, and all real cameras).

    >>> footage_mark(b"..." + MARK_UUID.bytes + b"footage 3 first" + b"...")
    FootageMark(number=3, is_first=True)
    >>> footage_mark(b"any other packet") is None
    True
    """
    start = packet.find(MARK_UUID.bytes)
    if start < 0:
        return None
    start += len(MARK_UUID.bytes)
    text = _TEXT.match(packet[start : start + _LONGEST_TEXT])
    return FootageMark(int(text[1]), text[2] is not None) if text else None


def is_new_footage(packet: bytes) -> bool:
    """True for the first key frame after the recording jumped."""
    mark = footage_mark(packet)
    return mark is not None and mark.is_first
