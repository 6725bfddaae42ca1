"""Listens, speaks TLS where it is told to, and ends in good order: streams first, turns next."""

import asyncio
import signal
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from ipaddress import ip_address
from pathlib import Path
from socket import AF_INET, AF_INET6, create_server, socket

import uvicorn
from fastapi import FastAPI

from copilot.app import Copilot
from copilot.settings import Settings, WebSettings
from copilot.web.application import create_application
from copilot.web.live.streams import end_streams
from copilot.web.services import open_services
from copilot.web.watch.watching import Watch
from copilot_tools.errors import Failed, Unavailable

PATIENCE_S = 2  # for requests that are being answered, and as much again for turns
EVERYWHERE = ("0.0.0.0", "::")


class Server(uvicorn.Server):
    """A server that leaves signals to others, and ends its streams when it is told to stop."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up, self.told, self.ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    @property
    def watch(self) -> Watch:
        """What its application watches itself with."""
        assert isinstance(self.config.app, FastAPI)
        watch: Watch = self.config.app.state.watch
        return watch

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Touch no signal handler: whoever runs the server tells it to stop."""
        yield

    async def serve(self, sockets: list[socket] | None = None) -> None:
        """Serve until told to stop."""
        try:
            await super().serve(sockets)
        finally:
            for event in (self.up, self.told, self.ended):
                event.set()

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Begin to take requests."""
        await super().startup(sockets)
        self.up.set()

    def stop(self) -> None:
        """Stop in good order; when told so again, at once."""
        self.force_exit = self.should_exit
        self.should_exit = True
        self.told.set()

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """End the streams, which would never end by themselves, then everything else."""
        assert isinstance(self.config.app, FastAPI)
        end_streams(self.config.app)
        await super().shutdown(sockets)


def check_listening(web: WebSettings, insecure: bool = False) -> None:
    """Raise Failed where passwords would cross a network in the clear, or TLS cannot work."""
    if web.certificate and web.private_key:
        _check_certificate(web.certificate, web.private_key)
        return
    if insecure or web.trusted_proxies or _is_loopback(web.host):
        return
    raise Failed(
        f"{web.host} can be reached by others, and without TLS passwords would cross the network "
        "in the clear: set [web] certificate and private_key (`copilot certificate` makes them), "
        "or trusted_proxies where a proxy speaks TLS, or give --insecure"
    )


def listen(web: WebSettings) -> socket:
    """A socket that listens; raises Unavailable where address or port cannot be had."""
    family = AF_INET6 if ":" in web.host else AF_INET
    try:
        return create_server((web.host, web.port), family=family, backlog=2048)
    except OSError as error:
        said = str(error.strerror).partition(" (while")[0]
        why = f"{said}; choose another with --port or [web] port"
        raise Unavailable(f"port {web.port} of {web.host}", why) from None


def address(web: WebSettings, listening: socket) -> str:
    """Where people find the pages."""
    name = web.hosts[0] if web.hosts else "localhost" if web.host in EVERYWHERE else web.host
    scheme = "https" if web.certificate else "http"
    shown = f"[{name}]" if ":" in name else name
    return f"{scheme}://{shown}:{listening.getsockname()[1]}/"


def with_own_name(settings: Settings) -> Settings:
    """The same settings, answering also to the address that is listened on."""
    web = settings.web
    if web.host in EVERYWHERE or web.host in web.hosts:
        return settings
    hosts = (*web.hosts, f"[{web.host}]" if ":" in web.host else web.host)
    return settings.model_copy(update={"web": web.model_copy(update={"hosts": hosts})})


@asynccontextmanager
async def serving(
    settings: Settings, copilot: Copilot, listening: socket, guests: tuple[str, ...] = ()
) -> AsyncIterator[Server]:
    """The pages, served beside whatever else goes on until this ends."""
    services = open_services(settings, copilot, guests)
    services.runs.patience_s = PATIENCE_S
    app = create_application(services)
    server = Server(_configuration(app, settings.web))
    task = asyncio.create_task(server.serve([listening]))
    await server.up.wait()
    try:
        yield server
    finally:
        server.should_exit = True
        await task


async def serve(
    settings: Settings, copilot: Copilot, listening: socket, guests: tuple[str, ...] = ()
) -> None:
    """Print "ready" and the address, and serve until SIGTERM or SIGINT.

    A second one ends everything at once.
    """
    async with serving(settings, copilot, listening, guests) as server:
        with _told_by_signals(server):
            print(f"ready {address(settings.web, listening)}", flush=True)
            async with server.watch.warming(copilot):
                await server.told.wait()
            await server.ended.wait()


@contextmanager
def _told_by_signals(server: Server) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGTERM, signal.SIGINT)
    for number in numbers:
        try:
            loop.add_signal_handler(number, server.stop)
        except NotImplementedError:  # Windows has no such handlers in its loops
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(server.stop))
    try:
        yield
    finally:
        for number in numbers:
            with suppress(NotImplementedError):
                loop.remove_signal_handler(number)


def _configuration(app: FastAPI, web: WebSettings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_config=None,  # what it logs goes where ours goes
        access_log=False,
        server_header=False,
        lifespan="on",
        proxy_headers=bool(web.trusted_proxies),
        forwarded_allow_ips=list(web.trusted_proxies),
        ssl_certfile=web.certificate,
        ssl_keyfile=web.private_key,
        timeout_graceful_shutdown=PATIENCE_S,
    )


def _check_certificate(certificate: Path, key: Path) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except OSError as error:
        why = error.strerror or str(error)
        raise Failed(f"{certificate} and {key} cannot be used for TLS: {why}") from None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
