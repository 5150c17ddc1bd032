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
    lines = str(error).strip().splitlines()
    return _PATH.sub("", lines[0])[:300] if lines else type(error).__name__
