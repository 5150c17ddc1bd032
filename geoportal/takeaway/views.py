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
from layers.errors import BadQuery, LayerNotFound, SourceAway
from layers.items import ItemsQuery, items
from layers.rights import Audience, audience_of
from layers.sources.gate import read

Box = tuple[float, float, float, float]
"""west, south, east, north in degrees, OGC:CRS84."""

FEATURE_CAP = 5_000
BACKGROUND_BYTES = 3_000_000
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
        devices = [(row, cause_text(row.cause)) for row in device_rows(frozenset({DEVICE_LAYERS[entry.slug]}))]
        under = background(entry, audience, entry.bbox)
        return _file(entry, device_file(entry, audience, devices, under, timezone.now()), audience)
    try:
        query = ItemsQuery(limit=FEATURE_CAP, bbox=request.GET.get("bbox", ""))
        page = read(entry, lambda: items(entry, audience, query))
    except SourceAway:
        return _refused(request, _("La fonte di questo livello ora non risponde: riprova più tardi."), 503)
    except BadQuery as error:
        return _refused(request, str(error), 400)
    if page.next_after is not None or len(page.features) > BYTES_CAP:
        return _refused(request, _too_many(page.matched, page.returned), 413)
    under = background(entry, audience, _box(request.GET.get("bbox", "")) or entry.bbox)
    return _file(entry, layer_file(entry, audience, page.features, under, timezone.now()), audience)


def background(entry: LayerEntry, audience: Audience, box: Box | None) -> list[tuple[LayerEntry, bytes]]:
    """The light layers that the map shows when it opens, around what is taken away: there is no other base map."""
    if box is None:
        return []
    width, height = box[2] - box[0], box[3] - box[1]
    wide = (box[0] - width / 4, box[1] - height / 4, box[2] + width / 4, box[3] + height / 4)
    found: list[tuple[LayerEntry, bytes]] = []
    left = BACKGROUND_BYTES
    for layer in catalogue().visible(audience):
        if not (layer.shown_by_default and layer.geometry_type and not layer.is_live) or layer.slug == entry.slug:
            continue
        if "POINT" in layer.geometry_type or (layer.feature_count or 0) > FEATURE_CAP:
            continue
        drawn_by = {style.spec.get("field") for style in layer.styles[:1]}
        styled = tuple(field.name for field in layer.visible_fields(audience) if field.name in drawn_by)
        query = ItemsQuery(limit=FEATURE_CAP, bbox=",".join(map(str, wide)), properties=styled)
        features = items(layer, audience, query).features
        if len(features) <= left:
            left -= len(features)
            found.append((layer, features))
    return found


def _box(text: str) -> Box | None:
    """The box asked for, already accepted by the items query."""
    numbers = [float(part) for part in text.split(",")] if text else []
    if len(numbers) == 6:
        numbers = [*numbers[:2], *numbers[3:5]]
    return (numbers[0], numbers[1], numbers[2], numbers[3]) if numbers else None


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
