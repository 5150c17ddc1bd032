"""`POST /api/v1/monitoring/device/{devid}/?key=…&time=…&current=true`, the address OpenWISP's agent posts to.

The agent's rules: 200 ends it, 400 lets it throw the document away, anything else lets it send again later.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import logging
from datetime import UTC, datetime

from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from geoportal.monitoring.models import Device
from wifi.models import AccessPoint, NetJsonKey
from wifi.netjson.document import MAX_BYTES
from wifi.netjson.receive import Arrival, StoreAway, receive

logger = logging.getLogger(__name__)

_FORMS = ("%d-%m-%Y_%H:%M:%S.%f", "%d-%m-%Y_%H:%M:%S")
_AT_WORK = (Device.Lifecycle.ACTIVE, Device.Lifecycle.INSTALLED)


@csrf_exempt
@require_POST
def device_monitoring(request: HttpRequest, devid: str) -> HttpResponse:
    """Take one document. Who has no key learns nothing: unknown device and wrong key are answered alike."""
    rx = timezone.now()
    try:
        device = _device(devid, request.GET.get("key", ""))
        if device is None:
            return _answer(403, "not_allowed", f"{devid[:32]!r} has no such key, or is not in service")
        taken = _time(request.GET.get("time", ""), rx)
        if taken is None:
            return _answer(400, "bad_time", "time is not of the form 22-11-2026_08:30:00.000000 (UTC)")
        arrival = Arrival(_body(request), taken, rx, request.GET.get("current") == "true" or "time" not in request.GET)
        refused = receive(device, arrival)
    except (StoreAway, DatabaseError) as error:
        logger.warning("a document of %r must be sent again: %s", devid[:32], str(error).strip())
        return _answer(503, "try_again", "the database does not answer")
    return _answer(400, "refused", refused) if refused else JsonResponse({})


def _device(devid: str, key: str) -> AccessPoint | None:
    """The device that this key belongs to and that is in service."""
    held = NetJsonKey.objects.select_related("device").filter(device__devid=devid[:32]).first()
    digest = hashlib.sha256(key.encode()).digest()
    if held is None or not hmac.compare_digest(bytes(held.digest), digest):
        return None
    return held.device if held.device.lifecycle in _AT_WORK else None


def _time(text: str, rx: datetime) -> datetime | None:
    """The agent's time of a document, UTC; without one, our own."""
    if not text:
        return rx
    for form in _FORMS:
        with contextlib.suppress(ValueError):
            return datetime.strptime(text, form).replace(tzinfo=UTC)
    return None


def _body(request: HttpRequest) -> bytes:
    """The body, one byte more than is allowed at most, so that a longer one is seen to be longer."""
    try:
        return request.read(MAX_BYTES + 1)
    except RequestDataTooBig:
        return b" " * (MAX_BYTES + 1)


def _answer(status: int, code: str, detail: str) -> JsonResponse:
    return JsonResponse({"error": code, "detail": detail}, status=status)
