"""Every process there is, and the one way to run one."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from layers.catalogue import LayerEntry, catalogue
from layers.processes import overlay
from layers.processes.asking import checked, outputs_asked
from layers.processes.model import IN_BACKGROUND, WAITED_FOR, Input, Outcome, Output, Process, ProcessNotFound, Run
from layers.processes.selection import AREA_SCHEMA, selection_inputs
from layers.relations.process import related
from layers.rights import Audience

_GEOJSON = Output(
    "Elementi", "Features", "application/geo+json", {"type": "object", "format": "geojson-feature-collection"}
)


def _echo(run: Run) -> Outcome:
    time.sleep(run.inputs["pause"])
    return {"message": json.dumps(run.inputs["message"], ensure_ascii=False).encode()}


def _number(low: float, high: float, **more: Any) -> dict[str, Any]:
    return {"type": "number", "minimum": low, "maximum": high, **more}


_ALL = (
    Process(
        "buffer",
        "Area di rispetto",
        "Buffer",
        "Le aree entro una distanza in metri dagli elementi di un livello, una per elemento o tutte insieme.",
        "The areas within a distance in metres of a layer's features, one each or all as one.",
        {
            **selection_inputs("", "da cui partire", "to start from"),
            "distance": Input("Distanza in metri", "Distance in metres", _number(-1000, 10_000), required=True),
            "segments": Input(
                "Lati per quarto di cerchio",
                "Sides of a quarter of a circle",
                {"type": "integer", "minimum": 1, "maximum": 32, "default": 8},
            ),
            "dissolve": Input("Tutte insieme", "All as one", {"type": "boolean", "default": False}),
        },
        {"result": _GEOJSON},
        overlay.buffer,
    ),
    Process(
        "clip",
        "Ritaglio",
        "Clip",
        "Ciò che degli elementi di un livello sta dentro un'area: quella di altri elementi, o una disegnata.",
        "What lies of a layer's features within an area: that of other features, or a drawn one.",
        {
            **selection_inputs("", "da ritagliare", "to clip"),
            **selection_inputs("mask_", "che ritaglia", "to clip by", required=False),
            "area": Input("Area disegnata (GeoJSON, CRS84)", "Drawn area (GeoJSON, CRS84)", AREA_SCHEMA),
        },
        {"result": _GEOJSON},
        overlay.clip,
    ),
    Process(
        "intersect-areas",
        "Ripartizione di aree",
        "Shares of areas",
        "Quanto di ogni particella ricade in ciascuna zona: metri quadri e percentuali, cento col non coperto.",
        "How much of each parcel lies in each zone: square metres and percentages, 100 with what is uncovered.",
        {
            **selection_inputs("", "delle particelle", "of parcels"),
            **selection_inputs("with_", "delle zone", "of zones"),
        },
        {
            "table": Output("Tabella", "Table", "application/json", {"type": "object"}),
            "pieces": Output("Parti", "Pieces", "application/geo+json", _GEOJSON.schema, by_default=False),
        },
        overlay.intersect_areas,
    ),
    Process(
        "nearest",
        "Più vicini",
        "Nearest",
        "Gli elementi più vicini a un punto, o a ciascun elemento di un altro livello, con la distanza in metri.",
        "The features nearest to a point, or to each feature of another layer, with their distance in metres.",
        {
            **selection_inputs("", "in cui cercare", "to search"),
            **selection_inputs("from_", "da cui misurare", "to measure from", required=False),
            "point": Input(
                "Punto: longitudine, latitudine",
                "Point: longitude, latitude",
                {
                    "type": "array",
                    "prefixItems": [_number(-180, 180), _number(-90, 90)],
                    "items": {"type": "number"},
                    "minItems": 2,
                    "maxItems": 2,
                },
            ),
            "count": Input("Quanti", "How many", {"type": "integer", "minimum": 1, "maximum": 100, "default": 1}),
            "max_distance": Input("Distanza massima in metri", "Greatest distance in metres", _number(0, 100_000)),
        },
        {"result": _GEOJSON},
        overlay.nearest,
    ),
    Process(
        "related",
        "Elementi collegati",
        "Related features",
        "Ciò che di un altro livello appartiene agli elementi scelti, secondo una relazione dichiarata nel catalogo.",
        "What of another layer belongs to the chosen features, by a relation that the catalogue declares.",
        {
            **selection_inputs("", "da cui partire", "to start from"),
            "relation": Input(
                "Nome della relazione", "Name of the relation", {"type": "string", "maxLength": 63}, required=True
            ),
        },
        {"result": _GEOJSON},
        related,
    ),
    Process(
        "echo",
        "Eco",
        "Echo",
        "Restituisce il messaggio, dopo una pausa se richiesta: per provare i programmi che usano i processi.",
        "Gives the message back, after a pause if asked for: to try programs that use processes.",
        {
            "message": Input("Messaggio", "Message", {"type": "string", "maxLength": 10_000}, required=True),
            "pause": Input("Pausa in secondi", "Pause in seconds", _number(0, 5, default=0)),
        },
        {"message": Output("Messaggio", "Message", "application/json", {"type": "string"})},
        _echo,
    ),
)

PROCESSES: dict[str, Process] = {process.id: process for process in _ALL}


def process_named(id: str) -> Process:
    """One process. Raises ProcessNotFound."""
    if id not in PROCESSES:
        raise ProcessNotFound(id, ", ".join(PROCESSES))
    return PROCESSES[id]


def run_process(
    process: Process,
    request: dict[str, Any],
    audience: Audience,
    *,
    anonymous: bool,
    in_background: bool,
    meet: Callable[[LayerEntry], None],
) -> Outcome:
    """Check a request {"inputs": …, "outputs": …} and answer it with the rights held now.

    `meet` is told of each layer before it is read, and may raise `layers.sources.gate.ElsewhereFirst`.
    """
    limits = (IN_BACKGROUND if in_background else WAITED_FOR)[anonymous]
    inputs = checked(process, request.get("inputs", {}))
    outputs = outputs_asked(process, request.get("outputs"))
    return process.run(Run(inputs, outputs, catalogue(), audience, limits, meet))
