"""One probe of a camera in a process of its own, which can be killed: its fields in, findings out, as JSON.

The camera comes on standard input, not as an argument: arguments can be read by others on the machine.
"""

from __future__ import annotations

import base64
import json
import logging
import sys
from dataclasses import asdict


def main() -> None:
    from config import Camera
    from streams.probe import probe_camera

    logging.disable(logging.CRITICAL)  # whoever asked is told all there is to say
    found = asdict(probe_camera(Camera.model_validate_json(sys.stdin.read()), watch_s=8.0))
    found["picture_jpeg"] = base64.b64encode(found["picture_jpeg"]).decode()
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
