"""The model itself, carried by a style file that the portal writes: what the file's own language cannot say.

XML carries it in a processing instruction, MapLibre JSON in `metadata`. A note holds for the very file it was written
in: it names the digest of the rest, so that a file changed by hand or by another program is read as it now is.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from layers.styles.model import StyleError, StyleSpec, dump, parse

KEY = "geoportale:stile"
_TARGET = b"geoportale-stile"
_NOTE = re.compile(rb"<\?" + _TARGET + rb" ([0-9a-f]{64}) (\{[^?]{0,1000000}\})\?>\n?")
_START = re.compile(rb"\A(?:<\?xml[^>]*\?>\s*|<!DOCTYPE[^>]*>\s*){0,2}")


def noted_xml(body: bytes, style: StyleSpec) -> bytes:
    """The document with the note after its declarations."""
    # The two signs that could end the instruction stand as JSON escapes.
    text = json.dumps(dump(style)).replace("?", "\\u003f").replace(">", "\\u003e").encode()
    note = b"<?" + _TARGET + b" " + _digest(body) + b" " + text + b"?>\n"
    match = _START.match(body)
    place = match.end() if match else 0
    return body[:place] + note + body[place:]


def of_xml(content: bytes) -> StyleSpec | None:
    """The model that a document carries; None: none, or the document was changed since."""
    match = _NOTE.search(content)
    if match is None or _digest(content[: match.start()] + content[match.end() :]) != match[1]:
        return None
    return _parsed(json.loads(match[2]))


def note_for(layers: list[dict[str, Any]], style: StyleSpec) -> dict[str, Any]:
    """What `metadata` of a MapLibre style with these layers says."""
    return {KEY: {"layers": _of_layers(layers), "style": dump(style)}}


def of_maplibre(document: dict[str, Any]) -> StyleSpec | None:
    """The model that a MapLibre style carries; None: none, or its layers were changed since."""
    metadata = document.get("metadata")
    held = metadata.get(KEY) if isinstance(metadata, dict) else None
    if not isinstance(held, dict) or held.get("layers") != _of_layers(document.get("layers")):
        return None
    return _parsed(held.get("style"))


def _parsed(spec: Any) -> StyleSpec | None:
    try:
        return parse(spec) if isinstance(spec, dict) else None
    except StyleError:
        return None


def _of_layers(layers: Any) -> str:
    # Numbers in one form: programs write 1 for 1.0.
    text = json.dumps(layers, sort_keys=True, separators=(",", ":"))
    return _digest(re.sub(r"(?<=\d)\.0(?=[,\]}])", "", text).encode()).decode()


def _digest(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode()
