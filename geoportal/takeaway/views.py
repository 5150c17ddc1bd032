"""`/mappe/{slug}/esporta.html`: a map that people take away on a stick."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from geoportal.device_layers import DEVICE_LAYERS
from geoportal.monitoring.causes import cause_text
from geoportal.takeaway.build import device_file, layer_file
from geoportal.technicians.selectors import device_rows
from layers.audit import note
from layers.catalogue import LayerEntry, catalogue
from layers.errors import BadQuery, LayerNotFound
from layers.items import ItemsQuery, items
from layers.rights import Audience, audience_of

FEATURE_CAP = 5_000
BYTES_CAP = 12_000_000
"""A file that people mail and that a phone opens."""


@require_safe
def export(request: HttpRequest, slug: str) -> HttpResponse:
    """The file, as a download; a page that says why and what to do where there is none to give."""
    audience = audience_of(request.user)
    try:
        entry = catalogue().layer(slug, audience)
    except LayerNotFound as error:
        raise Http404(str(error)) from error
    if entry.kind != "vector" or not entry.geometry_type:
        return _refused(request, _("Questo livello non ha elementi da disegnare: scegline uno vettoriale."), 422)
    note(request.user, audience, entry, "map-export")
    if entry.slug in DEVICE_LAYERS:
        rows = device_rows(frozenset({DEVICE_LAYERS[entry.slug]}))
        return _file(
            entry, device_file(entry, [(row, cause_text(row.cause)) for row in rows], timezone.now()), audience
        )
    try:
        page = items(entry, audience, ItemsQuery(limit=FEATURE_CAP, bbox=request.GET.get("bbox", "")))
    except BadQuery as error:
        return _refused(request, str(error), 400)
    if page.next_after is not None or len(page.features) > BYTES_CAP:
        return _refused(request, _too_many(page.matched, page.returned), 413)
    return _file(entry, layer_file(entry, audience, page.features, timezone.now()), audience)


def _too_many(matched: int | None, returned: int) -> str:
    count = matched if matched is not None else returned
    found = ngettext(
        "Il livello ha %(count)d elemento in quest'area, troppo grande per un solo file.",
        "Il livello ha %(count)d elementi in quest'area, troppi per un solo file (al più %(cap)d).",
        count,
    ) % {"count": count, "cap": FEATURE_CAP}
    hint = _("Scegline una più piccola, per esempio aggiungendo all'indirizzo ?bbox=10.02,45.13,10.03,45.14.")
    return f"{found} {hint}"


def _file(entry: LayerEntry, body: bytes, audience: Audience) -> HttpResponse:
    response = HttpResponse(body, content_type="text/html; charset=utf-8")
    # A file to keep, not a page of ours: its scripts are inside it, which our own pages' policy forbids.
    response["Content-Disposition"] = f'attachment; filename="{entry.slug}.html"'
    response["Vary"] = "Cookie, Accept-Language"
    patch_cache_control(response, private=not audience.is_public, no_cache=True)
    return response


def _refused(request: HttpRequest, reason: str, status: int) -> HttpResponse:
    return render(request, "geoportal/takeaway_refused.html", {"reason": reason}, status=status)
