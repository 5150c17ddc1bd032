"""The page on which who keeps a layer deletes it: what goes, what stays, and its name typed to say so."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from geoportal.catalogue.asking import layer_of
from geoportal.map_page import in_language
from geoportal.publishing.views import for_stewards
from layers.deleting import LayerBusy, delete_layer, going
from layers.models import Layer
from layers.rights import may_keep

if TYPE_CHECKING:
    from geoportal.models import User


@require_http_methods(["GET", "HEAD", "POST"])
@for_stewards
def delete(request: HttpRequest, slug: str) -> HttpResponse:
    """/livelli/{slug}/elimina/"""
    found, audience = layer_of(request, slug, "layer-delete")
    if not may_keep(audience, found):
        raise PermissionDenied
    title, error = in_language(found.title_it, found.title_en), ""
    if request.method == "POST":
        if request.POST.get("nome", "").strip() != slug:
            error = _("Per eliminare il livello scrivere il suo nome, %(slug)s.") % {"slug": slug}
        else:
            try:
                delete_layer(found.id, cast("User", request.user))
                messages.success(request, _("Il livello «%(title)s» è eliminato.") % {"title": title})
                return redirect("layers")
            except LayerBusy as busy:
                error = str(busy)
            except Layer.DoesNotExist as gone:
                raise Http404(_("Questo livello non c'è.")) from gone
    row = get_object_or_404(Layer, pk=found.id)
    context = {"layer": found, "title": title, "going": going(row), "error": error}
    context["source"] = getattr(row, "source", None)
    response = render(request, "geoportal/catalogue/delete.html", context, status=400 if error else 200)
    patch_cache_control(response, private=True, no_store=True)
    return response
