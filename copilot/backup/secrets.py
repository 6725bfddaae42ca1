"""Takes the secrets out of a settings file: a backup may lie where they must not."""

import re
import tomllib
from collections.abc import Iterator
from typing import Any

LEFT_OUT = "LEFT-OUT-OF-THE-BACKUP"
KEYS = frozenset(("password", "api_key", "client_secret", "secret"))
IN_URL = re.compile(r"://[^:/@\s]*:([^@\s]+)@")


def without_secrets(text: str) -> str | None:
    """The same TOML without its secrets; None where they cannot be taken out for sure."""
    for secret in set(_secrets(tomllib.loads(text))):
        for mark in ('"', "'"):
            text = text.replace(f"{mark}{secret}{mark}", f"{mark}{LEFT_OUT}{mark}")
        text = text.replace(f":{secret}@", f":{LEFT_OUT}@")
    left = set(_secrets(tomllib.loads(text))) - {LEFT_OUT, ""}
    return None if left else text


def _secrets(content: Any, key: str = "") -> Iterator[str]:
    if isinstance(content, dict):
        for name, value in content.items():
            yield from _secrets(value, name)
    elif isinstance(content, list):
        for value in content:
            yield from _secrets(value, key)
    elif isinstance(content, str):
        if key in KEYS:
            yield content
        yield from IN_URL.findall(content)
