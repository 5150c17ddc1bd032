"""An access point with OpenWrt asked over HTTP for its NetJSON DeviceMonitoring document.

The document names clients, leases and neighbours; `wifi.netjson.document` reads numbers only, and the rest of it never
leaves this function.
"""

from __future__ import annotations

import logging
import urllib.error
import urllib.request
from typing import Any

from geoportal.messaging.messages import MalformedMessage
from wifi.netjson import document

logger = logging.getLogger("geoportal.device")
_WAIT_S = 8.0


class _Stay(urllib.request.HTTPRedirectHandler):
    """Only the configured address is asked."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def fetch(address: str) -> dict[str, Any]:
    """The measurements by the contract's names; empty when the access point does not answer so, which is logged."""
    try:
        opener = urllib.request.build_opener(_Stay)
        with opener.open(address, timeout=_WAIT_S) as answer:
            body = answer.read(document.MAX_BYTES + 1)
        return document.measurements(document.read(body))
    except (OSError, ValueError, MalformedMessage) as error:
        logger.warning("%s gives no NetJSON: %s", address, error)
        return {}
