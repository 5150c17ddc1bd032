"""The basics of a MapLibre style: fill, line, circle and text layers; constants, `case`, `match` and `step`.

What grows with the zoom is taken at zoom 15, where sizes are what the model says.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import msgspec
from django.utils.translation import gettext as _

from layers.styles.exchange.taken import StyleNotRead, Taken, colour_of, pixels
from layers.styles.model import Class, Heat, Label, StyleSpec, Symbol

AT_ZOOM = 15.0
Case = tuple[str, str | float | None, float | None, float | None]
"""kind of class, value, minimum, maximum"""

_PAINT = {
    "fill": {"fill": "fill-color", "fill_opacity": "fill-opacity", "stroke": "fill-outline-color"},
    "line": {"stroke": "line-color", "stroke_width": "line-width", "opacity": "line-opacity"},
    "circle": {"fill": "circle-color", "fill_opacity": "circle-opacity", "size": "circle-radius",
               "stroke": "circle-stroke-color", "stroke_width": "circle-stroke-width"},
}  # fmt: skip


@dataclass(slots=True)
class _Varied:
    """One look: what it is by class, and otherwise."""

    other: Any
    column: str = ""
    cases: list[tuple[Case, Any]] = field(default_factory=list)


def read_maplibre(content: bytes) -> Taken:
    """A MapLibre style as a style of one layer. Raises StyleNotRead."""
    try:
        document = json.loads(content)
        layers = document["layers"]
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        raise StyleNotRead(_("Non è uno stile MapLibre: serve un JSON con «layers».")) from error
    if not isinstance(layers, list) or not all(isinstance(layer, dict) for layer in layers):
        raise StyleNotRead(_("Non è uno stile MapLibre: «layers» deve essere un elenco."))
    taken = Taken(StyleSpec())
    heat = next((layer for layer in layers if layer.get("type") == "heatmap"), None)
    if heat is not None:
        radius = _at_zoom((heat.get("paint") or {}).get("heatmap-radius", 24))
        taken.spec = StyleSpec(kind="heatmap", heat=Heat(radius=min(max(float(radius), 2.0), 128.0)))
        return taken
    looks: dict[str, _Varied] = {}
    for layer in layers:
        _read_layer(layer, looks, taken)
    if not looks:
        raise StyleNotRead(_("Lo stile non ha livelli di tipo fill, line o circle."))
    label = next((made for layer in layers if (made := _label(layer, taken)) is not None), None)
    taken.spec = _assembled(looks, label, taken)
    return taken


def _read_layer(layer: dict[str, Any], looks: dict[str, _Varied], taken: Taken) -> None:
    kind, paint = str(layer.get("type")), layer.get("paint") or {}
    if kind not in _PAINT:
        if kind not in {"background", "symbol"}:
            taken.leave(_("livelli di tipo %(kind)s") % {"kind": kind[:30]})
        return
    for name, key in _PAINT[kind].items():
        if key in paint and name not in looks and name != "opacity":
            looks[name] = _varied(_at_zoom(paint[key]), taken)
    if kind == "fill":
        looks.setdefault("fill", _Varied("#000000"))
        looks.setdefault("fill_opacity", _Varied(1.0))
    dash = paint.get("line-dasharray")
    if isinstance(dash, list) and all(isinstance(part, int | float) for part in dash):
        width = looks.get("stroke_width", _Varied(1.0)).other
        unit = max(float(width), 0.5) if isinstance(width, int | float) else 1.0
        looks.setdefault("stroke_dash", _Varied(tuple(pixels(part * unit) for part in dash)))


def _assembled(looks: dict[str, _Varied], label: Label | None, taken: Taken) -> StyleSpec:
    fields = {look.column for look in looks.values() if look.cases}
    if len(fields) > 1:
        taken.leave(_("più colonne decidono l'aspetto: resta la prima"))
    name = next((look.column for look in looks.values() if look.cases), "")
    cases: list[Case] = []
    for look in looks.values():
        if look.column == name:
            cases += [case for case, _value in look.cases if case not in cases]
    kinds = {case[0] for case in cases}
    if len(kinds) > 1:
        raise StyleNotRead(_("Valori e intervalli insieme: si legge l'uno o l'altro."))
    if not cases:
        return StyleSpec(symbol=_symbol(looks, None, taken), label=label)
    classes = tuple(
        Class(_symbol(looks, case, taken), value=case[1], minimum=case[2], maximum=case[3]) for case in cases
    )
    kind = "categorised" if kinds == {"value"} else "graduated"
    return StyleSpec(kind=kind, field=name, classes=classes, symbol=_symbol(looks, None, taken), label=label)  # type: ignore[arg-type]


def _symbol(looks: dict[str, _Varied], case: Case | None, taken: Taken) -> Symbol:
    values: dict[str, Any] = {}
    for name, look in looks.items():
        value = next((found for held, found in look.cases if held == case), look.other) if case else look.other
        if name in {"fill", "stroke"}:
            found = colour_of(value) if isinstance(value, str) else None
            if found is None:
                taken.leave(_("colori scritti come espressione"))
                continue
            values[name] = found[0]
            if name == "fill" and found[1] < 1:
                values.setdefault("fill_opacity", found[1])
        elif name == "stroke_dash":
            values[name] = value
        elif isinstance(value, int | float) and not isinstance(value, bool):
            number = float(value) * (2 if name == "size" else 1)
            values[name] = min(max(number, 0.0), 1.0) if name == "fill_opacity" else pixels(number)
        else:
            taken.leave(_("grandezze scritte come espressione"))
    if "fill" not in values and "stroke" in values:
        values["fill"] = values["stroke"]
    if "stroke" not in values:
        values["stroke_width"] = 0.0
    return msgspec.structs.replace(Symbol(), **values)


def _varied(value: Any, taken: Taken) -> _Varied:
    """A value by class: `["match", ["get", f], …]`, `["step", number, …]`, or `["case", …]` as the portal writes it."""
    if not isinstance(value, list) or not value:
        return _Varied(value)
    made: _Varied | None = None
    if value[0] == "match" and len(value) >= 4:
        made = _Varied(value[-1], _field_of(value[1]))
        for labels, look in zip(value[2:-1:2], value[3:-1:2], strict=False):
            for one in labels if isinstance(labels, list) else [labels]:
                made.cases.append((("value", str(one), None, None), look))
    elif value[0] == "step" and len(value) >= 3:
        made = _Varied(value[2], _field_of(value[1]))
        stops = list(zip(value[3::2], value[4::2], strict=False))
        limits = [float(stop) for stop, _look in stops if isinstance(stop, int | float)]
        for place, look in enumerate([value[2], *(look for _stop, look in stops)]):
            low = limits[place - 1] if place else None
            high = limits[place] if place < len(limits) else None
            made.cases.append((("range", None, low, high), look))
    elif value[0] == "case" and len(value) >= 4:
        made = _Varied(value[-1])
        for condition, look in zip(value[1:-1:2], value[2:-1:2], strict=False):
            held = _condition(condition)
            if held is None:
                made = None
                break
            made.column, case = held
            made.cases.append((case, look))
    if made is None or not made.column:
        taken.leave(_("espressioni di tipo %(kind)s") % {"kind": str(value[0])[:30]})
        return _Varied(value[-1] if not isinstance(value[-1], list) else None)
    return made


def _condition(condition: Any) -> tuple[str, Case] | None:
    if not isinstance(condition, list) or len(condition) < 3:
        return None
    if condition[0] == "==":
        name = _field_of(condition[1])
        return (name, ("value", None if condition[2] == "" else str(condition[2]), None, None)) if name else None
    if condition[0] != "all":
        return None
    name, low, high = "", None, None
    for part in condition[1:]:
        if not isinstance(part, list) or len(part) != 3:
            return None
        name = name or _field_of(part[1])
        if part[0] in {">=", ">"} and isinstance(part[2], int | float):
            low = float(part[2])
        elif part[0] in {"<", "<="} and isinstance(part[2], int | float):
            high = float(part[2])
    return (name, ("range", None, low, high)) if name else None


def _field_of(expression: Any) -> str:
    """The attribute that an expression reads: `["get", f]`, however wrapped."""
    if isinstance(expression, list) and len(expression) >= 2:
        if expression[0] == "get" and isinstance(expression[1], str):
            return str(expression[1])
        if expression[0] in {"to-number", "to-string", "string", "number", "coalesce"}:
            return _field_of(expression[1])
    return ""


def _at_zoom(value: Any) -> Any:
    """A value that grows with the zoom, at zoom 15; any other as it is."""
    if not (isinstance(value, list) and len(value) > 4 and value[0] == "interpolate" and value[2] == ["zoom"]):
        return value
    stops = list(zip(value[3::2], value[4::2], strict=False))
    near = min(stops, key=lambda stop: abs(float(stop[0]) - AT_ZOOM) if isinstance(stop[0], int | float) else 99.0)
    look = near[1]
    is_scaled = isinstance(look, list) and len(look) == 3 and look[0] == "*" and look[2] == 1.0
    return look[1] if is_scaled else look


def _label(layer: dict[str, Any], taken: Taken) -> Label | None:
    layout, paint = layer.get("layout") or {}, layer.get("paint") or {}
    text = layout.get("text-field")
    if layer.get("type") != "symbol" or text is None:
        return None
    name = _field_of(text)
    if isinstance(text, str) and text.startswith("{") and text.endswith("}"):
        name = text[1:-1]
    if not name:
        taken.leave(_("etichette che non sono il valore di una colonna"))
        return None
    size = _at_zoom(layout.get("text-size", 12))
    colour = colour_of(str(paint.get("text-color", ""))) or ("#17324d", 1.0)
    halo = colour_of(str(paint.get("text-halo-color", ""))) or ("#ffffff", 1.0)
    low = layer.get("minzoom", 0)
    return Label(
        field=name, size=pixels(float(size)) if isinstance(size, int | float) else 12.0, colour=colour[0],
        halo=halo[0], min_zoom=min(max(round(low), 0), 22) if isinstance(low, int | float) else 0,
    )  # fmt: skip
