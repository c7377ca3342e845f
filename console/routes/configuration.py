"""The configuration in force, and what the deployment file said before, for administrators. Read only:
cameras, rosters and receivers are changed where they belong, the rest in the file, which counts from the next
start on."""

from __future__ import annotations

from datetime import datetime
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from alerting import configuration_log
from config.outline import outline
from console.auth import Admin
from console.context import InCentre
from console.views import RowNumber, View

router = APIRouter(prefix="/api/v1/configuration", tags=["configuration"])


class ConfigurationView(BaseModel):
    version: str = Field(description="Changes with everything but secrets; stored with every alert.")
    program: str = Field(description="Version of the program that runs.")
    deployment: dict[str, Any] = Field(
        description="As `config/deployment.schema.json` has it, defaults included. Secrets are `***`; of"
        " cameras' and notification services' addresses only the scheme is told, of receivers' the host, too."
    )


class StartView(View):
    """A centre started with a deployment file that said something else than the one before."""

    version: int
    digest: str = Field(description="As sightings and alerts name it: `config_version`.")
    program: str = Field(description="Version of the program that started.")
    at: datetime


class ConfigurationVersionView(StartView):
    changed: tuple[str, ...] = Field(
        description="Options that are not as at the version before. None: what changed is not shown, such as"
        " the path of an address."
    )
    configuration: dict[str, Any] = Field(description="As the file said it then, secrets as in `deployment`.")


@router.get("")
def configuration(_session: Admin, centre: InCentre) -> ConfigurationView:
    """Every option in force, without secrets."""
    return ConfigurationView(
        version=centre.deployment.version,
        program=version("firewatch"),
        deployment=outline(centre.deployment.model_copy(update={"dispatch": centre.targets.shown()})),
    )


@router.get("/versions")
def versions(_session: Admin, centre: InCentre) -> tuple[StartView, ...]:
    """When a centre started with another deployment file than before, the newest first."""
    return tuple(StartView.model_validate(one) for one in configuration_log.versions(centre.store))


@router.get("/versions/{number}")
def one_version(number: RowNumber, _session: Admin, centre: InCentre) -> ConfigurationVersionView:
    """What the deployment file said then, without secrets."""
    return ConfigurationVersionView.model_validate(configuration_log.version(centre.store, number))
