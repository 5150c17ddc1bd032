"""A style file of any known form read into the model, and fitted to the layer it is for."""

from __future__ import annotations

import msgspec
from django.utils.translation import gettext as _

from layers.catalogue import LayerEntry
from layers.rights import Audience
from layers.styles.exchange.read_maplibre import read_maplibre
from layers.styles.exchange.read_qml import read_qml
from layers.styles.exchange.read_sld import read_sld
from layers.styles.exchange.taken import StyleNotRead, Taken
from layers.styles.geometry import drawn_as
from layers.styles.model import StyleError, StyleSpec, dump, fields_of, parse
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
        taken = reader(content)
        taken.spec = _fitted(taken, layer, audience)
        # Readers make structures by hand: the model's own rules hold for them too.
        taken.spec = parse(dump(taken.spec))
    except StyleError as error:
        raise StyleNotRead(_("Lo stile non si lascia scrivere: %(error)s") % {"error": error}) from error
    except _MALFORMED as error:
        # The outer edge of what strangers wrote: a list where an object should be, nesting without end, …
        raise StyleNotRead(_("Il file è malformato: %(error)s") % {"error": str(error)[:200]}) from error
    return taken


def _fitted(taken: Taken, layer: LayerEntry, audience: Audience) -> StyleSpec:
    spec = taken.spec
    known = {entry.name: entry.name for entry in layer.visible_fields(audience)}
    # Programs cut, raise and lower the names of columns; the import lowers them.
    known |= {name.upper(): name for name in known} | {name[:10]: name for name in known}
    missing = sorted(name for name in fields_of(spec) if name not in known and name.lower() not in known)
    if missing:
        raise StyleNotRead(
            _("Lo stile classifica per la colonna «%(name)s», che il livello non ha. Colonne: %(columns)s.")
            % {
                "name": missing[0][:60],
                "columns": ", ".join(entry.name for entry in layer.visible_fields(audience))[:400],
            }
        )
    changes: dict[str, object] = {"field": known.get(spec.field) or known.get(spec.field.lower(), "")}
    if spec.label is not None:
        name = known.get(spec.label.field) or known.get(spec.label.field.lower())
        if name is None:
            taken.left_out.append(_("etichette della colonna «%(name)s»") % {"name": spec.label.field[:60]})
        changes["label"] = msgspec.structs.replace(spec.label, field=name) if name else None
    if spec.kind in POINT_KINDS and drawn_as(layer.geometry_type) != ("point",):
        raise StyleNotRead(_("Densità, gruppi e simboli proporzionali valgono per livelli di punti."))
    return msgspec.structs.replace(spec, **changes)
