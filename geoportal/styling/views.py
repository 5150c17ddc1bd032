"""The editor's page and what it asks while a style is made: classes, a preview, a file read, a style kept.

A style lives in the page until it is saved. Questions and answers are JSON; a refusal is 400 with `error`, in words.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from geoportal.map_page import clusters, compiled, in_language
from geoportal.publishing.views import for_stewards
from geoportal.styling.page import editor_context
from layers.audit import note
from layers.catalogue import LayerEntry, catalogue
from layers.crs import epsg
from layers.drawing.rasters import raster_png
from layers.drawing.view import View
from layers.errors import LayerNotFound, LayersError, SourceAway
from layers.raster_classes import classify_band
from layers.raster_legend import raster_legend
from layers.rights import Audience, audience_of, may_keep
from layers.styles.checks import problems
from layers.styles.classify import Asked, classified, warm
from layers.styles.editing import Draft, StyleRefused, checked, delete_style, save_style
from layers.styles.exchange.reading import MAX_BYTES, read_style
from layers.styles.legend import legend
from layers.styles.model import StyleSpec, Symbol, dump
from layers.styles.reduced import losses

BODY_MAX = 1_000_000
Answer = Callable[[HttpRequest, LayerEntry, Audience], HttpResponse]


def _layer(request: HttpRequest, slug: str) -> tuple[LayerEntry, Audience]:
    """A layer that the asker sees and keeps. Raises Http404, and PermissionDenied for another office's layer."""
    audience = audience_of(request.user)
    try:
        layer = catalogue().layer(slug, audience)
    except LayerNotFound as error:
        raise Http404(_("Questo livello non c'è.")) from error
    if not may_keep(audience, layer):
        raise PermissionDenied
    # Whichever process is asked for classes next has been asked for something of the editor before.
    warm()
    return layer, audience


def _answers(view: Answer) -> Callable[..., HttpResponse]:
    """A question of the editor about one layer: for stewards who see it; refusals in words."""

    @require_POST
    @for_stewards
    @wraps(view)
    def answering(request: HttpRequest, slug: str) -> HttpResponse:
        layer, audience = _layer(request, slug)
        try:
            return view(request, layer, audience)
        except SourceAway:
            text = _("La fonte di questo livello ora non risponde: riprova più tardi.")
            return JsonResponse({"error": text}, status=503)
        except LayersError as error:
            return JsonResponse({"error": str(error)}, status=400)

    return answering


@require_safe
@for_stewards
def editor(request: HttpRequest, slug: str) -> HttpResponse:
    """The page. `?nome=` opens one of the layer's styles; without it, the first."""
    layer, audience = _layer(request, slug)
    if layer.kind == "remote" or (layer.kind == "vector" and not layer.geometry_field):
        raise Http404(_("Questo livello non si disegna qui: è una tabella o la mappa di un altro ente."))
    context = editor_context(layer, audience, request.GET.get("nome", ""))
    return render(request, "geoportal/styling/editor.html", context)


@_answers
def preview(request: HttpRequest, layer: LayerEntry, audience: Audience) -> HttpResponse:
    """{spec} → how the browser draws it, its legend, what may not be readable, what other programs lose."""
    style = checked(layer, audience, _object(request, "spec"))
    return JsonResponse(
        {
            "layers": compiled(layer, style),
            "clusters": clusters(layer, style),
            "legend": _legend(layer, style),
            "problems": problems(style, layer.geometry_type),
            "losses": _losses(layer, style),
        }
    )


@_answers
def classes(request: HttpRequest, layer: LayerEntry, audience: Audience) -> HttpResponse:
    """{field, kind, method, count, palette, reverse, symbol} → classes with their counts; {band, …} for a raster."""
    asked = _body(request)
    if layer.kind == "raster":
        found = classify_band(layer, _whole(asked, "band", 1), _asked(asked))
        rows = [{"maximum": one.maximum, "colour": one.colour, "label_it": one.label_it, "label_en": one.label_en}
                for one in found]  # fmt: skip
        return JsonResponse({"classes": rows})
    field = next((one for one in layer.visible_fields(audience) if one.name == asked.get("field")), None)
    if field is None:
        raise StyleRefused(_("Scegliere una colonna."))
    note(request.user, audience, layer, "style")
    symbol = checked(layer, audience, {"symbol": asked.get("symbol") or {}}).symbol if asked.get("symbol") else Symbol()
    made = classified(layer, field, _asked(asked), symbol)
    spec = StyleSpec(kind="graduated", field=field.name, classes=made.classes)
    return JsonResponse(
        {
            "classes": dump(spec).get("classes", []),
            "counts": made.counts,
            "others": made.others,
            "least": made.least,
            "greatest": made.greatest,
        }
    )


