"""The key that signs checkpoints: made at first use, readable by the executor's account alone."""

import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from copilot_tools.errors import Failed

_END = "-----END PUBLIC KEY-----"


class SigningKey:
    """An Ed25519 key in a file of mode 0600; `public_pem` is what everybody else may have."""

    def __init__(self, private: Ed25519PrivateKey, public_pem: str) -> None:
        self._private = private
        self.public_pem = public_pem
        self.id = key_id(private.public_key())

    @classmethod
    def open(cls, path: Path) -> "SigningKey":
        """The key in `path`, made when there is none; `<path>.pub` holds its public half.

        A replaced key adds to that file, so that what the older one signed can still be checked.
        Raises Failed when others may read the key, or it is no Ed25519 key.
        """
        if not path.exists():
            _make(path)
        if path.stat().st_mode & 0o077:
            raise Failed(f"{path}: other accounts may read this key; chmod 600 it")
        try:
            private = load_pem_private_key(path.read_bytes(), None)
        except (ValueError, TypeError):
            raise Failed(f"{path}: is no private key") from None
        if not isinstance(private, Ed25519PrivateKey):
            raise Failed(f"{path}: is no Ed25519 key")
        return cls(private, _publish(private, path.with_name(f"{path.name}.pub")))

    def sign(self, text: str) -> str:
        """The signature of a text as UTF-8, 128 hexadecimal digits."""
        return self._private.sign(text.encode("utf-8")).hex()


def key_id(public: Ed25519PublicKey) -> str:
    """What checkpoints call a key: the first 16 digits of the SHA-256 of its 32 bytes."""
    raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return hashlib.sha256(raw).hexdigest()[:16]


def read_public_keys(pem: str) -> dict[str, Ed25519PublicKey]:
    """The keys of a PEM text by their id; raises Failed when it holds none."""
    keys = {}
    for block in pem.split(_END)[:-1]:
        try:
            key = load_pem_public_key(f"{block.strip()}\n{_END}\n".encode())
        except ValueError:
            raise Failed("the public key is damaged") from None
        if isinstance(key, Ed25519PublicKey):
            keys[key_id(key)] = key
    if not keys:
        raise Failed("there is no Ed25519 public key in it")
    return keys


def is_signed(text: str, signature: str, name: str, keys: Mapping[str, Ed25519PublicKey]) -> bool:
    """Whether the key called `name` signed this text."""
    try:
        keys[name].verify(bytes.fromhex(signature), text.encode("utf-8"))
    except (KeyError, TypeError, ValueError, InvalidSignature):
        return False
    return True


def _make(path: Path) -> None:
    """A new key, there as a whole or not at all, also when two processes start at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pem = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    descriptor, draft = tempfile.mkstemp(dir=path.parent)  # mkstemp makes it 0600
    try:
        with open(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        os.unlink(draft)


def _publish(private: Ed25519PrivateKey, path: Path) -> str:
    pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    ours, known = pem.decode("ascii"), path.read_text("ascii") if path.exists() else ""
    if ours not in known:
        path.write_text(known + ours, encoding="ascii")
    return known if ours in known else known + ours
