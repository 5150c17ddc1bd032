"""What the pages of the catalogue show."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import get_language

from geoportal.catalogue.asking import site_base
from geoportal.map_page import in_language, layer_legend, licence_of, tile_url
from geoportal.map_texts import map_texts
from geoportal.sources.rows import row_of
from layers.catalogue import Catalogue, LayerEntry
from layers.exporting.formats import offered as formats_of
from layers.metadata.codes import INSPIRE, TOPICS
from layers.metadata.completeness import completeness
from layers.models import Access, Field, Layer
from layers.rights import Audience, may_keep
from layers.styles.offered import offered


@dataclass(frozen=True, slots=True)
class Line:
    """One layer of a list."""

    entry: LayerEntry
    title: str
    abstract: str


@dataclass(frozen=True, slots=True)
class Branch:
    """One theme with its layers. `depth` is 0 for a theme at the top."""

    title: str
    depth: int
    lines: tuple[Line, ...]

    @property
    def count(self) -> int:
        return len(self.lines)


def branches(held: Catalogue, audience: Audience, asked: str = "") -> list[Branch]:
    """Themes in the order of the tree, those without a layer to show left out; layers without a theme come last."""
    words = _plain(asked).split()
    by_theme: dict[str | None, list[Line]] = {}
    for entry in held.visible(audience):
        if all(word in _searched(entry) for word in words):
            line = Line(
                entry,
                in_language(entry.title_it, entry.title_en),
                in_language(entry.abstract_it, entry.abstract_en),
            )
            by_theme.setdefault(entry.theme, []).append(line)
    depths: dict[str, int] = {}
    found = []
    for theme in held.themes:
        depths[theme.slug] = depths[theme.parent] + 1 if theme.parent else 0
        if theme.slug in by_theme:
            title = in_language(theme.title_it, theme.title_en)
            found.append(Branch(title, depths[theme.slug], tuple(by_theme[theme.slug])))
    if None in by_theme:
        found.append(Branch("", 0, tuple(by_theme[None])))
    return found


def layer_context(request: HttpRequest, layer: LayerEntry, audience: Audience) -> dict[str, Any]:
    """For the page of one layer."""
    base, keeps = site_base(request), may_keep(audience, layer)
    licence, licence_url = licence_of(layer.licence)
    said, english = layer.described, (get_language() or "").startswith("en")
    text = 1 if english else 0
    drawable = layer.kind != "vector" or bool(layer.geometry_field)
    services = f"{base}/ogc/"
    return {
        "layer": layer,
        "source": row_of(layer),
        "title": in_language(layer.title_it, layer.title_en),
        "abstract": in_language(layer.abstract_it, layer.abstract_en),
        "licence": licence,
        "licence_url": licence_url,
        "topic": TOPICS[said.topic_category][text] if said.topic_category in TOPICS else "",
        "inspire": INSPIRE[said.inspire_theme][text] if said.inspire_theme in INSPIRE else "",
        "frequency": Layer.Frequency(layer.update_frequency).label if layer.update_frequency != "UNKNOWN" else "",
        "access": Access(layer.access).label,
        "fields": [
            (entry, in_language(entry.title_it, entry.title_en), Field.Type(entry.type).label)
            for entry in layer.visible_fields(audience)
        ],
        "formats": formats_of(layer) if layer.kind == "vector" else [],
        "drawable": drawable,
        "styles": [(style.name, in_language(style.title_it, style.title_en)) for style in offered(layer, audience)],
        "legend": [
            (in_language(line.label_it, line.label_en), line.swatch_url) for line in layer_legend(layer, audience)
        ],
        "keeps": keeps,
        "completeness": completeness(layer) if keeps else None,
        "api_address": services,
        "tile_address": base + tile_url(layer, audience).split("&v=")[0] if drawable else "",
        "wms_address": f"{services}wms",
        "config": _config(layer) if drawable else {},
    }


def _config(layer: LayerEntry) -> dict[str, Any]:
    return {
        "style": reverse("layer-style", args=[layer.slug]),
        "bbox": layer.bbox or settings.MAP_HOME,
        "workerUrl": static("vendor/maplibre-gl/maplibre-gl-worker.mjs"),
        "texts": map_texts(),
    }


def _searched(entry: LayerEntry) -> str:
    texts = (entry.slug, entry.title_it, entry.title_en, entry.abstract_it, entry.abstract_en, entry.steward_office)
    return _plain(" ".join((*texts, *entry.keywords)))


def _plain(text: str) -> str:
    """Lower case, without accents."""
    return "".join(one for one in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(one))
