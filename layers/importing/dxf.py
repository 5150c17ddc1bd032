"""How the texts of a DXF are written. Source: AutoCAD's DXF reference, $DWGCODEPAGE and $ACADVER of the header."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from django.utils.translation import gettext as _

from layers.importing.encodings import FoundEncoding, of_text_stream

_VERSION = re.compile(rb"\$ACADVER\s+1\s+AC(\d{4})")
_SINCE_UTF8 = 1021
"""AutoCAD 2007: texts are UTF-8 whatever the code page says, which GDAL does not know."""
_ESCAPED = re.compile(r"\\U\+([0-9A-Fa-f]{4})")


def text_encoding(path: Path) -> FoundEncoding | None:
    """UTF-8 where the version or the bytes say so; None: by the code page that the file declares, as GDAL does."""
    with path.open("rb") as stream:
        version = _VERSION.search(stream.read(65_536))
        stream.seek(0)
        found = of_text_stream(stream)
    if version and int(version.group(1)) >= _SINCE_UTF8 and found.name.startswith("utf-8"):
        return FoundEncoding("utf-8", _("dalla versione del DXF"))
    return None


def unescaped(table: pa.Table) -> pa.Table:
    r"""The rows with letters in place of their numbers (`\U+00E0`)."""
    for place, field in enumerate(table.schema):
        column = table.column(place)
        if pa.types.is_string(field.type) and pc.any(pc.match_substring(column, "\\U+")).as_py():
            texts = [
                _ESCAPED.sub(lambda one: chr(int(one[1], 16)), text) if text else text for text in column.to_pylist()
            ]
            table = table.set_column(place, field, pa.array(texts, pa.string()))
    return table
