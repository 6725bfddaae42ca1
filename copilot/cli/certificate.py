"""`copilot certificate`: a certificate for `copilot serve` where the site has no authority."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from copilot_tools.errors import Failed

DAYS = 820  # browsers take no longer ones
EARLY = timedelta(hours=1)  # clocks of terminals are not exact
FILES = ("authority.pem", "server.pem", "server.key")

TRUST = """\
Made in {folder}:
  authority.pem  the authority; every browser has to be told to trust it
  server.pem     the certificate for {hosts}, good until {until:%Y-%m-%d}
  server.key     its key; leave it where it is
The key of the authority was not kept: nobody can sign anything else with it.

In copilot.toml:
  [web]
  host = "0.0.0.0"
  hosts = [{quoted}]
  certificate = "{folder}/server.pem"
  private_key = "{folder}/server.key"

To trust it (once a machine), with a copy of authority.pem:
  Windows   certutil -addstore -f Root authority.pem
  Debian    copy it to /usr/local/share/ca-certificates/copilot.crt, then update-ca-certificates
  Chromium  Settings > Privacy and security > Security > Manage certificates > import
  Firefox   Settings > Privacy & Security > View Certificates > Authorities > Import"""


def run_certificate(hosts: Sequence[str], folder: Path) -> int:
    """Make the files, which belong to their owner alone, and say how to trust them; exit code 0.

    Raises Failed where one of them is there already: nothing is ever overwritten.
    """
    present = [name for name in FILES if (folder / name).exists()]
    if present:
        raise Failed(f"{folder / present[0]} is there already; give another --folder")
    until = datetime.now(UTC) + timedelta(days=DAYS)
    authority, server, key = _issue(hosts, until)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, content in zip(FILES, (authority, server + authority, key), strict=True):
        _write(folder / name, content)
    quoted = ", ".join(f'"{host}"' for host in hosts)
    where = folder.absolute()
    print(TRUST.format(folder=where, hosts=", ".join(hosts), until=until, quoted=quoted))
    return 0


def _issue(hosts: Sequence[str], until: datetime) -> tuple[bytes, bytes, bytes]:
    """Authority, certificate and the certificate's key, as PEM."""
    names = x509.SubjectAlternativeName([_name(host) for host in hosts])
    top_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    top = _called("Industrial copilot, own authority")
    signs = x509.KeyUsage(
        digital_signature=False, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=True, crl_sign=True,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
    identifier = x509.SubjectKeyIdentifier.from_public_key(top_key.public_key())
    authority = (
        _begin(top, top, top_key, until)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(signs, critical=True)
        .add_extension(identifier, critical=False)
        .sign(top_key, hashes.SHA256())
    )
    issuer = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)
    server = (
        _begin(_called(hosts[0]), top, key, until)
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(issuer, critical=False)
        .sign(top_key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    pem = serialization.Encoding.PEM
    return authority.public_bytes(pem), server.public_bytes(pem), secret


def _begin(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, until: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - EARLY)
        .not_valid_after(until)
    )


def _called(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        pass
    try:
        return x509.DNSName(host)
    except ValueError:
        raise Failed(f"{host!r} is no name of a machine; write it in ASCII (IDNA)") from None


def _write(path: Path, content: bytes) -> None:
    """A new file for its owner alone."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
