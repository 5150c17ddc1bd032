"""Nested Arrow values as JSON texts."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa


def json_texts(values: pa.ChunkedArray) -> pa.Array:
    """One JSON text (or null) for each list, map or structure."""
    return pa.array(
        [None if value is None else json.dumps(value, default=_plain) for value in values.to_pylist()], pa.string()
    )


def _plain(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
