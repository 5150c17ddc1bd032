"""Small texts: nested Arrow values as JSON, paths that are only paths, errors without this machine's paths."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
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
    """The field of what an extension's column stores."""
    return field.with_type(field.type.storage_type) if isinstance(field.type, pa.BaseExtensionType) else field


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
