"""`firewatch backup`, `restore` and `upgrade`: keeping an installation for years."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

_Config = Annotated[Path, typer.Argument(metavar="CONFIG", help="Deployment file (YAML).")]
_State = Annotated[Path, typer.Option("--state", metavar="DIR", help="The state folder of `firewatch run`.")]


def register(app: typer.Typer) -> None:
    app.command("backup")(backup)
    app.command("restore")(restore)
    app.command("upgrade")(upgrade)


def backup(
    config_file: _Config,
    out_file: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="The archive to write; by default below STATE/backups."),
    ] = None,
    evidence: Annotated[
        bool, typer.Option("--evidence", help="Put the evidence files in; without it they are only listed.")
    ] = False,
    terrain: Annotated[
        bool, typer.Option("--terrain", help="Put the elevation model in, too; it may be large.")
    ] = False,
    keep: Annotated[
        int | None,
        typer.Option(
            "--keep", metavar="N", min=1, help="Afterwards remove all but the N newest dated backups there."
        ),
    ] = None,
    state: _State = Path("var"),
) -> None:
    """Write everything an installation must not lose into one file. The centre may run meanwhile."""
    from alerting.secret_box import KEY_FILE
    from config import load
    from firewatch.backup import back_up, dated, prune
    from firewatch.terminal import out

    deployment = load(config_file)
    target = out_file or state / "backups" / dated(datetime.now(UTC))
    made = back_up(deployment, state, target, config_file=config_file, evidence=evidence, terrain=terrain)
    kept = "in the archive" if evidence else "listed only; keep the evidence folder itself, too"
    out.print(f"{target}: {target.stat().st_size / 1e6:.1f} MB, store version {made.store_revision}")
    out.print(f"evidence: {len(made.evidence)} files, {kept}")
    out.print(f"deployment: {len(made.deployment_files)} files; it holds keys: keep the backup as one")
    for one in made.left_out:
        out.print(f"not in it: {one}", markup=False)
    if any(one.path.endswith(KEY_FILE) for one in made.state):
        out.print(
            f"[yellow]it holds the store and {KEY_FILE}[/yellow]: whoever has the file can open the"
            " cameras' addresses and the receivers' secrets; keep it as you keep those"
        )
    if keep is not None and (gone := prune(target.parent, keep)):
        out.print(f"removed {len(gone)} older backups")


def restore(
    config_file: _Config,
    archive: Annotated[Path, typer.Argument(metavar="BACKUP", help="A file written by `firewatch backup`.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace a store that is not empty; it is kept aside.")
    ] = False,
    with_deployment: Annotated[
        bool,
        typer.Option(
            "--deployment",
            help="First put the deployment file of the backup back as CONFIG, and the files it names where it"
            " names them; what is there already stays.",
        ),
    ] = False,
    state: _State = Path("var"),
) -> None:
    """Bring a backup back, on this or on an empty machine. The centre must be stopped."""
    from config import load
    from firewatch.backup import read_manifest, restore_deployment
    from firewatch.backup import restore as bring_back
    from firewatch.running import alone
    from firewatch.terminal import out

    if with_deployment:
        written, kept = restore_deployment(archive, config_file)
        for one in written:
            out.print(f"wrote {one}", markup=False)
        for one in kept:
            out.print(f"left as it is: {one}", markup=False)
        for missing in read_manifest(archive).left_out:
            out.print(f"not in the backup: {missing}", markup=False)
    deployment = load(config_file)
    with alone(state, wanted_for="restore"):
        done = bring_back(deployment, state, archive, replace=replace)
    out.print(f"restored the backup of {done.manifest.made_at} ({done.manifest.deployment})")
    if done.kept_aside is not None:
        out.print(f"what was there before is kept as {done.kept_aside}")
    if done.manifest.evidence_included:
        out.print(f"evidence written: {done.evidence_written} files")
    if done.evidence_missing:
        out.print(
            f"[yellow]{len(done.evidence_missing)} evidence files are not there[/yellow], for example"
            f" {done.evidence_missing[0]}; copy them into storage.evidence"
        )


def upgrade(
    config_file: _Config,
    state: _State = Path("var"),
) -> None:
    """Bring the store to this program's version: backup, migrate, check, and back again if that fails."""
    from config import load
    from firewatch.running import alone
    from firewatch.terminal import out
    from firewatch.upgrade import upgrade as bring_up

    deployment = load(config_file)
    with alone(state, wanted_for="upgrade"):
        done = bring_up(deployment, state, state / "backups")
    moved = "is current already" if done.before == done.after else f"went from {done.before} to {done.after}"
    out.print(f"the store {moved}; backup: {done.backup}")
