"""Makes noto_sans_sc_subset.otf from the distribution's Noto Sans CJK (Debian: fonts-noto-cjk).

Run it once when characters are missing: `python -m detector.fonts.subset` (needs fonttools, a development
package). Kept are ASCII, all 6,763 characters of GB 2312 (village names use rare ones) and the punctuation
and signs our captions use.
"""

from __future__ import annotations

import sys
from pathlib import Path

SOURCE = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")
SIMPLIFIED_CHINESE = 2  # number of the SC face in the collection
TARGET = Path(__file__).with_name("noto_sans_sc_subset.otf")
SIGNS = "，。、；：？！“”‘’（）《》【】—…·°±×→←↑↓℃％‰≥≤≈№①②③④⑤⑥⑦⑧⑨⑩"


BEYOND_GB2312 = "瞭屾峣嵖岈堃淼喆镕玥埗塆崾岽圩坨"
"""In use in forestry and in place names, but not in GB 2312 (瞭望塔: watch-tower)."""


def kept_characters() -> str:
    """ASCII, GB 2312 and our signs, sorted."""
    kept = {chr(code) for code in range(32, 127)} | set(SIGNS) | set(BEYOND_GB2312)
    for row in range(0xB0, 0xF8):
        for cell in range(0xA1, 0xFF):
            kept.add(bytes([row, cell]).decode("gb2312", errors="ignore"))
    return "".join(sorted(kept - {""}))


def main() -> None:
    from fontTools import subset

    if not SOURCE.is_file():
        sys.exit(f"{SOURCE} is missing; run `apt install fonts-noto-cjk`")
    subset.main(
        [
            str(SOURCE),
            f"--font-number={SIMPLIFIED_CHINESE}",
            f"--text={kept_characters()}",
            "--layout-features=",
            "--no-hinting",
            "--desubroutinize",
            "--name-IDs=0,1,2,3,4,5,6,13,14",
            f"--output-file={TARGET}",
        ]
    )


if __name__ == "__main__":
    main()
