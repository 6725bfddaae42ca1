"""`copilot serve` as a process: how it begins, what it refuses, and how it ends."""

import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from account_fixture import PASSWORD
from sqlalchemy import create_engine
from typer.testing import CliRunner

from copilot import db
from copilot.accounts.accounts import Accounts
from copilot.actor import Role
from copilot.cli import cli
from copilot.plant import utc_now
from copilot.settings import WebSettings
from copilot.web.serve import check_listening, listen
from copilot_tools.errors import Failed, Unavailable
from copilot_tools.site.load import parse_site
from copilot_tools.sources import tables as plant_tables

LONGEST_S = 300
SITE = """\
[site]
id = "works"
name = "Small works"
time_zone = "Europe/Berlin"
namespace = "urn:works"
[[shift]]
name = "day"
start = 06:00:00
[[area]]
id = "N"
name = "North"
[[asset]]
id = "M-1"
name = "Mixer"
kind = "mixer"
area = "N"
[[asset.signal]]
name = "motor current"
node = "s=M-1.current"
unit = "A"
"""
# No model is loaded and no plant is there: the pages come up all the same.
SETTINGS = """\
plant = "plant.toml"
cache = "{cache}"
[opcua]
url = "opc.tcp://127.0.0.1:1/"
[database]
own = "sqlite:///own.db"
plant = "sqlite:///plant.db"
[model]
kind = "openai"
url = "http://127.0.0.1:1/v1"
name = "none"
[web]
port = 0
"""


