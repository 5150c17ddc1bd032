"""Pages of the catalogue: all layers, one layer, its description form, what stewards have to review."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from geoportal.catalogue.asking import layer_of, site_base
from geoportal.catalogue.forms import ANSWERING, PLACE, QUALITY, RIGHTS, TEXTS, DescriptionForm, keep, labels_of
from geoportal.catalogue.page import branches, layer_context
from geoportal.publishing.views import for_stewards
from layers.catalogue import LayerEntry, catalogue
from layers.metadata.completeness import Completeness, completeness
from layers.metadata.services import SERVICES
from layers.models import Layer
from layers.rights import audience_of, may_keep, may_see


@require_safe
def layers(request: HttpRequest) -> HttpResponse:
    """/livelli/: every layer the asker may see, by theme. `?q=` looks in titles, texts and keywords."""
    audience = audience_of(request.user)
    asked = request.GET.get("q", "").strip()[:200]
    found = branches(catalogue(), audience, asked)
    site, language = site_base(request), get_language() or "it"
    services = [(one.title(language), one.entry(site), one.record(site)) for one in SERVICES]
    context = {
        "branches": found,
        "asked": asked,
        "count": sum(branch.count for branch in found),
        "services": services,
    }
    return _private(render(request, "geoportal/catalogue/layers.html", context))


@require_safe
def layer(request: HttpRequest, slug: str) -> HttpResponse:
    """/livelli/{slug}/: one layer in full, for people."""
    found, audience = layer_of(request, slug, "page")
    return _private(render(request, "geoportal/catalogue/layer.html", layer_context(request, found, audience)))


@require_http_methods(["GET", "HEAD", "POST"])
@for_stewards
def describe(request: HttpRequest, slug: str) -> HttpResponse:
    """/livelli/{slug}/descrizione/: the form of who keeps the layer."""
    found, audience = layer_of(request, slug, "page")
    if not may_keep(audience, found):
        raise PermissionDenied
    row = Layer.objects.get(pk=found.id)
    sent = request.POST if request.method == "POST" else None
    form = DescriptionForm(sent, instance=row, audience=audience)
    labels = labels_of(found, audience, sent)
    if sent is not None and form.is_valid() and not any(label.error for label in labels):
        keep(form, labels)
        messages.success(request, _("Descrizione salvata."))
        return redirect("layer-describe", slug=slug)
    context: dict[str, Any] = {
        "layer": found,
        "form": form,
        "labels": labels,
        "parts": _parts(form),
        "completeness": completeness(found),
    }
    return render(request, "geoportal/catalogue/describe.html", context, status=400 if sent is not None else 200)


@dataclass(frozen=True, slots=True)
class Due:
    """One line of the list of what is to be reviewed."""

    layer: LayerEntry
    on: date | None
    is_late: bool
    completeness: Completeness


@require_safe
@for_stewards
def to_review(request: HttpRequest) -> HttpResponse:
    """/da-rivedere/: layers that the asker keeps whose day has come, that have no day, or that lack something."""
    audience, today = audience_of(request.user), timezone.localdate()
    rows = []
    for entry in catalogue().layers.values():
        if not (may_see(audience, entry) and may_keep(audience, entry)):
            continue
        on, found = entry.described.review_on, completeness(entry)
        is_late = on is not None and on <= today
        if is_late or on is None or not found.is_valid:
            rows.append(Due(entry, on, is_late, found))
    rows.sort(key=lambda due: (not due.is_late, due.on or date.max, due.completeness.percent))
    return render(request, "geoportal/catalogue/to_review.html", {"rows": rows, "today": today})


def _parts(form: DescriptionForm) -> list[tuple[str, list[Any]]]:
    titles = {
        _("Testi"): TEXTS,
        _("Dove sta nel catalogo"): PLACE,
        _("Chi ne risponde"): ANSWERING,
        _("Da dove viene, quanto è preciso"): QUALITY,
        _("Chi lo vede"): RIGHTS,
    }
    return [(title, [form[name] for name in names]) for title, names in titles.items()]


def _private(response: HttpResponse) -> HttpResponse:
    patch_cache_control(response, private=True, no_cache=True)
    return response
