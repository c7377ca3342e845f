"""What can go wrong between a camera and a frame.

    SourceError              this source cannot be read (now); the message names it without secrets
    +-- SourceUnreachable    nobody answers at the address
    +-- SourceRefused        somebody answers, and says no (user or password, unknown path)
    +-- SourceTimeout        it answered once and then fell silent
    +-- SourceUnreadable     it answers with something that is not a picture or a video
    BadPicture               one picture cannot be used; the source goes on

Messages never hold what FFmpeg says verbatim: it repeats the URL with its password.
"""

from __future__ import annotations


class SourceError(Exception):
    """A source cannot be read; says which, why, and what to look at."""


class SourceUnreachable(SourceError):
    """Nobody answers at the address."""


class SourceRefused(SourceError):
    """The camera answers and refuses."""


class SourceTimeout(SourceError):
    """The camera fell silent."""


class SourceUnreadable(SourceError):
    """What came is not a video or picture we can decode."""


class BadPicture(Exception):
    """One picture cannot be used; the message says why."""
