"""A style file of any known form read into the model, and fitted to the layer it is for."""

from __future__ import annotations

import json
import re

import msgspec
from django.utils.translation import gettext as _

from layers.catalogue import LayerEntry
from layers.rights import Audience
from layers.styles.exchange.note import of_maplibre, of_xml
from layers.styles.exchange.read_maplibre import read_maplibre
from layers.styles.exchange.read_qml import read_qml
from layers.styles.exchange.read_sld import read_sld
from layers.styles.exchange.taken import StyleNotRead, Taken
from layers.styles.geometry import drawn_as
from layers.styles.model import StyleError, StyleSpec, Symbol, dump, fields_of, parse
from layers.styles.points import POINT_KINDS

_MALFORMED = (TypeError, ValueError, KeyError, IndexError, AttributeError, OverflowError, RecursionError)
MAX_BYTES = 2_000_000


def read_style(content: bytes, layer: LayerEntry, audience: Audience) -> Taken:
    """QML, SLD or MapLibre JSON, told apart by their first bytes, with the layer's own fields. Raises StyleNotRead."""
    if len(content) > MAX_BYTES:
        raise StyleNotRead(_("Il file supera %(most)s MB.") % {"most": MAX_BYTES // 1_000_000})
    start = content.lstrip(b"\xef\xbb\xbf \t\r\n")[:4000]
    if start.startswith(b"{"):
        reader = read_maplibre
    elif b"StyledLayerDescriptor" in start:
        reader = read_sld
    elif b"qgis" in start:
        reader = read_qml
    else:
        raise StyleNotRead(_("Non è un file QML, SLD o JSON di MapLibre."))
    try:
        taken = reader(content) if (noted := _noted(content, start)) is None else Taken(noted)
        taken.spec = _fitted(taken, layer, audience)
        # Readers make structures by hand: the model's own rules hold for them too.
        taken.spec = parse(dump(taken.spec))
    except StyleError as error:
        raise StyleNotRead(_("Lo stile non si lascia scrivere: %(error)s") % {"error": error}) from error
    except _MALFORMED as error:
        # The outer edge of what strangers wrote: a list where an object should be, nesting without end, …
        raise StyleNotRead(_("Il file è malformato: %(error)s") % {"error": str(error)[:200]}) from error
    return taken


def _noted(content: bytes, start: bytes) -> StyleSpec | None:
    """The very style that the portal wrote, where the file says it and was not changed since."""
    if not start.startswith(b"{"):
        return of_xml(content)
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return None  # the reader says what is wrong
    return of_maplibre(document) if isinstance(document, dict) else None


def _fitted(taken: Taken, layer: LayerEntry, audience: Audience) -> StyleSpec:
    spec = taken.spec
    if layer.kind == "raster":
        return _for_raster(spec)
    if spec.raster is not None:
        raise StyleNotRead(_("Scale di colore e ombreggiature valgono per i raster."))
    known = {entry.name: entry.name for entry in layer.visible_fields(audience)}
    # Programs cut, raise and lower the names of columns; the import lowers them and puts _ for other signs.
    known |= {name.upper(): name for name in known} | {name[:10]: name for name in known}

    def found(name: str) -> str | None:
        return known.get(name) or known.get(name.lower()) or known.get(re.sub(r"\W+", "_", name.lower()).strip("_"))

    missing = sorted(name for name in fields_of(spec) if found(name) is None)
    if missing:
        raise StyleNotRead(
            _("Lo stile classifica per la colonna «%(name)s», che il livello non ha. Colonne: %(columns)s.")
            % {
                "name": missing[0][:60],
                "columns": ", ".join(entry.name for entry in layer.visible_fields(audience))[:400],
            }
        )
    changes: dict[str, object] = {"field": found(spec.field) or ""}
    if spec.label is not None:
        name = found(spec.label.field)
        if name is None:
            taken.leave(_("etichette della colonna «%(name)s»") % {"name": spec.label.field[:60]})
        changes["label"] = msgspec.structs.replace(spec.label, field=name) if name else None
    if spec.kind in POINT_KINDS and drawn_as(layer.geometry_type) != ("point",):
        raise StyleNotRead(_("Densità, gruppi e simboli proporzionali valgono per livelli di punti."))
    return msgspec.structs.replace(spec, **changes)


def _for_raster(spec: StyleSpec) -> StyleSpec:
    """What a raster takes of a style: its look, opacity and zooms."""
    if spec.kind != "single" or (spec.raster is None and spec.symbol != Symbol()):
        raise StyleNotRead(_("È lo stile di un livello vettoriale: per i raster si leggono gli stili del portale."))
    return StyleSpec(raster=spec.raster, opacity=spec.opacity, min_zoom=spec.min_zoom, max_zoom=spec.max_zoom)
