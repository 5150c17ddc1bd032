"""What the map page is made of: the layer tree, and every layer's compiled style and legend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.templatetags.static import static
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from geoportal.device_layers import DEVICE_LAYERS
from geoportal.map_texts import map_texts
from geoportal.marks import marks_for_page
from layers.catalogue import Catalogue, FieldEntry, LayerEntry
from layers.metadata.codes import LICENCES
from layers.raster_legend import raster_legend
from layers.rights import Audience
from layers.sources.remote_info import tells_of_points
from layers.styles.geometry import drawn_as
from layers.styles.legend import LegendEntry, legend
from layers.styles.maplibre import Target, compile_layers, raster_layers
from layers.styles.model import StyleSpec
from layers.styles.offered import offered, picture_version, style_named
from layers.styles.points import cluster_source
from layers.styles.reduced import CLUSTER_CAP, classed
from layers.tile_grids import MAX_ZOOM

VECTOR_TILE_MAX_ZOOM = 16
"""Tiles of shapes of this zoom are stretched further: 4096 units over 611 m are finer than any of our surveys."""


@dataclass(frozen=True, slots=True)
class TreeLayer:
    """One line of the layer tree, in the reader's language."""

    entry: LayerEntry
    title: str
    abstract: str
    legend: tuple[tuple[str, str], ...]
    """(text, data URL of the drawing)"""
    licence: str
    licence_url: str
    device_kind: str
    styles: tuple[tuple[str, str], ...]
    """(name, title) where there is a choice."""

    @property
    def can_be_drawn(self) -> bool:
        return bool(self.entry.geometry_type) or self.entry.kind != "vector"


@dataclass(frozen=True, slots=True)
class TreeTheme:
    """One branch: its layers and its sub-branches. `slug` is empty for layers without a theme."""

    slug: str
    title: str
    layers: tuple[TreeLayer, ...]
    children: tuple[TreeTheme, ...]


def style_of(entry: LayerEntry, audience: Audience) -> StyleSpec:
    """The layer's first style that this audience may be shown, or a good default when it has none."""
    return offered(entry, audience)[0].spec


def layer_tree(held: Catalogue, audience: Audience) -> tuple[TreeTheme, ...]:
    """The themes that hold something this audience may see, in display order."""
    by_theme: dict[str | None, list[TreeLayer]] = {}
    for entry in held.visible(audience):
        by_theme.setdefault(entry.theme, []).append(_tree_layer(entry, audience))

    def branches(parent: str | None) -> tuple[TreeTheme, ...]:
        found = []
        for theme in held.themes:
            if theme.parent == parent:
                branch = TreeTheme(
                    theme.slug,
                    in_language(theme.title_it, theme.title_en),
                    tuple(by_theme.get(theme.slug, ())),
                    branches(theme.slug),
                )
                if branch.layers or branch.children:
                    found.append(branch)
        return tuple(found)

    loose = by_theme.get(None, [])
    rest = (TreeTheme("", _("Altri livelli"), tuple(loose), ()),) if loose else ()
    return branches(None) + rest


def map_config(held: Catalogue, audience: Audience) -> dict[str, Any]:
    """Everything the page's modules need, as JSON."""
    language = get_language() or settings.LANGUAGE_CODE
    return {
        "language": language[:2],
        "home": settings.MAP_HOME,
        "workerUrl": static("vendor/maplibre-gl/maplibre-gl-worker.mjs"),
        "basemap": {"url": settings.BASEMAP_URL, "attribution": settings.BASEMAP_ATTRIBUTION},
        "layers": [layer_config(entry, audience) for entry in held.visible(audience) if _is_drawn(entry)],
        "devices": {"list": "/api/dispositivi", "one": "/api/dispositivi/{devid}", "events": "/eventi"},
        "search": "/api/cerca",
        "marks": marks_for_page(),
        "texts": map_texts(),
    }


def layer_config(entry: LayerEntry, audience: Audience) -> dict[str, Any]:
    """One layer for the page: where its tiles are, how they are drawn, and how its fields are called."""
    return {
        "slug": entry.slug,
        "kind": "raster" if entry.kind != "vector" else "vector",
        "hasSource": entry.source is not None,
        "tellsOfPoints": tells_of_points(entry),
        "title": in_language(entry.title_it, entry.title_en),
        "drawn": "raster" if entry.kind != "vector" else _drawn(entry),
        "isLive": entry.is_live,
        "isSample": entry.is_sample,
        "deviceKind": DEVICE_LAYERS.get(entry.slug, ""),
        "shown": entry.shown_by_default,
        "bbox": entry.bbox,
        "attribution": entry.attribution,
        "minZoom": entry.min_zoom,
        "maxZoom": entry.max_zoom,
        "tileMaxZoom": tile_max_zoom(entry),
        **_look(entry, style_of(entry, audience)),
        "fields": {field.name: _field(field) for field in entry.visible_fields(audience)},
    }


def styled_config(entry: LayerEntry, audience: Audience, name: str) -> dict[str, Any]:
    """What of a layer's configuration one of its named styles decides, and its legend. Raises StyleNotFound."""
    style = style_named(entry, audience, name)
    lines = [{"text": text, "swatch": swatch} for text, swatch in _legend_lines(entry, style.spec)]
    return {"name": style.name, "legend": lines, **_look(entry, style.spec, style.name)}


