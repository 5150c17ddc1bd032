"""Pages of a layer's history."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from geoportal.accounts.asking import ask_to_log_in
from geoportal.versions import rasters
from geoportal.versions.asking import LISTED, Asked, asked, has_version, history, numbers, wanted
from layers.catalogue import FieldEntry
from layers.errors import BadQuery, LayersError
from layers.filters import instant
from layers.jobs.models import Job
from layers.jobs.services import enqueue
from layers.models import Layer
from layers.rights import may_keep
from layers.versions.comparing import CHANGES, Comparison, compare
from layers.versions.past import at, at_version
from layers.versions.retention import days_of, kept

_PAGE = 50


@require_GET
def versions(request: HttpRequest, slug: str) -> HttpResponse:
    """/livelli/{slug}/versioni/: who changed the layer, when, how much."""
    found = asked(request, slug, "layer-versions")
    try:
        rows = history(request, found)
    except BadQuery as error:
        raise Http404(str(error)) from error
    context = {
        "layer": found.layer,
        "title": title_of(found),
        "versions": rows,
        **_as_it_was(request, found),
        "is_newest": "prima" not in request.GET,
        "older": rows[-1].number if len(rows) == LISTED else None,
        "shows_people": found.is_of_the_house,
        "kept": kept([found.layer.id]),
        "days": days_of(Layer.objects.get(pk=found.layer.id)),
        "may_restore": may_keep(found.audience, found.layer),
        "restoring": _restoring(found) if may_keep(found.audience, found.layer) else None,
    }
    status = 400 if "day_error" in context else 200
    return _private(render(request, "geoportal/versions/versions.html", context, status=status))


@require_GET
def comparison(request: HttpRequest, slug: str) -> HttpResponse:
    """/livelli/{slug}/versioni/confronto/: what was added, changed and removed between two versions."""
    found = asked(request, slug, "layer-comparison")
    rows = history(request, found)
    context: dict[str, Any] = {"layer": found.layer, "title": title_of(found), "versions": rows, "changes": _words()}
    if found.layer.kind == "raster":
        return _private(rasters.page(request, found, context))
    status = 200
    try:
        first, last = numbers(request, found)
        asked_for = wanted(request, _PAGE)
        result = compare(found.layer, (first, last), found.audience, asked_for)
        context |= {"first": first, "last": last, "wanted": asked_for, "result": result}
        context |= {"rows": _rows(found, result, (first, last))} | _paging(request, result, asked_for)
    except LayersError as error:
        context["error"] = str(error)
        status = 400
    return _private(render(request, "geoportal/versions/comparison.html", context, status=status))


@require_POST
def restore(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Bring a version back; a worker does it."""
    found = asked(request, slug, "layer-restore")
    if not request.user.is_authenticated:
        return ask_to_log_in(request)
    if not may_keep(found.audience, found.layer):
        raise PermissionDenied
    if not has_version(found, number):
        messages.error(request, _("La versione %(number)s non c'è.") % {"number": number})
        return redirect("layer-versions", slug=slug)
    language = (get_language() or "it")[:2]
    parameters = {"layer": found.layer.id, "number": number, "language": language}
    enqueue("restore-version", parameters, request.user)
    messages.success(request, _("Il ripristino della versione %(number)s è in coda.") % {"number": number})
    return redirect("layer-versions", slug=slug)


def _restoring(found: Asked) -> Job | None:
    return Job.objects.filter(kind="restore-version", parameters__layer=found.layer.id).first()


def _as_it_was(request: HttpRequest, found: Asked) -> dict[str, Any]:
    """The day that was chosen, as the picture of it is asked for; nothing where there is none to see."""
    layer, text = found.layer, request.GET.get("giorno", "").strip()
    if layer.time_field or not (layer.kind == "raster" or layer.geometry_field):
        return {}
    known: dict[str, Any] = {"can_look_back": True, "day": text}
    if text:
        try:
            seen = at(layer, text)
        except BadQuery as error:
            return known | {"day_error": str(error)}
        known |= {
            "moment": urlencode({"datetime": text}),
            "day_text": _day_text(text),
            "was_empty": seen.past is not None and not seen.past.number,
        }
    return known


def _day_text(text: str) -> str:
    """A day or a moment as people write it; an interval as it is."""
    if "/" in text:
        return text
    when = instant(text)
    if isinstance(when, datetime):
        return date_format(timezone.localtime(when), "SHORT_DATETIME_FORMAT")
    return date_format(when, "SHORT_DATE_FORMAT")


def title_of(found: Asked) -> str:
    return found.layer.title_en if get_language() == "en" else found.layer.title_it


def _words() -> dict[str, str]:
    return dict(zip(CHANGES, (_("Aggiunti"), _("Cambiati"), _("Tolti")), strict=True))


def _rows(found: Asked, result: Comparison, pair: tuple[int, int]) -> list[dict[str, Any]]:
    """Differences for the page: attributes under the names people know."""
    entries: dict[str, FieldEntry] = {}
    for number in pair:
        entries |= {entry.name: entry for entry in at_version(found.layer, number).fields}
    english, words = get_language() == "en", {"added": _("Aggiunto"), "changed": _("Cambiato"), "removed": _("Tolto")}
    rows = []
    for one in result.page:
        values = [
            ((entries[name].title_en if english else entries[name].title_it) if name in entries else name, old, new)
            for name, old, new in one.differing
        ]
        rows.append(
            {
                "change": one.change,
                "word": words[one.change],
                "id": one.new if one.new is not None else one.old,
                "values": values,
                "has_moved": one.change == "changed" and one.has_moved,
            }
        )
    return rows


def _paging(request: HttpRequest, result: Comparison, asked_for: Any) -> dict[str, Any]:
    total = getattr(result, asked_for.only) if asked_for.only else result.added + result.changed + result.removed

    def at(offset: int) -> str:
        query = request.GET.copy()
        query["offset"] = str(offset)
        return query.urlencode()

    start, step = asked_for.offset, asked_for.limit
    return {
        "total": total,
        "start": start + 1,
        "end": min(start + step, total),
        "previous": at(max(0, start - step)) if start else "",
        "next": at(start + step) if start + step < total else "",
    }


def _private(response: HttpResponse) -> HttpResponse:
    patch_cache_control(response, private=True, no_cache=True)
    return response
