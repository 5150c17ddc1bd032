"""A layer or the state of the devices as one HTML file that needs no network: folium's page, our style and legend."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import folium
from django.utils.formats import date_format, number_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from geoportal.map_page import in_language, layer_legend, licence_of, style_of
from geoportal.marks import MARKS, mark_of, mark_svg
from geoportal.takeaway.inline import HtmlPopup, InlineMap, Verbatim
from geoportal.technicians.selectors import DeviceRow
from layers.catalogue import FieldEntry, LayerEntry
from layers.rights import Audience
from layers.styles.expressions import as_text
from layers.styles.geometry import drawn_as
from layers.styles.model import StyleSpec, Symbol
from layers.styles.reduced import classed

Background = Sequence[tuple[LayerEntry, bytes]]
"""Layers under the one taken away, each with its features as comma-separated GeoJSON in OGC:CRS84."""

_DASHES = {"diagonal": "6 3", "backdiagonal": "6 3", "cross": "2 3", "horizontal": "10 3", "vertical": "10 3"}
CSS = """
body { font-family: "Titillium Web", "Segoe UI", Arial, sans-serif; }
.leaflet-container { background: #f6f4ef; font: inherit; }
.take { position: fixed; z-index: 1000; left: 12px; bottom: 26px; max-width: 20rem; max-height: 60vh; overflow: auto;
  background: #fff; border: 1px solid #5b6f82; border-radius: 4px; padding: .6rem .8rem; font-size: .9rem;
  color: #17324d; }
.take h1 { font-size: 1.1rem; margin: 0 0 .2rem; } .take p { margin: .2rem 0; }
.take ul { list-style: none; margin: .4rem 0; padding: 0; }
.take li { display: flex; gap: .4rem; align-items: center; }
.sample { background: #fff3d6; border: 1px solid #b37700; color: #5c3a00; border-radius: 3px; padding: 0 4px; }
.leaflet-popup-content th { text-align: left; padding-right: .6rem; vertical-align: top; }
.device-icon { background: none; border: 0; }
"""


@dataclass(frozen=True, slots=True)
class Sheet:
    """What the box in the corner says. `legend` is (text, SVG) pairs."""

    title: str
    attribution: str
    licence: str
    is_sample: bool
    shown: int
    legend: tuple[tuple[str, str], ...]


def layer_file(entry: LayerEntry, audience: Audience, features: bytes, background: Background, now: datetime) -> bytes:
    """The file of a layer. `features`: comma-separated GeoJSON features in OGC:CRS84, of the visible fields alone."""
    fields = entry.visible_fields(audience)
    members = json.loads(b"[" + features + b"]")
    style, kinds = classed(style_of(entry, audience)), drawn_as(entry.geometry_type)
    rows = [_prepared(member, fields, style) for member in members if member.get("geometry")]
    page = _page(_bounds(rows) or entry.bbox)
    _draw_background(page, background, audience)
    if rows:
        titles = [html.escape(in_language(field.title_it, field.title_en)) for field in fields]
        popup = folium.GeoJsonPopup([field.name for field in fields], titles, max_width=360) if fields else None
        folium.GeoJson(
            {"type": "FeatureCollection", "features": rows},
            style_function=lambda feature: feature["properties"]["_style"],
            marker=folium.CircleMarker(radius=style.symbol.size / 2) if "point" in kinds else None,
            popup=popup,
            embed=True,
        ).add_to(page)
    sheet = Sheet(
        title=in_language(entry.title_it, entry.title_en),
        attribution=entry.attribution,
        licence=licence_of(entry.licence)[0],
        is_sample=entry.is_sample,
        shown=len(rows),
        legend=tuple(
            (in_language(line.label_it, line.label_en), line.swatch) for line in layer_legend(entry, audience)
        ),
    )
    return _written(page, sheet, now)


def device_file(
    entry: LayerEntry,
    audience: Audience,
    devices: Iterable[tuple[DeviceRow, str]],
    background: Background,
    now: datetime,
) -> bytes:
    """The file of the devices of one kind, each with the reason of its state."""
    shown = list(devices)
    bounds = [[row.lat, row.lon] for row, _cause in shown]
    page = _page(None, bounds)
    _draw_background(page, background, audience)
    for row, cause in shown:
        mark = mark_of(row.health)
        sample = f' <span class="sample">{_("dati di esempio")}</span>' if row.is_sample else ""
        since = date_format(localtime(row.since), "SHORT_DATETIME_FORMAT")
        lines = (row.place, f"{mark.text} – {cause}", _("dal {moment}").format(moment=since), row.devid)
        text = f"<strong>{html.escape(row.name)}</strong>{sample}<br>" + "<br>".join(map(html.escape, lines))
        icon = folium.DivIcon(html=str(mark_svg(row.health, 26)), icon_size=(26, 26), class_name="device-icon")
        HtmlPopup(text).add_to(folium.Marker([row.lat, row.lon], icon=icon).add_to(page))
    sheet = Sheet(
        title=in_language(entry.title_it, entry.title_en),
        attribution=entry.attribution,
        licence=licence_of(entry.licence)[0],
        is_sample=entry.is_sample or any(row.is_sample for row, _cause in shown),
        shown=len(shown),
        legend=tuple((str(mark.text), str(mark_svg(health, 20))) for health, mark in MARKS.items()),
    )
    return _written(page, sheet, now)


def _page(bbox: tuple[float, float, float, float] | None, points: list[list[float]] | None = None) -> InlineMap:
    page = InlineMap(location=[45.1337, 10.0252], zoom_start=14, control_scale=True, max_zoom=21)
    corners = [[bbox[1], bbox[0]], [bbox[3], bbox[2]]] if bbox else points
    if corners:
        page.fit_bounds(corners, padding=(30, 30), max_zoom=18)
    return page


def _draw_background(page: InlineMap, background: Background, audience: Audience) -> None:
    """What the eye needs to know where it is: drawn in its own style, and silent when clicked."""
    for entry, features in background:
        style = style_of(entry, audience)
        rows = [_prepared(member, (), style) for member in json.loads(b"[" + features + b"]") if member.get("geometry")]
        if rows:
            folium.GeoJson(
                {"type": "FeatureCollection", "features": rows},
                style_function=lambda feature: feature["properties"]["_style"],
                embed=True,
                interactive=False,
            ).add_to(page)


def _prepared(feature: dict[str, Any], fields: tuple[FieldEntry, ...], style: StyleSpec) -> dict[str, Any]:
    """The feature with values as escaped text: folium writes them into popups as HTML."""
    given = feature.get("properties") or {}
    values: dict[str, Any] = {field.name: html.escape(_shown(given.get(field.name), field)) for field in fields}
    values["_style"] = _look(symbol_for(style, given), style.opacity, feature["geometry"]["type"])
    return {"type": "Feature", "geometry": feature["geometry"], "properties": values}


def symbol_for(style: StyleSpec, properties: dict[str, Any]) -> Symbol:
    """The symbol of the class that a feature is of, the style's own where it fits none."""
    if style.kind == "single":
        return style.symbol
    value = properties.get(style.field)
    last = len(style.classes) - 1
    for place, entry in enumerate(style.classes):
        if style.kind == "categorised":
            if as_text(value) == as_text(entry.value):
                return entry.symbol
        elif isinstance(value, int | float):
            above = entry.minimum is None or value >= entry.minimum
            below = entry.maximum is None or value < entry.maximum or (place == last and value == entry.maximum)
            if above and below:
                return entry.symbol
    return style.symbol


def _look(symbol: Symbol, opacity: float, geometry: str) -> dict[str, Any]:
    dash = " ".join(f"{part:g}" for part in symbol.stroke_dash) or _DASHES.get(symbol.hatch)
    return {
        "color": symbol.stroke,
        "weight": symbol.stroke_width,
        "fill": "LineString" not in geometry,
        "opacity": opacity,
        "fillColor": symbol.fill,
        "fillOpacity": round(symbol.fill_opacity * opacity, 3),
        "radius": symbol.size / 2,
        **({"dashArray": dash} if dash else {}),
    }


def _shown(value: Any, field: FieldEntry) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return str(_("sì") if value else _("no"))
    if isinstance(value, int | float):
        text = str(number_format(round(value, 3), use_l10n=True))
        return f"{text} {field.unit}".strip()
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _bounds(features: list[dict[str, Any]]) -> tuple[float, float, float, float] | None:
    xs: list[float] = []
    ys: list[float] = []

    def collect(part: Any) -> None:
        if part and isinstance(part[0], int | float):
            xs.append(part[0])
            ys.append(part[1])
        else:
            for inner in part:
                collect(inner)

    for feature in features:
        geometry = feature["geometry"]
        for part in geometry.get("geometries", [geometry]):
            collect(part["coordinates"])
    return (min(xs), min(ys), max(xs), max(ys)) if xs else None


def _written(page: InlineMap, sheet: Sheet, now: datetime) -> bytes:
    root = page.figure
    root.title = sheet.title
    root.header.add_child(Verbatim(f"<title>{html.escape(sheet.title)}</title><style>{CSS}</style>"), name="sheet_css")
    root.html.add_child(Verbatim(_box(sheet, now)), name="sheet")
    written: str = root.render()
    return written.encode()


def _box(sheet: Sheet, now: datetime) -> str:
    sample = f'<p><span class="sample">{html.escape(_("dati di esempio"))}</span></p>' if sheet.is_sample else ""
    legend = "".join(f"<li>{svg}<span>{html.escape(text)}</span></li>" for text, svg in sheet.legend)
    credit = " · ".join(part for part in (sheet.attribution, sheet.licence) if part)
    when = date_format(localtime(now), "DATETIME_FORMAT")
    lines = (
        _("Elementi: {count}").format(count=sheet.shown),
        _("Stato al {moment}").format(moment=when),
        credit,
    )
    text = "".join(f"<p>{html.escape(line)}</p>" for line in lines if line)
    return f'<aside class="take"><h1>{html.escape(sheet.title)}</h1>{sample}<ul>{legend}</ul>{text}</aside>'
