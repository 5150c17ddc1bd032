"""What a device says to the centre over HTTP: its enrolment, and the pictures that commands ask for."""

from __future__ import annotations

import asyncio
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from geoportal.messaging.device.commands import CommandError, Unsupported

_WAIT_S = 20.0
_MOST_BYTES = 200_000


class CentreError(Exception):
    """The centre did not take it; the text says which address, and what it or the network said."""

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status


def context_of(ca: str) -> ssl.SSLContext:
    """TLS that checks the server by one CA, or by the system's. `ca`: PEM text, the path of such a file, or empty."""
    if ca.startswith("-----BEGIN"):
        return ssl.create_default_context(cadata=ca)
    return ssl.create_default_context(cafile=ca or None)


def ask(method: str, url: str, body: bytes, headers: Mapping[str, str], ca: str = "") -> bytes:
    """One request; the body of a 2xx answer. Redirections are not followed. Raises CentreError."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise CentreError(f"{url!r} is no address of the portal: it must begin with https:// or http://")
    request = urllib.request.Request(url, data=body, method=method, headers=dict(headers))  # noqa: S310 - checked above
    try:
        opener = urllib.request.build_opener(_Stay, urllib.request.HTTPSHandler(context=context_of(ca)))
        with opener.open(request, timeout=_WAIT_S) as answer:
            content: bytes = answer.read(_MOST_BYTES)
    except urllib.error.HTTPError as error:
        with error:
            raise CentreError(_words(url, error.code, error.read(_MOST_BYTES)), error.code) from error
    except ssl.SSLCertVerificationError as error:
        raise CentreError(f"the certificate of {parts.netloc} is not trusted: {error.verify_message}") from error
    except (OSError, ValueError) as error:
        why = getattr(error, "reason", None) or error
        raise CentreError(f"{parts.netloc} does not answer: {why}") from error
    return content


async def hand_in(portal: str, arguments: Mapping[str, Any], image: bytes, ca: str = "") -> str:
    """Give the centre the picture that an order asked for (contract §1.5). What the operator should read.

    Raises Unsupported, CommandError.
    """
    if not portal:
        raise Unsupported("centre.url is not configured: the picture could not be handed in")
    headers = {"Content-Type": "image/jpeg", "X-Upload-Key": str(arguments["upload_key"])}
    where = f"{portal.rstrip('/')}{arguments['upload_path']}"
    try:
        await asyncio.to_thread(ask, "PUT", where, image, headers, ca)
    except CentreError as error:
        raise CommandError(f"the picture was not taken: {error}") from error
    return f"{len(image)} bytes handed in"


class _Stay(urllib.request.HTTPRedirectHandler):
    """A password or a picture goes to the address that was given, and nowhere else."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _words(url: str, status: int, body: bytes) -> str:
    try:
        said = json.loads(body)["detail"]
    except (ValueError, KeyError, TypeError):
        said = "no reason given"
    return f"{urlsplit(url).netloc} answers {status}: {said}"