@_answers
def picture(request: HttpRequest, layer: LayerEntry, audience: Audience) -> HttpResponse:
    """{spec, box (EPSG:3857), width, height} → a raster in a style that is not kept yet, as PNG; 204: nothing there."""
    if layer.kind != "raster":
        raise StyleRefused(_("Solo i raster si vedono come immagine."))
    asked = _body(request)
    style = checked(layer, audience, _object(request, "spec"))
    note(request.user, audience, layer, "style")
    box = asked.get("box")
    if not isinstance(box, list) or len(box) != 4 or not all(isinstance(part, int | float) for part in box):
        raise StyleRefused(_("Dell'anteprima manca il riquadro."))
    view = View.asked(
        epsg(3857), (box[0], box[1], box[2], box[3]), _whole(asked, "width", 512), _whole(asked, "height", 512)
    )
    made = raster_png(layer, view, style.raster)
    return HttpResponse(made or b"", status=200 if made else 204, content_type="image/png")


@_answers
def read(request: HttpRequest, layer: LayerEntry, audience: Audience) -> HttpResponse:
    """A style file (the body) → the style as the model has it, and what was left out."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BYTES:
        raise StyleRefused(_("Il file supera %(most)s MB.") % {"most": MAX_BYTES // 1_000_000})
    taken = read_style(request.body, layer, audience)
    return JsonResponse({"spec": dump(taken.spec), "leftOut": taken.left_out})


@_answers
def save(request: HttpRequest, layer: LayerEntry, audience: Audience) -> HttpResponse:
    """{name, title_it, title_en, is_default, spec} → the kept style's name; an empty name makes a new style."""
    asked = _body(request)
    draft = Draft(
        name=str(asked.get("name") or ""),
        title_it=str(asked.get("title_it") or ""),
        title_en=str(asked.get("title_en") or ""),
        is_default=bool(asked.get("is_default")),
        spec=checked(layer, audience, _object(request, "spec")),
    )
    style = save_style(layer, draft)
    return JsonResponse({"name": style.name, "is_default": style.is_default})


@_answers
def delete(request: HttpRequest, layer: LayerEntry, audience: Audience) -> HttpResponse:
    """{name}"""
    delete_style(layer, str(_body(request).get("name") or ""))
    return JsonResponse({})


def _body(request: HttpRequest) -> dict[str, Any]:
    if int(request.META.get("CONTENT_LENGTH") or 0) > BODY_MAX:
        raise StyleRefused(_("Lo stile è troppo grande."))
    try:
        found = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise StyleRefused(_("La richiesta non è JSON.")) from error
    if not isinstance(found, dict):
        raise StyleRefused(_("La richiesta non è JSON."))
    return found


def _object(request: HttpRequest, name: str) -> dict[str, object]:
    found = _body(request).get(name)
    if not isinstance(found, dict):
        raise StyleRefused(_("Lo stile non segue il modello: %(error)s") % {"error": name})
    return found


def _asked(asked: dict[str, Any]) -> Asked:
    return Asked(
        field=str(asked.get("field") or ""),
        kind=str(asked.get("kind") or "graduated"),
        method=str(asked.get("method") or "quantile"),
        count=_whole(asked, "count", 5),
        palette=str(asked.get("palette") or "ylorbr"),
        reverse=bool(asked.get("reverse")),
    )


def _whole(asked: dict[str, Any], name: str, default: int) -> int:
    value = asked.get(name, default)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10_000 else default


def _legend(layer: LayerEntry, style: StyleSpec) -> list[dict[str, str]]:
    lines = raster_legend(layer, style) if layer.kind == "raster" else legend(style, layer.geometry_type)
    return [{"text": in_language(line.label_it, line.label_en), "swatch": line.swatch_url} for line in lines]


def _losses(layer: LayerEntry, style: StyleSpec) -> list[str]:
    names = {"maplibre": _("Mappa del portale"), "mapnik": "WMS, WMTS", "sld": "SLD", "qml": "QML (QGIS)"}
    return [f"{names[loss.target]}: {loss.text}" for loss in losses(style, layer.geometry_type, layer.feature_count)]
