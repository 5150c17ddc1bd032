"""Sending JSON to a web address that the operator allowed: no other host, no redirect, one resolution of the name.

The name is resolved once and the connection goes to that address, so that a name cannot answer something harmless when
it is checked and something internal when it is used.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import ipaddress
import socket
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

TIMEOUT_S = 10.0
_MOST_BYTES = 4096


class WebhookRefused(Exception):
    """The address is not allowed; the text says why."""


class WebhookFailed(Exception):
    """The other side did not take it; the text says what it answered."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A checked address and the IP address to connect to."""

    scheme: str
    host: str
    port: int
    path: str
    ip: str


def origin_of(url: str) -> str:
    """Scheme, host and port as they stand in the allow-list, port left out when it is the scheme's own.

    Raises WebhookRefused for anything but an http(s) address without user name and fragment.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise WebhookRefused(f"{url!r} is not a web address: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.fragment:
        raise WebhookRefused(f"{url!r} must be an http or https address without user name and fragment")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    usual = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in (None, usual) else "")


def check_allowed(url: str) -> None:
    """Raise WebhookRefused when the operator's allow-list does not name this address's origin."""
    origin = origin_of(url)
    if origin not in {origin_of(allowed) for allowed in settings.WEBHOOK_ORIGINS}:
        raise WebhookRefused(f"{origin} is not in GEOPORTAL_WEBHOOK_ORIGINS: ask whoever operates the portal to add it")


def destination(url: str) -> Destination:
    """Check the address and resolve its name once. A name may only stand for public addresses.

    An address written as digits in the allow-list is the operator's own word and may be internal.
    """
    check_allowed(url)
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or {"http": 80, "https": 443}[parts.scheme]
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        return Destination(parts.scheme, host, port, path, str(ipaddress.ip_address(host)))
    except ValueError:
        pass
    try:
        found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except OSError as error:
        raise WebhookFailed(f"the name {host} cannot be resolved: {error}") from error
    inner = [ip for ip in found if not ipaddress.ip_address(ip).is_global]
    if inner or not found:
        raise WebhookRefused(f"{host} stands for {inner[0] if inner else 'no address'}, which is not a public address")
    return Destination(parts.scheme, host, port, path, found[0])


def signature(secret: str, stamp: str, body: bytes) -> str:
    """HMAC-SHA256 over `<stamp>.<body>`, as the receiver computes it."""
    return "sha256=" + hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def post(url: str, body: bytes, headers: dict[str, str]) -> int:
    """POST a JSON body. Returns the status, always 2xx. Raises WebhookRefused and WebhookFailed."""
    where = destination(url)
    try:
        connection = _connection(where)
    except OSError as error:
        raise WebhookFailed(f"{where.host}: {type(error).__name__}: {error}") from error
    try:
        connection.request("POST", where.path, body, {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        text = answer.read(_MOST_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise WebhookFailed(f"{where.host}: {type(error).__name__}: {error}") from error
    finally:
        connection.close()
    if not 200 <= answer.status < 300:
        raise WebhookFailed(f"{where.host} answered {answer.status}: {text[:120]!r}")
    return answer.status


def _connection(where: Destination) -> http.client.HTTPConnection:
    """A connection to the checked IP address that still speaks for the host's name (SNI, certificate, Host)."""
    connection: http.client.HTTPConnection
    if where.scheme == "https":
        connection = http.client.HTTPSConnection(where.host, where.port, timeout=TIMEOUT_S)
    else:
        connection = http.client.HTTPConnection(where.host, where.port, timeout=TIMEOUT_S)
    plain = socket.create_connection((where.ip, where.port), timeout=TIMEOUT_S)
    if where.scheme == "https":
        connection.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=where.host)
    else:
        connection.sock = plain
    return connection
