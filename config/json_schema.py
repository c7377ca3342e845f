"""The JSON Schema of a deployment file, for editors: `firewatch config schema` writes it."""

from __future__ import annotations

import json
from typing import Any

from config.deployment import Deployment
from config.optics import WRITTEN_OTHERWISE

ADDRESS = "https://json-schema.org/draft/2020-12/schema"


def deployment_schema() -> dict[str, Any]:
    """The schema as a value."""
    schema = Deployment.model_json_schema(mode="validation")
    pose = schema["$defs"]["Pose"]
    pose["required"] = [name for name in pose["required"] if name != "hfov_deg"]
    pose["anyOf"] = [{"required": ["hfov_deg"]}, {"required": ["focal_length_mm", "sensor_width_mm"]}]
    pose["anyOf"].append({"required": ["zoom"]})
    for section, properties in WRITTEN_OTHERWISE.items():
        schema["$defs"][section]["properties"] |= properties
    return {"$schema": ADDRESS, **schema}


def deployment_schema_text() -> str:
    """The schema as the text of config/deployment.schema.json."""
    return json.dumps(deployment_schema(), indent=2, ensure_ascii=False) + "\n"
