"""`/contratto/`: what makers of devices need, as pages and as documents for programs."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_cache_control
from django.utils.http import parse_etags, quote_etag
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from geoportal.messaging.contract.asyncapi import document
from geoportal.messaging.contract.schemas import DIALECT, schemas


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Which documents there are."""
    forms = [(name, form["description"]) for name, form in schemas().items()]
    return render(request, "geoportal/contract.html", {"forms": forms})


@require_safe
def asyncapi(request: HttpRequest) -> HttpResponse:
    """The AsyncAPI document of this instance."""
    host = f"{settings.MQTT_DEVICE_HOST}:{settings.MQTT_DEVICE_PORT}"
    return _json(request, document(host), "application/vnd.aai.asyncapi+json;version=3.0.0")


@require_safe
def schema(request: HttpRequest, name: str) -> HttpResponse:
    """The JSON Schema of one message."""
    form = schemas().get(name)
    if form is None:
        raise Http404(_("Non c'è nessun messaggio «%(name)s» nel contratto.") % {"name": name})
    return _json(request, {"$schema": DIALECT, "$id": request.build_absolute_uri(), **form}, "application/schema+json")


def _json(request: HttpRequest, content: dict[str, Any], kind: str) -> HttpResponse:
    body = json.dumps(content, ensure_ascii=False, indent=1).encode()
    etag = quote_etag(hashlib.blake2b(body, digest_size=12).hexdigest())
    fresh = etag in parse_etags(request.headers.get("If-None-Match", ""))
    response = HttpResponse(status=304) if fresh else HttpResponse(body, content_type=kind)
    response["ETag"] = etag
    response["Access-Control-Allow-Origin"] = "*"
    patch_cache_control(response, public=True, max_age=3600)
    return response
