"""The detector as a deployment asks for it: weights, engine, profile, own confirmation figures."""

from __future__ import annotations

from collections.abc import Callable

from config import Deployment
from detector.backend import Backend, BackendName
from detector.pipeline import Pipeline
from detector.registry import Model, ProfileName, load_model
from detector.site_memory import SiteMemory
from firewatch.shadow import Shadow

ENGINES: dict[str, BackendName | None] = {"auto": None, "openvino": "openvino", "onnx": "onnxruntime"}
"""What the deployment file calls the engines."""


def open_detector(deployment: Deployment) -> tuple[Model, Backend]:
    """The verified weights, on the engine the deployment names."""
    settings = deployment.detector
    model = load_model(settings.model)
    return model, model.open_backend(ENGINES[settings.backend], threads=settings.threads or 1)


def shadow_of(deployment: Deployment) -> tuple[Shadow, ...]:
    """The model in shadow as an observer of looks, where the deployment names one."""
    settings = deployment.detector
    if settings.shadow_model is None:
        return ()
    named = settings.model_copy(update={"model": settings.shadow_model, "reference_ages_s": None})
    shadowed = deployment.model_copy(update={"detector": named})
    model, backend = open_detector(shadowed)
    return (
        Shadow(lambda camera: pipeline_for(shadowed, model, backend, camera.profile), settings.shadow_folder),
    )


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
        tiles=settings.tiles,
    )
