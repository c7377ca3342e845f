"""Passwords: hashing and checking with argon2id, and what a password must be. Knows no store."""

from __future__ import annotations

import functools
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_LENGTH = 10
MAX_LENGTH = 200
"""A longer text is no password but an attempt to keep the hasher busy."""

_hasher = PasswordHasher()  # argon2id with the library's current defaults (RFC 9106, low memory)


def hash_password(password: str) -> str:
    return _hasher.hash(password)


def verify_password(password_hash: str | None, password: str) -> bool:
    """Whether `password` belongs to the hash. Without a hash (no such user) it takes as long, and says no."""
    if len(password) > MAX_LENGTH:
        return False
    try:
        return _hasher.verify(password_hash or _nobody(), password) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


@functools.cache
def _nobody() -> str:
    """The hash of a password nobody has; at import it would cost every process a tenth of a second."""
    return _hasher.hash(secrets.token_urlsafe(16))


def is_outdated(password_hash: str) -> bool:
    """Whether the hash was made with weaker figures than today's."""
    return _hasher.check_needs_rehash(password_hash)


def problem_with(password: str, username: str) -> str | None:
    """Why this may not be a new password, or None.

    >>> problem_with("hunter2", "li")
    'a password needs at least 10 characters'
    >>> problem_with("correct horse", "li") is None
    True
    """
    if len(password) < MIN_LENGTH:
        return f"a password needs at least {MIN_LENGTH} characters"
    if len(password) > MAX_LENGTH:
        return f"a password has at most {MAX_LENGTH} characters"
    if len(set(password)) < 5:
        return "a password needs at least 5 different characters"
    if username and username.lower() in password.lower():
        return "a password must not contain the user name"
    return None


def generate_password() -> str:
    """A password for a first log-in, easy to read out: four groups without look-alikes (80 bits)."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(4))
