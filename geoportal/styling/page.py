"""What the style editor's page is made of: the layer, its styles, and everything there is to choose from."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from geoportal.map_page import can_be_clustered, in_language, tile_max_zoom, tile_url
from geoportal.map_texts import map_texts
from layers.catalogue import FieldEntry, LayerEntry
from layers.raster_legend import known_limits, look_of
from layers.rights import Audience
from layers.styles.classify import NUMBERS
from layers.styles.defaults import default_style
from layers.styles.geometry import drawn_as
from layers.styles.model import StyleSpec, dump
from layers.styles.offered import offered
from layers.styles.palette import PALETTES, Palette
from layers.styles.sld import scale_at


def editor_context(layer: LayerEntry, audience: Audience, name: str) -> dict[str, Any]:
    """For the template: choices, and `config` for the script."""
    kinds = drawn_as(layer.geometry_type)
    drawn = "raster" if layer.kind == "raster" else kinds[0] if len(kinds) == 1 else "polygon"
    return {
        "layer": layer,
        "title": in_language(layer.title_it, layer.title_en),
        "drawn": drawn,
        "kinds": _kinds(drawn, layer),
        "fields": [_field(entry) for entry in layer.visible_fields(audience)],
        "methods": methods(),
        "palettes": [_palette(one) for one in PALETTES.values()],
        "dashes": _dashes(),
        "hatches": _hatches(),
        "shapes": _shapes(),
        "zooms": [(zoom, f"1:{_rounded(scale_at(zoom + 1)):,}".replace(",", ".")) for zoom in range(23)],
        "bands": list(enumerate((band.get("description") or "" for band in layer.raster_info.get("bands") or []), 1)),
        "config": _config(layer, audience, name, drawn),
    }


def methods() -> list[tuple[str, str]]:
    """Ways to divide numbers, in the words of the page."""
    return [
        ("quantile", _("Quantili: tanti elementi in ogni classe")),
        ("equal_interval", _("Intervalli uguali")),
        ("natural_breaks", _("Interruzioni naturali (Jenks)")),
        ("pretty", _("Numeri tondi")),
        ("std_dev", _("Deviazione standard")),
    ]


def _config(layer: LayerEntry, audience: Audience, name: str, drawn: str) -> dict[str, Any]:
    kept = {entry.name for entry in layer.styles}
    styles = [style for style in offered(layer, audience) if style.name in kept]
    plain = default_style(layer.slug, layer.geometry_type)
    return {
        "slug": layer.slug,
        "drawn": drawn,
        "language": (get_language() or "it")[:2],
        "open": name,
        "styles": [
            {
                "name": style.name,
                "title_it": style.title_it,
                "title_en": style.title_en,
                "is_default": place == 0,
                "spec": dump(style.spec),
            }
            for place, style in enumerate(styles)
        ],
        "plain": dump(_plain_raster(layer, plain) if drawn == "raster" else plain),
        "bbox": layer.bbox or settings.MAP_HOME,
        "tiles": tile_url(layer, audience),
        "minZoom": layer.min_zoom,
        "tileMaxZoom": tile_max_zoom(layer),
        "bands": [known_limits(layer, band) for band in range(1, len(layer.raster_info.get("bands") or []) + 1)],
        "addresses": {
            action: reverse(f"style-{action}", args=[layer.slug])
            for action in ("preview", "classes", "picture", "read", "save", "delete")
        },
        "export": f"/ogc/collections/{quote(layer.slug)}/styles/{{name}}?f={{form}}",
        "map": f"{reverse('home')}#layers={layer.slug}",
        "workerUrl": static("vendor/maplibre-gl/maplibre-gl-worker.mjs"),
        "basemap": {"url": settings.BASEMAP_URL, "attribution": settings.BASEMAP_ATTRIBUTION},
        "texts": map_texts() | _texts(),
    }


def _plain_raster(layer: LayerEntry, plain: StyleSpec) -> StyleSpec:
    look = look_of(layer, plain)
    return StyleSpec(raster=look) if look else StyleSpec()


def _kinds(drawn: str, layer: LayerEntry) -> list[tuple[str, str]]:
    found = [
        ("single", _("Simbolo unico")),
        ("categorised", _("Categorie")),
        ("graduated", _("Classi di valori")),
    ]
    if drawn == "point":
        found += [("proportional", _("Simboli proporzionali")), ("heatmap", _("Densità"))]
        if can_be_clustered(layer):
            found.append(("cluster", _("Gruppi")))
    return found


def _field(entry: FieldEntry) -> dict[str, Any]:
    title = in_language(entry.title_it, entry.title_en)
    return {
        "name": entry.name,
        "title": f"{title} ({entry.unit})" if entry.unit else title,
        "is_number": entry.type in NUMBERS,
    }


def _palette(one: Palette) -> dict[str, str]:
    uses = {"sequential": _("dal poco al molto"), "diverging": _("intorno a una metà"), "qualitative": _("categorie")}
    return {"name": one.name, "title": one.title, "use": one.use, "for": uses[one.use], "swatch": _strip(one.colours)}


def _strip(shades: tuple[str, ...]) -> str:
    boxes = "".join(
        f'<rect x="{place * 12}" width="12" height="16" fill="{shade}"/>' for place, shade in enumerate(shades)
    )
    side = 12 * len(shades)
    drawing = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} 16" preserveAspectRatio="none">{boxes}</svg>'
    )
    return "data:image/svg+xml," + quote(drawing)


def _dashes() -> list[tuple[str, str]]:
    return [
        ("", _("continua")),
        ("6,3", _("tratteggiata")),
        ("1,3", _("punteggiata")),
        ("8,3,1,3", _("tratto e punto")),
        ("12,4", _("tratti lunghi")),
    ]


def _hatches() -> list[tuple[str, str]]:
    return [
        ("", _("pieno")),
        ("diagonal", _("diagonale ／")),
        ("backdiagonal", _("diagonale ＼")),
        ("cross", _("incrociato")),
        ("horizontal", _("orizzontale")),
        ("vertical", _("verticale")),
    ]


def _shapes() -> list[tuple[str, str]]:
    return [
        ("circle", _("cerchio")),
        ("square", _("quadrato")),
        ("triangle", _("triangolo")),
        ("diamond", _("rombo")),
        ("cross", _("croce")),
    ]


def _rounded(scale: float) -> int:
    """Two significant digits."""
    digits = len(str(int(scale))) - 2
    return int(round(scale, -digits))


def _texts() -> dict[str, str]:
    return {
        "titleNeeded": _("Dare un titolo allo stile: con quello si sceglie sulla mappa."),
        "newStyle": _("Nuovo stile"),
        "saved": _("Salvato: la mappa, i servizi e le legende lo usano già."),
        "unsaved": _("Ci sono modifiche non salvate."),
        "deleteAsk": _("Eliminare lo stile «{title}»?"),
        "deleted": _("Stile eliminato."),
        "failed": _("Il server non risponde: riprova tra poco."),
        "readAll": _("Stile letto per intero."),
        "readPart": _("Stile letto. Non si è potuto portare: {list}."),
        "noProblems": _("Nessun problema di lettura: classi distinguibili anche per chi non vede tutti i colori."),
        "others": _("Altro, senza valore"),
        "features": _("Elementi"),
        "value": _("Valore"),
        "from": _("Da (compreso)"),
        "to": _("A (escluso)"),
        "upTo": _("Fino a"),
        "labelIt": _("Testo in italiano"),
        "labelEn": _("Testo in inglese"),
        "colourOf": _("Colore della classe {label}"),
        "remove": _("Togli la classe {label}"),
        "classifying": _("Calcolo delle classi…"),
        "classesMade": _("Classi: {count}."),
        "legend": _("Legenda"),
    }
