"""A progress bar that follows a replay along its footage."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.progress import Progress

from detector.pipeline import LookResult
from firewatch.terminal import err
from streams.frame import Frame
from streams.recorded import ImageFolder, VideoFile
from streams.source import Source


class ReplayProgress:
    """An observer of a replay; a context manager around the bar. `source` is open already."""

    def __init__(self, source: Source) -> None:
        self._by_picture = isinstance(source, ImageFolder)
        total: float | None = None
        if isinstance(source, ImageFolder):
            total = len(source.pictures)
        elif isinstance(source, VideoFile):
            total = source.duration_s
        self._progress = Progress(console=err, transient=True)
        self._task = self._progress.add_task("replay", total=total)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def look(self, frame: Frame, footage_s: float, result: LookResult) -> None:
        """Nothing: the bar follows frames."""

    def frame(self, frame: Frame, footage_s: float, latest: LookResult | None) -> None:
        del frame, latest
        if self._by_picture:
            self._progress.advance(self._task)
        else:
            self._progress.update(self._task, completed=footage_s)
