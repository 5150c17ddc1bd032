"""The part of Filter Encoding 2.0 (OGC 09-026r2) that desktop programs send, turned into a CQL2 tree and a box.

Names and values go the same way as any CQL2 filter: through the whitelist of attributes, as parameters.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element

from layers.catalogue import FieldEntry
from ogc.errors import InvalidParameter
from ogc.wfs.asking import local

COMPARISONS = {
    "PropertyIsEqualTo": "=",
    "PropertyIsNotEqualTo": "<>",
    "PropertyIsLessThan": "<",
    "PropertyIsGreaterThan": ">",
    "PropertyIsLessThanOrEqualTo": "<=",
    "PropertyIsGreaterThanOrEqualTo": ">=",
}


@dataclass(slots=True)
class ReadFilter:
    """A CQL2-JSON condition ("" when there is none), a box with its CRS, identifiers."""

    cql: str = ""
    bbox: str = ""
    bbox_crs: str = ""
    ids: list[str] = field(default_factory=list)


def read_filter(root: Element, fields: dict[str, FieldEntry]) -> ReadFilter:
    """A fes:Filter. Raises InvalidParameter naming what is not supported."""
    made = ReadFilter()
    conditions: list[Element] = []
    for child in root:
        # A box, or boxes and conditions joined by And, is what programs send; elsewhere a box would need another form.
        conditions += list(child) if local(child) == "And" else [child]
    trees = []
    for one in conditions:
        if local(one) == "BBOX":
            _box(one, made)
        elif local(one) in {"ResourceId", "FeatureId"}:
            made.ids.append(one.attrib.get("rid") or one.attrib.get("fid", ""))
        else:
            trees.append(_tree(one, fields))
    if trees:
        made.cql = json.dumps(trees[0] if len(trees) == 1 else {"op": "and", "args": trees})
    return made


def _box(element: Element, made: ReadFilter) -> None:
    envelope = next((one for one in element if local(one) == "Envelope"), None)
    parts = [] if envelope is None else list(envelope)
    corners = [one.text or "" for one in parts if local(one) in {"lowerCorner", "upperCorner"}]
    if envelope is None or len(corners) != 2 or made.bbox:
        raise InvalidParameter("BBOX: give one gml:Envelope with lowerCorner and upperCorner.")
    made.bbox = ",".join(" ".join(corners).split())
    made.bbox_crs = envelope.attrib.get("srsName", "")


def _tree(element: Element, fields: dict[str, FieldEntry]) -> dict[str, Any]:
    name, parts = local(element), list(element)
    if name in {"And", "Or"} and len(parts) >= 2:
        return {"op": name.lower(), "args": [_tree(part, fields) for part in parts]}
    if name == "Not" and len(parts) == 1:
        return {"op": "not", "args": [_tree(parts[0], fields)]}
    if name in COMPARISONS and len(parts) == 2:
        return {"op": COMPARISONS[name], "args": _pair(parts, fields)}
    if name == "PropertyIsNull" and len(parts) == 1:
        return {"op": "isNull", "args": [{"property": _name(parts[0])}]}
    if name == "PropertyIsBetween" and len(parts) == 3:
        low, high = ((part[0] if len(part) else part) for part in parts[1:])
        about = _name(parts[0])
        return {
            "op": "between",
            "args": [{"property": about}, _literal(low, fields.get(about)), _literal(high, fields.get(about))],
        }
    if name == "PropertyIsLike" and len(parts) == 2:
        return _like(element, parts)
    raise InvalidParameter(
        f"Filter: {name[:60]} is not supported here; use comparisons, And, Or, Not, BBOX and ResourceId, or the "
        "OGC API with CQL2."
    )


def _pair(parts: list[Element], fields: dict[str, FieldEntry]) -> list[Any]:
    about = next((_name(part) for part in parts if local(part) != "Literal"), "")
    return [
        _literal(part, fields.get(about)) if local(part) == "Literal" else {"property": _name(part)} for part in parts
    ]


def _name(element: Element) -> str:
    return (element.text or "").strip().rsplit(":", 1)[-1].rsplit("/", 1)[-1]


def _literal(element: Element, about: FieldEntry | None) -> Any:
    """A value as the attribute's type reads it; text otherwise, which the translation then judges."""
    text = (element.text or "").strip()
    kind = about.type if about else ""
    try:
        if kind == "integer":
            return int(text)
        if kind == "number":
            return float(text)
    except ValueError as error:
        raise InvalidParameter(f"Filter: {text[:60]!r} is not a value of type {kind}.") from error
    if kind == "boolean":
        return text.lower() in {"true", "1"}
    if kind in {"date", "datetime"}:
        return {"date" if len(text) == 10 else "timestamp": text}
    return text


def _like(element: Element, parts: list[Element]) -> dict[str, Any]:
    """wildCard, singleChar and escapeChar of the request in the signs of LIKE."""
    many, one = element.attrib.get("wildCard", "*"), element.attrib.get("singleChar", "?")
    escape = element.attrib.get("escapeChar", "\\")
    text, pattern, at = parts[1].text or "", "", 0
    while at < len(text):
        sign = text[at]
        if sign == escape and at + 1 < len(text):
            at += 1
            sign = text[at]
            pattern += f"\\{sign}" if sign in "%_\\" else sign
        elif sign == many:
            pattern += "%"
        elif sign == one:
            pattern += "_"
        else:
            pattern += f"\\{sign}" if sign in "%_\\" else sign
        at += 1
    about: Any = {"property": _name(parts[0])}
    value: Any = pattern
    if element.attrib.get("matchCase", "true") == "false":
        about, value = {"op": "casei", "args": [about]}, {"op": "casei", "args": [value]}
    return {"op": "like", "args": [about, value]}
