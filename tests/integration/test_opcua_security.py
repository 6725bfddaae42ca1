"""A signed and encrypted channel: to the one server that is known, and to no other."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from socket import socket

import pytest
from asyncua import Server, ua
from asyncua.crypto.cert_gen import setup_self_signed_certificate
from cryptography.x509.oid import ExtendedKeyUsageOID

from copilot.settings import OpcUaSettings
from copilot_tools.errors import Unavailable
from copilot_tools.facts import Quality
from copilot_tools.site.model import Node
from copilot_tools.sources.opcua import OpcUaTelemetry
from copilot_tools.sources.opcua_security import ChannelSecurity

URI = "urn:guarded"
FLOW = Node(URI, "s=flow")
SECURE = ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt


async def certify(folder: Path, name: str, usage: object) -> tuple[Path, Path]:
    """A certificate and its key, made for the application `urn:test:<name>`."""
    certificate, key = folder / f"{name}.der", folder / f"{name}.pem"
    await setup_self_signed_certificate(
        key, certificate, f"urn:test:{name}", "localhost", [usage], {"commonName": name}
    )
    return certificate, key


@asynccontextmanager
async def server(folder: Path, name: str, port: int) -> AsyncIterator[str]:
    """A server that talks to nobody in the clear."""
    certificate, key = await certify(folder, name, ExtendedKeyUsageOID.SERVER_AUTH)
    running = Server()
    await running.init()
    running.set_endpoint(f"opc.tcp://127.0.0.1:{port}/")
    await running.set_application_uri(f"urn:test:{name}")
    running.set_security_policy([SECURE])
    await running.load_certificate(certificate)
    await running.load_private_key(key)
    index = await running.register_namespace(URI)
    await running.nodes.objects.add_variable(ua.NodeId("flow", index), f"{index}:flow", 50.0)
    async with running:
        yield f"opc.tcp://127.0.0.1:{port}/"


@pytest.fixture
def port() -> int:
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


async def ask(url: str, security: ChannelSecurity | None) -> Quality:
    telemetry = OpcUaTelemetry(url, timeout_s=5.0, security=security)
    try:
        (reading,) = await telemetry.read([FLOW])
    finally:
        await telemetry.close()
    return reading.quality


async def test_the_server_that_is_known_is_read_in_secret(tmp_path: Path, port: int):
    certificate, key = await certify(tmp_path, "reader", ExtendedKeyUsageOID.CLIENT_AUTH)
    async with server(tmp_path, "plant", port) as url:
        known = ChannelSecurity(certificate, key, tmp_path / "plant.der")
        assert await ask(url, known) is Quality.GOOD
        with pytest.raises(Unavailable):
            await ask(url, None)


async def test_a_server_with_a_new_certificate_is_nobody(tmp_path: Path, port: int):
    certificate, key = await certify(tmp_path, "reader", ExtendedKeyUsageOID.CLIENT_AUTH)
    await certify(tmp_path, "plant", ExtendedKeyUsageOID.SERVER_AUTH)
    known = ChannelSecurity(certificate, key, tmp_path / "plant.der")
    (tmp_path / "other").mkdir()
    async with server(tmp_path / "other", "plant", port) as url:
        with pytest.raises(Unavailable):
            await ask(url, known)


@pytest.mark.parametrize("content", [None, b"", b"no certificate at all"])
async def test_files_that_are_no_certificates_are_one_clear_line(
    tmp_path: Path, port: int, content: bytes | None
):
    certificate, key = await certify(tmp_path, "reader", ExtendedKeyUsageOID.CLIENT_AUTH)
    file = tmp_path / "plant.der"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(Unavailable, match="certificates cannot be used") as error:
        await ask(f"opc.tcp://127.0.0.1:{port}/", ChannelSecurity(certificate, key, file))
    assert "\n" not in str(error.value)


def test_a_channel_is_secured_with_all_three_files_or_none(tmp_path: Path):
    with pytest.raises(ValueError, match="go together"):
        OpcUaSettings(certificate=tmp_path / "own.der")
    assert OpcUaSettings().security() is None
    files = {name: Path(name) for name in ("certificate", "private_key", "server_certificate")}
    found = OpcUaSettings(**files).anchored(tmp_path).security()
    assert found == ChannelSecurity(*(tmp_path / name for name in files))
