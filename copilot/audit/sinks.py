"""Where checkpoints are pushed to, so that who owns the database does not own its witness."""

import os
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Protocol

LOG_AUDIT_INFO = 13 * 8 + 6  # RFC 5424 §6.2.1: facility "log audit", severity informational
TIMEOUT_S = 3.0


class Sink(Protocol):
    """Takes one line at a time to keep it; raises OSError when it cannot."""

    name: str

    def push(self, line: str) -> None:
        """Hand over a line; what its return proves is said by each kind of sink."""


class FileSink:
    """Lines at the end of a file, on the disk when `push` returns: a mount of another host."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._path = path

    def push(self, line: str) -> None:
        """Append the line and wait for the disk."""
        new = not self._path.exists()
        with self._path.open("ab+") as file:
            torn = not new and not self._ends_with_newline()
            file.write(f"{chr(10) if torn else ''}{line}\n".encode())
            file.flush()
            os.fsync(file.fileno())
        if new:
            self._sync_folder()

    def _ends_with_newline(self) -> bool:
        with self._path.open("rb") as file:
            if not file.seek(0, os.SEEK_END):
                return True
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"

    def _sync_folder(self) -> None:
        """A new file is lost in a power cut unless its folder is written too."""
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


class SyslogSink:
    """Lines to a syslog collector in RFC 5424 form.

    Over TCP each is one octet-counted frame (RFC 6587); over UDP nobody notices a loss.
    """

    def __init__(self, host: str, port: int, transport: Literal["tcp", "udp"]) -> None:
        self.name = f"{transport}://{host}:{port}"
        self._address = (host, port)
        self._transport = transport

    def push(self, line: str) -> None:
        """Send the line. Over TCP its return proves that a collector's machine took the connection
        and this one's kernel took the line; syslog has no answer that says it was read or stored.
        """
        message = _rfc5424(line).encode()
        if self._transport == "tcp":
            with socket.create_connection(self._address, TIMEOUT_S) as connection:
                connection.sendall(f"{len(message)} ".encode() + message)
                connection.shutdown(socket.SHUT_WR)
            return
        family, kind, protocol, _, address = socket.getaddrinfo(
            *self._address, type=socket.SOCK_DGRAM
        )[0]
        with socket.socket(family, kind, protocol) as connection:
            connection.sendto(message, address)


def _rfc5424(line: str) -> str:
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    head = f"<{LOG_AUDIT_INFO}>1 {at} {socket.gethostname()} copilot {os.getpid()} checkpoint -"
    return f"{head} {line}"
