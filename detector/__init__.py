"""From frames to sightings: looks, tracking, confirmation and the memory of a view."""

import sys

# `import openvino` reports itself to its maker over the internet, asked or not, and leaves a folder in the
# home directory. It does without where it finds no module for that (openvino/tools/ovc/telemetry_utils.py).
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
