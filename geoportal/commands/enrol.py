"""`POST /api/enrol {"token", "kind"}`: an agent fetches its configuration, once."""

from __future__ import annotations

import json
import logging

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from geoportal.accounts.throttle import ENROL_ADDRESS, client_address
from geoportal.commands.api import refuse
from geoportal.commands.credentials import BROKER_ERRORS, EnrolmentRefused, exchange
from geoportal.monitoring.enrolment import AgentConfig, Door

log = logging.getLogger(__name__)
MOST_BYTES = 4096


@csrf_exempt
@require_POST
def enrol(request: HttpRequest) -> HttpResponse:
    """200 with everything the agent needs; 403 wrong, 409 used, 410 expired, 429 after too many, 503 broker away."""
    address = client_address(request)
    wait_s = ENROL_ADDRESS.wait_s(address)
    if wait_s:
        text = _("Troppi gettoni sbagliati da questo indirizzo: riprova tra %(count)d secondi.") % {"count": wait_s}
        return refuse(429, "too_many", text, **{"Retry-After": str(wait_s)})
    try:
        token, kind = _read(request.body[: MOST_BYTES + 1])
        centre_url = settings.PUBLIC_URL or request.build_absolute_uri("/").rstrip("/")
        config = exchange(token, kind, address, Door.configured(centre_url))
    except EnrolmentRefused as error:
        if error.code == "wrong_token":
            ENROL_ADDRESS.failed(address)
        return refuse(error.status, error.code, str(error))
    except BROKER_ERRORS as error:
        log.error("A device could not be enrolled: %s", error)
        text = _("Il broker non risponde: il gettone vale ancora, riprova tra poco.")
        return refuse(503, "broker_away", text, **{"Retry-After": "10"})
    return JsonResponse(answer(config), headers={"Cache-Control": "no-store"})


def answer(config: AgentConfig) -> dict[str, object]:
    """The configuration as the agent reads it; the names are those of its file."""
    return {
        "device": {
            "devid": config.devid,
            "kind": config.kind,
            "shard": config.shard,
            "interval_s": config.interval_s,
        },
        "broker": {
            "host": config.host,
            "port": config.port,
            "username": config.devid,
            "password": config.password,
            "tls": bool(config.ca),
            "ca": config.ca,
        },
        "centre": {"url": config.centre_url},
    }


def _read(body: bytes) -> tuple[str, str]:
    try:
        document = json.loads(body) if len(body) <= MOST_BYTES else None
    except (ValueError, RecursionError):
        document = None
    token = document.get("token") if isinstance(document, dict) else None
    kind = document.get("kind", "") if isinstance(document, dict) else None
    if not isinstance(token, str) or not isinstance(kind, str):
        text = _('Il corpo deve essere JSON come {"token": "gpe_…", "kind": "totem"}.')
        raise EnrolmentRefused("invalid", 400, text)
    return token, kind
