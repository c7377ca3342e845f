"""Lines to targets: each sends one parcel and says what became of it. No store, no retries here."""

from __future__ import annotations

from alerting.targets.http import HttpLine
from alerting.targets.line import Answer, Line, Outcome, Parcel, Target
from alerting.targets.mqtt import MqttLine

__all__ = ["Answer", "HttpLine", "Line", "MqttLine", "Outcome", "Parcel", "Target", "open_line"]


def open_line(target: Target) -> Line:
    """The line that a target's address asks for; it connects when it first sends."""
    return MqttLine(target) if target.is_mqtt else HttpLine(target)
