"""The commands of `firewatch`, one module per group.

A module defines `register(app: typer.Typer) -> None`, which adds its commands; heavy imports stay inside the
command functions. A module without it only helps the others. `firewatch.cli` finds the modules by itself.
Raise the package's own errors, or `firewatch.failures.UserError`: they reach the user as one red paragraph
and exit code 2. Print through `firewatch.terminal` (`out`, `err`, `print_json`).
"""
