"""What the review page tells of each layer: the job's facts turned into sentences and warnings."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from layers.importing.options import Mode
from layers.importing.register import title_from
from layers.models import Access
from layers.publishing.models import Upload


def reviewed(upload: Upload) -> list[dict[str, Any]]:
    """The files of the last look, each layer with its `key`, title, problems and warnings."""
    looked = upload.inspection.result.get("files", []) if upload.inspection else []
    asked = upload.inspection.parameters.get("choices", []) if upload.inspection else []
    wanted = {(choice["file"], choice["layer"]): choice for choice in asked}
    for number, file in enumerate(looked):
        for place, layer in enumerate(file["layers"]):
            layer["key"] = f"{number}-{place}"
            layer["wanted"] = wanted.get((number, layer["name"]), {"access": Access.INTERNAL.value})
            layer["filter"] = "; ".join(f"{name}={value}" for name, value in layer["wanted"].get("where", {}).items())
            layer["suggested"] = layer["wanted"].get("title") or title_from(layer["title"], layer.get("srid"))
            layer["is_raster"] = file.get("is_raster", False)
            layer["header"] = [column["source"] for column in layer.get("columns", [])]
            layer["problems"] = problems(layer)
            layer["warnings"] = warnings(layer)
            layer["other_srids"] = other_srids(layer)
    return list(looked)


def problems(layer: dict[str, Any]) -> list[tuple[str, str]]:
    """(what, what will be done about it) for each kind of trouble the features have."""
    types = layer.get("types", {})
    texts: list[tuple[int, str, str]] = [
        (layer.get("nulls", 0), _("%(count)s senza geometria"), _("le righe restano, senza posizione")),
        (layer.get("invalid", 0), _("%(count)s geometrie non valide"), _("riparate all'importazione, una per una")),
        (layer.get("empty", 0), _("%(count)s geometrie vuote"), _("restano vuote")),
        (layer.get("curves", 0), _("%(count)s con archi o superfici curve"), _("portate a linee spezzate")),
        (
            layer.get("duplicates", 0),
            _("%(count)s con la stessa geometria di un'altra"),
            _("restano"),
        ),
        (layer.get("rejected_rows", 0), _("%(count)s righe con un altro numero di colonne"), _("non importate")),
        (len(types) if len(types) > 1 else 0, _("%(count)s tipi di geometria insieme"), _("portati a un tipo comune")),
        (int(bool(layer.get("has_z"))), _("ha quote (Z)"), _("conservate")),
        (int(bool(layer.get("has_m"))), _("ha misure (M)"), _("non conservate")),
    ]
    return [(what % {"count": count} if "%(" in what else what, then) for count, what, then in texts if count]


def warnings(layer: dict[str, Any]) -> list[str]:
    """What is suspicious about where the layer lies."""
    where = layer.get("place", "city")
    found = []
    if where == "abroad":
        found.append(_("Con questo sistema di riferimento i dati cadono fuori dall'Italia."))
    elif where == "italy":
        found.append(_("Con questo sistema di riferimento i dati cadono fuori dal comune."))
    elif where == "" and not layer.get("is_raster") and not layer.get("is_table"):
        found.append(_("Con questo sistema di riferimento la posizione non si può calcolare."))
    if where != "city":
        found += _places(layer)
    if layer.get("crs_is_guess"):
        found.append(
            _("Il sistema di riferimento è supposto: confermarlo guardando la mappa, o indicare il codice EPSG.")
        )
    if layer.get("is_ballpark"):
        found.append(
            _("Il datum dichiarato non è noto e la posizione può sbagliare di centinaia di metri: indicare l'EPSG.")
        )
    return found


def _places(layer: dict[str, Any]) -> list[str]:
    """The systems, and the systems with the axes swapped, under which the layer would lie in the city."""
    other = [one for one in layer.get("elsewhere", []) if one["place"] == "city" and not _is_chosen(layer, one)]
    texts = (
        (False, _("Con EPSG:%(srid)s cadrebbero nel comune.")),
        (True, _("Con EPSG:%(srid)s e le coordinate scambiate cadrebbero nel comune.")),
    )
    found = []
    for swapped, text in texts:
        if srids := [str(one["srid"]) for one in other if bool(one["swapped"]) == swapped]:
            found.append(text % {"srid": ", EPSG:".join(srids)})
    return found


def other_srids(layer: dict[str, Any]) -> list[int]:
    """Codes to offer, the likelier first."""
    likely = [int(other["srid"]) for other in layer.get("elsewhere", [])]
    return list(dict.fromkeys([*likely, 32632, 3003, 3004, 4326, 7791, 25832, 3857]))


def _is_chosen(layer: dict[str, Any], other: dict[str, Any]) -> bool:
    swapped = bool(layer.get("chosen", {}).get("swap"))
    return bool(other["srid"] == layer.get("srid") and other["swapped"] == swapped)


def modes() -> list[tuple[str, str]]:
    """What may become of the data a layer has, with the words for it."""
    return [
        (Mode.REPLACE.value, _("sostituiscono quelli che ci sono")),
        (Mode.APPEND.value, _("si aggiungono")),
        (Mode.SYNCHRONISE.value, _("si sincronizzano elemento per elemento")),
    ]
