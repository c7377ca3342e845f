"""`firewatch config schema|export|diff|apply`: deployment files, and what the store says otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from alerting.camera_register import CameraRegister
    from alerting.grids import Grids
    from alerting.store import Store
    from alerting.target_register import TargetRegister
    from config import Deployment, DispatchTarget

_Config = Annotated[Path, typer.Argument(metavar="CONFIG", help="Deployment file (YAML).")]
_State = Annotated[Path, typer.Option("--state", metavar="DIR", help="The state folder of `firewatch run`.")]
_Out = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Write there instead of standard output.")
]


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Deployment files.", no_args_is_help=True)
    for command in (schema, export, diff, apply):
        group.command()(command)
    group.callback()(lambda: None)
    app.add_typer(group, name="config")


def schema(out: _Out = None) -> None:
    """Print the JSON Schema of deployment files (config/deployment.schema.json), for editors."""
    from config.json_schema import deployment_schema_text

    _write(deployment_schema_text(), out)


def export(
    config_file: _Config,
    out: _Out = None,
    with_secrets: Annotated[
        bool, typer.Option("--with-secrets", help="Write addresses whole instead of as ${NAME}.")
    ] = False,
    grids: Annotated[
        Path | None,
        typer.Option(
            "--grids", metavar="FILE", help="Write the grid file there, with the rosters of the store."
        ),
    ] = None,
    state: _State = Path("var"),
) -> None:
    """The deployment file with the cameras and receivers, and its grid file with the rosters, as they are in
    the store."""
    from firewatch import grid_files
    from firewatch.config_files import exported
    from firewatch.failures import UserError

    with _beside(config_file, state) as (file, registered, targets, store):
        text = config_file.read_text(encoding="utf-8-sig")
        now = registered.deployment.model_copy(update={"dispatch": _opened(targets)})
        made = exported(text, file, now, with_secrets=with_secrets)
        if grids is not None:
            if file.grids is None:
                raise UserError("the deployment names no grid file: nothing to write with --grids")
            _write(grid_files.exported(file.grids, grid_files.saved_rosters(store)), grids, private=True)
    _write(made, out, private=with_secrets)


def diff(config_file: _Config, state: _State = Path("var")) -> None:
    """Where the store says otherwise than the file; it rules. Exit code 1 if they differ."""
    from firewatch import grid_files, target_files
    from firewatch.config_files import differences

    with _beside(config_file, state) as (file, registered, targets, store):
        found = [str(one) for one in differences(file, registered.deployment)]
        found += target_files.differences(file.dispatch, _opened(targets))
        found += grid_files.differences(_grids(file), grid_files.saved_rosters(store))
    for one in found:
        typer.echo(one)
    if found:
        raise typer.Exit(1)
    typer.echo("the store says what the file says")


def apply(
    config_file: _Config,
    remove: Annotated[
        bool,
        typer.Option(
            "--remove",
            help="Take cameras that the file has not out of service, remove such receivers, and give rosters "
            "of such areas back.",
        ),
    ] = False,
    state: _State = Path("var"),
) -> None:
    """Make the store say of its cameras, receivers and rosters what the file and its grid file say, as new
    versions. A running centre follows."""
    from getpass import getuser

    from alerting.journal import By
    from firewatch import grid_files, target_files
    from firewatch.config_files import apply as make_so

    by = By(getuser(), "firewatch config apply")
    with _beside(config_file, state) as (file, registered, targets, store):
        changed = make_so(file, registered, by=by, remove=remove)
        rosters = grid_files.apply(store, _grids(file), by=by, remove=remove)
        changed += tuple(f"roster {code}" for code in rosters)
        receivers = target_files.apply(targets, by=by, remove=remove)
        changed += tuple(f"receiver {one}" for one in receivers)
    typer.echo(f"changed: {', '.join(changed)}" if changed else "nothing to change")


@contextmanager
def _beside(
    config_file: Path, state: Path
) -> Iterator[tuple[Deployment, CameraRegister, TargetRegister, Store]]:
    """The file as it is, the registers of its store, and the store."""
    from alerting.camera_register import CameraRegister
    from alerting.secret_box import KEY_FILE, SecretBox
    from alerting.store import Store
    from alerting.target_register import TargetRegister
    from config import load

    file = load(config_file)
    store = Store.open(file.storage.database_url.reveal())
    try:
        box = SecretBox(state / KEY_FILE)
        yield file, CameraRegister(store, file, box, look_every_s=0), TargetRegister(store, file, box), store
    finally:
        store.close()


def _opened(targets: TargetRegister) -> tuple[DispatchTarget, ...]:
    """All of them with their secrets, or SecretsError: half of them would look like a difference."""
    return tuple(targets.opened_one(one.id) for one in targets.shown())


def _grids(file: Deployment) -> Grids | None:
    from alerting.grids import Grids

    return Grids.open(file.grids, file.time_zone) if file.grids is not None else None


def _write(text: str, out: Path | None, *, private: bool = False) -> None:
    if out is None:
        typer.echo(text, nl=False)
        return
    if private:
        out.touch(mode=0o600)
        out.chmod(0o600)
    out.write_text(text, encoding="utf-8")
    typer.echo(f"wrote {out}")
