"""Passwords: hashed with Argon2id, compared in constant work, never kept."""

import unicodedata
from base64 import b64encode
from itertools import pairwise
from secrets import token_bytes
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from copilot_tools.errors import Retry

SHORTEST = 10
LONGEST = 200
PIN_SHORTEST, PIN_LONGEST = 6, 12
AT_ONCE = 2  # each takes 64 MiB for a while


class Passwords:
    """Hashes and checks passwords; a `hasher` of lower cost and a lower `shortest` are for demos
    and tests.
    """

    def __init__(self, hasher: PasswordHasher | None = None, shortest: int = SHORTEST) -> None:
        self._hasher = hasher or PasswordHasher()
        self._shortest = shortest
        self._free = BoundedSemaphore(AT_ONCE)

    def hash(self, password: str) -> str:
        """What is stored of a password; raises Retry when it is too short or too long."""
        if not self._shortest <= len(password) <= LONGEST:
            raise Retry(f"a password has {self._shortest} to {LONGEST} characters")
        with self._free:
            return self._hasher.hash(_encode(password))

    def hash_pin(self, pin: str) -> str:
        """What is stored of a PIN; raises Retry when it is not 6 to 12 digits, or one of the first
        that anybody would try.
        """
        if not (pin.isascii() and pin.isdecimal() and PIN_SHORTEST <= len(pin) <= PIN_LONGEST):
            raise Retry(f"a PIN has {PIN_SHORTEST} to {PIN_LONGEST} digits")
        if len({(int(b) - int(a)) % 10 for a, b in pairwise(pin)}) == 1:
            raise Retry("a PIN is neither one digit repeated nor digits counted up or down")
        with self._free:
            return self._hasher.hash(_encode(pin))

    def verify(self, stored: str | None, password: str) -> bool:
        """Whether this is the password; an account that is not there (None) costs as much work."""
        with self._free:
            try:
                return self._hasher.verify(stored or self._nobody(), _encode(password[:LONGEST]))
            except (VerificationError, InvalidHashError):
                return False

    def _nobody(self) -> str:
        """A hash of the usual cost that no password is known for."""
        cost = (
            f"m={self._hasher.memory_cost},t={self._hasher.time_cost},p={self._hasher.parallelism}"
        )
        salt, tail = (
            b64encode(token_bytes(length)).rstrip(b"=").decode()
            for length in (self._hasher.salt_len, self._hasher.hash_len)
        )
        return f"$argon2id$v=19${cost}${salt}${tail}"


def _encode(password: str) -> bytes:
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
