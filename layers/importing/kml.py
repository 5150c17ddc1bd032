"""The names that a KML gives its fields: GDAL's driver puts `_` for every byte of a letter beyond ASCII."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

_NAMED = re.compile(rb"""<(?:\w+:)?(?:Data|SimpleField|SimpleData)\s[^<>]*?\bname\s*=\s*["']([^"'<>]{1,200})["']""")
_OTHER = re.compile(rb"[^A-Za-z0-9]")
_MOST_BYTES = 64 << 20


def field_names(document: Path) -> dict[str, str]:
    """GDAL's name to the document's own, for those that differ; where two would be the same, the first."""
    with document.open("rb") as stream:
        text = stream.read(_MOST_BYTES)
    found: dict[str, str] = {}
    for raw in dict.fromkeys(_NAMED.findall(text)):
        name = " ".join(unescape(raw.decode("utf-8", "replace")).split())
        if name and "\ufffd" not in name:
            found.setdefault(_plain(unescape(raw.decode()).encode()), name)
    return found


def named(name: str, own: dict[str, str]) -> str:
    """The document's own name of a field."""
    plain = _plain(name.encode())
    return own.get(plain) or own.get(plain.removeprefix("_")) or name


def _plain(name: bytes) -> str:
    return _OTHER.sub(b"_", name).decode()
