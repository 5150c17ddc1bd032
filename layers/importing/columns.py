"""Column names and types of a table in `geodata`: safe, unique, and traceable to the file's own."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa

from layers.models import Field

RESERVED = frozenset({"fid", "geom", "geom_3857", "tableoid", "ctid", "xmin", "xmax", "cmin", "cmax", "oid"})
"""Names that the storage contract or PostgreSQL keep for themselves."""
_LONGEST = 60
SQL_TYPES = frozenset(
    {
        "text", "boolean", "integer", "bigint", "numeric", "double precision",
        "date", "time", "timestamp", "timestamptz", "jsonb",
    }
)  # fmt: skip
"""Every type that `sql_type` gives."""


@dataclass(frozen=True, slots=True)
class Column:
    """One attribute: its place in the file, its column, its PostgreSQL type and its catalogue type."""

    source: str
    name: str
    sql_type: str
    type: Field.Type
    title: str


def safe_name(source: str) -> str:
    """A lower-case ASCII identifier made from any text: "Unità (m²)" → "unita_m2"."""
    plain = unicodedata.normalize("NFKD", source).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_")
    if not name:
        name = "campo"
    if name[0].isdigit():
        name = f"c_{name}"
    return name[:_LONGEST].rstrip("_")


def safe_names(sources: Iterable[str]) -> list[str]:
    """Safe names, made unique by a number at the end; reserved ones get `_orig`."""
    taken: set[str] = set(RESERVED)
    result = []
    for source in sources:
        base = safe_name(source)
        if base in RESERVED:
            base = f"{base}_orig"
        name, number = base, 2
        while name in taken:
            tail = f"_{number}"
            name, number = base[: _LONGEST - len(tail)] + tail, number + 1
        taken.add(name)
        result.append(name)
    return result


def readable(source: str) -> str:
    """A title for people from a technical name: "COD_PROV" → "Cod prov", "numeroPiani" → "Numero piani"."""
    words = re.sub(r"(?<=[a-zà-ù])(?=[A-Z])", " ", source)
    words = re.sub(r"[\s_.\-]+", " ", words).strip()
    if not words:
        return source or "campo"
    if words.isupper() and len(words) <= 3:
        return words
    return words[0].upper() + (words[1:].lower() if words.isupper() or " " in words else words[1:])


def columns_for(schema: pa.Schema, json_fields: frozenset[str] = frozenset()) -> tuple[list[Column], list[str]]:
    """The columns of a table for an Arrow schema (attributes only), and the names of fields that cannot be stored."""
    kept: list[tuple[str, str, Field.Type]] = []
    lost: list[str] = []
    for field in schema:
        stored = ("jsonb", Field.Type.JSON) if field.name in json_fields else sql_type(field.type)
        if stored is None:
            lost.append(field.name)
        else:
            kept.append((field.name, *stored))
    names = safe_names(source for source, _, _ in kept)
    return [
        Column(source, name, sql, kind, readable(source)[:200])
        for (source, sql, kind), name in zip(kept, names, strict=True)
    ], lost


def sql_type(arrow: pa.DataType) -> tuple[str, Field.Type] | None:
    """The PostgreSQL and catalogue types for an Arrow type, None for what has no sensible column (binary)."""
    types = pa.types
    result: tuple[str, Field.Type] | None = None
    if types.is_dictionary(arrow):
        return sql_type(arrow.value_type)
    if types.is_boolean(arrow):
        result = ("boolean", Field.Type.BOOLEAN)
    elif types.is_uint64(arrow):
        result = ("numeric", Field.Type.NUMBER)
    elif types.is_integer(arrow):
        small = arrow.bit_width < 32 or types.is_int32(arrow)
        result = ("integer" if small else "bigint", Field.Type.INTEGER)
    elif types.is_floating(arrow):
        result = ("double precision", Field.Type.NUMBER)
    elif types.is_decimal(arrow):
        result = ("numeric", Field.Type.NUMBER)
    elif types.is_date(arrow):
        result = ("date", Field.Type.DATE)
    elif types.is_timestamp(arrow):
        result = ("timestamptz" if arrow.tz else "timestamp", Field.Type.DATETIME)
    elif types.is_time(arrow):
        result = ("time", Field.Type.STRING)
    elif types.is_nested(arrow):
        result = ("jsonb", Field.Type.JSON)
    elif types.is_string(arrow) or types.is_large_string(arrow) or types.is_null(arrow):
        result = ("text", Field.Type.STRING)
    return result
