"""Secrets in the store (of cameras, of receivers) are sealed with a key that lies outside it: a stolen store
opens no camera.

The key is a file beside the store's state, readable by its owner only, made when the first secret is sealed.
Whoever has both has the secrets: where a backup holds the key, it says so.
"""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from alerting.store import StoreError
from alerting.tables import CameraVersionRow, TargetVersionRow

KEY_FILE = "secrets.key"
"""Its name in the state folder."""


_NO_BOX = "this process has no key file: addresses and secrets cannot be kept here"
_SEALED = (CameraVersionRow.secrets, TargetVersionRow.secrets)


class SecretsError(StoreError):
    """The key is missing, or is not the one that sealed this."""


class SecretBox:
    """Seals and opens with the key in one file. Errors name the file, never what is in it."""

    def __init__(self, key_file: Path) -> None:
        self._key_file = key_file

    @property
    def has_key(self) -> bool:
        return self._key_file.is_file()

    def seal(self, text: str) -> str:
        """Makes the key if there is none yet. Raises SecretsError where it cannot be made or is no key."""
        if not self.has_key:
            self._make_key()
        return self._fernet().encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """Raises SecretsError."""
        try:
            return self._fernet().decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise SecretsError(
                f"{self._key_file} is not the key that sealed this; bring back the key file that belongs to"
                " this store (a backup holds it)"
            ) from None

    def _fernet(self) -> Fernet:
        try:
            return Fernet(self._key_file.read_bytes().strip())
        except OSError as error:
            raise SecretsError(
                f"the key file {self._key_file} cannot be read ({error.strerror}): bring it back from a"
                " backup, or enter the addresses anew"
            ) from None
        except ValueError:
            raise SecretsError(f"{self._key_file} holds no key: bring it back from a backup") from None

    def _make_key(self) -> None:
        """Written aside and linked: of two processes that make it at once, one wins, and both use that."""
        aside = self._key_file.with_name(f".{self._key_file.name}.{os.getpid()}")
        try:
            self._key_file.parent.mkdir(parents=True, exist_ok=True)
            aside.unlink(missing_ok=True)
            descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(Fernet.generate_key())
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(aside, self._key_file)
            except FileExistsError:
                pass
            finally:
                aside.unlink(missing_ok=True)
        except OSError as error:
            raise SecretsError(f"the key file {self._key_file} cannot be made: {error.strerror}") from None


def sealed_for(session: Session, box: SecretBox | None, text: str, *, anew: bool = False) -> str:
    """Sealed for the store of this transaction. Where its key is missing no other is made, which would lock
    out all that was sealed before, unless this has just been entered `anew`: the way out when the key is
    lost. Raises SecretsError."""
    if box is None:
        raise SecretsError(_NO_BOX)
    if not anew and not box.has_key and any(_something(session, column) for column in _SEALED):
        box.open("")  # says which file is missing
    return box.seal(text)


def opened_with(box: SecretBox | None, sealed: str) -> str:
    """Raises SecretsError."""
    if box is None:
        raise SecretsError(_NO_BOX)
    return box.open(sealed)


def _something(session: Session, column: InstrumentedAttribute[str]) -> bool:
    return session.scalar(select(column).where(column != "").limit(1)) is not None
