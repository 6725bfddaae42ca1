"""A signed and encrypted channel to a server whose certificate is known beforehand."""

from dataclasses import dataclass
from pathlib import Path

from asyncua.client.client import Client
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256
from asyncua.crypto.uacrypto import CertProperties
from cryptography import x509

from copilot_tools.errors import Unavailable


@dataclass(frozen=True, slots=True)
class ChannelSecurity:
    """Our own certificate and key, and the one certificate that the server may have (PEM or DER).

    A server with another certificate cannot read what we send: it is no partner, whatever its
    address says. The application URI of our certificate is the one we go by.
    """

    certificate: Path
    private_key: Path
    server_certificate: Path


async def secure(client: Client, security: ChannelSecurity) -> None:
    """Make a client, before it connects, sign and encrypt (Basic256Sha256).

    Raises Unavailable when a file cannot be read or is not what it should be.
    """
    try:
        client.application_uri = _application_uri(security.certificate)
        await client.set_security(
            SecurityPolicyBasic256Sha256,
            certificate=CertProperties(security.certificate),
            private_key=CertProperties(security.private_key),
            server_certificate=CertProperties(security.server_certificate),
        )
    except (OSError, ValueError, TypeError) as error:
        raise Unavailable("the OPC UA channel", f"its certificates cannot be used: {error}") from (
            error
        )


def _application_uri(file: Path) -> str:
    """What a server expects us to call ourselves; raises ValueError without one."""
    content = file.read_bytes()
    pem = content.startswith(b"-----")
    certificate = (
        x509.load_pem_x509_certificate(content) if pem else x509.load_der_x509_certificate(content)
    )
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        raise ValueError(f"{file} names no application URI") from None
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    if not uris:
        raise ValueError(f"{file} names no application URI")
    return str(uris[0])
