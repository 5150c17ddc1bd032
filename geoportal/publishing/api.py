"""The same for scripts: POST files, follow the address that is answered, read the report.

`POST /api/importazioni` (multipart): `files`, and optionally title, slug, theme, access, srid, encoding, swap, table,
where, as-of, and how the data meets that of the layer `slug`: mode (replace, append, synchronise), key, tolerance,
match, ignore. With `check=1` nothing is imported: what would change is told. Session or access token; a session needs
the CSRF token.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_http_methods

from geoportal.publishing.forms import ENCODINGS, kept_themes, replaceable, srid_of, update_of
from geoportal.publishing.receiving import receives_files, too_large
from geoportal.publishing.views import steward_of, upload_of
from layers.importing.errors import ImportRefused
from layers.models import Access
from layers.publishing import services
from layers.publishing.models import Upload
from layers.rights import audience_of, is_steward


@receives_files
@require_http_methods(["POST"])
def uploads(request: HttpRequest) -> HttpResponse:
    """Bring files; 202 with the address of what becomes of them."""
    refused = _refusal(request)
    if refused:
        return refused
    try:
        options = _options(request)
        only_check = bool(request.POST.get("check"))
        upload = services.bring(steward_of(request), request.FILES.getlist("files"), options, only_check=only_check)
    except ImportRefused as error:
        large = request.META.get("geoportal.too_large")
        return _problem(413 if large else 400, "TooLarge" if large else "Refused", too_large() if large else str(error))
    response = JsonResponse(state_of(upload), status=202)
    response["Location"] = reverse("api-upload", args=[upload.pk])
    return response


@require_http_methods(["GET", "HEAD", "DELETE"])
def upload(request: HttpRequest, id: UUID) -> HttpResponse:
    """How far it is and what came of it; DELETE calls it off."""
    refused = _refusal(request)
    if refused:
        return refused
    found = upload_of(steward_of(request), id)
    if request.method == "DELETE":
        services.call_off(found)
        found = upload_of(steward_of(request), id)
    response = JsonResponse(state_of(found))
    patch_cache_control(response, private=True, no_store=True)
    return response


def state_of(upload: Upload) -> dict[str, Any]:
    """An upload as JSON: phase, progress, and the results there are."""
    job = upload.publication or upload.inspection
    looked = upload.inspection.result.get("files", []) if upload.inspection else []
    return {
        "id": str(upload.pk),
        "phase": upload.phase,
        "page": reverse("publish-upload", args=[upload.pk]),
        "progress": job.progress if job else 0,
        "message": job.message if job else "",
        "files": [{"name": file["name"], "bytes": file["bytes"]} for file in upload.files],
        "found": [_short(file) for file in looked],
        "outcomes": upload.publication.result.get("outcomes", []) if upload.publication else [],
    }


def _short(file: dict[str, Any]) -> dict[str, Any]:
    layers = [{key: value for key, value in layer.items() if key not in ("shapes", "rows")} for layer in file["layers"]]
    return {**file, "layers": layers}


def _options(request: HttpRequest) -> services.LayerChoice:
    text = {
        name: request.POST.get(name, "").strip() for name in ("title", "slug", "theme", "access", "srid", "encoding")
    }
    allowed: dict[str, list[str]] = {
        "theme": [theme.slug for theme in kept_themes(audience_of(request.user))],
        "access": list(Access.values),
        "encoding": list(ENCODINGS),
        "slug": [slug for slug, _title in replaceable(audience_of(request.user))],
    }
    for name, values in allowed.items():
        if text[name] and text[name] not in values:
            raise ImportRefused(f"{name}: {text[name][:80]!r} ({', '.join(values)[:300]})")
    return services.LayerChoice(
        file=services.EVERY_FILE,
        layer="",
        title=text["title"][:200],
        slug=text["slug"],
        theme=text["theme"],
        access=text["access"],
        srid=srid_of(text["srid"]),
        encoding=text["encoding"],
        swap=bool(request.POST.get("swap")),
        is_table=bool(request.POST.get("table")),
        **update_of(lambda name: request.POST.get(name, "")),
    )


def _refusal(request: HttpRequest) -> HttpResponse | None:
    if not request.user.is_authenticated:
        answer = _problem(401, "Unauthorized", "Sign in, or send an access token made at /profilo/gettoni/.")
        answer["WWW-Authenticate"] = 'Basic realm="Geoportale Cremona", charset="UTF-8"'
        return answer
    if not is_steward(request.user):
        return _problem(403, "Forbidden", "Only stewards (group curatori) and administrators bring data in.")
    return None


def _problem(status: int, code: str, text: str) -> JsonResponse:
    return JsonResponse({"code": code, "description": text}, status=status)
