"""The detector as a deployment asks for it: weights, engine, profile, own confirmation figures."""

from __future__ import annotations

from collections.abc import Callable

from config import Deployment
from detector.backend import Backend, BackendName
from detector.pipeline import Pipeline
from detector.registry import Model, ProfileName, load_model
from detector.site_memory import SiteMemory

ENGINES: dict[str, BackendName | None] = {"auto": None, "openvino": "openvino", "onnx": "onnxruntime"}
"""What the deployment file calls the engines."""


def open_detector(deployment: Deployment) -> tuple[Model, Backend]:
    """The verified weights, on the engine the deployment names."""
    settings = deployment.detector
    model = load_model(settings.model)
    return model, model.open_backend(ENGINES[settings.backend], threads=settings.threads or 1)


def pipeline_for(
    deployment: Deployment,
    model: Model,
    backend: Backend,
    profile: ProfileName | None = None,
    *,
    site_memory: Callable[[str | None], SiteMemory | None] = lambda _preset: None,
) -> Pipeline:
    """The pipeline of one camera; `backend` may be shared within one thread."""
    settings, confirmation = deployment.detector, deployment.confirmation
    return Pipeline(
        model,
        profile or settings.profile,
        backend=backend,
        ages_s=settings.reference_ages_s,
        policy=confirmation.model_dump(exclude_none=True) if confirmation else None,
        site_memory=site_memory,
    )
