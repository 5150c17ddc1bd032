"""The instance's own CA and the broker's certificate under it, looked at by OpenSSL."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from geoportal.runtime.certificates import CertificateError, Certificates, names_of

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def made(tmp_path: Path) -> Certificates:
    certificates = Certificates(tmp_path / "tls", tmp_path / "ca", ("broker.example", "127.0.0.1"))
    assert certificates.ensure(NOW) is True
    return certificates


def openssl(*words: object) -> str:
    result = subprocess.run(["openssl", *map(str, words)], capture_output=True, text=True)
    return result.stdout + result.stderr


def verified(made: Certificates, at: datetime, *more: str) -> bool:
    time = ("-attime", str(int(at.timestamp())))
    words = openssl("verify", *time, *more, "-purpose", "sslserver", "-CAfile", made.ca, made.server)
    return words.strip().endswith("OK")


def test_the_certificate_holds_for_its_names_and_no_other(made: Certificates) -> None:
    assert verified(made, NOW, "-verify_hostname", "broker.example")
    assert verified(made, NOW, "-verify_ip", "127.0.0.1")
    assert not verified(made, NOW, "-verify_hostname", "other.example")
    assert not verified(made, NOW + timedelta(days=400))


def test_keys_are_for_their_owner_alone(made: Certificates) -> None:
    for key in (made.ca_key, made.server_key):
        assert key.stat().st_mode & 0o777 == 0o600
    assert b"PRIVATE" not in made.ca.read_bytes() + made.server.read_bytes()
    assert "CA:TRUE, pathlen:0" in openssl("x509", "-in", made.ca, "-noout", "-text")


def test_nothing_is_made_again_until_its_end_is_near(made: Certificates) -> None:
    ca, server = made.ca.read_bytes(), made.server.read_bytes()
    assert made.ensure(NOW + timedelta(days=300)) is False
    assert made.server.read_bytes() == server
    later = NOW + timedelta(days=340)
    assert made.ensure(later) is True
    assert made.server.read_bytes() != server
    assert made.ca.read_bytes() == ca
    assert verified(made, later + timedelta(days=390))


def test_a_new_name_makes_a_new_certificate_under_the_same_ca(made: Certificates) -> None:
    renamed = Certificates(made.folder, made.ca_folder, ("new.example",))
    assert renamed.ensure(NOW) is True
    assert verified(renamed, NOW, "-verify_hostname", "new.example")


def test_no_certificate_outlives_its_ca_and_the_last_one_is_not_made_again_and_again(made: Certificates) -> None:
    last_year = NOW + timedelta(days=3600)
    assert made.ensure(last_year) is True
    assert made.ensure(last_year + timedelta(days=20)) is False
    with pytest.raises(CertificateError, match="enrol devices again"):
        made.ensure(NOW + timedelta(days=3700))


def test_half_of_a_ca_is_not_replaced_silently(made: Certificates) -> None:
    made.ca_key.unlink()
    made.server.unlink()
    with pytest.raises(CertificateError, match="belong together"):
        made.ensure(NOW)


def test_a_certificate_of_another_ca_is_replaced(made: Certificates, tmp_path: Path) -> None:
    other = Certificates(tmp_path / "o", tmp_path / "o", made.names)
    other.ensure(NOW)
    made.server.write_bytes(other.server.read_bytes())
    made.server_key.write_bytes(other.server_key.read_bytes())
    assert made.ensure(NOW) is True
    assert verified(made, NOW)


def test_names_are_taken_once_and_wildcard_addresses_are_none() -> None:
    assert names_of(["a", "0.0.0.0", " b "], ["a", "", "::"]) == ("a", "b")