class Serving:
    """A server in a process of its own."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        command = [sys.executable, "-m", "copilot", "serve", "--config"]
        self._log = (folder / "serve.log").open("w+")
        self.popen = subprocess.Popen(
            [*command, str(folder / "copilot.toml"), *arguments],
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env={**os.environ, "COPILOT_CONFIG": ""},
        )
        self.said: list[str] = []

    def wait_until_ready(self) -> str:
        """The address it answers at."""
        assert self.popen.stdout is not None
        for line in self.popen.stdout:
            self.said.append(line.strip())
            if line.startswith("ready "):
                return line.removeprefix("ready ").strip()
        raise AssertionError(self.log())

    def log(self) -> str:
        """What it wrote to standard error."""
        self._log.seek(0)
        return self._log.read()

    def wait(self) -> int:
        """Its exit code, once it has ended."""
        return self.popen.wait(LONGEST_S)

    def end(self) -> None:
        """Kill it, when it still runs."""
        if self.popen.poll() is None:
            self.popen.kill()
        self.popen.wait()
        assert self.popen.stdout is not None
        self.popen.stdout.close()
        self._log.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "plant.toml").write_text(SITE, encoding="utf-8")
    text = SETTINGS.format(cache=tmp_path / "cache")
    (tmp_path / "copilot.toml").write_text(text, encoding="utf-8")
    plant = create_engine(f"sqlite:///{tmp_path / 'plant.db'}")
    plant_tables.metadata.create_all(plant)
    plant.dispose()
    return tmp_path


@pytest.fixture
def serving(folder: Path) -> Iterator[Serving]:
    started = Serving(folder)
    yield started
    started.end()


def test_it_comes_up_with_one_administrator_and_ends_well(folder: Path, serving: Serving) -> None:
    url = serving.wait_until_ready()
    password = serving.said[0].split()[-1]
    assert "one-time password" in serving.said[0]
    with httpx2.Client(base_url=url) as client:
        assert client.get("/healthz").json() == {"status": "ok"}
        ready = client.get("/readyz")
        assert ready.status_code == 200
        assert ready.json()["parts"]["opcua"] == "degraded"
        data = {"name": serving.said[0].split()[4].strip(","), "password": password}
        signed_in = client.post("/sign-in", data=data)
        assert signed_in.status_code == 303
    serving.popen.send_signal(signal.SIGTERM)
    assert serving.wait() == 0, serving.log()
    assert password not in serving.log()
    again = Serving(folder)
    try:
        again.wait_until_ready()
        assert again.said[0].startswith("ready")
    finally:
        again.end()


def test_open_streams_do_not_keep_it_up(folder: Path, serving: Serving) -> None:
    engine = db.open_database(f"sqlite:///{folder / 'own.db'}")
    url = serving.wait_until_ready()
    Accounts(engine, parse_site(SITE), utc_now).add(
        "olga", Role.OPERATOR, ["N"], PASSWORD, by="system"
    )
    engine.dispose()
    with httpx2.Client(base_url=url, timeout=60) as client:
        assert client.post("/sign-in", data={"name": "olga", "password": PASSWORD}).is_redirect
        with client.stream("GET", "/events") as stream:
            chunks = stream.iter_raw()
            next(chunks)
            serving.popen.send_signal(signal.SIGTERM)
            for _ in chunks:
                pass
    assert serving.wait() == 0, serving.log()
    assert "Cancel" not in serving.log()


def test_a_second_signal_ends_it_at_once(folder: Path, serving: Serving) -> None:
    url = httpx2.URL(serving.wait_until_ready())
    # A request that never arrives whole would be waited for.
    with socket.create_connection(("127.0.0.1", url.port or 0)) as line:
        form = b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 10\r\n\r\n"
        line.sendall(b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\n" + form)
        serving.popen.send_signal(signal.SIGTERM)
        again = threading.Timer(0.3, lambda: serving.popen.send_signal(signal.SIGINT))
        again.start()
        assert serving.wait() == 0, serving.log()
        again.join()


def test_a_port_that_is_taken_is_one_clear_line() -> None:
    with listen(WebSettings(port=0)) as taken:
        port = taken.getsockname()[1]
        said = f"port {port} of 127.0.0.1 is not reachable: Address already in use; choose another"
        with pytest.raises(Unavailable, match=said):
            listen(WebSettings(port=port))


def test_others_are_not_listened_to_without_tls() -> None:
    with pytest.raises(Failed, match="--insecure"):
        check_listening(WebSettings(host="0.0.0.0"))
    check_listening(WebSettings(host="0.0.0.0"), insecure=True)
    check_listening(WebSettings(host="0.0.0.0", trusted_proxies=("10.0.0.1",)))
    for host in ("127.0.0.1", "::1", "localhost"):
        check_listening(WebSettings(host=host))


def test_a_certificate_that_is_none_is_one_clear_line(tmp_path: Path) -> None:
    files = [tmp_path / "server.pem", tmp_path / "server.key"]
    with pytest.raises(Failed, match="cannot be used for TLS"):
        check_listening(WebSettings(certificate=files[0], private_key=files[1]))
    for file in files:
        file.write_text("nothing", encoding="utf-8")
    with pytest.raises(Failed, match="cannot be used for TLS"):
        check_listening(WebSettings(certificate=files[0], private_key=files[1]))


def test_with_an_own_certificate_it_speaks_tls(folder: Path) -> None:
    files = folder / "tls"
    asked = ["certificate", "--host", "localhost", "--host", "127.0.0.1", "--folder", str(files)]
    made = CliRunner().invoke(cli, asked)
    assert made.exit_code == 0, made.output
    assert "authority.pem" in made.stdout
    assert {path.stat().st_mode & 0o777 for path in files.iterdir()} == {0o600}
    again = CliRunner().invoke(cli, asked)
    assert isinstance(again.exception, Failed)
    assert "already" in str(again.exception)
    lines = 'certificate = "tls/server.pem"\nprivate_key = "tls/server.key"\n'
    with (folder / "copilot.toml").open("a", encoding="utf-8") as file:
        file.write(lines)
    secure = Serving(folder)
    try:
        url = secure.wait_until_ready()
        assert url.startswith("https://127.0.0.1:")
        trust = ssl.create_default_context(cafile=str(files / "authority.pem"))
        with httpx2.Client(base_url=url, verify=trust) as client:
            answer = client.get("/healthz")
            assert "max-age" in answer.headers["Strict-Transport-Security"]
    finally:
        secure.end()


def test_an_address_that_is_not_ours_cannot_be_listened_on() -> None:
    with pytest.raises(Unavailable, match="--port"):
        listen(WebSettings(host="203.0.113.1", port=0))
