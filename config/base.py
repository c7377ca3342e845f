"""What every section of a deployment file has in common: strict keys, no infinities, immutable values."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    """A mapping in the deployment file. Unknown keys are errors: a misspelt option must never be ignored."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
        use_attribute_docstrings=False,
    )


Identifier = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$",
        description="Lower-case letters, digits, '-' and '_', at most 63; starts with a letter or digit.",
        examples=["dashan-01"],
    ),
]
"""A stable machine name: it appears in URLs, file names and messages, so it must never change."""

Name = Annotated[str, Field(min_length=1, max_length=100, description="A name people read, Chinese welcome.")]
