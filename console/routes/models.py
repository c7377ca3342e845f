"""The detector's models: which is in use since when, which is tried beside it, and what their cards say."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from fastapi import APIRouter
from pydantic import ConfigDict, Field

from config import Deployment
from console.auth import Admin
from console.context import InCentre
from console.views import View
from detector import registry
from detector.errors import ModelError
from detector.registry import Model

router = APIRouter(prefix="/api/v1/models", tags=["models"])


class ModelView(View):
    model_config = ConfigDict(protected_namespaces=())

    name: str
    model_id: str = Field(description="As sightings carry it.")
    title: str
    licence: str
    thresholds: dict[str, float] = Field(description="By profile.")
    card: str | None = Field(description="Markdown: what it can and cannot do, and on what it was measured.")
    in_use: bool
    in_shadow: bool = Field(description="It looks along; nothing that it sees is sent.")


class ModelsView(View):
    profile: str = Field(description="How eager: sensitive, balanced or quiet.")
    previous: str | None = Field(description="What `firewatch models rollback` returns to.")
    promoted_at: datetime | None = Field(description="Null: the registry's model is as shipped.")
    shadow_wrote_at: datetime | None = Field(description="When the model in shadow last wrote down scores.")
    models: tuple[ModelView, ...]
    problems: tuple[str, ...] = Field(description="Why a model that is named cannot be described.")


@router.get("")
def models(_session: Admin, centre: InCentre) -> ModelsView:
    """The registry's models, and weights of the deployment's own where it names some. Which are used is
    decided by `firewatch models promote` and by the deployment file."""
    settings, problems = centre.deployment.detector, []
    promotion = registry.promotion()
    wanted = settings.model or promotion.current
    found = {model.name: model for model in registry.list_models()[1]}
    for name in (wanted, settings.shadow_model):
        if name is not None and name not in found:
            try:
                found[name] = registry.load_model(name)
            except ModelError as error:
                problems.append(str(error))
    return ModelsView(
        profile=settings.profile,
        previous=promotion.previous,
        promoted_at=promotion.at,
        shadow_wrote_at=_newest(centre.deployment),
        models=tuple(
            _view(model, in_use=name == wanted, in_shadow=name == settings.shadow_model)
            for name, model in found.items()
        ),
        problems=tuple(problems),
    )


def _view(model: Model, *, in_use: bool, in_shadow: bool) -> ModelView:
    return ModelView(
        name=model.name,
        model_id=model.model_id,
        title=model.title,
        licence=model.licence,
        thresholds={name: profile.threshold for name, profile in model.profiles.items()},
        card=_text(model.card),
        in_use=in_use,
        in_shadow=in_shadow,
    )


def _text(path: Path | None) -> str | None:
    return path.read_text(encoding="utf-8") if path is not None and path.is_file() else None


def _newest(deployment: Deployment) -> datetime | None:
    files = deployment.detector.shadow_folder.glob("*/*.jsonl") if deployment.detector.shadow_model else ()
    newest = max((file.stat().st_mtime for file in files), default=None)
    return datetime.fromtimestamp(newest, UTC) if newest is not None else None
