"""The configuration in force, for administrators. Read only: what is changed through the API is changed where
it belongs."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from config.outline import outline
from console.auth import Admin
from console.context import InCentre

router = APIRouter(prefix="/api/v1/configuration", tags=["configuration"])


class ConfigurationView(BaseModel):
    version: str = Field(description="Changes with everything but secrets; stored with every alert.")
    program: str = Field(description="Version of the program that runs.")
    deployment: dict[str, Any] = Field(
        description="As `config/deployment.schema.json` has it, defaults included. Secrets are `***`; of"
        " cameras' and notification services' addresses only the scheme is told, of receivers' the host, too."
    )


@router.get("")
def configuration(_session: Admin, centre: InCentre) -> ConfigurationView:
    """Every option in force, without secrets."""
    return ConfigurationView(
        version=centre.deployment.version,
        program=version("firewatch"),
        deployment=outline(centre.deployment.model_copy(update={"dispatch": centre.targets.shown()})),
    )
