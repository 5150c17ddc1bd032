"""Passwords of sources: encrypted in the table, by a key that is in no table.

The key is GEOPORTAL_SOURCES_KEY or, without it, derived from the secret key of the site. A source whose secret was
written under another key is a source without one: its steward types it again.
"""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.utils.translation import gettext as _

from layers.sources.errors import SourceRefused
from layers.sources.models import Source


def sealed(secret: str) -> str:
    """A secret as it is kept; empty for none."""
    return _box().encrypt(secret.encode()).decode() if secret else ""


def opened(kept: str) -> str:
    """A kept secret in clear. Raises SourceRefused when the key of the site is not the one it was kept under."""
    if not kept:
        return ""
    try:
        return _box().decrypt(kept.encode()).decode()
    except InvalidToken as error:
        raise SourceRefused(
            _("La chiave del sito è cambiata: scrivere di nuovo la password di questa fonte.")
        ) from error


def credentials_of(source: Source) -> str:
    """As `fetch` takes them: "name:password", a bare token, or nothing. Raises SourceRefused."""
    secret = opened(source.secret)
    return f"{source.user_name}:{secret}" if source.user_name else secret


def _box() -> Fernet:
    given = settings.SOURCES_KEY or settings.SECRET_KEY
    derive = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"geoportal sources")
    return Fernet(base64.urlsafe_b64encode(derive.derive(given.encode())))
