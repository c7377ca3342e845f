"""`firewatch token create|list|revoke`: tokens of responders and of workers on hill boxes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from alerting.journal import By
    from alerting.store import Store
    from config import Deployment

ConfigFile = Annotated[Path, typer.Option("--config", metavar="FILE", help="Deployment file (YAML).")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(
        help="Tokens of responders and of workers on hill boxes (the same as on the administration page).",
        no_args_is_help=True,
    )
    group.command("create")(create)
    group.command("list")(list_tokens)
    group.command("revoke")(revoke)
    app.add_typer(group, name="token")


def create(
    name: Annotated[str, typer.Argument(help="Who has it, as histories will say.")],
    config_file: ConfigFile,
    role: Annotated[str, typer.Option(help="responder, or machine (a worker on a hill box).")] = "responder",
    camera: Annotated[
        list[str] | None, typer.Option(help="Machine: a camera it is limited to; may be repeated.")
    ] = None,
    area: Annotated[
        list[str] | None, typer.Option(help="Responder: code of an area it is limited to; may be repeated.")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=3660, help="How long it is good for.")] = 365,
) -> None:
    """Print a new token, this once; nothing else goes to standard output."""
    from datetime import timedelta

    from alerting import access_tokens
    from firewatch.failures import UserError
    from firewatch.terminal import err

    if role not in (access_tokens.RESPONDER, access_tokens.MACHINE_ROLE):
        raise UserError(f"there is no role '{role}' for tokens; there are: responder, machine")
    if not 1 <= len(name) <= 64:
        raise UserError("a token's name has 1 to 64 characters")
    with _store_of(config_file) as (deployment, store):
        known = {one.id for one in deployment.cameras}
        for camera_id in camera or ():
            if camera_id not in known:
                raise UserError(f"there is no camera '{camera_id}'; there are: {', '.join(sorted(known))}")
        try:
            secret, token = access_tokens.create(
                store,
                name=name,
                role=role,
                area_codes=area or (),
                camera_ids=camera or (),
                lifetime=timedelta(days=days),
                by=_by(),
            )
        except ValueError as error:
            raise UserError(str(error)) from None
    err.print(f"token {token.token_id} of {name}, good until {token.expires_at:%Y-%m-%d}:", highlight=False)
    typer.echo(secret)


def list_tokens(
    config_file: ConfigFile,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """All tokens, without their secrets."""
    from dataclasses import asdict

    from rich.table import Table

    from alerting import access_tokens
    from firewatch.terminal import out, print_json

    with _store_of(config_file) as (_, store):
        tokens, now = access_tokens.all_tokens(store), store.clock()
    if as_json:
        print_json([asdict(one) for one in tokens])
        return
    table = Table("id", "who", "role", "limited to", "until", "state")
    for one in tokens:
        state = "revoked" if one.revoked_at else "over" if one.expires_at <= now else "good"
        limits = ", ".join((*one.area_codes, *one.camera_ids))
        table.add_row(str(one.token_id), one.name, one.role, limits, f"{one.expires_at:%Y-%m-%d}", state)
    out.print(table)


def revoke(
    token_id: Annotated[int, typer.Argument(metavar="ID", help="Number of the token; see `token list`.")],
    config_file: ConfigFile,
) -> None:
    """End a token at once."""
    from alerting import access_tokens
    from firewatch.terminal import out

    with _store_of(config_file) as (_, store):
        out.print(f"token {access_tokens.revoke(store, token_id, by=_by()).name} is revoked")


@contextmanager
def _store_of(config_file: Path) -> Iterator[tuple[Deployment, Store]]:
    from alerting.store import Store
    from config import load

    deployment = load(config_file)
    store = Store.open(deployment.storage.database_url.reveal())
    try:
        yield deployment, store
    finally:
        store.close()


def _by() -> By:
    import getpass

    from alerting.journal import By

    try:
        return By(getpass.getuser(), "shell")
    except (KeyError, OSError):  # an account without a name
        return By("shell", "shell")
