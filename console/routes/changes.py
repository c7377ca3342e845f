"""What requests that change something in a register have in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Seen = Annotated[int | None, Field(ge=0, le=2**31 - 1, description="The version looked at; 0: the file's.")]
Why = Annotated[str, Field(max_length=500, description="Kept with the version.")]


class ChangeBody(BaseModel):
    """What is not known is refused, and no error repeats what was given: it may be an address or a secret."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


def address_itself(address: str) -> str:
    """No references to the environment of this machine. What is wrong is said without the value."""
    if "${" in address or any(ord(character) <= 32 for character in address):
        raise ValueError("must be the address itself, without ${...}, blanks or line breaks")
    return address
