"""Where to go after signing in or choosing something: a page of this server, or the first one."""

from urllib.parse import urlsplit


def way_back(wanted: str) -> str:
    """The wanted path when it is one of ours, else "/"; nobody is sent to another site."""
    parts = urlsplit(wanted)
    ours = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    return wanted if ours and not parts.scheme and not parts.netloc and "\\" not in wanted else "/"