def tile_max_zoom(entry: LayerEntry) -> int:
    """The last zoom of the layer's tiles. Pictures blur when stretched: they come at every zoom of the layer.

    One more than the layer's own: at its last zoom, pictures of 256 pixels are those of the next.
    """
    last = VECTOR_TILE_MAX_ZOOM if entry.kind == "vector" else entry.max_zoom + 1
    return min(max(last, entry.min_zoom), MAX_ZOOM)


def _look(entry: LayerEntry, style: StyleSpec, name: str = "") -> dict[str, Any]:
    return {
        "tiles": _tiles(entry, style, name),
        "style": compiled(entry, style),
        "clusters": clusters(entry, style),
    }


def style_layers(entry: LayerEntry, audience: Audience) -> list[dict[str, Any]]:
    """The compiled style layers of one catalogue layer; its source is called like the layer."""
    return compiled(entry, style_of(entry, audience))


def compiled(entry: LayerEntry, style: StyleSpec) -> list[dict[str, Any]]:
    """The style layers of any style of a layer; its source is called like the layer."""
    low, high = max(entry.min_zoom, style.min_zoom), min(entry.max_zoom, style.max_zoom)
    if entry.kind != "vector":
        return raster_layers(entry.slug, opacity=style.opacity, min_zoom=low, max_zoom=high)
    return compile_layers(fitting(entry, style), entry.geometry_type, Target(entry.slug, entry.slug, low, high))


def fitting(entry: LayerEntry, style: StyleSpec) -> StyleSpec:
    """The style as a browser can draw this layer: too many points for clusters are drawn one by one."""
    return classed(style) if style.kind == "cluster" and not can_be_clustered(entry) else style


def can_be_clustered(entry: LayerEntry) -> bool:
    """Whether a browser may be given the whole layer at once, which clusters need."""
    count = entry.feature_count
    return (
        not entry.is_live and count is not None and count <= CLUSTER_CAP and drawn_as(entry.geometry_type) == ("point",)
    )


def clusters(entry: LayerEntry, style: StyleSpec) -> dict[str, Any] | None:
    """The source that a style with clusters needs in place of tiles; None for every other style."""
    options = cluster_source(fitting(entry, style))
    if not options:
        return None
    address = f"/ogc/collections/{quote(entry.slug)}/items?f=json&limit={CLUSTER_CAP}"
    return {"type": "geojson", "data": address, "attribution": entry.attribution, **options}


def tile_url(entry: LayerEntry, audience: Audience) -> str:
    """Address of the layer's tiles from the root of the site; its version changes with what they hold."""
    return _tiles(entry, style_of(entry, audience))


def _tiles(entry: LayerEntry, style: StyleSpec, name: str = "") -> str:
    base = f"/ogc/collections/{quote(entry.slug)}"
    if entry.kind != "vector":
        styled = f"{base}/styles/{quote(name)}" if name else base
        return f"{styled}/map/tiles/WebMercatorQuad/{{z}}/{{y}}/{{x}}?f=png&v={picture_version(entry, style)}"
    version = "" if entry.is_live else f"&v={entry.data_version}"
    return f"{base}/tiles/WebMercatorQuad/{{z}}/{{y}}/{{x}}?f=mvt{version}"


def layer_legend(entry: LayerEntry, audience: Audience) -> tuple[LegendEntry, ...]:
    """The legend of a layer; empty for tables, and for rasters in colours of their own."""
    return legend_of(entry, style_of(entry, audience))


def legend_of(entry: LayerEntry, style: StyleSpec) -> tuple[LegendEntry, ...]:
    """The legend of a layer in any of its styles."""
    if entry.kind == "remote":
        return ()
    return raster_legend(entry, style) if entry.kind == "raster" else legend(style, entry.geometry_type)


def _legend_lines(entry: LayerEntry, style: StyleSpec) -> tuple[tuple[str, str], ...]:
    return tuple((in_language(line.label_it, line.label_en), line.swatch_url) for line in legend_of(entry, style))


def in_language(italian: str, english: str) -> str:
    """The text in the active language, Italian where there is no English."""
    return (english if (get_language() or "").startswith("en") else "") or italian


def licence_of(code: str) -> tuple[str, str]:
    """Name and address of a licence; a code we do not know stands as it is."""
    return LICENCES.get(code, (code, ""))


def _tree_layer(entry: LayerEntry, audience: Audience) -> TreeLayer:
    name, url = licence_of(entry.licence)
    return TreeLayer(
        entry=entry,
        title=in_language(entry.title_it, entry.title_en),
        abstract=in_language(entry.abstract_it, entry.abstract_en),
        legend=_legend_lines(entry, style_of(entry, audience)),
        licence=name,
        licence_url=url,
        device_kind=DEVICE_LAYERS.get(entry.slug, ""),
        styles=_choice(entry, audience),
    )


def _choice(entry: LayerEntry, audience: Audience) -> tuple[tuple[str, str], ...]:
    if entry.slug in DEVICE_LAYERS or entry.kind == "remote" or not _is_drawn(entry):
        return ()
    styles = offered(entry, audience)
    return tuple((one.name, in_language(one.title_it, one.title_en)) for one in styles) if len(styles) > 1 else ()


def _is_drawn(entry: LayerEntry) -> bool:
    return entry.kind != "vector" or bool(entry.geometry_type)


def _drawn(entry: LayerEntry) -> str:
    return drawn_as(entry.geometry_type)[0]


def _field(field: FieldEntry) -> dict[str, str]:
    return {"title": in_language(field.title_it, field.title_en), "type": field.type, "unit": field.unit}
