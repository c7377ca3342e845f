"""What a simulated camera shows: a list of clips played in turn, for ever, on one continuous clock.

A clip is a file, played once or for a number of seconds (repeated or cut as needed). Each time a file
starts, the footage jumps and its first key frame is marked as new footage, unless the clip says that it
joins what was before it smoothly (`joins_smoothly`: neither its start nor its own repeats are marked).

As text, `FILE[*SECONDS]` separated by commas, with `~` before a file that joins smoothly:
`near_fire.mp4,~calm.mp4*600` plays the scene once, then ten calm minutes, then the scene again. Paths that
hold a comma or an asterisk themselves have no text form; give them as `Clip`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from simulator.rtsp_footage import CLOCK_HZ, AccessUnit, Footage, FootageError, FootageLibrary


class PlaylistError(ValueError):
    """A playlist that cannot be played."""


@dataclass(frozen=True)
class Clip:
    """One entry of a playlist."""

    path: Path
    play_for_s: float | None = None
    """None: once, as long as it is."""
    joins_smoothly: bool = False

    def __post_init__(self) -> None:
        if self.play_for_s is not None and not 0.1 <= self.play_for_s <= 1e7:
            raise PlaylistError(f"{self.path}: cannot play for {self.play_for_s} s; give 0.1 or more seconds")


def parse_playlist(text: str) -> tuple[Clip, ...]:
    """Clips from their text form.

    >>> parse_playlist("fire.mp4,~calm.mp4*600")[1]
    Clip(path=PosixPath('calm.mp4'), play_for_s=600.0, joins_smoothly=True)
    """
    clips = []
    for entry in text.split(","):
        name, star, seconds = entry.strip().rpartition("*")
        if not star:
            name, seconds = seconds, ""
        smooth = name.startswith("~")
        name = name.removeprefix("~")
        if not name:
            raise PlaylistError(f"{text!r}: an entry names no file; write FILE or FILE*SECONDS")
        try:
            play_for_s = float(seconds) if star else None
        except ValueError:
            raise PlaylistError(f"{entry.strip()!r}: {seconds!r} is no number of seconds") from None
        clips.append(Clip(Path(name), play_for_s, smooth))
    return tuple(clips)


@dataclass(frozen=True)
class TimedUnit:
    """An access unit at its place on the camera's own continuous clock."""

    unit: AccessUnit
    footage: Footage
    pts_ticks: int
    send_ticks: int
    footage_number: int
    opens_footage: bool
    """True for the first picture of footage that does not continue what was before it."""


class Playlist:
    """Clips that were opened and found to fit one camera: at least one, and one codec throughout."""

    def __init__(self, clips: Sequence[Clip], library: FootageLibrary) -> None:
        if not clips:
            raise PlaylistError("a camera needs at least one clip")
        self.clips = tuple(clips)
        self.footage = tuple(library.open(clip.path) for clip in clips)
        codecs = {footage.codec for footage in self.footage}
        if len(codecs) > 1:
            names = ", ".join(f"{item.path.name} ({item.codec})" for item in self.footage)
            raise FootageError(f"one camera sends one codec, not {names}; encode them alike")

    @property
    def first(self) -> Footage:
        return self.footage[0]

    def play(self, start_ticks: int = 0, footage_number: int = 0) -> Iterator[TimedUnit]:
        """All pictures for ever, in sending order; the first starts at `start_ticks`.

        The first footage has the number `footage_number + 1` and is marked like every other.
        """
        start = start_ticks
        begins = True
        while True:
            for clip, footage in zip(self.clips, self.footage, strict=True):
                end = None if clip.play_for_s is None else start + round(clip.play_for_s * CLOCK_HZ)
                while True:
                    opens = begins or not clip.joins_smoothly
                    footage_number += opens
                    begins = False
                    for index, unit in enumerate(footage.units):
                        if end is not None and start + unit.pts_ticks >= end:
                            break
                        yield TimedUnit(
                            unit,
                            footage,
                            start + unit.pts_ticks,
                            start + unit.send_ticks,
                            footage_number,
                            opens and index == 0,
                        )
                    start += footage.duration_ticks
                    if end is None:
                        break
                    if start >= end:
                        start = end
                        break
