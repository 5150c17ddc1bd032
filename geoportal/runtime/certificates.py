"""A certification authority of the instance's own, and the broker's certificate under it.

Devices know the broker by the CA alone, so that its certificate can be renewed without touching any of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CA_LIFE = timedelta(days=3653)
SERVER_LIFE = timedelta(days=397)
RENEW_BEFORE = timedelta(days=60)
RENEWAL_LOOK_S = 12 * 3600.0
_SLACK = timedelta(hours=1)
"""A device's clock may be a little behind ours."""


class CertificateError(Exception):
    """The certificates cannot be made or used; the text says which file and what to do."""


@dataclass(frozen=True, slots=True)
class Certificates:
    """`ca.pem`, `server.pem` and `server.key` in one folder; `ca.key`, which the broker never needs, in another."""

    folder: Path
    ca_folder: Path
    names: tuple[str, ...]
    """Host names and addresses by which devices find the broker."""
    life: timedelta = SERVER_LIFE
    renew_before: timedelta = RENEW_BEFORE

    @property
    def ca(self) -> Path:
        return self.folder / "ca.pem"

    @property
    def server(self) -> Path:
        return self.folder / "server.pem"

    @property
    def server_key(self) -> Path:
        return self.folder / "server.key"

    @property
    def ca_key(self) -> Path:
        return self.ca_folder / "ca.key"

    def ensure(self, now: datetime | None = None) -> bool:
        """Make what is missing, and a new broker's certificate when the old one nears its end or lacks a name.

        Returns whether the broker's certificate is a new one. Raises CertificateError.
        """
        now = now or datetime.now(UTC)
        try:
            for folder in (self.folder, self.ca_folder):
                folder.mkdir(parents=True, exist_ok=True)
            if not self.ca.exists() and not self.ca_key.exists():
                self._make_ca(now)
            if self._is_good(now):
                return False
            self._make_server(now)
        except (OSError, ValueError) as error:
            raise CertificateError(f"the broker's certificates in {self.folder}: {error}") from error
        return True

    def _make_ca(self, now: datetime) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name("Geoportale Cremona: dispositivi")
        usage = _usage(signs_certificates=True)
        certificate = (
            x509.CertificateBuilder(issuer_name=name, subject_name=name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _SLACK)
            .not_valid_after(now + CA_LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        _write(self.ca_key, _key_bytes(key), 0o600)
        _write(self.ca, certificate.public_bytes(serialization.Encoding.PEM), 0o644)

    def _make_server(self, now: datetime) -> None:
        ca, ca_key = self._load_ca()
        end = min(now + self.life, ca.not_valid_after_utc)
        if end <= now:
            raise ValueError(f"{self.ca} ended on {ca.not_valid_after_utc:%Y-%m-%d}: remove it and enrol devices again")
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            x509.CertificateBuilder(issuer_name=ca.subject, subject_name=_name(self.names[0]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _SLACK)
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName([_alternative(one) for one in self.names]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
            .sign(ca_key, hashes.SHA256())
        )
        # The key first: a broker that starts in between finds no pair, and starts again.
        _write(self.server_key, _key_bytes(key), 0o600)
        _write(self.server, certificate.public_bytes(serialization.Encoding.PEM), 0o644)

    def _load_ca(self) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        if not (self.ca.exists() and self.ca_key.exists()):
            raise ValueError(f"{self.ca} and {self.ca_key} belong together, and one is missing: restore it")
        key = serialization.load_pem_private_key(self.ca_key.read_bytes(), password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError(f"{self.ca_key} holds no elliptic-curve key")
        return x509.load_pem_x509_certificate(self.ca.read_bytes()), key

    def _is_good(self, now: datetime) -> bool:
        """Whether the present certificate is by our CA, for these names, and holds long enough."""
        if not (self.server.exists() and self.server_key.exists() and self.ca.exists()):
            return False
        with contextlib.suppress(ValueError, x509.ExtensionNotFound):
            held = x509.load_pem_x509_certificate(self.server.read_bytes())
            ca = x509.load_pem_x509_certificate(self.ca.read_bytes())
            names = held.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            key = serialization.load_pem_private_key(self.server_key.read_bytes(), password=None)
            last_of_ca = held.not_valid_after_utc >= ca.not_valid_after_utc > now
            return (
                held.issuer == ca.subject
                and _signed_by(held, ca)
                and list(names) == [_alternative(one) for one in self.names]
                and key.public_key() == held.public_key()
                and (held.not_valid_after_utc - now > self.renew_before or last_of_ca)
            )
        return False


async def keep_renewed(
    certificates: Certificates, renewed: Callable[[], None], say: Callable[[str], None], look_s: float = RENEWAL_LOOK_S
) -> None:
    """Look now and then whether the broker's certificate nears its end; `renewed` is called when there is a new one."""
    while True:
        await asyncio.sleep(look_s)
        try:
            if await asyncio.to_thread(certificates.ensure):
                renewed()
                say("The broker has a new certificate.")
        except CertificateError as error:
            say(str(error))


def _signed_by(certificate: x509.Certificate, ca: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(ca)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:64])])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _key_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(pem, pkcs8, serialization.NoEncryption())


def _write(path: Path, content: bytes, mode: int) -> None:
    """Whole or not at all, and never readable by others for a moment."""
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.chmod(mode)
    draft.replace(path)


def names_of(*groups: Sequence[str]) -> tuple[str, ...]:
    """Names in order, each once, without those that no certificate can hold."""
    given = (name.strip() for group in groups for name in group)
    return tuple(dict.fromkeys(name for name in given if name and name not in ("0.0.0.0", "::", "*")))  # noqa: S104
