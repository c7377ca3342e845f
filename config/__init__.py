"""The deployment: its schema, its loader and example files. `config.load(path)` is the way in."""

from config.camera import Camera, Mask, Pose, Preset, StreamSettings
from config.centre import ConsoleSettings, Storage
from config.deployment import Deployment
from config.detection import ConfirmationPolicy, DetectorSettings, LookSettings
from config.errors import ConfigError, Problem
from config.evidence import EvidenceSettings
from config.health import HealthSettings
from config.live import IceServer, LiveSettings
from config.loader import load, loads
from config.logs import LogSettings
from config.map import BaseMap, MapSettings
from config.ptz import PtzSettings
from config.response import ResponseSettings
from config.secrets import SecretSource, redact_url
from config.targets import BasicAuth, DispatchTarget, Drill, Gateway, Notify, Person, Tls

__all__ = [
    "BaseMap",
    "BasicAuth",
    "Camera",
    "ConfigError",
    "ConfirmationPolicy",
    "ConsoleSettings",
    "Deployment",
    "DetectorSettings",
    "DispatchTarget",
    "Drill",
    "EvidenceSettings",
    "Gateway",
    "HealthSettings",
    "IceServer",
    "LiveSettings",
    "LogSettings",
    "LookSettings",
    "MapSettings",
    "Mask",
    "Notify",
    "Person",
    "Pose",
    "Preset",
    "Problem",
    "PtzSettings",
    "ResponseSettings",
    "SecretSource",
    "Storage",
    "StreamSettings",
    "Tls",
    "load",
    "loads",
    "redact_url",
]
