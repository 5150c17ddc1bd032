"""`/relazioni/` for stewards, and `/api/livelli/{slug}/elementi/{item}/collegati` for everyone."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from geoportal.map_page import in_language
from geoportal.publishing.views import for_stewards
from geoportal.relations.forms import RelationForm
from layers.audit import note
from layers.catalogue import LayerEntry, catalogue
from layers.errors import LayerNotFound
from layers.models import Relation
from layers.relations.related import Related, related_to
from layers.rights import audience_of, may_keep, may_see


@require_safe
def related(request: HttpRequest, slug: str, item: str) -> HttpResponse:
    """What belongs to a feature, by every relation that the asker may follow."""
    held, audience = catalogue(), audience_of(request.user)
    try:
        layer = held.layer(slug, audience)
    except LayerNotFound as error:
        raise Http404(str(error)) from error
    groups = related_to(held, audience, layer, item[:200]) if layer.kind == "vector" and "\x00" not in item else []
    for group in groups:
        note(request.user, audience, group.way.found, "related", features=len(group.items))
    body = {"layer": slug, "item": item, "related": [_group(group) for group in groups]}
    response = JsonResponse(body, json_dumps_params={"ensure_ascii": False})
    patch_vary_headers(response, ["Cookie", "Accept-Language"])
    patch_cache_control(response, private=not audience.is_public, public=audience.is_public, no_cache=True)
    return response


def _group(group: Related) -> dict[str, Any]:
    layer = group.way.found
    return {
        "relation": group.way.relation.slug,
        "title": in_language(*group.way.titles),
        "layer": {"slug": layer.slug, "title": _title(layer)},
        "more": group.has_more,
        "items": [
            {"item": item, "title": title, "href": f"/ogc/collections/{layer.slug}/items/{item}"}
            for item, title in group.items
        ],
    }


@require_safe
@for_stewards
def relations(request: HttpRequest) -> HttpResponse:
    """The relations of the layers that the steward sees."""
    rows = [
        {
            "relation": row,
            "one_title": _title(one),
            "other_title": _title(other),
            "forward": in_language(row.forward_it, row.forward_en),
            "backward": in_language(row.backward_it, row.backward_en),
            "is_kept": may_keep(audience_of(request.user), one),
        }
        for row, one, other in _seen(request)
    ]
    return render(request, "geoportal/relations/list.html", {"rows": rows})


@require_http_methods(["GET", "POST"])
@for_stewards
def edit(request: HttpRequest, number: int | None = None) -> HttpResponse:
    """Declare a relation, or change one."""
    row = None if number is None else _kept(request, number)
    form = RelationForm(request.POST or None, instance=row, held=catalogue(), audience=audience_of(request.user))
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Relazione salvata."))
        return redirect("relations")
    return render(
        request, "geoportal/relations/form.html", {"form": form, "row": row}, status=400 if form.errors else 200
    )


@require_POST
@for_stewards
def remove(request: HttpRequest, number: int) -> HttpResponse:
    """Take a relation away; the layers are not touched."""
    _kept(request, number).delete()
    messages.success(request, _("Relazione tolta."))
    return redirect("relations")


def _seen(request: HttpRequest) -> list[tuple[Relation, LayerEntry, LayerEntry]]:
    held, audience = catalogue(), audience_of(request.user)
    layers = {entry.id: entry for entry in held.visible(audience)}
    rows = Relation.objects.all()
    return [
        (row, layers[row.one_id], layers[row.other_id]) for row in rows if {row.one_id, row.other_id} <= layers.keys()
    ]


def _kept(request: HttpRequest, number: int) -> Relation:
    found = next(((row, one) for row, one, _other in _seen(request) if row.pk == number), None)
    if found is None:
        raise Http404(_("Questa relazione non c'è."))
    audience = audience_of(request.user)
    if not (may_keep(audience, found[1]) and may_see(audience, found[1])):
        raise PermissionDenied
    return found[0]


def _title(layer: LayerEntry) -> str:
    return in_language(layer.title_it, layer.title_en)
