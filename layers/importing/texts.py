"""Small texts: nested Arrow values as JSON, paths that are only paths, errors without this machine's paths."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from django.utils.translation import gettext as _

from layers.importing.errors import ImportRefused

_PATH = re.compile(r"(/[^/\s'\"`]+)+/")


def json_texts(values: pa.ChunkedArray) -> pa.Array:
    """One JSON text (or null) for each list, map or structure."""
    return pa.array(
        [None if value is None else json.dumps(value, default=_plain) for value in values.to_pylist()], pa.string()
    )


def all_json(values: pa.Array) -> bool:
    """Whether every text is a JSON object or array (null: nothing against it)."""
    try:
        return all(text is None or isinstance(json.loads(text), dict | list) for text in values.to_pylist())
    except (ValueError, RecursionError):
        return False


def plain_field(field: pa.Field) -> pa.Field:
    """The field of what `decoded` and an extension's storage give."""
    if isinstance(field.type, pa.BaseExtensionType):
        field = field.with_type(field.type.storage_type)
    return field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field


def readable_texts(column: pa.Array) -> pa.Array:
    """Texts that are UTF-8: where a program wrote Windows' letters as if they were, they are read as those."""
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        values = column.cast(pa.large_binary()).to_pylist()
        return pa.array([value if value is None else _letters(value) for value in values], column.type)
    return column


def _letters(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("cp1252", "replace")


def decoded(column: pa.DictionaryArray) -> pa.Array:
    """The words of a coded domain; a code that the domain does not know stays, as a text of it."""
    codes, words = column.indices.cast(pa.int64()), column.dictionary
    known = pc.and_(pc.greater_equal(codes, 0), pc.less(codes, len(words)))
    found = words.take(pc.if_else(known, codes, None))
    return pc.coalesce(found, codes.cast(pa.string())) if pa.types.is_string(words.type) else found


def unique_names(names: list[str]) -> list[str]:
    """The names, of which a DBF may have the same twice, with numbers where that is so."""
    seen: dict[str, int] = {}
    result = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    return result


def _plain(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def safe_path(path: Path) -> str:
    """An absolute path that GDAL cannot take for one of its own prefixes or connection strings."""
    text = str(path.resolve())
    if text.startswith("/vsi") or "://" in text or "\0" in text:
        raise ImportRefused(_("Il nome del file non è ammesso."))
    return text


def plain(error: BaseException) -> str:
    """The first line of a GDAL error, without this machine's paths."""
    # What GDAL would try next is not for who brings a file.
    lines = str(error).partition("; It might help")[0].strip().splitlines()
    return _PATH.sub("", lines[0])[:300] if lines else type(error).__name__
