"""/ogc/wmts: the map tiles by the Web Map Tile Service, by parameters and by addresses."""

from __future__ import annotations

from django.http import HttpResponse

from layers.crs import epsg
from layers.drawing.view import View
from layers.errors import LayerNotFound, LayersError, StyleNotFound, TileOutOfRange
from layers.tile_grids import GRIDS, TILE_PX, TileAddress, TileGrid
from ogc import documents
from ogc.door import Ask, door
from ogc.errors import OgcError, translated
from ogc.feature_info import can_be_queried, found_at, written
from ogc.inspire import spoken
from ogc.kvp import Kvp
from ogc.pictures import Chosen, chosen
from ogc.tilesets import MAP_FORMS
from ogc.views.map_tiles import tile_of
from ogc.wmts import INFO_FORMATS, OPERATIONS, capabilities, report


def _failed(_ask: Ask, error: OgcError | LayersError) -> HttpResponse:
    known = error if isinstance(error, OgcError) else translated(error)
    status, code = known.status, known.code
    if isinstance(error, TileOutOfRange):
        status, code = 400, "TileOutOfRange"
    elif isinstance(error, LayerNotFound | StyleNotFound):
        code = "InvalidParameterValue"
    body = report(OgcError(status, code, known.description))
    return HttpResponse(body, content_type="text/xml", status=status, headers={"Cache-Control": "no-store"})


@door({"xml": "text/xml"}, params=None, failed=_failed)
def kvp(ask: Ask) -> HttpResponse:
    """One address for every operation."""
    return _answer(ask, Kvp(ask.request))


@door({"xml": "text/xml"}, params=None, failed=_failed)
def rest_capabilities(ask: Ask) -> HttpResponse:
    """/ogc/wmts/1.0.0/WMTSCapabilities.xml. Clients such as OWSLib add the parameters of the other way of asking."""
    return _capabilities(ask)


@door({"xml": "text/xml"}, failed=_failed)
def rest_tile(ask: Ask, slug: str, style: str, tms: str, z: str, y: str, x: str, form: str) -> HttpResponse:
    """/ogc/wmts/1.0.0/{layer}/{style}/{tms}/{z}/{y}/{x}.{format}"""
    if form not in MAP_FORMS:
        raise OgcError(400, "InvalidParameterValue", f"{form[:20]!r} is no format; use {', '.join(MAP_FORMS)}.")
    ask.format = form
    one, grid = chosen(ask, slug, style), _grid(tms)
    return tile_of(ask, one, grid, grid.parse(z, y, x))


def _answer(ask: Ask, given: Kvp) -> HttpResponse:
    if given.need("SERVICE").upper() != "WMTS":
        raise OgcError(400, "InvalidParameterValue", f"SERVICE={given.get('SERVICE')[:20]!r}: here it is WMTS.")
    name = given.need("REQUEST")
    if name not in OPERATIONS:
        raise OgcError(400, "OperationNotSupported", f"REQUEST={name[:40]!r}: use one of {', '.join(OPERATIONS)}.")
    if name == "GetCapabilities":
        versions = given.get("ACCEPTVERSIONS")
        if versions and "1.0.0" not in versions.split(","):
            raise OgcError(400, "VersionNegotiationFailed", "Only version 1.0.0 is spoken here.")
        return _capabilities(ask)
    given.one_of("VERSION", ("1.0.0",))
    form = given.one_of("FORMAT", list(MAP_FORMS.values()))
    one, grid = chosen(ask, given.need("LAYER"), given.get("STYLE")), _grid(given.need("TILEMATRIXSET"))
    address = grid.parse(given.need("TILEMATRIX"), given.need("TILEROW"), given.need("TILECOL"))
    if name == "GetFeatureInfo":
        return _info(ask, given, one, grid, address)
    ask.format = next(key for key, media in MAP_FORMS.items() if media == form)
    return tile_of(ask, one, grid, address)


def _capabilities(ask: Ask) -> HttpResponse:
    asked = Kvp(ask.request).get("LANGUAGE")
    with spoken(asked):
        name = "wmts inspire" if asked else "wmts"
        body = documents.held(ask, name, lambda: capabilities(ask, for_inspire=bool(asked)))
    return HttpResponse(body, content_type="text/xml")


def _info(ask: Ask, given: Kvp, one: Chosen, grid: TileGrid, address: TileAddress) -> HttpResponse:
    if not can_be_queried(one.layer):
        raise OgcError(400, "InvalidParameterValue", f"Layer {one.layer.slug!r} is a picture and cannot be queried.")
    column, row = given.whole("I"), given.whole("J")
    if column >= TILE_PX or row >= TILE_PX:
        raise OgcError(400, "PointIJOutOfRange", f"I and J are whole numbers from 0 to {TILE_PX - 1}.")
    form = given.one_of("INFOFORMAT", INFO_FORMATS)
    view = View(epsg(grid.srid), grid.box(address), TILE_PX, TILE_PX)
    return written(ask, [(one.layer, found_at(ask, one.layer, view, (column, row), 10))], form)


def _grid(name: str) -> TileGrid:
    grid = GRIDS.get(name)
    if grid is None:
        known = ", ".join(GRIDS)
        raise OgcError(400, "InvalidParameterValue", f"TILEMATRIXSET={name[:60]!r} is not served; use one of {known}.")
    return grid
