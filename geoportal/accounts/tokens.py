"""Access tokens: making them, and finding out who presents one.

A token is presented as the password of HTTP Basic (any user name, or its owner's), which is what QGIS and GDAL offer,
or as `Authorization: Bearer`. It is looked up by its digest in one indexed statement at each request: revocation,
expiry, a changed group and a closed account hold at once in every process, with nothing cached.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.utils import timezone

from geoportal.accounts.models import AccessToken
from geoportal.models import User
from geoportal.sql import queries

SQL = queries("geoportal.accounts", "accounts")
PREFIX = "gpc_"
"""Makes a token that leaked into a file or a log easy to find by a scanner."""
_LONGEST = 400


@dataclass(frozen=True, slots=True)
class Presented:
    """A secret as it came. `scheme` is "basic" or "bearer"; `user_name` is empty for bearer."""

    scheme: str
    user_name: str
    secret: str


def create(user: User, name: str, expires_at: datetime | None) -> tuple[AccessToken, str]:
    """A new token and its secret, which is not kept anywhere."""
    secret = PREFIX + secrets.token_urlsafe(32)
    token = AccessToken(user=user, name=name, digest=_digest(secret), hint=secret[:8], expires_at=expires_at)
    token.full_clean(exclude=["digest"])
    token.save()
    return token, secret


def revoke(token: AccessToken) -> None:
    """Close a token for good; the row stays, so that its past use can be told."""
    AccessToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())


def read_header(header: str) -> Presented | None:
    """The secret in an `Authorization` header; None when there is none of a kind we know (RFC 7617, RFC 6750)."""
    scheme, _, rest = header.partition(" ")
    rest = rest.strip()
    if scheme.lower() == "bearer":
        return Presented("bearer", "", rest[:_LONGEST])
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(rest[:_LONGEST], validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return Presented("basic", "", "")
    return Presented("basic", name, secret)


def find(presented: Presented) -> User | None:
    """The account a token stands for now; None for a wrong, revoked or expired one, or one whose owner is inactive."""
    if not presented.secret.startswith(PREFIX):
        return None
    # The digest of 256 random bits is compared by an index: how long that takes tells nothing of the secret.
    found = next(iter(User.objects.raw(SQL["bearer"], {"digest": _digest(presented.secret)})), None)
    if found is None:
        return None
    user: User = found
    row = user.__dict__
    user.group_names = frozenset(row["held_groups"])
    user.token_id = row["token_id"]
    if row["is_idle"]:
        with connection.cursor() as cursor:
            cursor.execute(SQL["note_use"], {"id": user.token_id})
    return user


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()
