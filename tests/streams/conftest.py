"""Small footage for the streams tests, made once."""

from __future__ import annotations

import pytest
from footage_files import FootageFiles, write_video


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> FootageFiles:
    folder = tmp_path_factory.mktemp("footage")
    return FootageFiles(
        quick=write_video(folder / "quick.mp4", seconds=2, key_every=5),
        other=write_video(folder / "other.mp4", seconds=2, key_every=5, base=60),
        slow=write_video(folder / "slow.mp4", seconds=4, key_every=40, b_frames=2),
    )
