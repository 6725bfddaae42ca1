"""Where to go after signing in or choosing something: a page of this server, or the first one."""

from urllib.parse import urlsplit


def way_back(wanted: str) -> str:
    """The wanted path when it is one of ours, else "/"; nobody is sent to another site."""
    if not wanted.startswith("/") or wanted.startswith("//") or not wanted.isprintable():
        return "/"
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return "/"
    return "/" if parts.scheme or parts.netloc or "\\" in wanted else wanted
