"""`GET /api/dispositivi`, `…/{devid}` and `…/{devid}/serie`: devices with their health and what they measured, for what
the asker may see.
"""

from __future__ import annotations

import hashlib

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.utils.http import parse_etags, quote_etag
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from geoportal.device_layers import note_devices_read, visible_kinds
from geoportal.devices.answers import list_devices, one_device
from geoportal.devices.series import BadSeries, Question, series
from layers.models import Access
from layers.rights import Audience, audience_of


@require_safe
def devices(request: HttpRequest) -> HttpResponse:
    """Every device of the kinds whose layer the asker may see."""
    audience = audience_of(request.user)
    note_devices_read(request.user, audience, "devices")
    return _answer(request, audience, list_devices(visible_kinds(audience), _language()))


@require_safe
def device(request: HttpRequest, devid: str) -> HttpResponse:
    """One device with its evidence; 404 for an unknown and for a forbidden one alike."""
    audience = audience_of(request.user)
    body = one_device(devid, visible_kinds(audience), _language(), internal=looks_after_devices(audience))
    if body is None:
        return _unknown(devid)
    note_devices_read(request.user, audience, "device", devid)
    return _answer(request, audience, body)


@require_safe
def device_series(request: HttpRequest, devid: str) -> HttpResponse:
    """What one device measured, `?metric=&from=&to=&step=`; like its measurements, only for those who look after it."""
    audience = audience_of(request.user)
    kinds = visible_kinds(audience)
    if not looks_after_devices(audience):
        text = _("Le misure dei dispositivi sono riservate a chi se ne occupa: occorre accedere.")
        return JsonResponse({"error": "not_allowed", "detail": text}, status=403)
    try:
        body = series(devid, kinds, Question.read(request.GET, timezone.now()))
    except BadSeries as error:
        return JsonResponse({"error": "bad_question", "detail": str(error)}, status=400)
    if body is None:
        return _unknown(devid)
    note_devices_read(request.user, audience, "device", devid)
    return _answer(request, audience, body)


def _unknown(devid: str) -> HttpResponse:
    text = _("Non c'è nessun dispositivo con codice “%(devid)s” tra quelli che puoi vedere.") % {"devid": devid}
    return JsonResponse({"error": "unknown_device", "detail": text}, status=404)


def looks_after_devices(audience: Audience) -> bool:
    """Whether this audience belongs to the municipality's own people."""
    return audience.sees_all or Access.INTERNAL.value in audience.levels


def _language() -> str:
    return (get_language() or "it").split("-")[0]


def _answer(request: HttpRequest, audience: Audience, body: bytes) -> HttpResponse:
    # The state of devices has no version to ask for: the body is made by one query and its digest is the version.
    etag = quote_etag(hashlib.blake2b(body, digest_size=12).hexdigest())
    if etag in parse_etags(request.headers.get("If-None-Match", "")):
        response = HttpResponse(status=304)
    else:
        response = HttpResponse(body, content_type="application/json")
    response["ETag"] = etag
    response["Vary"] = "Cookie, Accept-Language"
    patch_cache_control(response, private=not audience.is_public, public=audience.is_public, no_cache=True)
    return response
