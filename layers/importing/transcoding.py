"""Text that GDAL would not read as it is written: UTF-16, a byte order mark, Windows' letters in a JSON."""

from __future__ import annotations

import re
from pathlib import Path

from layers.importing.detect import FileKind
from layers.importing.encodings import FoundEncoding, chosen, of_text_stream

_JSON = frozenset({FileKind.GEOJSON, FileKind.GEOJSON_SEQ, FileKind.TOPOJSON})
_XML = frozenset({FileKind.KML, FileKind.GPX, FileKind.GML})
_DECLARED = re.compile(r"""^(\s*<\?xml[^>]*?)\s+encoding\s*=\s*["']([\w.:-]+)["']""")
_CHUNK = 1 << 20
_DECLARATION = 1024
"""Where an XML declaration stands: looked for in a megabyte of spaces, it would take hours not to be found."""


def in_utf8(path: Path, kind: FileKind, copy: Path, wanted: str = "") -> tuple[Path, FoundEncoding | None]:
    """The file itself, or a copy in UTF-8 where GDAL needs one, with the encoding that was found or is `wanted`."""
    if kind not in _JSON | _XML:
        return path, None
    with path.open("rb") as stream:
        head = stream.read(_DECLARATION)
        stream.seek(0)
        found = chosen(wanted) if wanted else of_text_stream(stream)
    if found.name == "utf-8" or (found.name == "utf-8-sig" and kind is not FileKind.GEOJSON_SEQ):
        return path, None
    declared = _DECLARED.match(head.decode("latin-1").lstrip("\ufeff"))
    if kind in _XML and found.name not in ("utf-8-sig", "utf-16") and declared and declared[2].lower() != "utf-8":
        # The parser of the XML knows what to do.
        return path, None
    with path.open(encoding=found.name, errors="replace", newline="") as text, copy.open("w", encoding="utf-8") as out:
        first = text.read(_DECLARATION)
        out.write(_DECLARED.sub(r"\1", first, count=1) if kind in _XML else first)
        while chunk := text.read(_CHUNK):
            out.write(chunk)
    return copy, found
