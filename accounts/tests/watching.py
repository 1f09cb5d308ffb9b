"""What tests look at while a request is answered."""

from typing import Self

from django.contrib.auth.hashers import MD5PasswordHasher
from django.test import override_settings


class CountedHasher(MD5PasswordHasher):
    """Counts how often a password is hashed: with the real hasher, what the time of a login consists of."""

    count = 0

    def encode(self, password: str, salt: str) -> str:
        """Count and hash."""
        type(self).count += 1
        return super().encode(password, salt)


class HashesCounted:
    """Counts the hashes within its block."""

    def __init__(self) -> None:
        self._settings = override_settings(PASSWORD_HASHERS=[f"{__name__}.CountedHasher"])
        self.count = 0

    def __enter__(self) -> Self:
        self._settings.enable()
        CountedHasher.count = 0
        return self

    def __exit__(self, *_: object) -> None:
        self.count = CountedHasher.count
        self._settings.disable()
