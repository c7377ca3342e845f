"""Logs: to standard error as lines for people, or as JSON for collectors; also into files that are kept."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from config.base import Section


class LogSettings(Section):
    """What the processes write about their work. Secrets are in none of it."""

    form: Literal["text", "json"] = Field(
        default="text",
        title="Form",
        description="`text`: one line an event for people. `json`: one object a line for log collectors.",
    )
    folder: str | None = Field(
        default=None,
        min_length=1,
        title="Folder",
        description="Also write a file for each process here, a new one every day, and `access.log`: who "
        "asked the console for what. Without it, logs go to standard error only.",
        examples=["/var/log/firewatch"],
    )
    keep_days: int = Field(
        default=200,
        ge=1,
        le=3660,
        title="Keep days",
        description="How long files are kept. Regulations ask for six months and more of access logs.",
    )
